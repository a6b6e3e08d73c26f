/* SPDX-License-Identifier: Apache-2.0 */
/** @file `sluice check --as`: what known clients get of the services. */
#pragma once
#include "app/load.h"

/** Prints the names of all clients. */
void sl_check_clients_list(void);

/** Whether each of `names`, comma-separated, is a client or "all"; else says which is not. */
bool sl_check_clients_are_known(const char *names);

/** Rehearses a handshake of each client with each TLS service, and prints what comes of it: a line
 * for each, or with more than SL_CHECK_DETAILED_MAX services, unless `is_verbose`, for each
 * outcome. True when all of them succeed. */
bool sl_check_clients(const struct sl_load *load, const char *names, bool is_verbose);
