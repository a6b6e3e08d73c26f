/* SPDX-License-Identifier: Apache-2.0 */
/** @file Where a service connects to: one upstream per connect URL, with its addresses. */
#pragma once
#include "base/addr.h"
#include "base/arena.h"
#include "codec/url.h"
#include "tls/context.h"

enum { SL_UPSTREAM_ADDRS_MAX = 16 }; /* addresses of one name that are tried */

struct sl_upstream {
    const char *text;       /* the URL */
    struct sl_tls_ctx *tls; /* NULL: plaintext; referenced */
    struct sl_addr *addrs;  /* in the order to try: families take turns (RFC 8305 4) */
    size_t addrs_count;
};

/** Where connections go: the upstreams that may be connected to, in the order to try them. */
struct sl_target {
    struct sl_upstream *upstreams;
    size_t upstreams_count; /* at least one */
};

/** Lets IPv6 and IPv4 take turns, the family of the first address first; else the order stays. */
void sl_upstream_interleave(struct sl_addr *addrs, size_t addrs_count);

/** Addresses as bytes for the bundle, and back: count, then length and sockaddr of each. */
SL_CHECKED enum sl_err sl_upstream_addrs_emit(const struct sl_addr *addrs, size_t addrs_count,
                                              struct sl_wbuf *out);
SL_CHECKED enum sl_err sl_upstream_addrs_parse(struct sl_slice bytes, struct sl_arena *arena,
                                               struct sl_addr **ret_addrs, size_t *ret_count);
