/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file TLS 1.3's protection of records (RFC 8446 5.2) and nothing else of TLS: fixed keys, no
 * handshake. It is what a relay pays at least, and so the limit of the bulk rows.
 */
#pragma once
#include "base/def.h"
#include <openssl/evp.h>
#include <stdbool.h>

enum {
    BENCH_PLAIN_MAX_BYTES = 16384,
    BENCH_RECORD_EXTRA_BYTES = 5 + 1 + 16, /* header, content type, tag */
    BENCH_RECORD_MAX_BYTES = BENCH_PLAIN_MAX_BYTES + BENCH_RECORD_EXTRA_BYTES,
};

struct bench_seal {
    EVP_CIPHER_CTX *seal, *open;
    uint64_t sealed_count, opened_count;
    bool is_server;
};

void bench_seal_init(struct bench_seal *seal, const char *cipher, bool is_server);
void bench_seal_fini(struct bench_seal *seal);

/**
 * Writes one record with the `len` bytes (1 to BENCH_PLAIN_MAX_BYTES) at `plain` to `out`, which
 * has room for it; gives the length of the record.
 */
size_t bench_seal_record(struct bench_seal *seal, const uint8_t *plain, size_t len, uint8_t *out);

/** The whole length of the record that begins with the `len` bytes at `in`; 0: too few to know. */
size_t bench_seal_record_bytes(const uint8_t *in, size_t len);

/**
 * Opens the whole record of `len` bytes at `in`: its content goes to `out`, which has room for all
 * of it, and its length to `ret_len`. False when it is not authentic.
 */
bool bench_seal_open(struct bench_seal *seal, const uint8_t *in, size_t len, uint8_t *out,
                     size_t *ret_len);
