/* SPDX-License-Identifier: Apache-2.0 */
/** @file A certificate with its chain and private key, shared by contexts. */
#pragma once
#include "base/diag.h"
#include "base/slice.h"
#include "codec/certificate_entry.h"
#include "tls/key_provider.h"

struct sl_tls_cert; /* reference counted */

enum { SL_TLS_NAME_MAX = 256 };    /* bytes of a name or subject as text, NUL included */
enum { SL_TLS_PEM_MAX = 1 << 20 }; /* bytes of a chain or key file */
enum { SL_TLS_CHAIN_MAX = SL_CHAIN_DERS_MAX }; /* certificates in a chain, the leaf counted */

/** What a person wants to know of a certificate. */
struct sl_tls_cert_info {
    int64_t not_before_s, not_after_s; /* Unix time */
    char subject[SL_TLS_NAME_MAX];     /* RFC 2253 */
    char names[SL_TLS_NAME_MAX];       /* DNS and IP SANs, comma-separated, cut with "…" */
    const char *key_type;              /* "ECDSA", "RSA", "Ed25519", … */
    uint32_t key_bits;
    bool is_self_signed; /* libssl then asks nothing of its signature */
};

/**
 * Reads `chain_pem` (leaf first; blocks that are no certificates are passed over) and the first
 * private key of `key_pem`, and checks that they belong together.
 * @return SL_OK, SL_EINVAL (diag: which of the two, and what is wrong), SL_ERANGE (too large),
 * SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_tls_cert_create(struct sl_slice chain_pem, struct sl_slice key_pem,
                                          struct sl_diag *diag, struct sl_tls_cert **ret_cert);

/** A private key that another process holds. */
struct sl_tls_key {
    struct sl_slice public_der;     /* its public half, SubjectPublicKeyInfo */
    uint32_t index;                 /* what the service calls it */
    struct sl_key_service *service; /* outlives the certificate; NULL: it cannot sign */
};

/** As sl_tls_cert_create, with a private key that is not here. */
SL_CHECKED enum sl_err sl_tls_cert_create_apart(struct sl_slice chain_pem,
                                                const struct sl_tls_key *key, struct sl_diag *diag,
                                                struct sl_tls_cert **ret_cert);

/** The same from the certificates themselves. */
SL_CHECKED enum sl_err sl_tls_cert_create_ders(const struct sl_slice *ders, size_t ders_count,
                                               const struct sl_tls_key *key, struct sl_diag *diag,
                                               struct sl_tls_cert **ret_cert);

struct sl_tls_cert *sl_tls_cert_ref(struct sl_tls_cert *cert);
void sl_tls_cert_unref(struct sl_tls_cert *cert); /* NULL is allowed */

void sl_tls_cert_info(const struct sl_tls_cert *cert, struct sl_tls_cert_info *ret_info);

/** The DNS name at `index` that it stands for, in lower case; NULL behind the last. */
const char *sl_tls_cert_name(const struct sl_tls_cert *cert, size_t index);

enum sl_key_kind sl_tls_cert_kind(const struct sl_tls_cert *cert);

/** Appends the certificate at `index` of the chain as DER, the leaf at 0. SL_OK, SL_ENOENT (behind
 * the last), SL_ENOSPC, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tls_cert_der(const struct sl_tls_cert *cert, size_t index,
                                       struct sl_wbuf *out);
