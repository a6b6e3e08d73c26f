/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/key_message.h"
#include "pki.h"
#include "tls/certificate.h"
#include "tls/key_signer.h"
#include "tls/library.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct sl_slice NO_PASSPHRASE = { 0 };

static struct sl_key_signer *signer_make(enum pki_kind kind)
{
    struct pki_cert pki;
    struct sl_key_signer *signer = NULL;
    pki_make(&(struct pki_spec){ .cn = "a", .kind = kind }, NULL, &pki);
    assert_int_equal(sl_key_signer_create(pki_slice(pki.key), NO_PASSPHRASE, NULL, &signer), SL_OK);
    pki_free(&pki);
    return signer;
}

static EVP_PKEY *public_of(const struct sl_key_signer *signer)
{
    uint8_t der[SL_KEY_PUBLIC_MAX];
    struct sl_wbuf out = sl_wbuf_of(der, sizeof(der));
    assert_int_equal(sl_key_signer_public(signer, &out), SL_OK);
    const unsigned char *at = der;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)out.len);
    assert_non_null(key);
    return key;
}

static void signatures_verify_with_the_public_key(void **state)
{
    static const struct {
        enum pki_kind kind;
        uint16_t scheme;
        const EVP_MD *(*md)(void);
        int padding;
    } CASES[] = {
        { PKI_EC, 0x0403, EVP_sha256, 0 },
        { PKI_EC_384, 0x0503, EVP_sha384, 0 },
        { PKI_EC, 0x0203, EVP_sha1, 0 },
        { PKI_RSA, 0x0804, EVP_sha256, RSA_PKCS1_PSS_PADDING },
        { PKI_RSA, 0x0806, EVP_sha512, RSA_PKCS1_PSS_PADDING },
        { PKI_RSA, 0x0401, EVP_sha256, RSA_PKCS1_PADDING },
        { PKI_RSA, 0xff01, EVP_md5_sha1, RSA_PKCS1_PADDING },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct sl_key_signer *signer = signer_make(CASES[i].kind);
        EVP_PKEY *key = public_of(signer);
        uint8_t digest[EVP_MAX_MD_SIZE], bytes[SL_KEY_SIGNATURE_MAX];
        unsigned len = 0;
        assert_int_equal(EVP_Digest("message", 7, digest, &len, CASES[i].md(), NULL), 1);
        for (int twice = 0; twice < 2; twice++) {
            struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
            assert_int_equal(
                sl_key_signer_sign(signer, CASES[i].scheme, sl_slice_of(digest, len), &out), SL_OK);
            EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
            assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
            assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, CASES[i].md()), 1);
            if (CASES[i].padding != 0) {
                assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, CASES[i].padding), 1);
            }
            assert_int_equal(EVP_PKEY_verify(ctx, out.ptr, out.len, digest, len), 1);
            EVP_PKEY_CTX_free(ctx);
        }
        EVP_PKEY_free(key);
        sl_key_signer_destroy(signer);
    }
}

static void what_does_not_fit_the_key_is_refused(void **state)
{
    static const uint8_t INPUT[64];
    static const struct {
        enum pki_kind kind;
        uint16_t scheme;
        size_t len;
    } CASES[] = {
        { PKI_EC, 0x0804, 32 },      { PKI_EC, 0x0403, 31 },  { PKI_EC, 0x0403, 33 },
        { PKI_EC, 0x0807, 32 },      { PKI_RSA, 0x0403, 32 }, { PKI_RSA, 0x0401, 0 },
        { PKI_RSA, 0x0000, 32 },     { PKI_RSA, 0xff02, 64 }, { PKI_EC, 0xff02, 64 },
        { PKI_ED25519, 0x0403, 32 }, { PKI_RSA, 0x0804, 64 },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        uint8_t bytes[SL_KEY_SIGNATURE_MAX];
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        struct sl_key_signer *signer = signer_make(CASES[i].kind);
        assert_int_equal(
            sl_key_signer_sign(signer, CASES[i].scheme, sl_slice_of(INPUT, CASES[i].len), &out),
            SL_EINVAL);
        assert_int_equal(out.len, 0);
        sl_key_signer_destroy(signer);
    }
}

static void a_signature_needs_room(void **state)
{
    static const uint8_t INPUT[32];
    uint8_t bytes[255];
    SL_UNUSED(state);
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_key_signer *signer = signer_make(PKI_RSA);
    assert_int_equal(sl_key_signer_sign(signer, 0x0804, sl_slice_of(INPUT, 32), &out), SL_ENOSPC);
    sl_key_signer_destroy(signer);
}

