/* SPDX-License-Identifier: Apache-2.0 */
#include "fast_cases.h"

enum { CASES = 30000, TEXT_MAX = 600, KEY_MAX = 300 };

static EVP_MAC_CTX *mac_new(const char *properties)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, properties);
    assert_non_null(mac);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    assert_non_null(ctx);
    EVP_MAC_free(mac);
    return ctx;
}

/* Two contexts that get the same. */
struct both {
    EVP_MAC_CTX *ours, *theirs;
};

static void both_free(struct both *both)
{
    EVP_MAC_CTX_free(both->ours);
    EVP_MAC_CTX_free(both->theirs);
}

static void both_dup(struct both *both)
{
    struct both copy = { EVP_MAC_CTX_dup(both->ours), EVP_MAC_CTX_dup(both->theirs) };
    assert_non_null(copy.ours);
    assert_non_null(copy.theirs);
    both_free(both);
    *both = copy;
}

static bool both_set(struct both *both, const OSSL_PARAM *params)
{
    int is_ok = EVP_MAC_CTX_set_params(both->theirs, params);
    assert_int_equal(EVP_MAC_CTX_set_params(both->ours, params), is_ok);
    if (is_ok != 1) {
        return false;
    }
    assert_int_equal(EVP_MAC_CTX_get_mac_size(both->ours), EVP_MAC_CTX_get_mac_size(both->theirs));
    assert_int_equal(EVP_MAC_CTX_get_block_size(both->ours),
                     EVP_MAC_CTX_get_block_size(both->theirs));
    return true;
}

static bool both_init(struct both *both, const uint8_t *key, size_t len, const OSSL_PARAM *params)
{
    int is_ok = EVP_MAC_init(both->theirs, key, len, params);
    assert_int_equal(EVP_MAC_init(both->ours, key, len, params), is_ok);
    return is_ok == 1;
}

static bool both_update(struct both *both, const uint8_t *text, size_t len)
{
    int is_ok = EVP_MAC_update(both->theirs, text, len);
    assert_int_equal(EVP_MAC_update(both->ours, text, len), is_ok);
    return is_ok == 1;
}

static bool both_final(struct both *both)
{
    uint8_t out[EVP_MAX_MD_SIZE], wanted[EVP_MAX_MD_SIZE];
    size_t len = 0, wanted_len = 0;
    int is_ok = EVP_MAC_final(both->theirs, wanted, &wanted_len, sizeof(wanted));
    assert_int_equal(EVP_MAC_final(both->ours, out, &len, sizeof(out)), is_ok);
    assert_int_equal(len, wanted_len);
    if (is_ok == 1) {
        assert_memory_equal(out, wanted, len);
    }
    return is_ok == 1;
}

/* Text in pieces, with copies taken in between. */
static bool both_feed(struct both *both, uint64_t *seed)
{
    static const size_t LENS[] = { 0, 1, 32, 63, 64, 65, 128, 300 };
    uint8_t text[TEXT_MAX];
    bool is_ok = true;
    for (size_t pieces = random_next(seed) % 4; pieces > 0; pieces--) {
        size_t len = random_len(seed, LENS, SL_COUNT(LENS), TEXT_MAX);
        random_fill(seed, text, len);
        is_ok = both_update(both, text, len) && is_ok;
        if (random_next(seed) % 8 == 0) {
            both_dup(both);
        }
    }
    return both_final(both) && is_ok;
}

static void case_run(uint64_t *seed, size_t *made_count)
{
    static const char *const DIGESTS[] = {
        "SHA256",   "SHA2-256", "SHA2-384", "SHA384", "SHA512",
        "SHA2-512", "SHA1",     "SHA3-256", "sha256", "NOTHING"
    };
    static const size_t KEYS[] = { 32, 48, 64, 65, 0, 1, 20, 128, 129, 200 };
    struct both both = { mac_new(OURS), mac_new(THEIRS) };
    uint8_t key[KEY_MAX], digest[16];
    for (size_t turns = 1 + random_next(seed) % 3; turns > 0; turns--) {
        OSSL_PARAM params[3], *end = params;
        if (random_next(seed) % 8 != 0) {
            const char *name = DIGESTS[random_next(seed) % SL_COUNT(DIGESTS)];
            (void)snprintf((char *)digest, sizeof(digest), "%s", name);
            *end++ = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest, 0);
        }
        size_t len = random_len(seed, KEYS, SL_COUNT(KEYS), KEY_MAX);
        random_fill(seed, key, len);
        unsigned way = random_next(seed) % 4;
        if (way == 0) { /* as libssl's ticket callback does */
            *end++ = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key, len);
        }
        *end = OSSL_PARAM_construct_end();
        bool is_set = way < 3 ? both_set(&both, params) : both_init(&both, key, len, params);
        if (is_set && random_next(seed) % 8 == 0) { /* not ours: OpenSSL's goes on from here */
            int is_oneshot = 0;
            const OSSL_PARAM flag[] = {
                OSSL_PARAM_construct_int(OSSL_MAC_PARAM_DIGEST_ONESHOT, &is_oneshot),
                OSSL_PARAM_construct_end(),
            };
            is_set = both_set(&both, flag);
        }
        if (is_set && (way == 1 || way == 2)) {
            is_set = both_init(&both, key, len, NULL);
        }
        if (!is_set) {
            break; /* what a context does that has refused something is nobody's business */
        }
        if (random_next(seed) % 8 == 0) {
            both_dup(&both);
        }
        *made_count += both_feed(&both, seed);
        if (random_next(seed) % 4 == 0 &&
            both_init(&both, NULL, 0, NULL)) { /* the same key again */
            *made_count += both_feed(&both, seed);
        }
    }
    both_free(&both);
    ERR_clear_error();
}

