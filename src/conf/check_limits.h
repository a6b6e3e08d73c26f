/* SPDX-License-Identifier: Apache-2.0 */
/** @file What contradicts itself among limits, timeouts and addresses. */
#pragma once
#include "conf/conf.h"

/** Adds an error for each contradiction in what bounds the service. */
void sl_check_limits(const struct sl_conf *conf, const struct sl_conf_service *service,
                     struct sl_findings *findings);

/** The same for what bounds the program. */
void sl_check_limits_top(const struct sl_conf *conf, struct sl_findings *findings);
