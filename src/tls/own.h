/* SPDX-License-Identifier: Apache-2.0 */
/** @file For SL_CLEANUP: what frees OpenSSL's objects. Inside tls/ only. */
#pragma once
#include "base/def.h"
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

static inline void sl_own_bio(BIO **bio)
{
    BIO_free(*bio);
}

static inline void sl_own_x509(X509 **x509)
{
    X509_free(*x509);
}

static inline void sl_own_chain(STACK_OF(X509) * *chain)
{
    sk_X509_pop_free(*chain, X509_free);
}

static inline void sl_own_names(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

static inline void sl_own_digest(EVP_MD_CTX **digest)
{
    EVP_MD_CTX_free(*digest);
}

static inline void sl_own_ssl(SSL **ssl)
{
    SSL_free(*ssl);
}

static inline void sl_own_text(char **text)
{
    free(*text);
}
