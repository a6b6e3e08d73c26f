/* SPDX-License-Identifier: Apache-2.0 */
#include "records.h"

/* RFC 8448 3, "Simple 1-RTT Handshake": the server's and the client's application data. */
static const struct vector {
    uint8_t secret[32], key[16], iv[SL_RECORD_IV_LEN];
} VECTORS[] = {
    { { 0xa1, 0x1a, 0xf9, 0xf0, 0x55, 0x31, 0xf8, 0x56, 0xad, 0x47, 0x11,
        0x6b, 0x45, 0xa9, 0x50, 0x32, 0x82, 0x04, 0xb4, 0xf4, 0x4b, 0xfb,
        0x6b, 0x3a, 0x4b, 0x4f, 0x1f, 0x3f, 0xcb, 0x63, 0x16, 0x43 },
      { 0x9f, 0x02, 0x28, 0x3b, 0x6c, 0x9c, 0x07, 0xef, 0xc2, 0x6b, 0xb9, 0xf2, 0xac, 0x92, 0xe3,
        0x56 },
      { 0xcf, 0x78, 0x2b, 0x88, 0xdd, 0x83, 0x54, 0x9a, 0xad, 0xf1, 0xe9, 0x84 } },
    { { 0x9e, 0x40, 0x64, 0x6c, 0xe7, 0x9a, 0x7f, 0x9d, 0xc0, 0x5a, 0xf8,
        0x88, 0x9b, 0xce, 0x65, 0x52, 0x87, 0x5a, 0xfa, 0x0b, 0x06, 0xdf,
        0x00, 0x87, 0xf7, 0x92, 0xeb, 0xb7, 0xc1, 0x75, 0x04, 0xa5 },
      { 0x17, 0x42, 0x2d, 0xda, 0x59, 0x6e, 0xd5, 0xd9, 0xac, 0xd8, 0x90, 0xe3, 0xc6, 0x3f, 0x50,
        0x51 },
      { 0x5b, 0x78, 0x92, 0x3d, 0xee, 0x08, 0x57, 0x90, 0x33, 0xe5, 0x23, 0xd9 } },
};

static struct sl_record_pool *pool_make(size_t ways_max)
{
    struct sl_record_pool *pool = NULL;
    assert_int_equal(sl_record_pool_create(ways_max, &pool), SL_OK);
    return pool;
}

static void keys_of_rfc_8448_come_out(void **state)
{
    struct sl_record_pool *pool = pool_make(1);
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(VECTORS); i++) {
        struct sl_fast_secret secret = { .digest = &sl_fast_find()->digests[0] };
        struct sl_record_way way;
        memcpy(secret.bytes, VECTORS[i].secret, sizeof(VECTORS[i].secret));
        assert_int_equal(sl_record_way_init(&way, pool, SL_RECORD_AES_128_GCM, true, &secret),
                         SL_OK);
        assert_memory_equal(way.key, VECTORS[i].key, sizeof(VECTORS[i].key));
        assert_memory_equal(way.iv, VECTORS[i].iv, sizeof(VECTORS[i].iv));
        sl_record_way_fini(&way);
    }
    sl_record_pool_destroy(pool);
}

static void a_suite_is_found_by_its_number(void **state)
{
    enum sl_record_suite suite = SL_RECORD_SUITES_COUNT;
    SL_UNUSED(state);
    assert_true(sl_record_suite_find(0x1301, &suite));
    assert_int_equal(suite, SL_RECORD_AES_128_GCM);
    assert_true(sl_record_suite_find(0x1302, &suite));
    assert_int_equal(suite, SL_RECORD_AES_256_GCM);
    assert_true(sl_record_suite_find(0x1303, &suite));
    assert_int_equal(suite, SL_RECORD_CHACHA20_POLY1305);
    assert_false(sl_record_suite_find(0x1304, &suite)); /* CCM */
    assert_false(sl_record_suite_find(0, &suite));
}

