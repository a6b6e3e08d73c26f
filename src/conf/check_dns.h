/* SPDX-License-Identifier: Apache-2.0 */
/** @file What contradicts itself in `dns`. */
#pragma once
#include "base/addr.h"
#include "conf/conf.h"

/** Adds a finding for each contradiction, and for each server that is none. */
void sl_check_dns(const struct sl_conf_dns *dns, struct sl_findings *findings);

/** A name server as the configuration writes it: an IP address, which in brackets when it is one of
 * IPv6 may have a port behind it. SL_OK, SL_EINVAL. */
SL_CHECKED enum sl_err sl_check_dns_server(const char *text, struct sl_addr *ret_addr);
