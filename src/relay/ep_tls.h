/* SPDX-License-Identifier: Apache-2.0 */
/** @file Endpoint that speaks TLS over another endpoint. */
#pragma once
#include "relay/endpoint.h"
#include "relay/pending.h"
#include "tls/session.h"

/** Zeroed is valid and not in use. */
struct sl_ep_tls {
    struct sl_ep ep;
    struct sl_ep *lower;        /* not owned */
    struct sl_tls *tls;         /* owned */
    struct sl_pending rest;     /* came behind the handshake, or while it is paused */
    size_t hello_bytes;         /* fed before the ClientHello was whole */
    size_t handshake_bytes;     /* read while the handshake lasted */
    struct sl_pending unsealed; /* plaintext that TLS cannot take in the middle of a message, at
                                 * most what one read gives */
    enum sl_err ended;          /* SL_OK while it reads; then what each read gives */
};

/** Takes over `*tls` and sets it to NULL. `lower` must live longer. */
void sl_ep_tls_init(struct sl_ep_tls *ep, struct sl_ep *lower, struct sl_tls **tls);
void sl_ep_tls_fini(struct sl_ep_tls *ep);

/**
 * Advances the handshake; not to be mixed with reads and writes before it is done.
 * @param hello_max_bytes  bound of the ClientHello with its record headers; 0 for none
 * @return SL_OK (done), SL_AGAIN, SL_EPAUSED (ALPN is held), SL_EWAIT (for a key), SL_EOF or
 * SL_ERESET (the peer is gone), SL_ERANGE (ClientHello too large), and as sl_tls_handshake, with
 * scratch->diag
 */
SL_CHECKED enum sl_err sl_ep_tls_handshake(struct sl_ep_tls *ep, struct sl_scratch *scratch,
                                           size_t hello_max_bytes);