static void a_secret_of_another_length_is_refused(void **state)
{
    struct sl_record_pool *pool = pool_make(1);
    SL_UNUSED(state);
    for (enum sl_record_suite suite = 0; suite < SL_RECORD_SUITES_COUNT; suite++) {
        struct sl_record_way way = { .pool = NULL };
        struct sl_fast_secret secret = records_secret(suite, 1);
        secret.digest = &sl_fast_find()->digests[suite == SL_RECORD_AES_256_GCM ? 0 : 1];
        assert_int_equal(sl_record_way_init(&way, pool, suite, true, &secret), SL_ETLS);
        secret.digest = NULL; /* none has come */
        assert_int_equal(sl_record_way_init(&way, pool, suite, true, &secret), SL_ETLS);
        sl_record_way_fini(&way);
    }
    sl_record_pool_destroy(pool);
}

static void update_both(struct sl_record_way *seal, struct sl_record_way *open)
{
    uint8_t before[SL_RECORD_KEY_MAX];
    memcpy(before, seal->key, sizeof(before));
    assert_int_equal(sl_record_way_update(seal), SL_OK);
    assert_int_equal(sl_record_way_update(open), SL_OK);
    assert_memory_not_equal(before, seal->key, sizeof(before));
    assert_int_equal(seal->records_count, 0);
}

/* More connections than contexts, of all suites, in turns: each goes on with its own keys. */
static void connections_share_few_contexts(void **state)
{
    enum { PAIRS_COUNT = 7, TURNS_COUNT = 60 };
    static const size_t MAX[] = { 1, 2, 3, 100 };
    SL_UNUSED(state);
    for (size_t m = 0; m < SL_COUNT(MAX); m++) {
        struct sl_record_pool *pool = pool_make(MAX[m]);
        struct sl_record_way seal[PAIRS_COUNT], open[PAIRS_COUNT];
        for (size_t i = 0; i < PAIRS_COUNT; i++) {
            const enum sl_record_suite suite = i % SL_RECORD_SUITES_COUNT;
            const struct sl_fast_secret secret = records_secret(suite, (uint8_t)i);
            assert_int_equal(sl_record_way_init(&seal[i], pool, suite, true, &secret), SL_OK);
            assert_int_equal(sl_record_way_init(&open[i], pool, suite, false, &secret), SL_OK);
        }
        for (size_t turn = 0; turn < TURNS_COUNT; turn++) {
            const size_t i = turn * 5 % PAIRS_COUNT;
            uint8_t wire[256], text[256], type = 0, alert = 0;
            size_t len = 0;
            struct sl_wbuf out = sl_wbuf_of(wire, sizeof(wire));
            if (turn % 11 == 10) {
                update_both(&seal[i], &open[i]);
            }
            assert_int_equal(sl_record_seal(&seal[i], SL_RECORD_DATA, SL_SLICE("whose?"), &out),
                             SL_OK);
            const struct sl_record_pieces record = { .first = sl_wbuf_slice(&out) };
            assert_int_equal(sl_record_open(&open[i], &record, text, &type, &len, &alert), SL_OK);
            assert_int_equal(len, 6);
            assert_memory_equal(text, "whose?", 6);
            assert_true(pool->ways_count <= MAX[m]);
        }
        for (size_t i = 0; i < PAIRS_COUNT; i++) {
            sl_record_way_fini(&seal[i]);
            sl_record_way_fini(&open[i]);
        }
        assert_int_equal(pool->ways_count, 0);
        assert_true(sl_list_is_empty(&pool->ways));
        sl_record_pool_destroy(pool);
    }
}