static void another_key_is_told_apart(void **state)
{
    uint8_t der[SL_KEY_PUBLIC_MAX];
    struct sl_wbuf out = sl_wbuf_of(der, sizeof(der));
    struct sl_diag diag = { "" };
    SL_UNUSED(state);
    struct sl_key_signer *one = signer_make(PKI_EC), *other = signer_make(PKI_EC);
    assert_int_equal(sl_key_signer_check(one, &diag), SL_OK);
    assert_int_equal(sl_key_signer_public(one, &out), SL_OK);
    assert_int_equal(sl_key_signer_expect(one, sl_wbuf_slice(&out), &diag), SL_OK);
    assert_string_equal(diag.text, "");
    assert_int_equal(sl_key_signer_expect(other, sl_wbuf_slice(&out), &diag), SL_EINVAL);
    const char *then = strstr(diag.text, "then "), *now = strstr(diag.text, "now ");
    assert_non_null(then);
    assert_non_null(now);
    assert_int_equal(strspn(then + 5, "0123456789abcdef"), 16);
    assert_int_equal(strspn(now + 4, "0123456789abcdef"), 16);
    assert_int_not_equal(strncmp(then + 5, now + 4, 16), 0);
    sl_key_signer_destroy(one);
    sl_key_signer_destroy(other);
}

static void a_file_without_a_key_is_said(void **state)
{
    struct sl_key_signer *signer = NULL;
    struct sl_diag diag = { "" };
    SL_UNUSED(state);
    assert_int_equal(sl_key_signer_create(SL_SLICE("nothing"), NO_PASSPHRASE, &diag, &signer),
                     SL_EINVAL);
    assert_string_equal(diag.text, "key: there is no private key in it");
    char *big = calloc(1, SL_TLS_PEM_MAX + 1);
    assert_int_equal(
        sl_key_signer_create(sl_slice_of(big, SL_TLS_PEM_MAX + 1), NO_PASSPHRASE, &diag, &signer),
        SL_ERANGE);
    free(big);
    assert_null(signer);
    sl_key_signer_destroy(NULL);
}

/* A new key in one of the two encrypted forms. */
static BIO *encrypted(bool is_traditional, const char *passphrase)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    const int len = (int)strlen(passphrase);
    const unsigned char *text = (const unsigned char *)passphrase;
    assert_int_equal(is_traditional ? PEM_write_bio_PrivateKey_traditional(
                                          bio, key, EVP_aes_256_cbc(), text, len, NULL, NULL)
                                    : PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(),
                                                                    passphrase, len, NULL, NULL),
                     1);
    EVP_PKEY_free(key);
    return bio;
}

static void an_encrypted_key_opens_with_its_passphrase_only(void **state)
{
    SL_UNUSED(state);
    for (int is_traditional = 0; is_traditional <= 1; is_traditional++) {
        BIO *bio = encrypted(is_traditional == 1, "open sesame");
        char *text = NULL;
        long len = BIO_get_mem_data(bio, &text);
        const struct sl_slice pem = sl_slice_of(text, (size_t)len);
        struct sl_key_signer *signer = NULL;
        struct sl_diag diag = { "" };
        assert_int_equal(sl_key_signer_create(pem, NO_PASSPHRASE, &diag, &signer), SL_EINVAL);
        assert_string_equal(diag.text,
                            "key: it is encrypted: passphrase_file is to name its passphrase");
        assert_int_equal(sl_key_signer_create(pem, SL_SLICE("close"), &diag, &signer), SL_EINVAL);
        assert_string_equal(diag.text, "key: the passphrase is wrong, or the key is damaged");
        assert_null(signer);
        assert_int_equal(sl_key_signer_create(pem, SL_SLICE("open sesame"), &diag, &signer), SL_OK);
        sl_key_signer_destroy(signer);
        BIO_free(bio);
    }
}

static void a_passphrase_for_a_key_that_is_not_encrypted_is_said(void **state)
{
    struct pki_cert pki;
    struct sl_key_signer *signer = NULL;
    struct sl_diag diag = { "" };
    SL_UNUSED(state);
    pki_make(&(struct pki_spec){ .cn = "a" }, NULL, &pki);
    assert_int_equal(sl_key_signer_create(pki_slice(pki.key), SL_SLICE("x"), &diag, &signer),
                     SL_EINVAL);
    assert_string_equal(diag.text, "key: it is not encrypted: leave passphrase_file out");
    assert_null(signer);
    pki_free(&pki);
}

static int init(void **state)
{
    SL_UNUSED(state);
    enum sl_err guarded = sl_key_signer_guard_memory(10);
    assert_true(guarded == SL_OK || guarded == SL_ESYS);
    return sl_tls_library_init() == SL_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_verify_with_the_public_key),
        cmocka_unit_test(what_does_not_fit_the_key_is_refused),
        cmocka_unit_test(a_signature_needs_room),
        cmocka_unit_test(another_key_is_told_apart),
        cmocka_unit_test(a_file_without_a_key_is_said),
        cmocka_unit_test(an_encrypted_key_opens_with_its_passphrase_only),
        cmocka_unit_test(a_passphrase_for_a_key_that_is_not_encrypted_is_said),
    };
    return cmocka_run_group_tests_name("tls/key_signer", tests, init, NULL);
}
