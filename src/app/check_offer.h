/* SPDX-License-Identifier: Apache-2.0 */
/** @file What `sluice check` prints of a configuration that can run: its services and policies. */
#pragma once
#include "app/load.h"

enum { SL_CHECK_DETAILED_MAX = 20 }; /* services; with more each is one line */

/** Prints to stdout. `is_verbose`: details however many services there are. */
void sl_check_offer_print(const struct sl_load *load, bool is_verbose);
