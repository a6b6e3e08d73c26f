/* SPDX-License-Identifier: Apache-2.0 */
/** @file A BIO over the caller's buffers, which are set anew at every call. Inside tls/ only. */
#pragma once
#include "base/slice.h"
#include <openssl/bio.h>

/** What a BIO reads and writes now; it must stand still as long as the BIO lives. */
struct sl_tls_bio {
    struct sl_slice before; /* read first: bytes already taken off `in` to classify them */
    struct sl_slice *in;    /* NULL: nothing to read */
    struct sl_wbuf *out;    /* NULL: no room */
    bool is_full;           /* a write found no room: sticky, for the session is broken then */
};

/** One a context. NULL when there is no memory. */
BIO_METHOD *sl_tls_bio_method_create(void);

/** A BIO over `io`. NULL when there is no memory. */
BIO *sl_tls_bio_create(const BIO_METHOD *method, struct sl_tls_bio *io);
