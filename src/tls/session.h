/* SPDX-License-Identifier: Apache-2.0 */
/** @file One TLS connection as bytes in, bytes out: no socket is known here.
 *
 * The caller hands in what came from the network and sends what is written to `out`, always, also
 * when the call failed (it may be an alert). Nothing keeps a pointer into either between two calls.
 */
#pragma once
#include "tls/context.h"

struct sl_tls;

enum {
    /* What `out` must have room for: any handshake flight or alert; */
    SL_TLS_FLIGHT_MAX = 132 * 1024,
    /* and for each record of at most SL_TLS_RECORD_MAX plaintext bytes, above the plaintext. */
    SL_TLS_RECORD_MAX = 16384,
    SL_TLS_RECORD_OVERHEAD = 128,
};

/** A session toward a client. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tls_accept_create(struct sl_tls_ctx *ctx, struct sl_tls **ret_tls);

/**
 * A session toward an upstream: sends SNI, verifies as its context says, resumes what the context
 * has kept of earlier sessions (which never leaves that context and that ALPN offer).
 * @param alpn  the list to offer, as on the wire (RFC 7301 3.1); NULL ptr: the context's own
 */
SL_CHECKED enum sl_err sl_tls_connect_create(struct sl_tls_ctx *ctx, struct sl_slice alpn,
                                             struct sl_tls **ret_tls);

void sl_tls_destroy(struct sl_tls *tls); /* NULL is allowed; sends nothing */

/**
 * Accepting only, before the handshake: pause when the client offers ALPN, until
 * sl_tls_choose_alpn. The bridge asks the upstream meanwhile.
 */
void sl_tls_hold_alpn(struct sl_tls *tls);

/** What to offer upstream while paused: the client's list, or of it what the context's list has, as
 * on the wire. Empty when nothing is in common. Valid until the next call with `tls`. */
struct sl_slice sl_tls_held_alpn(const struct sl_tls *tls);

/** Ends the pause; `protocol` is what the client gets, empty for no ALPN at all. */
void sl_tls_choose_alpn(struct sl_tls *tls, struct sl_slice protocol);

/**
 * Advances the handshake, taking what it needs off the front of `in`; what is left belongs behind
 * the handshake.
 * @return SL_OK       done: sl_tls_info is filled
 *         SL_AGAIN    all of `in` is taken: more wanted
 *         SL_EPAUSED  the client offered ALPN and it is held: sl_tls_choose_alpn, then call again
 *         SL_EWAIT    a signature is waited for: call again when the waker is told
 *         SL_ETIMEDOUT, SL_EBUSY  there was no signature in time, or too many are waited for
 *         SL_ENOENT   the private key is not there any more
 *         SL_EVERIFY  the peer's certificate was refused by us (diag: why)
 *         SL_EDENIED  it is good, and our rules keep it out (diag: why)
 *         SL_EPROTO   what came is not TLS at all, or is SSLv2 or SSLv3 (diag: what it looks like)
 *         SL_ETLS     failed otherwise (diag: the library's text, or the alert that the peer sent)
 *         SL_ENOMEM, SL_ENOSPC (`out` too small)
 */
SL_CHECKED enum sl_err sl_tls_handshake(struct sl_tls *tls, struct sl_slice *in,
                                        struct sl_wbuf *out, struct sl_diag *diag);

/** What a strict service did not find in a ClientHello. */
enum sl_tls_refusal {
    SL_TLS_REFUSED_NOTHING,
    SL_TLS_REFUSED_NAME, /* a server_name that one of its certificates is for */
    SL_TLS_REFUSED_ALPN, /* a protocol that is spoken here */
};

/** Why we ended a handshake with SL_ETLS; connecting: why the peer did, which is told of ALPN
 * alone.
 */
enum sl_tls_refusal sl_tls_refusal(const struct sl_tls *tls);

/** Told when a handshake that waits (SL_EWAIT) can go on; embedded in its owner. */
struct sl_tls_waker {
    void (*wake)(struct sl_tls_waker *waker);
};

