/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ec_key.h"
#include "codec/pem.h"
#include "pki.h"
#include "tls/key_compact.h"
#include "tls/library.h"
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void nist_keys_are_what_libcrypto_makes_of_them(void **state)
{
    static const enum pki_kind KINDS[] = { PKI_EC, PKI_EC_384, PKI_EC_521 };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(KINDS); i++) {
        struct pki_cert pki;
        struct sl_key_compact *key = NULL;
        EVP_PKEY *built = NULL;
        uint8_t bytes[256];
        unsigned char *der = NULL;
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        pki_make(&(struct pki_spec){ .cn = "a", .kind = KINDS[i] }, NULL, &pki);
        assert_int_equal(sl_key_compact_create(pki_slice(pki.key), &key), SL_OK);
        assert_int_equal(sl_key_compact_check(key), SL_OK);
        assert_int_equal(sl_key_compact_build(key, &built), SL_OK);
        assert_int_equal(sl_key_compact_public(key, &out), SL_OK);
        int len = i2d_PUBKEY(built, &der);
        assert_int_equal(out.len, len);
        assert_memory_equal(bytes, der, out.len);
        OPENSSL_free(der);
        EVP_PKEY_free(built);
        sl_key_compact_destroy(key);
        pki_free(&pki);
    }
    sl_key_compact_destroy(NULL);
}

static void other_kinds_are_left_to_libcrypto(void **state)
{
    static const enum pki_kind KINDS[] = { PKI_RSA_1024, PKI_ED25519 };
    struct sl_key_compact *key = NULL;
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(KINDS); i++) {
        struct pki_cert pki;
        pki_make(&(struct pki_spec){ .cn = "a", .kind = KINDS[i] }, NULL, &pki);
        assert_int_equal(sl_key_compact_create(pki_slice(pki.key), &key), SL_EINVAL);
        assert_int_equal(sl_key_compact_create(pki_slice(pki.chain), &key), SL_EINVAL);
        pki_free(&pki);
    }
    assert_null(key);
}

/* The point of another key: not on the curve when a byte of it is changed. */
static void a_point_that_is_not_on_the_curve_is_refused(void **state)
{
    static const char KEY[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg13n89Oogn7151j8U\n"
                              "6Quir25JNo1ZdWVm87HIWoxG/86hRANCAASDMksblTpaOSVk77Wr5F+T8hfkwIdX\n"
                              "Ok5tDSbkpN/qrvi+qCllQ6Z1L3/KE7iFbWxiFs84LxSX+5SndJRaUPBX\n"
                              "-----END PRIVATE KEY-----\n";
    char damaged[sizeof(KEY)];
    struct sl_key_compact *key = NULL;
    SL_UNUSED(state);
    assert_int_equal(sl_key_compact_create(sl_slice_cstr(KEY), &key), SL_OK);
    sl_key_compact_destroy(key);
    key = NULL;
    memcpy(damaged, KEY, sizeof(KEY));
    char *at = strstr(damaged, "Ok5tDSbk");
    assert_non_null(at);
    at[0] = 'P';
    EVP_PKEY *built = NULL;
    assert_int_equal(sl_key_compact_create(sl_slice_cstr(damaged), &key), SL_OK);
    assert_int_equal(sl_key_compact_check(key), SL_EINVAL);
    assert_int_equal(sl_key_compact_build(key, &built), SL_EINVAL);
    assert_null(built);
    sl_key_compact_destroy(key);
}

/* Two keys, the number of one and the point of the other. */
static void halves_of_two_keys_are_refused(void **state)
{
    static const enum pki_kind KINDS[] = { PKI_EC, PKI_EC_384, PKI_EC_521 };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(KINDS); i++) {
        struct pki_cert pki, other;
        uint8_t a[512], b[512], text[1024];
        struct sl_pem_block block;
        struct sl_ec_key first, second;
        struct sl_wbuf a_out = sl_wbuf_of(a, sizeof(a)), b_out = sl_wbuf_of(b, sizeof(b));
        pki_make(&(struct pki_spec){ .cn = "a", .kind = KINDS[i] }, NULL, &pki);
        pki_make(&(struct pki_spec){ .cn = "b", .kind = KINDS[i] }, NULL, &other);
        struct sl_slice pem = pki_slice(pki.key), other_pem = pki_slice(other.key);
        assert_int_equal(sl_pem_next(&pem, &block), SL_OK);
        assert_int_equal(sl_pem_decode(&block, &a_out), SL_OK);
        assert_int_equal(sl_pem_next(&other_pem, &block), SL_OK);
        assert_int_equal(sl_pem_decode(&block, &b_out), SL_OK);
        assert_int_equal(sl_ec_key_parse(sl_wbuf_slice(&a_out), true, &first), SL_OK);
        assert_int_equal(sl_ec_key_parse(sl_wbuf_slice(&b_out), true, &second), SL_OK);
        memcpy(a + (first.point.ptr - a), second.point.ptr, second.point.len);
        unsigned char base64[1024];
        int len = EVP_EncodeBlock(base64, a, (int)a_out.len);
        (void)snprintf((char *)text, sizeof(text),
                       "-----BEGIN PRIVATE KEY-----\n%.*s\n-----END PRIVATE KEY-----\n", len,
                       (const char *)base64);
        struct sl_key_compact *key = NULL;
        assert_int_equal(sl_key_compact_create(sl_slice_cstr((const char *)text), &key), SL_OK);
        assert_int_equal(sl_key_compact_check(key), SL_EINVAL);
        sl_key_compact_destroy(key);
        pki_free(&other);
        pki_free(&pki);
    }
}

static int library_begin(void **state)
{
    SL_UNUSED(state);
    return sl_tls_library_init() == SL_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nist_keys_are_what_libcrypto_makes_of_them),
        cmocka_unit_test(halves_of_two_keys_are_refused),
        cmocka_unit_test(other_kinds_are_left_to_libcrypto),
        cmocka_unit_test(a_point_that_is_not_on_the_curve_is_refused),
    };
    return cmocka_run_group_tests_name("tls/key_compact", tests, library_begin, NULL);
}
