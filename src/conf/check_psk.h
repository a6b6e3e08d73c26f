/* SPDX-License-Identifier: Apache-2.0 */
/** @file What contradicts pre-shared keys in a configuration. */
#pragma once
#include "conf/conf.h"

void sl_check_psk_clients(const struct sl_conf_clients *clients, struct sl_findings *findings);

/** Whether all that a policy has for TLS 1.2 are ciphers for pre-shared keys. */
bool sl_check_psk_is_all(const struct sl_policy *policy);

/** Of an upstream that has one. */
void sl_check_psk_upstream(const struct sl_conf_upstream *upstream, struct sl_findings *findings);
