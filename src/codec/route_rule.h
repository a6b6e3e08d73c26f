/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a connection has to be for a route to be its own: the server_name that its client
 * asks for, the application protocols that it offers, the address that it comes from. Pure;
 * everything is a view.
 */
#pragma once
#include "base/diag.h"
#include "base/prefix.h"
#include "codec/hello_scan.h"

/** All conditions that are set must hold; none set fits every connection. */
struct sl_route_rule {
    const char *const *names;     /* patterns, one of which must fit the server_name */
    size_t names_count;           /* 0: any, or none */
    const char *const *protocols; /* one of which the client must offer (RFC 7301 3.1) */
    size_t protocols_count;       /* 0: any, or none */
    const struct sl_prefix *from; /* as sl_prefixes_sort leaves them */
    size_t from_count;            /* 0: anywhere */
};

/**
 * Whether a pattern is one: a DNS name, or one with "*" in place of its leftmost label, which
 * stands for exactly one. ASCII case does not count (RFC 4343).
 * @return SL_OK, SL_EINVAL (diag: why not)
 */
SL_CHECKED enum sl_err sl_route_rule_check_name(struct sl_slice pattern, struct sl_diag *diag);

/** Whether a pattern fits a name, or fits all that another pattern does. */
bool sl_route_rule_name_covers(struct sl_slice pattern, struct sl_slice inner);

/** @param hello  NULL: the client does not speak TLS, so it has neither name nor protocols */
bool sl_route_rule_fits(const struct sl_route_rule *rule, const struct sl_hello *hello,
                        const struct sl_addr *client);
