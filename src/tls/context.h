/* SPDX-License-Identifier: Apache-2.0 */
/** @file One SSL_CTX for one side of one service. */
#pragma once
#include "codec/peer_rule.h"
#include "conf/policy.h"
#include "tls/certificate.h"
#include "tls/crl.h"
#include "tls/shelf.h"
#include "tls/store.h"
#include "tls/tickets.h"

struct sl_tls_ctx; /* reference counted */

/** A pre-shared key: of SL_PSK_KEY_MIN to SL_PSK_KEY_MAX bytes (codec/psk_key.h). */
struct sl_tls_psk {
    const char *identity;
    struct sl_slice key;
};

enum sl_tls_verify { SL_TLS_VERIFY_OFF, SL_TLS_VERIFY_REQUEST, SL_TLS_VERIFY_REQUIRE };

/** What a verified chain has to meet besides. Zeroed asks for nothing. Patterns, rules and the
 * arrays of both outlive the context. */
struct sl_tls_demands {
    uint32_t steps_max; /* from the peer's certificate to the authority's, which is one more than
                           there may be intermediates; 0: the library's own bound */
    struct sl_tls_crls *crls; /* in which every certificate below the authority is looked up; NULL:
                                 revocation is not looked at */
    bool may_be_stale;        /* lists past their nextUpdate count as well */
    const char *const *pins;  /* keys (codec/peer_rule.h), one of which must be in the chain */
    size_t pins_count;        /* 0: any */
    const struct sl_peer_rule *rules;
    size_t rules_count; /* 0: whoever is verified */
};

/** The side toward clients. What is pointed at is copied or referenced, `tickets` and what
 * `demands` excepts are not. */
struct sl_tls_server_conf {
    const char *service; /* its name: sessions do not resume in another service */
    const struct sl_policy *policy;
    struct sl_tls_cert *const *certs; /* [0] is the default; at least one, or else `shelf` */
    size_t certs_count;
    const struct sl_tls_psk *psks; /* outlive the context; with some, it may have no certificate */
    size_t psks_count;
    struct sl_tls_shelf *shelf; /* where its certificates were found to be good, */
    uint32_t shelf_service;     /* under this number */
    const char *const *alpn;    /* in our order of preference */
    size_t alpn_count;
    bool is_alpn_strict;          /* what a client offers must have one of ours in it */
    bool has_facts;               /* struct sl_tls_facts is read, */
    bool has_peer_cert;           /* and the peer's certificate with it */
    bool is_sni_strict;           /* a client must name what a certificate is for */
    enum sl_tls_verify verify;    /* of the client's certificate */
    struct sl_tls_store *clients; /* who signs clients' certificates; NULL when verify is OFF */
    struct sl_tls_demands demands;
    const struct sl_ticket_keys
        *tickets; /* read at every handshake, outlives the context; NULL: no tickets */
};

/** A certificate that an upstream may be shown. */
struct sl_tls_own {
    struct sl_tls_cert *cert;
    const char *label; /* what the log calls it; outlives the context */
};

/** The side toward upstreams. */
struct sl_tls_client_conf {
    const struct sl_policy *policy;
    bool is_verified;           /* chain and name or IP address */
    struct sl_tls_store *store; /* NULL only when not verified */
    struct sl_tls_demands demands;
    const struct sl_tls_psk *psk;  /* in place of certificates; outlives the context; NULL: none */
    const struct sl_tls_own *owns; /* certificates of our own, the best first (tls/own_cert.h) */
    size_t owns_count;
    bool has_full_handshakes; /* always: no session is kept */
    bool has_bare_tls_1_3;    /* without the looks of TLS 1.2 (RFC 8446 D.4) */
    const char *name;        /* DNS name or IP literal: verified, and sent as SNI when a DNS name */
    const char *const *alpn; /* offered, unless the session says otherwise */
    size_t alpn_count;
};

/** @return SL_OK, SL_EINVAL (diag: what the library or the policy does not allow), SL_ENOMEM */
SL_CHECKED enum sl_err sl_tls_server_ctx_create(const struct sl_tls_server_conf *conf,
                                                struct sl_diag *diag, struct sl_tls_ctx **ret_ctx);

/**
 * Whether a policy allows a certificate, ours toward clients or upstreams; to say which one it was
 * that a context was refused for.
 * @return SL_OK, SL_EINVAL (diag: why not), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_tls_cert_check(struct sl_tls_cert *cert, const struct sl_policy *policy,
                                         struct sl_diag *diag);
SL_CHECKED enum sl_err sl_tls_client_ctx_create(const struct sl_tls_client_conf *conf,
                                                struct sl_diag *diag, struct sl_tls_ctx **ret_ctx);

/** Whether a server's context has a certificate for that name; true of one that has none at all. */
bool sl_tls_ctx_has_name(const struct sl_tls_ctx *ctx, struct sl_slice server_name);

struct sl_tls_ctx *sl_tls_ctx_ref(struct sl_tls_ctx *ctx);
void sl_tls_ctx_unref(struct sl_tls_ctx *ctx); /* NULL is allowed */
