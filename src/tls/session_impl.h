/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a struct sl_tls is made of; libssl's callbacks find it as the SSL's app data. Inside
 * tls/ only. */
#pragma once
#include "codec/client_hello.h"
#include "tls/bio.h"
#include "tls/context_impl.h"
#include "tls/key_provider_impl.h"
#include "tls/session.h"

/* Of ALPN while the handshake runs (sl_tls_hold_alpn). */
enum sl_tls_hold { SL_TLS_HOLD_NO, SL_TLS_HOLD_WANTED, SL_TLS_HOLD_PAUSED, SL_TLS_HOLD_CHOSEN };

struct sl_established;
struct sl_tls_handover;

struct sl_tls {
    SSL *ssl; /* NULL when `established` has the connection */
    struct sl_established *established;
    struct sl_tls_handover *handover; /* NULL: `ssl` keeps it */
    struct sl_tls_ctx *ctx;
    struct sl_tls_bio io;

    /* of the present call */
    struct sl_diag *diag;
    enum sl_err verdict; /* what a callback found, which says more than libssl's error */
    uint8_t alert;       /* that goes with it; 0: the one that libssl would send */

    struct sl_key_wait wait;    /* for a signature */
    struct sl_tls_waker *waker; /* NULL for none */

    /* facts, read out of libssl once */
    const char *version, *cipher, *group;
    char *server_name;               /* NULL for none */
    char *peer_subject;              /* NULL for none */
    char *peer_name;                 /* its common name; NULL for none */
    uint8_t *alpn;                   /* chosen; while held: what is chosen to be */
    uint8_t alpn_len;                /* bytes */
    char *peer_id;                   /* what its subjectAltName says it is; NULL for none */
    struct sl_tls_facts_kept *facts; /* tls/facts.h; NULL for none */
    bool is_resumed, has_peer_cert;
    bool is_crl_stale; /* a revocation list that was asked is past its time */
    int64_t until_s;   /* when the first certificate of the peer's chain ends; INT64_MAX for none */

    bool has_hello;
    bool is_tls;    /* the first bytes have been looked at */
    bool is_done;   /* the handshake is over, */
    bool is_1_3;    /* of TLS 1.3 */
    bool is_broken; /* a call failed: libssl must not be asked again */
    bool is_closed; /* our close_notify has been written */
    bool is_nomem;  /* a call without a result of its own found no memory */
    uint8_t first_len;
    uint8_t first[SL_FIRST_BYTES_MAX];

    uint8_t *held;   /* an ALPN list: when accepting, what to offer upstream; when connecting, */
    size_t held_len; /* what was offered */

    const struct sl_tls_psk *psk; /* that the peer has named: sl_tls_psk_used */
    bool is_psk_session;          /* of TLS 1.3: for libssl it is a session, but none resumed */

    /* accepting */
    enum sl_tls_hold hold;
    enum sl_tls_refusal refusal;
    bool has_cert;        /* `ssl` has another certificate than the context's default: */
    uint32_t cert_number; /* this one */

    /* connecting */
    bool is_cert_asked;               /* the upstream wants a certificate of ours: */
    const struct sl_tls_own *own;     /* this one it gets; NULL for none */
    uint8_t offer[SL_TLS_DIGEST_LEN]; /* digest of the ALPN list that was offered */
};