static void nothing_is_left_of_a_key(void **state)
{
    static const struct sl_record_way WIPED;
    struct sl_record_pool *pool = pool_make(4);
    struct sl_record_way way;
    const struct sl_fast_secret secret = records_secret(SL_RECORD_AES_256_GCM, 3);
    EVP_CIPHER_CTX *cipher = NULL;
    SL_UNUSED(state);
    assert_int_equal(sl_record_way_init(&way, pool, SL_RECORD_AES_256_GCM, true, &secret), SL_OK);
    assert_int_equal(sl_record_way_next(&way, &cipher), SL_OK);
    assert_non_null(cipher);
    sl_record_way_fini(&way);
    assert_memory_equal(&way, &WIPED, sizeof(way));
    sl_record_way_fini(&way);
    sl_record_pool_destroy(pool);
}

static void numbers_do_not_wrap(void **state)
{
    struct sl_record_pool *pool = pool_make(4);
    struct sl_record_way way;
    const struct sl_fast_secret secret = records_secret(SL_RECORD_AES_128_GCM, 3);
    EVP_CIPHER_CTX *cipher = NULL;
    SL_UNUSED(state);
    assert_int_equal(sl_record_way_init(&way, pool, SL_RECORD_AES_128_GCM, true, &secret), SL_OK);
    way.records_count = UINT64_MAX - 1;
    assert_int_equal(sl_record_way_next(&way, &cipher), SL_OK);
    assert_int_equal(sl_record_way_next(&way, &cipher), SL_ETLS);
    sl_record_way_fini(&way);
    sl_record_pool_destroy(pool);
}

/* A digest that begins so often, and then no more. */
struct failing {
    const struct sl_fast_digest *real;
    int left_count;
};

static int failing_init(void *digest, const OSSL_PARAM params[])
{
    struct failing *failing = digest;
    return failing->left_count-- > 0 ? failing->real->init(failing->real->scratch, params) : 0;
}

static int failing_update(void *digest, const unsigned char *in, size_t len)
{
    const struct failing *failing = digest;
    return failing->real->update(failing->real->scratch, in, len);
}

static int failing_final(void *digest, unsigned char *out, size_t *len, size_t size)
{
    const struct failing *failing = digest;
    return failing->real->final(failing->real->scratch, out, len, size);
}

/* The worst that could be done with a key is to use it twice with one number. */
static void a_number_is_not_used_again_when_an_update_fails(void **state)
{
    enum { INITS_PER_UPDATE = 9, USED_COUNT = 2 };
    struct sl_record_pool *pool = pool_make(4);
    const struct sl_fast_secret secret = records_secret(SL_RECORD_AES_128_GCM, 3);
    SL_UNUSED(state);
    for (int count = 0; count <= INITS_PER_UPDATE; count++) {
        struct failing failing = { secret.digest, count };
        struct sl_fast_digest digest = *secret.digest;
        struct sl_record_way way;
        EVP_CIPHER_CTX *cipher = NULL;
        digest.scratch = &failing;
        digest.init = failing_init;
        digest.update = failing_update;
        digest.final = failing_final;
        assert_int_equal(sl_record_way_init(&way, pool, SL_RECORD_AES_128_GCM, true, &secret),
                         SL_OK);
        for (int i = 0; i < USED_COUNT; i++) {
            assert_int_equal(sl_record_way_next(&way, &cipher), SL_OK);
        }
        way.secret.digest = &digest;
        const enum sl_err rc = sl_record_way_update(&way);
        assert_int_equal(rc, count < INITS_PER_UPDATE ? SL_ETLS : SL_OK);
        assert_true(rc == SL_OK ? way.records_count == 0 : way.records_count >= USED_COUNT);
        sl_record_way_fini(&way);
    }
    sl_record_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_rfc_8448_come_out),
        cmocka_unit_test(a_suite_is_found_by_its_number),
        cmocka_unit_test(a_secret_of_another_length_is_refused),
        cmocka_unit_test(connections_share_few_contexts),
        cmocka_unit_test(nothing_is_left_of_a_key),
        cmocka_unit_test(numbers_do_not_wrap),
        cmocka_unit_test(a_number_is_not_used_again_when_an_update_fails),
    };
    records_begin();
    return cmocka_run_group_tests_name("tls/record_keys", tests, NULL, NULL);
}
