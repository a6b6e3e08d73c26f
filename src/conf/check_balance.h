/* SPDX-License-Identifier: Apache-2.0 */
/** @file What contradicts itself in how the servers of a service are shared, checked and reached.
 */
#pragma once
#include "conf/conf.h"

/** @param knows_connect  its connect URLs were read without a mistake */
void sl_check_balance(const struct sl_conf_service *service, bool knows_connect,
                      struct sl_findings *findings);
