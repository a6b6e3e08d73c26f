/* SPDX-License-Identifier: Apache-2.0 */
/** @file `check`: where the connections of a service go. */
#pragma once
#include "conf/conf.h"

/** One line for each route, and one for what has none; nothing for a service without routes. */
void sl_check_routes_print(const struct sl_conf_service *service);