/** `waker` lives as long as `tls`, or until another one is set. Never called from within a call. */
void sl_tls_set_waker(struct sl_tls *tls, struct sl_tls_waker *waker);

/** True once the whole ClientHello has been seen (accepting). */
bool sl_tls_has_hello(const struct sl_tls *tls);

/**
 * Decrypts from `in` into `plain`. Both SL_AGAIN and SL_EOF may come with plaintext written.
 * @return SL_AGAIN  all of `in` is taken (also when plaintext was written): more wanted
 *         SL_ENOSPC `plain` is full: call again with room
 *         SL_EOF    close_notify: no plaintext comes after what was written
 *         SL_ETLS   bad record, or the peer's alert (diag); also when `out` has no room for an
 * answer SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_tls_decrypt(struct sl_tls *tls, struct sl_slice *in,
                                      struct sl_wbuf *plain, struct sl_wbuf *out,
                                      struct sl_diag *diag);

/**
 * Encrypts all of `plain` into `out`.
 * @return SL_OK, SL_ENOSPC (fatal: size `out` by the figures above), SL_ETLS
 *         SL_AGAIN  half of a KeyUpdate or ticket has been read, and nothing can be written before
 *                   the rest: call again after the next sl_tls_decrypt
 */
SL_CHECKED enum sl_err sl_tls_encrypt(struct sl_tls *tls, struct sl_slice plain,
                                      struct sl_wbuf *out, struct sl_diag *diag);

/** Writes close_notify once; later calls write nothing, nor do calls before the end of the
 * handshake or after a failure. The other direction goes on (RFC 8446 6.1). SL_OK, SL_AGAIN as
 * sl_tls_encrypt, SL_ENOSPC, SL_ETLS. */
SL_CHECKED enum sl_err sl_tls_close_notify(struct sl_tls *tls, struct sl_wbuf *out);

/** Facts that are read only where the context has them wanted (has_facts); valid until
 * sl_tls_facts_drop. */
struct sl_tls_facts {
    const char *sig_alg;       /* by which the issuer signed our certificate, "RSA-SHA256" */
    const char *key_alg;       /* and the key in it, "RSA2048", "EC256" */
    const char *sig_scheme;    /* by which we signed the handshake, "rsa_pss_rsae_sha256" (RFC 8446
                                * 4.2.3); static; NULL when nothing was signed */
    struct sl_slice peer_cert; /* DER of the peer's, when it was verified (has_peer_cert) */
};

/** Facts of a finished handshake (or of what is known of a failed one). */
struct sl_tls_info {
    const char *version; /* "TLSv1.3"; static; NULL before the end of the handshake */
    const char *cipher;  /* RFC name, "TLS_AES_128_GCM_SHA256"; static; NULL as `version` */
    const char *group;   /* "x25519"; as long as `tls`; NULL when none or not known */
    bool is_resumed;
    bool has_peer_cert;
    bool is_peer_verified; /* there is one, and it was accepted */
    struct sl_tls_facts facts;
    struct sl_slice psk_identity;       /* of the key that this session, or the one that it
                                         * resumes, was made with; as long as the context */
    struct sl_slice server_name;        /* SNI that the client sent, or that we sent */
    struct sl_slice alpn;               /* chosen; empty for none */
    struct sl_slice peer_name;          /* the common name of a certificate that was verified */
    struct sl_slice peer_id;            /* of it, "uri:spiffe://…" (tls/identity.h) */
    const char *own_cert;               /* the label of the certificate that the upstream was shown;
                                         * "none": it asked, and none fits; NULL: it did not ask */
    bool is_crl_stale;                  /* it was looked up in a list past its time */
    char peer_subject[SL_TLS_NAME_MAX]; /* of a certificate that was verified, RFC 2253; "" for none
                                         */
};

/** Gives back the memory of the facts, once nobody asks for them any more. */
void sl_tls_facts_drop(struct sl_tls *tls);

/** `server_name`, `alpn`, `peer_name` and `peer_id` live as long as `tls`. */
void sl_tls_info(const struct sl_tls *tls, struct sl_tls_info *ret_info);
