/* SPDX-License-Identifier: Apache-2.0 */
/** @file The ways to sign that a worker may ask for: a table that both ends share, and tokens.
 *
 * Numbers are those of SignatureScheme (RFC 8446 4.2.3, and of RFC 5246 for what only TLS 1.2 has).
 */
#pragma once
#include "base/slice.h"
#include <stdint.h>

enum sl_key_padding {
    SL_KEY_ECDSA,
    SL_KEY_RSA_PKCS1,
    SL_KEY_RSA_PSS,
    SL_KEY_EDDSA,
    SL_KEY_RSA_PREMASTER, /* no signature: RFC 5246 7.4.7.1, only for keys that may */
};

enum { SL_KEY_PREMASTER = 0xff02 }; /* its number; input: u16 client's version, what it sent */

struct sl_key_scheme {
    uint16_t number;
    enum sl_key_padding padding;
    const char *digest;    /* OpenSSL's name; NULL: the message itself is signed */
    uint16_t digest_bytes; /* 0 without a digest */
};

/** NULL when there is none. */
const struct sl_key_scheme *sl_key_scheme_find(uint16_t number);
const struct sl_key_scheme *sl_key_scheme_of(enum sl_key_padding padding, const char *digest);
