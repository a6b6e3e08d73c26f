/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include "tls/certificate_impl.h"
#include "tls/key_leaf.h"
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DER_MAX = 2048 };

/* A certificate of its own, as the library reads it, and as a leaf. */
struct sample {
    struct pki_cert pki;
    struct sl_tls_cert *cert;
    uint8_t bytes[DER_MAX];
    struct sl_slice der;
    X509 *leaf;
    enum sl_err rc;
};

static struct sl_key_leaves *leaves_get(void)
{
    struct sl_key_leaves *leaves = NULL;
    assert_int_equal(sl_key_leaves_get(&leaves), SL_OK);
    return leaves;
}

static void sample_make(struct sample *sample, enum pki_kind kind)
{
    *sample = (struct sample){ .rc = SL_OK };
    pki_make(&(struct pki_spec){ .cn = "leaf", .san = "DNS:a.example", .kind = kind }, NULL,
             &sample->pki);
    assert_int_equal(sl_tls_cert_create(pki_slice(sample->pki.chain), pki_slice(sample->pki.key),
                                        NULL, &sample->cert),
                     SL_OK);
    struct sl_wbuf out = sl_wbuf_of(sample->bytes, sizeof(sample->bytes));
    assert_int_equal(sl_tls_cert_der(sample->cert, 0, &out), SL_OK);
    sample->der = sl_wbuf_slice(&out);
    sample->rc = sl_key_leaf_read(leaves_get(), sample->der, 7, NULL, &sample->leaf);
    assert_int_equal(ERR_peek_error(), 0);
}

static void sample_free(struct sample *sample)
{
    X509_free(sample->leaf);
    sl_tls_cert_unref(sample->cert);
    pki_free(&sample->pki);
}

static const enum pki_kind CURVES[] = { PKI_EC, PKI_EC_384, PKI_EC_521 };

static void assert_same_text(const EVP_PKEY *first, const EVP_PKEY *second, const char *param)
{
    char a[64] = "a", b[64] = "b";
    assert_int_equal(EVP_PKEY_get_utf8_string_param(first, param, a, sizeof(a), NULL), 1);
    assert_int_equal(EVP_PKEY_get_utf8_string_param(second, param, b, sizeof(b), NULL), 1);
    assert_string_equal(a, b);
}

static void its_key_answers_as_the_librarys_own_does(void **state)
{
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CURVES); i++) {
        struct sample sample;
        sample_make(&sample, CURVES[i]);
        assert_int_equal(sample.rc, SL_OK);
        EVP_PKEY *key = X509_get0_pubkey(sample.leaf), *own = X509_get0_pubkey(sample.cert->leaf);
        uint8_t a[256] = { 1 }, b[256] = { 2 };
        size_t a_len = 0, b_len = 0;
        assert_non_null(key);
        assert_int_equal(EVP_PKEY_is_a(key, "EC"), 1);
        assert_int_equal(EVP_PKEY_get_bits(key), EVP_PKEY_get_bits(own));
        assert_int_equal(EVP_PKEY_get_security_bits(key), EVP_PKEY_get_security_bits(own));
        assert_int_equal(EVP_PKEY_get_size(key), EVP_PKEY_get_size(own));
        assert_int_equal(EVP_PKEY_missing_parameters(key), 0);
        assert_same_text(key, own, OSSL_PKEY_PARAM_GROUP_NAME);
        assert_same_text(key, own, OSSL_PKEY_PARAM_DEFAULT_DIGEST); /* not of its own table */
        assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, a,
                                                         sizeof(a), &a_len),
                         1);
        assert_int_equal(EVP_PKEY_get_octet_string_param(own, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, b,
                                                         sizeof(b), &b_len),
                         1);
        assert_int_equal(a_len, b_len);
        assert_memory_equal(a, b, a_len);
        sample_free(&sample);
    }
}

static void it_is_the_same_certificate(void **state)
{
    struct sample sample;
    unsigned char *der = NULL;
    SL_UNUSED(state);
    sample_make(&sample, PKI_EC);
    int len = i2d_X509(sample.leaf, &der);
    assert_int_equal(len, sample.der.len);
    assert_memory_equal(der, sample.der.ptr, sample.der.len);
    OPENSSL_free(der);
    sample_free(&sample);
}

