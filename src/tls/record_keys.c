/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/record_keys.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    uint16_t number; /* RFC 8446 B.4 */
    const char *cipher;
    size_t key_len, secret_len; /* bytes */
} SUITES[SL_RECORD_SUITES_COUNT] = {
    [SL_RECORD_AES_128_GCM] = { 0x1301, "AES-128-GCM", 16, 32 },
    [SL_RECORD_AES_256_GCM] = { 0x1302, "AES-256-GCM", 32, 48 },
    [SL_RECORD_CHACHA20_POLY1305] = { 0x1303, "ChaCha20-Poly1305", 32, 32 },
};

static void pool_cleanup(struct sl_record_pool **pool)
{
    sl_record_pool_destroy(*pool);
}

enum sl_err sl_record_pool_create(size_t ways_max, struct sl_record_pool **ret_pool)
{
    SL_CLEANUP(pool_cleanup) struct sl_record_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL) {
        return SL_ENOMEM;
    }
    sl_list_init(&pool->ways);
    pool->ways_max = ways_max;
    for (size_t i = 0; i < SL_COUNT(SUITES); i++) {
        pool->ciphers[i] = EVP_CIPHER_fetch(NULL, SUITES[i].cipher, NULL);
        if (pool->ciphers[i] == NULL) {
            ERR_clear_error();
            return SL_ETLS;
        }
    }
    *ret_pool = SL_STEAL(pool);
    return SL_OK;
}

void sl_record_pool_destroy(struct sl_record_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    for (size_t i = 0; i < SL_COUNT(pool->ciphers); i++) {
        EVP_CIPHER_free(pool->ciphers[i]);
    }
    free(pool);
}

bool sl_record_suite_find(uint32_t number, enum sl_record_suite *ret_suite)
{
    for (size_t i = 0; i < SL_COUNT(SUITES); i++) {
        if (SUITES[i].number == number) {
            *ret_suite = (enum sl_record_suite)i;
            return true;
        }
    }
    return false;
}

static bool derive(const struct sl_fast_secret *secret, struct sl_slice label, size_t len,
                   uint8_t *out)
{
    return sl_fast_expand(secret->digest, sl_slice_of(secret->bytes, secret->digest->len),
                          SL_SLICE("tls13 "), label, sl_slice_of(NULL, 0), len, out);
}

/* Key and iv of the secret; the records are counted from 0 again. Where that fails the old key is
 * still there, whose numbers are used up: none is left. */
static enum sl_err key_derive(struct sl_record_way *way)
{
    const bool is_ok =
        derive(&way->secret, SL_SLICE("key"), SUITES[way->suite].key_len, way->key) &&
        derive(&way->secret, SL_SLICE("iv"), sizeof(way->iv), way->iv);
    way->records_count = is_ok ? 0 : UINT64_MAX;
    return is_ok ? SL_OK : SL_ETLS;
}

/* The context as the way's own, without its key. */
static EVP_CIPHER_CTX *cipher_take(struct sl_record_way *way)
{
    if (way->cipher != NULL) {
        sl_list_remove(&way->node);
        way->pool->ways_count--;
    }
    return SL_STEAL(way->cipher);
}

enum sl_err sl_record_way_init(struct sl_record_way *way, struct sl_record_pool *pool,
                               enum sl_record_suite suite, bool is_sealing,
                               const struct sl_fast_secret *secret)
{
    if (secret->digest == NULL || secret->digest->len != SUITES[suite].secret_len) {
        return SL_ETLS;
    }
    *way = (struct sl_record_way){
        .pool = pool, .secret = *secret, .suite = suite, .is_sealing = is_sealing
    };
    sl_list_init(&way->node);
    return key_derive(way);
}

void sl_record_way_fini(struct sl_record_way *way)
{
    if (way->pool != NULL) {
        EVP_CIPHER_CTX_free(cipher_take(way)); /* wipes */
    }
    OPENSSL_cleanse(way, sizeof(*way));
}

enum sl_err sl_record_way_update(struct sl_record_way *way)
{
    uint8_t next[SL_FAST_DIGEST_MAX];
    size_t len = way->secret.digest->len;
    enum sl_err rc = SL_ETLS;
    EVP_CIPHER_CTX_free(cipher_take(way)); /* it has the old key */
    if (derive(&way->secret, SL_SLICE("traffic upd"), len, next)) {
        memcpy(way->secret.bytes, next, len);
        rc = key_derive(way);
    }
    OPENSSL_cleanse(next, sizeof(next));
    return rc;
}

/* The context of whoever has not used it for longest, or a new one. */
static EVP_CIPHER_CTX *cipher_borrow(struct sl_record_pool *pool, enum sl_record_suite suite,
                                     bool *ret_is_new)
{
    *ret_is_new = true;
    if (pool->ways_count < pool->ways_max) {
        return EVP_CIPHER_CTX_new();
    }
    struct sl_record_way *oldest = SL_CONTAINER_OF(pool->ways.next, struct sl_record_way, node);
    *ret_is_new = oldest->suite != suite;
    return cipher_take(oldest);
}

static enum sl_err cipher_key(struct sl_record_way *way, const uint8_t *nonce)
{
    bool is_new = true;
    EVP_CIPHER_CTX *cipher = cipher_borrow(way->pool, way->suite, &is_new);
    if (cipher == NULL) {
        return SL_ENOMEM;
    }
    if (EVP_CipherInit_ex2(cipher, is_new ? way->pool->ciphers[way->suite] : NULL, way->key, nonce,
                           way->is_sealing, NULL) != 1) {
        EVP_CIPHER_CTX_free(cipher);
        return SL_ETLS;
    }
    way->cipher = cipher;
    sl_list_append(&way->pool->ways, &way->node);
    way->pool->ways_count++;
    return SL_OK;
}

enum sl_err sl_record_way_next(struct sl_record_way *way, EVP_CIPHER_CTX **ret_cipher)
{
    enum { NUMBER_LEN = 8, UNCHANGED = -1 };
    uint8_t nonce[SL_RECORD_IV_LEN];
    if (way->records_count == UINT64_MAX) {
        return SL_ETLS; /* RFC 8446 5.3: they must not wrap */
    }
    memcpy(nonce, way->iv, sizeof(nonce));
    for (size_t i = 0; i < NUMBER_LEN; i++) {
        nonce[sizeof(nonce) - 1 - i] ^= (uint8_t)(way->records_count >> (8 * i));
    }
    if (way->cipher == NULL) {
        enum sl_err rc = cipher_key(way, nonce);
        if (rc != SL_OK) {
            return rc;
        }
    } else {
        sl_list_remove(&way->node);
        sl_list_append(&way->pool->ways, &way->node);
        if (EVP_CipherInit_ex2(way->cipher, NULL, NULL, nonce, UNCHANGED, NULL) != 1) {
            return SL_ETLS;
        }
    }
    way->records_count++;
    *ret_cipher = way->cipher;
    return SL_OK;
}
