/* SPDX-License-Identifier: Apache-2.0 */
/** @file The keys of one direction of a TLS 1.3 connection (RFC 8446 7.2, 7.3). Inside tls/ only.
 *
 * libcrypto's cipher contexts take about a KiB each. So they are lent: a direction has one while it
 * is among those that were used last, and makes another from its key when it is used again.
 */
#pragma once
#include "base/list.h"
#include "tls/fast_impl.h"

enum sl_record_suite {
    SL_RECORD_AES_128_GCM,
    SL_RECORD_AES_256_GCM,
    SL_RECORD_CHACHA20_POLY1305,
    SL_RECORD_SUITES_COUNT,
};

enum {
    SL_RECORD_KEY_MAX = 32, /* bytes */
    SL_RECORD_IV_LEN = 12,
    SL_RECORD_TAG_LEN = 16,
    SL_RECORD_CIPHERS_MAX = 512, /* contexts that a worker keeps: half a MiB */
};

/** The cipher contexts of one thread. */
struct sl_record_pool {
    EVP_CIPHER *ciphers[SL_RECORD_SUITES_COUNT];
    struct sl_list ways; /* that have a context, the one used longest ago first */
    size_t ways_count, ways_max;
};

/** SL_OK, SL_ETLS (the library lacks a cipher), SL_ENOMEM. `ways_max` is at least 1. */
SL_CHECKED enum sl_err sl_record_pool_create(size_t ways_max, struct sl_record_pool **ret_pool);
void sl_record_pool_destroy(struct sl_record_pool *pool); /* when no way uses it; NULL is allowed */

/** One direction. It must stand still until sl_record_way_fini; zeroed is valid for that. */
struct sl_record_way {
    struct sl_record_pool *pool; /* NULL: not in use */
    struct sl_list node;
    EVP_CIPHER_CTX *cipher; /* NULL: has none now */
    struct sl_fast_secret secret;
    uint64_t records_count; /* under this key: the number of the next */
    enum sl_record_suite suite;
    bool is_sealing;
    uint8_t key[SL_RECORD_KEY_MAX], iv[SL_RECORD_IV_LEN];
};

/** The suite by its number (RFC 8446 B.4). False when it is not one of these. */
bool sl_record_suite_find(uint32_t number, enum sl_record_suite *ret_suite);

/** Derives key and iv of `secret`. SL_OK, SL_ETLS (a digest that does not go with the suite). */
SL_CHECKED enum sl_err sl_record_way_init(struct sl_record_way *way, struct sl_record_pool *pool,
                                          enum sl_record_suite suite, bool is_sealing,
                                          const struct sl_fast_secret *secret);
void sl_record_way_fini(struct sl_record_way *way); /* wipes */

/** The next traffic secret, and key and iv of it (RFC 8446 7.2). SL_OK, SL_ETLS. */
SL_CHECKED enum sl_err sl_record_way_update(struct sl_record_way *way);

/** A context that is ready for the next record, which is counted; the way's own. SL_OK, SL_ETLS,
 * SL_ENOMEM. */
SL_CHECKED enum sl_err sl_record_way_next(struct sl_record_way *way, EVP_CIPHER_CTX **ret_cipher);
