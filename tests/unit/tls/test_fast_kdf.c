/* SPDX-License-Identifier: Apache-2.0 */
#include "fast_cases.h"

enum { CASES = 40000, OUT_MAX = 256 * 64 };

static EVP_KDF_CTX *kdf_new(const char *properties)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, properties);
    assert_non_null(kdf);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    assert_non_null(ctx);
    EVP_KDF_free(kdf);
    return ctx;
}

/* A list of parameters and what it points to. */
struct list {
    OSSL_PARAM params[12], *end;
    int mode;
    char digest[16];
    uint8_t bytes[5][300];
};

static void list_init(struct list *list)
{
    list->end = list->params;
    *list->end = OSSL_PARAM_construct_end();
}

static void list_add(struct list *list, OSSL_PARAM param)
{
    *list->end++ = param;
    *list->end = OSSL_PARAM_construct_end();
}

static void list_add_text(struct list *list, const char *name, const char *hex)
{
    size_t field = (size_t)(list->end - list->params), len = strlen(hex) / 2;
    hex_read(hex, list->bytes[field % 5], len);
    list_add(list, OSSL_PARAM_construct_octet_string(name, list->bytes[field % 5], len));
}

static void list_begin(struct list *list, int mode, const char *digest)
{
    list_init(list);
    list->mode = mode;
    list_add(list, OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &list->mode));
    (void)snprintf(list->digest, sizeof(list->digest), "%s", digest);
    list_add(list, OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, list->digest, 0));
}

#define TLS13 "746c73313320"

static void assert_derives(const struct list *list, const char *hex)
{
    uint8_t out[64], wanted[64];
    size_t len = strlen(hex) / 2;
    hex_read(hex, wanted, len);
    EVP_KDF_CTX *ctx = kdf_new(OURS);
    assert_int_equal(EVP_KDF_derive(ctx, out, len, list->params), 1);
    assert_memory_equal(out, wanted, len);
    EVP_KDF_CTX_free(ctx);
}

static void extracts_as(const char *salt, const char *key, const char *secret)
{
    struct list list;
    list_begin(&list, EVP_KDF_HKDF_MODE_EXTRACT_ONLY, "SHA2-256");
    if (salt != NULL) {
        list_add_text(&list, OSSL_KDF_PARAM_SALT, salt);
    }
    if (key != NULL) {
        list_add_text(&list, OSSL_KDF_PARAM_KEY, key);
    }
    list_add_text(&list, OSSL_KDF_PARAM_PREFIX, TLS13);
    list_add_text(&list, OSSL_KDF_PARAM_LABEL, "64657269766564"); /* derived */
    assert_derives(&list, secret);
}

static void expands_as(const char *secret, const char *label, const char *hash, const char *out)
{
    struct list list;
    list_begin(&list, EVP_KDF_HKDF_MODE_EXPAND_ONLY, "SHA2-256");
    list_add_text(&list, OSSL_KDF_PARAM_KEY, secret);
    list_add_text(&list, OSSL_KDF_PARAM_PREFIX, TLS13);
    list_add_text(&list, OSSL_KDF_PARAM_LABEL, label);
    if (hash != NULL) {
        list_add_text(&list, OSSL_KDF_PARAM_DATA, hash);
    }
    assert_derives(&list, out);
}

#define EARLY     "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a"
#define SHARED    "8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d"
#define HANDSHAKE "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac"
#define MASTER    "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919"
#define HELLOS    "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8"
#define CLIENT_HS "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21"
#define SERVER_HS "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38"

static void key_schedule_of_rfc_8448_comes_out(void **state)
{
    SL_UNUSED(state); /* section 3, "Simple 1-RTT Handshake" */
    extracts_as(NULL, NULL, EARLY);
    extracts_as(NULL, "0000000000000000000000000000000000000000000000000000000000000000", EARLY);
    extracts_as(EARLY, SHARED, HANDSHAKE);
    extracts_as(HANDSHAKE, NULL, MASTER);
    expands_as(EARLY, "64657269766564", /* derived */
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
               "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba");
    expands_as(HANDSHAKE, "632068732074726166666963", HELLOS, CLIENT_HS);      /* c hs traffic */
    expands_as(HANDSHAKE, "732068732074726166666963", HELLOS, SERVER_HS);      /* s hs traffic */
    expands_as(SERVER_HS, "6b6579", NULL, "3fce516009c21727d0f2e4e86ee403bc"); /* key */
    expands_as(SERVER_HS, "6976", NULL, "5d313eb2671276ee13000b30");           /* iv */
    expands_as(SERVER_HS, "66696e6973686564", NULL,                            /* finished */
               "008d3b66f816ea559f96b537e885c31fc068bf492c652f01f288a1d8cdc19fc8");
}