static void every_case_comes_out_as_with_openssls_own(void **state)
{
    uint64_t seed = 0x2104;
    size_t made_count = 0;
    SL_UNUSED(state);
    for (size_t i = 0; i < CASES; i++) {
        case_run(&seed, &made_count);
    }
    assert_true(made_count > CASES / 2);
}

static void vectors_of_rfc_4231_come_out(void **state)
{
    static const struct {
        size_t key_len;
        uint8_t key_byte;
        const char *text, *sha256;
    } CASES_4231[] = {
        { 20, 0x0b, "Hi There",
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
        { 131, 0xaa, "Test Using Larger Than Block-Size Key - Hash Key First",
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES_4231); i++) {
        uint8_t key[131], out[32], wanted[32];
        size_t len = 0;
        memset(key, CASES_4231[i].key_byte, sizeof(key));
        hex_read(CASES_4231[i].sha256, wanted, sizeof(wanted));
        const char *text = CASES_4231[i].text;
        assert_non_null(EVP_Q_mac(NULL, "HMAC", OURS, "SHA2-256", NULL, key, CASES_4231[i].key_len,
                                  (const uint8_t *)text, strlen(text), out, sizeof(out), &len));
        assert_int_equal(len, sizeof(wanted));
        assert_memory_equal(out, wanted, len);
    }
}

/* TLS 1.2 with CBC and without encrypt_then_mac: libssl tells the MAC how long the padded record
 * is, for a time that does not tell where the padding begins. */
static void records_of_cbc_ciphers_are_left_to_openssl(void **state)
{
    uint64_t seed = 0x5246;
    uint8_t key[32], header[13], record[400];
    char digest[] = "SHA2-256";
    SL_UNUSED(state);
    random_fill(&seed, key, sizeof(key));
    for (size_t len = 0; len + 32 + 1 <= sizeof(record); len++) {
        struct both both = { mac_new(OURS), mac_new(THEIRS) };
        const OSSL_PARAM digest_set[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
            OSSL_PARAM_construct_end(),
        };
        assert_true(both_init(&both, key, sizeof(key), digest_set));
        both_dup(&both);
        size_t size = len + 32 + 1 + random_next(&seed) % (sizeof(record) - len - 32);
        const OSSL_PARAM size_set[] = {
            OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_TLS_DATA_SIZE, &size),
            OSSL_PARAM_construct_end(),
        };
        assert_true(both_set(&both, size_set));
        random_fill(&seed, header, sizeof(header));
        random_fill(&seed, record, sizeof(record));
        assert_true(both_update(&both, header, sizeof(header)));
        assert_true(both_update(&both, record, len));
        assert_true(both_final(&both));
        both_free(&both);
    }
}

static void nothing_is_made_without_a_key(void **state)
{
    uint8_t out[32];
    size_t len = 0;
    char digest[] = "SHA2-256";
    SL_UNUSED(state);
    EVP_MAC_CTX *ctx = mac_new(OURS);
    assert_int_equal(EVP_MAC_init(ctx, NULL, 0, NULL), 0);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    assert_int_equal(EVP_MAC_CTX_set_params(ctx, params), 1);
    assert_int_equal(EVP_MAC_update(ctx, out, 1), 0);
    assert_int_equal(EVP_MAC_final(ctx, out, &len, sizeof(out)), 0);
    EVP_MAC_CTX_free(ctx);
    ERR_clear_error();
}

static void a_finished_one_takes_no_more_until_it_begins_again(void **state)
{
    uint8_t key[32] = { 1 }, out[32], again[32];
    size_t len = 0;
    char digest[] = "SHA2-256";
    SL_UNUSED(state);
    EVP_MAC_CTX *ctx = mac_new(OURS);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    assert_int_equal(EVP_MAC_init(ctx, key, sizeof(key), params), 1);
    assert_int_equal(EVP_MAC_final(ctx, out, &len, sizeof(out)), 1);
    assert_int_equal(EVP_MAC_update(ctx, key, 1), 0);
    assert_int_equal(EVP_MAC_final(ctx, again, &len, sizeof(again)), 0);
    assert_int_equal(EVP_MAC_init(ctx, NULL, 0, NULL), 1);
    assert_int_equal(EVP_MAC_final(ctx, again, &len, sizeof(again)), 1);
    assert_memory_equal(out, again, sizeof(out));
    EVP_MAC_CTX_free(ctx);
    ERR_clear_error();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_4231_come_out),
        cmocka_unit_test(every_case_comes_out_as_with_openssls_own),
        cmocka_unit_test(records_of_cbc_ciphers_are_left_to_openssl),
        cmocka_unit_test(nothing_is_made_without_a_key),
        cmocka_unit_test(a_finished_one_takes_no_more_until_it_begins_again),
    };
    return cmocka_run_group_tests_name("tls/fast_mac", tests, fast_begin, NULL);
}