static void libssl_takes_it_without_a_word(void **state)
{
    SL_UNUSED(state);
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    assert_non_null(ctx);
    for (size_t i = 0; i < SL_COUNT(CURVES); i++) {
        struct sample sample;
        sample_make(&sample, CURVES[i]);
        EVP_PKEY *key = X509_get0_pubkey(sample.leaf);
        assert_int_equal(SSL_CTX_use_cert_and_key(ctx, sample.leaf, key, NULL, 1), 1);
        assert_int_equal(ERR_peek_error(), 0); /* a handshake would take it for its own */
        sample_free(&sample);
    }
    SSL_CTX_free(ctx);
}

static void it_matches_its_own_private_key_and_no_other(void **state)
{
    struct sample first, second, larger;
    SL_UNUSED(state);
    sample_make(&first, PKI_EC);
    sample_make(&second, PKI_EC);
    sample_make(&larger, PKI_EC_384);
    assert_int_equal(X509_check_private_key(first.leaf, first.cert->key), 1);
    assert_int_equal(X509_check_private_key(first.leaf, second.cert->key), 0);
    assert_int_equal(X509_check_private_key(first.leaf, larger.cert->key), 0);
    assert_int_equal(X509_check_private_key(first.cert->leaf, X509_get0_pubkey(first.leaf)), 1);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(first.leaf), X509_get0_pubkey(second.leaf)) == 1,
                     0);
    sample_free(&first);
    sample_free(&second);
    sample_free(&larger);
}

static void its_key_is_nobodys_to_take_away(void **state)
{
    struct sample sample;
    OSSL_PARAM *params = NULL;
    SL_UNUSED(state);
    sample_make(&sample, PKI_EC);
    EVP_PKEY *key = X509_get0_pubkey(sample.leaf);
    assert_int_equal(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params), 0);
    assert_null(params);
    assert_int_equal(EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &params), 1);
    OSSL_PARAM_free(params);
    /* nor can it be made another's */
    uint8_t handle[64] = { 0 };
    for (size_t len = 0; len <= sizeof(handle); len += 8) {
        assert_int_equal(EVP_PKEY_set_octet_string_param(key, "sluice-handle", handle, len), 0);
    }
    sample_free(&sample);
}

static void other_kinds_of_keys_are_left_to_others(void **state)
{
    static const enum pki_kind KINDS[] = { PKI_RSA, PKI_ED25519 };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(KINDS); i++) {
        struct sample sample;
        sample_make(&sample, KINDS[i]);
        assert_int_equal(sample.rc, SL_EINVAL);
        assert_null(sample.leaf);
        sample_free(&sample);
    }
}

static void what_is_cut_or_longer_is_no_certificate(void **state)
{
    struct sample sample;
    X509 *leaf = NULL;
    SL_UNUSED(state);
    sample_make(&sample, PKI_EC);
    for (size_t len = 0; len < sample.der.len; len++) {
        uint8_t *copy = malloc(len + 1); /* so that reading behind it is found */
        assert_non_null(copy);
        memcpy(copy, sample.der.ptr, len);
        assert_int_equal(sl_key_leaf_read(leaves_get(), sl_slice_of(copy, len), 0, NULL, &leaf),
                         SL_EINVAL);
        free(copy);
    }
    sample.bytes[sample.der.len++] = 0;
    assert_int_equal(sl_key_leaf_read(leaves_get(), sample.der, 0, NULL, &leaf), SL_EINVAL);
    assert_null(leaf);
    sample_free(&sample);
}

static void leaves_without_a_library_are_destroyed_too(void **state)
{
    SL_UNUSED(state);
    struct sl_key_leaves *leaves = sl_key_leaves_create();
    assert_non_null(leaves);
    sl_key_leaves_destroy(leaves);
    sl_key_leaves_destroy(NULL);
}

static int library_begin(void **state)
{
    SL_UNUSED(state);
    return sl_tls_library_init() == SL_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_key_answers_as_the_librarys_own_does),
        cmocka_unit_test(it_is_the_same_certificate),
        cmocka_unit_test(libssl_takes_it_without_a_word),
        cmocka_unit_test(it_matches_its_own_private_key_and_no_other),
        cmocka_unit_test(its_key_is_nobodys_to_take_away),
        cmocka_unit_test(other_kinds_of_keys_are_left_to_others),
        cmocka_unit_test(what_is_cut_or_longer_is_no_certificate),
        cmocka_unit_test(leaves_without_a_library_are_destroyed_too),
    };
    return cmocka_run_group_tests_name("tls/key_leaf", tests, library_begin, NULL);
}
