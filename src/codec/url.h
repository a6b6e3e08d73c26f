/* SPDX-License-Identifier: Apache-2.0 */
/** @file The URLs of a service: tcp://HOST:PORT, tls://HOST:PORT, unix:PATH; for what SRV records
 * (RFC 2782) say where it is, tls://_SERVICE._tcp.DOMAIN. Pure. */
#pragma once
#include "base/diag.h"
#include "base/slice.h"

enum { SL_URL_MAX = 512 }; /* bytes of a whole URL */

enum sl_scheme { SL_SCHEME_TCP, SL_SCHEME_TLS, SL_SCHEME_UNIX };

/** Views into the text that was parsed. */
struct sl_url {
    enum sl_scheme scheme;
    struct sl_slice host; /* without brackets; empty means all addresses (listen only) */
    struct sl_slice path; /* of unix:, else empty */
    uint16_t port;        /* 0 for any (listen only) or for unix: */
    bool is_ip;           /* `host` is an IPv4 or IPv6 literal */
    bool is_srv;          /* `host` is a name that has SRV records; `port` is 0 */
};

/**
 * Reads one URL. A host name must be made of LDH labels (RFC 1123 2.1; underscores are allowed),
 * at most 253 bytes; an IPv6 literal stands in brackets (RFC 3986 3.2.2). _SERVICE._tcp.DOMAIN has
 * no port.
 *
 * @param ret_at  on failure the offset in bytes of what is wrong
 * @param diag    on failure what is wrong and what would be right; may be NULL
 * @return SL_OK, SL_EINVAL (not such a URL) or SL_ERANGE (port or length out of range)
 */
SL_CHECKED enum sl_err sl_url_parse(struct sl_slice text, struct sl_url *ret_url, size_t *ret_at,
                                    struct sl_diag *diag);

/** Of a name with SRV records: DOMAIN. */
struct sl_slice sl_url_srv_domain(const struct sl_url *url);

/** "tcp", "tls", "unix". */
const char *sl_scheme_name(enum sl_scheme scheme);
