/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a struct sl_tls_cert is made of. Inside tls/ only. */
#pragma once
#include "tls/certificate.h"
#include <openssl/x509.h>

enum sl_tls_key_kind { SL_TLS_KEY_ECDSA, SL_TLS_KEY_RSA, SL_TLS_KEY_EDDSA, SL_TLS_KEY_OTHER };

struct sl_tls_cert {
    uint32_t refs_count;
    enum sl_tls_key_kind kind;
    X509 *leaf;
    STACK_OF(X509) * chain; /* without the leaf */
    EVP_PKEY *key;
    struct sl_key_service *service; /* who signs for `key`; NULL: the key itself */
    char **names; /* DNS names that it stands for, in lower case, no trailing dot; the CN if none */
    size_t names_count;
};

/** True when the key is on P-256 or P-384. */
bool sl_tls_cert_is_modern_ecdsa(const struct sl_tls_cert *cert);
