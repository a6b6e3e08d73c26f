/* SPDX-License-Identifier: Apache-2.0 */
/** @file What contradicts itself in the certificates that upstreams are shown. */
#pragma once
#include "conf/conf.h"

/** Adds what is wrong to `findings`. */
void sl_check_own(const struct sl_conf_upstream *upstream, struct sl_findings *findings);

/** Where the first of them stands; line 0 when there is none. */
struct sl_conf_pos sl_check_own_pos(const struct sl_conf_upstream *upstream);
