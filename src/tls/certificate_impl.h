/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a struct sl_tls_cert is made of. Inside tls/ only. */
#pragma once
#include "tls/certificate.h"
#include <openssl/x509.h>

struct sl_tls_cert {
    uint32_t refs_count;
    enum sl_key_kind kind;
    X509 *leaf;
    STACK_OF(X509) * chain; /* without the leaf */
    EVP_PKEY *key;
    struct sl_key_service *service; /* who signs for `key`; NULL: the key itself */
    char **names; /* DNS names that it stands for, in lower case, no trailing dot; the CN if none */
    size_t names_count;
    struct sl_staple_entry staple; /* a view into the shelf's bundle; no bytes: none */
};

/** "ECDSA", "RSA", "Ed25519", …; "other" for what is not known. */
const char *sl_tls_key_type_shown(const EVP_PKEY *key);

/** True when the key is on P-256 or P-384. */
bool sl_tls_cert_is_modern_ecdsa(const struct sl_tls_cert *cert);

/**
 * From objects that are there, all of them referenced; they were found to belong together before,
 * and the names are not read. SL_OK, SL_EINVAL (the leaf has no key that is known), SL_ENOMEM.
 */
SL_CHECKED enum sl_err sl_tls_cert_create_shared(X509 *leaf, STACK_OF(X509) * chain,
                                                 enum sl_key_kind kind, uint32_t key_index,
                                                 struct sl_key_service *service,
                                                 struct sl_tls_cert **ret_cert);

/** The same for a leaf of tls/key_leaf.h, whose key is the one that signs. */
SL_CHECKED enum sl_err sl_tls_cert_create_leaf(X509 *leaf, STACK_OF(X509) * chain,
                                               enum sl_key_kind kind,
                                               struct sl_key_service *service,
                                               struct sl_tls_cert **ret_cert);
