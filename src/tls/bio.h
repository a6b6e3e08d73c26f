/* SPDX-License-Identifier: Apache-2.0 */
/** @file A BIO over the caller's buffers, which are set anew at every call. Inside tls/ only. */
#pragma once
#include "base/slice.h"
#include <openssl/bio.h>

/* Each costs as much as a record of 16 KiB and is 27 bytes long: who sends more of them within one
 * received chunk wants to keep us busy. */
enum { SL_TLS_ASIDES_MAX = 32 };

/** What a BIO reads and writes now; it must stand still as long as the BIO lives. */
struct sl_tls_bio {
    struct sl_slice before; /* read first: bytes already taken off `in` to classify them */
    struct sl_slice *in;    /* NULL: nothing to read */
    struct sl_wbuf *out;    /* NULL: no room */
    unsigned asides_count;  /* KeyUpdates and tickets that came in this call */
    bool is_full;           /* a write found no room: sticky, for the session is broken then */
};

/** One a context. NULL when there is no memory. */
BIO_METHOD *sl_tls_bio_method_create(void);

/** A BIO over `io`. NULL when there is no memory. */
BIO *sl_tls_bio_create(const BIO_METHOD *method, struct sl_tls_bio *io);
