/* SPDX-License-Identifier: Apache-2.0 */
#include "fast_cases.h"
#include "pki.h"
#include <openssl/core_dispatch.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

/* Whose key derivation and MAC libssl would get now. */
static void assert_done_by(const char *kdf_by, const char *mac_by)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, NULL);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    assert_string_equal(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf)), kdf_by);
    assert_string_equal(OSSL_PROVIDER_get0_name(EVP_MAC_get0_provider(mac)), mac_by);
    EVP_KDF_free(kdf);
    EVP_MAC_free(mac);
}

static void it_is_used_when_wanted_and_not_before(void **state)
{
    bool is_used = true;
    SL_UNUSED(state);
    assert_int_equal(sl_tls_library_init(), SL_OK);
    assert_done_by("default", "default");
    assert_int_equal(sl_tls_fast_use(false, &is_used), SL_OK);
    assert_false(is_used);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sl_tls_fast_use(true, &is_used), SL_OK);
        assert_true(is_used);
        assert_done_by("sluice-fast", "sluice-fast");
        assert_int_equal(sl_tls_fast_use(false, NULL), SL_OK);
        assert_done_by("default", "default");
    }
}

static void all_else_stays_with_the_default_provider(void **state)
{
    static const char *const KEYS[] = { "EC", "RSA", "X25519", "ED25519" };
    SL_UNUSED(state);
    (void)fast_begin(NULL);
    for (size_t i = 0; i < SL_COUNT(KEYS); i++) {
        EVP_KEYMGMT *keys = EVP_KEYMGMT_fetch(NULL, KEYS[i], NULL);
        assert_string_equal(OSSL_PROVIDER_get0_name(EVP_KEYMGMT_get0_provider(keys)), "default");
        EVP_KEYMGMT_free(keys);
    }
    EVP_SIGNATURE *ecdsa = EVP_SIGNATURE_fetch(NULL, "ECDSA", NULL);
    assert_string_equal(OSSL_PROVIDER_get0_name(EVP_SIGNATURE_get0_provider(ecdsa)), "default");
    EVP_SIGNATURE_free(ecdsa);
    EVP_KDF *hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    assert_string_equal(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(hkdf)), "default");
    EVP_KDF_free(hkdf);
}

static int empty_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                      const OSSL_DISPATCH **out, void **ret_provider)
{
    static const OSSL_DISPATCH NOTHING[] = { { 0, NULL } };
    SL_UNUSED(in);
    *out = NOTHING;
    *ret_provider = (void *)(uintptr_t)handle;
    return 1;
}

static void it_stands_aside_where_a_fips_provider_is_active(void **state)
{
    bool is_used = true;
    SL_UNUSED(state);
    assert_int_equal(sl_tls_library_init(), SL_OK);
    assert_int_equal(OSSL_PROVIDER_add_builtin(NULL, "fips", empty_init), 1);
    OSSL_PROVIDER *fips = OSSL_PROVIDER_load(NULL, "fips");
    assert_non_null(fips);
    assert_int_equal(sl_tls_fast_use(true, &is_used), SL_OK);
    assert_false(is_used);
    assert_done_by("default", "default");
    assert_int_equal(OSSL_PROVIDER_unload(fips), 1);
    (void)fast_begin(NULL);
    assert_done_by("sluice-fast", "sluice-fast");
}

static void it_stands_aside_where_fips_is_what_is_asked_for(void **state)
{
    bool is_used = true;
    SL_UNUSED(state);
    assert_int_equal(sl_tls_library_init(), SL_OK);
    assert_int_equal(EVP_default_properties_enable_fips(NULL, 1), 1);
    assert_int_equal(sl_tls_fast_use(true, &is_used), SL_OK);
    assert_false(is_used);
    assert_int_equal(EVP_default_properties_is_fips_enabled(NULL), 1);
    assert_int_equal(EVP_default_properties_enable_fips(NULL, 0), 1);
}

