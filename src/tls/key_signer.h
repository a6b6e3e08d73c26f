/* SPDX-License-Identifier: Apache-2.0 */
/** @file A private key that signs: what only the `keys` process has. */
#pragma once
#include "base/diag.h"
#include "base/list.h"
#include "base/slice.h"

struct sl_key_signer;

/** The signers whose objects are built, a bounded number of them; it outlives them. */
struct sl_key_ring {
    struct sl_list awake; /* the one that signed longest ago comes first */
    size_t awake_count, awake_max;
};

void sl_key_ring_init(struct sl_key_ring *ring, size_t awake_max);

/** After a signature: the signer keeps its objects until `awake_max` others have signed. */
void sl_key_ring_use(struct sl_key_ring *ring, struct sl_key_signer *signer);

/** Before a signer is destroyed that may have signed. NULL is allowed. */
void sl_key_ring_leave(struct sl_key_ring *ring, struct sl_key_signer *signer);

enum { SL_KEY_PUBLIC_MAX = 4096 }; /* bytes of a public key as SubjectPublicKeyInfo */

/**
 * Before the first key: OpenSSL keeps private numbers in memory of its own that is locked, not
 * dumped, and wiped, with room for `keys_count`.
 * @return SL_OK, SL_ESYS (the system lets us lock no memory; all else holds), SL_ENOMEM (no such
 *         memory at all: keys stand in the ordinary heap)
 */
SL_CHECKED enum sl_err sl_key_signer_guard_memory(size_t keys_count);

/**
 * Takes the first private key of `pem`.
 * @param passphrase  that it is encrypted with, at most 1,024 bytes; its `ptr` is NULL for none
 * @return SL_OK, SL_EINVAL (diag), SL_ERANGE (larger than SL_TLS_PEM_MAX), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_key_signer_create(struct sl_slice pem, struct sl_slice passphrase,
                                            struct sl_diag *diag,
                                            struct sl_key_signer **ret_signer);
void sl_key_signer_destroy(struct sl_key_signer *signer); /* NULL is allowed; wipes */

/** Gives up the objects, which a signature builds again. NULL is allowed. */
void sl_key_signer_rest(struct sl_key_signer *signer);

/** From now on it also decrypts what RSA key transport sends (RFC 5246 7.4.7.1). */
void sl_key_signer_allow_premaster(struct sl_key_signer *signer);

/** Appends the public key as SubjectPublicKeyInfo, DER. SL_OK, SL_ENOSPC, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_key_signer_public(const struct sl_key_signer *signer,
                                            struct sl_wbuf *out);

/**
 * Whether its halves belong together. The file of an EC key holds both, and libcrypto believes it;
 * 57 microseconds for P-256. For RSA it would cost as much as making a key: not done.
 * @return SL_OK, SL_EINVAL (diag), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_key_signer_check(const struct sl_key_signer *signer,
                                           struct sl_diag *diag);

/**
 * Whether its public half is `public_der`.
 * @return SL_OK, SL_EINVAL (diag: the begin of the SHA-256 of both), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_key_signer_expect(const struct sl_key_signer *signer,
                                            struct sl_slice public_der, struct sl_diag *diag);

/**
 * Appends the signature of `input` (or the premaster secret in it): a digest of the scheme's
 * length, for Ed25519 the message.
 * @param scheme  of tls/key_scheme.h
 * @return SL_OK, SL_EINVAL (the scheme is not one of this key, or the input not one of the scheme),
 *         SL_ENOSPC, SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_key_signer_sign(struct sl_key_signer *signer, uint16_t scheme,
                                          struct sl_slice input, struct sl_wbuf *out);