static void add_octets(struct list *list, uint64_t *seed, const char *name, const size_t *lens,
                       size_t count)
{
    size_t field = (size_t)(list->end - list->params) % 5, max = sizeof(list->bytes[field]);
    size_t len = random_len(seed, lens, count, max);
    random_fill(seed, list->bytes[field], len);
    list_add(list, OSSL_PARAM_construct_octet_string(name, list->bytes[field], len));
}

/* Mostly what libssl asks for; the rest is at the borders, missing, too long, of a wrong kind. */
static void list_random(struct list *list, uint64_t *seed)
{
    static const char *const DIGESTS[] = { "SHA2-256", "SHA2-384", "SHA256",   "SHA384",
                                           "SHA2-512", "SHA2-256", "SHA2-384", "SHA1",
                                           "SHA3-256", "sha256",   "NOTHING" };
    static const int MODES[] = { EVP_KDF_HKDF_MODE_EXTRACT_ONLY, EVP_KDF_HKDF_MODE_EXPAND_ONLY,
                                 EVP_KDF_HKDF_MODE_EXPAND_ONLY, EVP_KDF_HKDF_MODE_EXPAND_ONLY };
    static const size_t SECRETS[] = { 32, 32, 48, 48, 64, 65, 1, 0, 128, 200 };
    static const size_t PREFIXES[] = { 6, 6, 6, 6, 6, 0, 16, 17 };
    static const size_t LABELS[] = { 3, 2, 8, 12, 10, 0, 32, 33, 249, 255, 256 };
    static const size_t DATA[] = { 32, 32, 48, 48, 0, 64, 65, 255, 256 };
    list_init(list);
    if (random_next(seed) % 16 == 0) {
        return;
    }
    if (random_next(seed) % 8 != 0) {
        list->mode = random_next(seed) % 32 == 0 ? (int)(random_next(seed) % 5)
                                                 : MODES[random_next(seed) % SL_COUNT(MODES)];
        list_add(list, OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &list->mode));
    }
    if (random_next(seed) % 8 != 0) {
        const char *digest = DIGESTS[random_next(seed) % SL_COUNT(DIGESTS)];
        (void)snprintf(list->digest, sizeof(list->digest), "%s", digest);
        list_add(list, OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, list->digest, 0));
    }
    if (random_next(seed) % 8 != 0) {
        add_octets(list, seed, OSSL_KDF_PARAM_KEY, SECRETS, SL_COUNT(SECRETS));
    }
    if (random_next(seed) % 4 == 0) {
        add_octets(list, seed, OSSL_KDF_PARAM_SALT, SECRETS, SL_COUNT(SECRETS));
    }
    if (random_next(seed) % 8 != 0) {
        add_octets(list, seed, OSSL_KDF_PARAM_PREFIX, PREFIXES, SL_COUNT(PREFIXES));
        add_octets(list, seed, OSSL_KDF_PARAM_LABEL, LABELS, SL_COUNT(LABELS));
    }
    if (random_next(seed) % 2 != 0) {
        add_octets(list, seed, OSSL_KDF_PARAM_DATA, DATA, SL_COUNT(DATA));
    }
    if (random_next(seed) % 32 == 0) {
        static char mode[] = "EXPAND_ONLY", properties[] = "provider=default";
        list_add(list,
                 random_next(seed) % 2 == 0
                     ? OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0)
                     : OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_PROPERTIES, properties, 0));
    }
}

static unsigned long error_take(void)
{
    unsigned long error = ERR_peek_last_error();
    ERR_clear_error();
    return error;
}

/* Both contexts get the same; 1 when both derived something. */
static int both_derive(EVP_KDF_CTX *ours, EVP_KDF_CTX *theirs, size_t len, const OSSL_PARAM *params)
{
    static uint8_t out[OUT_MAX], wanted[OUT_MAX];
    memset(out, 0, len);
    memset(wanted, 0, len);
    int is_made = EVP_KDF_derive(theirs, wanted, len, params);
    unsigned long error = error_take();
    assert_int_equal(EVP_KDF_derive(ours, out, len, params) == 1, is_made == 1);
    assert_int_equal(error_take(), error);
    if (is_made == 1) {
        assert_memory_equal(out, wanted, len);
    }
    return is_made == 1;
}