/* What TLS 1.2 derives its keys with, which asks for HMAC in its turn. */
static void prf(const char *digest, size_t secret_len, uint8_t out[static 200])
{
    uint8_t secret[200];
    memset(secret, 7, sizeof(secret));
    char name[16], seed[] = "master secret and seed";
    (void)snprintf(name, sizeof(name), "%s", digest);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret, secret_len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    assert_int_equal(EVP_KDF_derive(ctx, out, 200, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static void keys_of_tls_1_2_are_the_same_with_it(void **state)
{
    static const char *const DIGESTS[] = { "SHA256", "SHA384", "MD5-SHA1" };
    SL_UNUSED(state);
    assert_int_equal(sl_tls_library_init(), SL_OK);
    for (size_t i = 0; i < SL_COUNT(DIGESTS); i++) {
        for (size_t len = 1; len <= 200; len += 33) {
            uint8_t out[200], wanted[200];
            assert_int_equal(sl_tls_fast_use(false, NULL), SL_OK);
            prf(DIGESTS[i], len, wanted);
            assert_int_equal(sl_tls_fast_use(true, NULL), SL_OK);
            prf(DIGESTS[i], len, out);
            assert_memory_equal(out, wanted, sizeof(out));
        }
    }
}

static SSL *side_open(SSL_CTX *ctx, bool is_server, BIO *bio)
{
    SSL *ssl = SSL_new(ctx);
    assert_non_null(ssl);
    SSL_set_bio(ssl, bio, bio);
    if (is_server) {
        SSL_set_accept_state(ssl);
    } else {
        SSL_set_connect_state(ssl);
    }
    return ssl;
}

static SSL_CTX *ctx_make(const SSL_METHOD *method, const char *cipher, bool has_etm)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    assert_non_null(ctx);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
    assert_int_equal(SSL_CTX_set_cipher_list(ctx, cipher), 1);
    if (!has_etm) {
        (void)SSL_CTX_set_options(ctx, SSL_OP_NO_ENCRYPT_THEN_MAC);
    }
    return ctx;
}

static void server_cert(SSL_CTX *ctx)
{
    struct pki_cert pki;
    pki_make(&(struct pki_spec){ .cn = "site.example" }, NULL, &pki);
    BIO *chain = BIO_new_mem_buf(pki.chain, -1), *key = BIO_new_mem_buf(pki.key, -1);
    X509 *leaf = PEM_read_bio_X509(chain, NULL, NULL, NULL);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
    assert_int_equal(SSL_CTX_use_cert_and_key(ctx, leaf, pkey, NULL, 1), 1);
    X509_free(leaf);
    EVP_PKEY_free(pkey);
    BIO_free(chain);
    BIO_free(key);
    pki_free(&pki);
}

static void say(SSL *from, SSL *to, size_t len)
{
    static uint8_t text[16384], heard[16384];
    size_t done = 0;
    memset(text, (int)len, len);
    assert_int_equal(SSL_write_ex(from, text, len, &done), 1);
    assert_int_equal(SSL_read_ex(to, heard, sizeof(heard), &done), 1);
    assert_int_equal(done, len);
    assert_memory_equal(heard, text, len);
}

/* One side with the provider, the other without, records of every length. */
static void talk_in_cbc(const char *cipher, bool has_etm, bool is_server_fast)
{
    BIO *near = NULL, *far = NULL;
    assert_int_equal(BIO_new_bio_pair(&near, 40000, &far, 40000), 1);
    SSL_CTX *client_ctx = ctx_make(TLS_client_method(), cipher, has_etm);
    SSL_CTX *server_ctx = ctx_make(TLS_server_method(), cipher, has_etm);
    server_cert(server_ctx);
    SSL *client = side_open(client_ctx, false, near), *server = side_open(server_ctx, true, far);
    int done = 0;
    for (int i = 0; i < 10 && done != 2; i++) {
        assert_int_equal(sl_tls_fast_use(!is_server_fast, NULL), SL_OK);
        done = SSL_do_handshake(client) == 1;
        assert_int_equal(sl_tls_fast_use(is_server_fast, NULL), SL_OK);
        done += SSL_do_handshake(server) == 1;
    }
    assert_int_equal(done, 2);
    for (size_t len = 1; len < 300; len++) {
        say(client, server, len);
        say(server, client, len);
    }
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(client_ctx);
    SSL_CTX_free(server_ctx);
    ERR_clear_error();
}

static void cbc_records_are_understood_by_a_side_without_it(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(sl_tls_library_init(), SL_OK);
    for (int i = 0; i < 4; i++) {
        talk_in_cbc("ECDHE-ECDSA-AES128-SHA256", i % 2 == 1, i / 2 == 1);
        talk_in_cbc("ECDHE-ECDSA-AES256-SHA384", i % 2 == 1, i / 2 == 1);
        talk_in_cbc("ECDHE-ECDSA-AES128-SHA", i % 2 == 1, i / 2 == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_used_when_wanted_and_not_before),
        cmocka_unit_test(all_else_stays_with_the_default_provider),
        cmocka_unit_test(it_stands_aside_where_a_fips_provider_is_active),
        cmocka_unit_test(it_stands_aside_where_fips_is_what_is_asked_for),
        cmocka_unit_test(keys_of_tls_1_2_are_the_same_with_it),
        cmocka_unit_test(cbc_records_are_understood_by_a_side_without_it),
    };
    return cmocka_run_group_tests_name("tls/fast", tests, NULL, NULL);
}
