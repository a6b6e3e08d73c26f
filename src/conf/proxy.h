/* SPDX-License-Identifier: Apache-2.0 */
/** @file PROXY protocol headers of a service, both ways: what the options say together. Pure. */
#pragma once
#include "conf/conf.h"

/** What is known of the service's URLs. */
struct sl_proxy_sides {
    bool knows_listen;   /* its listen URLs could be read */
    bool has_tls_listen; /* meaningful then */
};

/** Adds what contradicts itself, or what lets anybody say any address, to `findings`. */
void sl_proxy_check(const struct sl_conf_service *service, struct sl_proxy_sides sides,
                    struct sl_findings *findings);

/** The TLVs that upstreams are told: those that are set, or the default ones. */
struct sl_proxy_types sl_proxy_told(const struct sl_conf_upstream *upstream);
