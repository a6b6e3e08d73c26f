/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a struct sl_tls_ctx is made of. Inside tls/ only. */
#pragma once
#include "tls/context.h"
#include "tls/resume.h"
#include "tls/select.h"
#include <openssl/ssl.h>

struct sl_fast;

struct sl_tls_ctx {
    SSL_CTX *ssl_ctx;
    BIO_METHOD *bio_method;
    uint32_t refs_count;
    bool is_server;
    bool is_verified; /* a peer's certificate, when there is one, has been verified */
    bool is_ip;       /* `name` is an IP literal */
    struct sl_tls_demands demands;
    uint8_t *alpn;                          /* as on the wire */
    size_t alpn_len;                        /* bytes */
    const struct sl_tls_psk *psks;          /* not owned; toward upstreams at most one */
    uint8_t (*psk_tags)[SL_TLS_DIGEST_LEN]; /* what tickets know them by */
    size_t psks_count;
    char *psk_suites;            /* of TLS 1.3, with the digest of the keys */
    struct sl_key_service *keys; /* who signs for the certificates; NULL: their own keys */

    /* toward clients */
    bool is_alpn_strict, is_sni_strict;
    bool has_facts, has_peer_cert; /* struct sl_tls_server_conf */
    bool is_psk_only;              /* there is no certificate */
    struct sl_tls_select select;
    const struct sl_ticket_keys *tickets; /* not owned */

    /* toward upstreams */
    char *name; /* NULL for none */
    bool has_resumption;
    struct sl_tls_resume resume;

    struct sl_fast *fast;    /* tls/fast_impl.h, not owned; NULL: not there, */
    bool has_sought_fast;    /* when it was sought */
    struct sl_tls_own *owns; /* referenced */
    size_t owns_count;
};
