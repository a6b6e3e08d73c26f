/* SPDX-License-Identifier: Apache-2.0 */
/** @file What the routes of a service say together. Pure. */
#pragma once
#include "conf/conf.h"

enum {
    SL_CHECK_ROUTES_NAMES_MAX = 10000 /* of a service; with more none are compared */
};

/** Checks the routes of a service of which listen, connect and routes were read without mistakes.
 */
void sl_check_routes(const struct sl_conf_service *service, struct sl_findings *findings);

/** Whether every connection is passed on with the TLS that it came with. */
bool sl_check_routes_all_pass(const struct sl_conf_service *service);
