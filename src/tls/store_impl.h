/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a struct sl_tls_store is made of. Inside tls/ only. */
#pragma once
#include "tls/store.h"
#include <openssl/x509.h>

enum { SL_TLS_DIGEST_LEN = 32 }; /* bytes: SHA-256 */

struct sl_tls_store {
    uint32_t refs_count;
    X509_STORE *x509;
    STACK_OF(X509) * certs;            /* in the order of the file */
    uint8_t digest[SL_TLS_DIGEST_LEN]; /* over the certificates, in that order */
};