static void every_case_comes_out_as_with_openssls_own(void **state)
{
    static const size_t OUTS[] = {
        32, 32, 48,       48,           16,       12,           64,       1,           0,
        33, 65, 255 * 32, 255 * 32 + 1, 255 * 48, 255 * 48 + 1, 255 * 64, 255 * 64 + 1
    };
    uint64_t seed = 0x8446;
    size_t made_count = 0;
    SL_UNUSED(state);
    for (size_t i = 0; i < CASES; i++) {
        EVP_KDF_CTX *ours = kdf_new(OURS), *theirs = kdf_new(THEIRS);
        for (size_t turns = 1 + random_next(&seed) % 3; turns > 0; turns--) {
            struct list list;
            if (random_next(&seed) % 4 == 0) {
                list_random(&list, &seed);
                assert_int_equal(EVP_KDF_CTX_set_params(ours, list.params),
                                 EVP_KDF_CTX_set_params(theirs, list.params));
                ERR_clear_error();
            }
            list_random(&list, &seed);
            size_t len = random_len(&seed, OUTS, SL_COUNT(OUTS), 100);
            bool has_list = random_next(&seed) % 8 != 0;
            made_count += (size_t)both_derive(ours, theirs, len, has_list ? list.params : NULL);
        }
        if (random_next(&seed) % 16 == 0) {
            EVP_KDF_CTX_reset(ours);
            EVP_KDF_CTX_reset(theirs);
            (void)both_derive(ours, theirs, 32, NULL);
        }
        EVP_KDF_CTX_free(ours);
        EVP_KDF_CTX_free(theirs);
    }
    assert_true(made_count > CASES / 4);
}

static void a_copy_goes_on_by_itself(void **state)
{
    uint8_t first[32], copied[32], changed[32], key[32] = { 1 };
    SL_UNUSED(state);
    struct list list;
    list_begin(&list, EVP_KDF_HKDF_MODE_EXPAND_ONLY, "SHA2-256");
    list_add_text(&list, OSSL_KDF_PARAM_KEY, SERVER_HS);
    EVP_KDF_CTX *ctx = kdf_new(OURS);
    assert_int_equal(EVP_KDF_CTX_set_params(ctx, list.params), 1);
    EVP_KDF_CTX *copy = EVP_KDF_CTX_dup(ctx);
    assert_non_null(copy);
    const OSSL_PARAM other[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, sizeof(key)),
        OSSL_PARAM_construct_end(),
    };
    assert_int_equal(EVP_KDF_derive(ctx, first, sizeof(first), NULL), 1);
    assert_int_equal(EVP_KDF_derive(ctx, changed, sizeof(changed), other), 1);
    EVP_KDF_CTX_free(ctx);
    assert_int_equal(EVP_KDF_derive(copy, copied, sizeof(copied), NULL), 1);
    EVP_KDF_CTX_free(copy);
    assert_memory_equal(first, copied, sizeof(first));
    assert_memory_not_equal(first, changed, sizeof(first));
}

static void what_can_be_set_and_asked_is_openssls(void **state)
{
    SL_UNUSED(state);
    EVP_KDF_CTX *ours = kdf_new(OURS), *theirs = kdf_new(THEIRS);
    const EVP_KDF *kdf = EVP_KDF_CTX_kdf(ours), *other = EVP_KDF_CTX_kdf(theirs);
    assert_ptr_equal(EVP_KDF_settable_ctx_params(kdf), EVP_KDF_settable_ctx_params(other));
    assert_ptr_equal(EVP_KDF_gettable_ctx_params(kdf), EVP_KDF_gettable_ctx_params(other));
    assert_int_equal(EVP_KDF_CTX_get_kdf_size(ours), EVP_KDF_CTX_get_kdf_size(theirs));
    struct list list;
    list_begin(&list, EVP_KDF_HKDF_MODE_EXTRACT_ONLY, "SHA2-384");
    assert_int_equal(EVP_KDF_CTX_set_params(ours, list.params), 1);
    assert_int_equal(EVP_KDF_CTX_get_kdf_size(ours), 48);
    EVP_KDF_CTX_free(ours);
    EVP_KDF_CTX_free(theirs);
    ERR_clear_error();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_schedule_of_rfc_8448_comes_out),
        cmocka_unit_test(every_case_comes_out_as_with_openssls_own),
        cmocka_unit_test(a_copy_goes_on_by_itself),
        cmocka_unit_test(what_can_be_set_and_asked_is_openssls),
    };
    return cmocka_run_group_tests_name("tls/fast_kdf", tests, fast_begin, NULL);
}
