/* SPDX-License-Identifier: Apache-2.0 */
/** @file Pre-shared keys in place of certificates: external ones of TLS 1.3 (RFC 8446 4.2.11, RFC
 * 9257), always with a Diffie-Hellman exchange and SHA-256, and those of TLS 1.2 (RFC 4279) with
 * such an exchange and an AEAD cipher, or with the ciphers for them that the policy names. Inside
 * tls/ only.
 */
#pragma once
#include "tls/session_impl.h"

/** Takes keys of clients; after the policy and the certificates. SL_OK, SL_EINVAL (diag: the policy
 * has no suite for them), SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tls_psk_serve(struct sl_tls_ctx *ctx, const struct sl_tls_psk *psks,
                                        size_t count, const struct sl_policy *policy,
                                        struct sl_diag *diag);

/** Uses one toward an upstream, which may show no certificate then. As sl_tls_psk_serve. */
SL_CHECKED enum sl_err sl_tls_psk_connect(struct sl_tls_ctx *ctx, const struct sl_tls_psk *psk,
                                          const struct sl_policy *policy, struct sl_diag *diag);

void sl_tls_psk_fini(struct sl_tls_ctx *ctx);

/**
 * Looks at the identities of a ClientHello: for a client with one that is known, the suite is
 * chosen to fit it.
 * @return SL_OK, SL_EVERIFY (there is nothing but keys here, and the client has another one),
 *         SL_EPROTO (malformed, or more than are looked for), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_tls_psk_hello(SSL *ssl, struct sl_tls *tls);

/** The key that the session is made with, or was when it is resumed; NULL for none. Once libssl has
 * settled that, which is before it writes tickets. */
const struct sl_tls_psk *sl_tls_psk_used(const struct sl_tls *tls);

/** True when the handshake used the key itself, be it that libssl calls it a resumed session. */
bool sl_tls_psk_is_fresh(const struct sl_tls *tls);

/** What a ticket is bound to: SL_TLS_DIGEST_LEN bytes of the key in use, zeroes for none. */
void sl_tls_psk_tag(const struct sl_tls *tls, uint8_t *ret_tag);

/** Whether a session with that tag may go on here; notes its key. */
bool sl_tls_psk_resume(struct sl_tls *tls, const uint8_t *tag);

/** True when the handshake failed for want of the right key: the diag says so then. */
bool sl_tls_psk_blame(const struct sl_tls *tls);
