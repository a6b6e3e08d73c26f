/* SPDX-License-Identifier: Apache-2.0 */
/** @file One end of a connection that does not block: plain, TLS, or sealed records (seal.h). */
#pragma once
#include "seal.h"
#include <openssl/ssl.h>
#include <sys/types.h>

enum bench_kind { BENCH_PLAIN, BENCH_TLS, BENCH_SEALED };

/** What a call gives instead of a count of bytes; 0 is the clean end. */
enum { BENCH_AGAIN = -1, BENCH_BROKEN = -2 };

struct bench_wire {
    int fd; /* -1: closed */
    enum bench_kind kind;
    bool is_drained; /* the last read took all that the socket had */
    SSL *ssl;        /* TLS only; owned */
    struct bench_seal seal;
    uint8_t *in, *out; /* sealed only: bytes of a cut record; records not sent yet */
    size_t in_len, out_at, out_len;
};

/** Takes over `fd`, and `ssl`, which is only given with BENCH_TLS; `cipher` with BENCH_SEALED. */
void bench_wire_init(struct bench_wire *wire, int fd, enum bench_kind kind, SSL *ssl,
                     const char *cipher, bool is_server);
void bench_wire_fini(struct bench_wire *wire);

/** 1 when the TLS handshake is over (at once without TLS), BENCH_AGAIN or BENCH_BROKEN. */
int bench_wire_handshake(struct bench_wire *wire);

/** Bytes read, 0 at the clean end, BENCH_AGAIN or BENCH_BROKEN. `len` is BENCH_PIECE_BYTES. */
ssize_t bench_wire_read(struct bench_wire *wire, uint8_t *bytes, size_t len);

/** Bytes taken, BENCH_AGAIN or BENCH_BROKEN; bench_wire_flush sends what has been left of them. */
ssize_t bench_wire_write(struct bench_wire *wire, const uint8_t *bytes, size_t len);

/** 1 when all that was written is sent, BENCH_AGAIN or BENCH_BROKEN. */
int bench_wire_flush(struct bench_wire *wire);

/** Ends the direction from here: close_notify with TLS, and the end of the stream. */
void bench_wire_end(struct bench_wire *wire);

/** "X25519" and the like, of a TLS wire whose handshake is over. */
const char *bench_wire_group(const struct bench_wire *wire);
