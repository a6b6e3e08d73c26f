/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"
#include "tls/certificate.h"
#include "tls/library.h"
#include "tls/mint.h"
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { DAY_S = 24 * 60 * 60 };
enum { NOW_S = 1800000000 }; /* in 2027 */

static const char NAME[] = "Sluice demo CA";

/* What was minted, in memory of its own. */
struct fixture {
    uint8_t ca_pem[SL_TLS_MINT_PEM_MAX], chain_pem[SL_TLS_MINT_PEM_MAX],
        key_pem[SL_TLS_MINT_PEM_MAX];
    struct sl_slice ca, chain, key;
};

static void mint_at(struct fixture *f, int64_t now_s)
{
    struct sl_diag diag = { "" };
    struct sl_tls_minted minted = { .ca = sl_wbuf_of(f->ca_pem, sizeof(f->ca_pem)),
                                    .chain = sl_wbuf_of(f->chain_pem, sizeof(f->chain_pem)),
                                    .key = sl_wbuf_of(f->key_pem, sizeof(f->key_pem)) };
    assert_int_equal(sl_tls_mint_localhost(NAME, now_s, &diag, &minted), SL_OK);
    assert_string_equal(diag.text, "");
    f->ca = sl_wbuf_slice(&minted.ca);
    f->chain = sl_wbuf_slice(&minted.chain);
    f->key = sl_wbuf_slice(&minted.key);
}

static int make_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    assert_int_equal(sl_tls_library_init(), SL_OK);
    mint_at(f, NOW_S);
    *state = f;
    return 0;
}

static int drop_fixture(void **state)
{
    free(*state);
    return 0;
}

static X509 *read_x509(struct sl_slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert_non_null(x509);
    (void)BIO_free(bio);
    return x509;
}

static EVP_PKEY *read_key(struct sl_slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    assert_non_null(key);
    (void)BIO_free(bio);
    return key;
}

static int64_t seconds(const ASN1_TIME *time)
{
    struct tm tm;
    assert_int_equal(ASN1_TIME_to_tm(time, &tm), 1);
    return (int64_t)timegm(&tm);
}

static enum sl_err check_at(const struct fixture *f, int64_t now_s, struct sl_diag *diag)
{
    return sl_tls_mint_check(f->ca, f->chain, f->key, now_s, DAY_S, diag);
}

static void what_was_minted_serves_for_all_names_of_this_machine(void **state)
{
    const struct fixture *f = *state;
    struct sl_tls_cert *cert = NULL;
    struct sl_tls_cert_info info;
    assert_int_equal(check_at(f, NOW_S, NULL), SL_OK);
    assert_int_equal(sl_tls_cert_create(f->chain, f->key, NULL, &cert), SL_OK);
    sl_tls_cert_info(cert, &info);
    assert_string_equal(info.names, "localhost,127.0.0.1,::1");
    assert_string_equal(info.key_type, "ECDSA");
    assert_int_equal(info.key_bits, 256);
    sl_tls_cert_unref(cert);
}

static void the_ca_signs_leaves_and_nothing_else(void **state)
{
    const struct fixture *f = *state;
    X509 *ca = read_x509(f->ca);
    char name[64] = "";
    assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(ca), NID_commonName, name,
                                          sizeof(name)) > 0);
    assert_string_equal(name, NAME);
    assert_true((X509_get_extension_flags(ca) & EXFLAG_CA) != 0);
    assert_int_equal(X509_get_pathlen(ca), 0);
    assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN);
    int64_t life_s = seconds(X509_get0_notAfter(ca)) - seconds(X509_get0_notBefore(ca)) + 1;
    assert_int_equal(life_s, (int64_t)SL_TLS_MINT_CA_DAYS * DAY_S);
    X509_free(ca);
}

static void the_certificate_is_for_servers_and_lives_397_days(void **state)
{
    const struct fixture *f = *state;
    X509 *leaf = read_x509(f->chain);
    assert_int_equal(X509_check_ca(leaf), 0);
    assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER);
    int64_t life_s = seconds(X509_get0_notAfter(leaf)) - seconds(X509_get0_notBefore(leaf)) + 1;
    assert_int_equal(life_s, 397LL * DAY_S);
    assert_int_equal(seconds(X509_get0_notBefore(leaf)), NOW_S - SL_TLS_MINT_BACKDATED_S);
    X509_free(leaf);
}

/* As some clients do by default: Python since 3.13. */
static void clients_that_are_strict_about_extensions_accept_it(void **state)
{
    const struct fixture *f = *state;
    X509 *ca = read_x509(f->ca), *leaf = read_x509(f->chain);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *verify = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_add_cert(store, ca), 1);
    assert_int_equal(X509_STORE_CTX_init(verify, store, leaf, NULL), 1);
    X509_STORE_CTX_set_time(verify, 0, NOW_S);
    X509_STORE_CTX_set_flags(verify, X509_V_FLAG_X509_STRICT);
    assert_int_equal(X509_verify_cert(verify), 1);
    X509_STORE_CTX_free(verify);
    X509_STORE_free(store);
    X509_free(leaf);
    X509_free(ca);
}

static void the_key_that_is_kept_is_not_the_cas(void **state)
{
    const struct fixture *f = *state;
    X509 *ca = read_x509(f->ca), *leaf = read_x509(f->chain);
    EVP_PKEY *key = read_key(f->key);
    assert_int_equal(X509_check_private_key(leaf, key), 1);
    assert_int_not_equal(X509_check_private_key(ca, key), 1);
    EVP_PKEY_free(key);
    X509_free(leaf);
    X509_free(ca);
}

static void it_serves_until_a_day_before_its_end(void **state)
{
    const struct fixture *f = *state;
    struct sl_diag diag = { "" };
    const int64_t end_s = NOW_S - SL_TLS_MINT_BACKDATED_S + SL_TLS_MINT_LEAF_DAYS * DAY_S;
    assert_int_equal(check_at(f, NOW_S - SL_TLS_MINT_BACKDATED_S + 1, &diag), SL_OK);
    assert_int_equal(check_at(f, end_s - DAY_S - 2, &diag), SL_OK);
    assert_int_equal(check_at(f, end_s - DAY_S + 1, &diag), SL_EVERIFY);
    assert_string_equal(diag.text, "certificate has expired");
    assert_int_equal(check_at(f, NOW_S - SL_TLS_MINT_BACKDATED_S - 2, &diag), SL_EVERIFY);
    assert_string_equal(diag.text, "certificate is not yet valid");
}

static void parts_of_two_mintings_do_not_serve_together(void **state)
{
    const struct fixture *f = *state;
    struct fixture *other = calloc(1, sizeof(*other));
    assert_non_null(other);
    mint_at(other, NOW_S);
    assert_false(sl_slice_eq(f->key, other->key));
    assert_int_equal(sl_tls_mint_check(other->ca, f->chain, f->key, NOW_S, DAY_S, NULL),
                     SL_EVERIFY);
    assert_int_equal(sl_tls_mint_check(f->ca, other->chain, f->key, NOW_S, DAY_S, NULL), SL_EINVAL);
    assert_int_equal(sl_tls_mint_check(f->ca, f->chain, other->key, NOW_S, DAY_S, NULL), SL_EINVAL);
    assert_int_equal(sl_tls_mint_check(f->chain, f->chain, f->key, NOW_S, DAY_S, NULL), SL_EVERIFY);
    free(other);
}

static void damaged_texts_do_not_serve(void **state)
{
    const struct fixture *f = *state;
    const struct sl_slice none = { NULL, 0 };
    struct sl_diag diag = { "" };
    assert_int_equal(sl_tls_mint_check(none, f->chain, f->key, NOW_S, DAY_S, &diag), SL_EINVAL);
    assert_int_equal(sl_tls_mint_check(f->ca, none, f->key, NOW_S, DAY_S, &diag), SL_EINVAL);
    assert_int_equal(sl_tls_mint_check(f->ca, f->chain, none, NOW_S, DAY_S, &diag), SL_EINVAL);
    for (size_t len = 0; len + 2 < f->ca.len; len += 7) {
        assert_int_equal(
            sl_tls_mint_check(sl_slice_of(f->ca.ptr, len), f->chain, f->key, NOW_S, DAY_S, &diag),
            SL_EINVAL);
    }
    for (size_t at = 40; at + 40 < f->chain.len; at += 11) {
        uint8_t damaged[SL_TLS_MINT_PEM_MAX];
        memcpy(damaged, f->chain.ptr, f->chain.len);
        damaged[at] = damaged[at] == 'A' ? 'B' : 'A';
        enum sl_err rc = sl_tls_mint_check(f->ca, sl_slice_of(damaged, f->chain.len), f->key, NOW_S,
                                           DAY_S, &diag);
        assert_int_not_equal(rc, SL_OK);
    }
}

static enum sl_err check_made(const struct pki_spec *ca_spec, const struct pki_spec *leaf_spec,
                              struct sl_diag *diag)
{
    struct pki_cert ca, leaf;
    pki_make(ca_spec, NULL, &ca);
    pki_make(leaf_spec, &ca, &leaf);
    enum sl_err rc = sl_tls_mint_check(pki_slice(ca.chain), pki_slice(leaf.chain),
                                       pki_slice(leaf.key), (int64_t)time(NULL), 60, diag);
    pki_free(&leaf);
    pki_free(&ca);
    return rc;
}

static void a_certificate_for_fewer_names_does_not_serve(void **state)
{
    const struct pki_spec ca = { .cn = "CA", .is_ca = true };
    struct pki_spec leaf = { .cn = "localhost", .san = "DNS:localhost,IP:127.0.0.1,IP:::1" };
    struct sl_diag diag = { "" };
    SL_UNUSED(state);
    assert_int_equal(check_made(&ca, &leaf, &diag), SL_OK);
    leaf.san = "DNS:localhost,IP:127.0.0.1";
    assert_int_equal(check_made(&ca, &leaf, &diag), SL_EVERIFY);
    assert_string_equal(diag.text, "the certificate is not for ::1");
    leaf.san = "DNS:localhost,IP:::1";
    assert_int_equal(check_made(&ca, &leaf, &diag), SL_EVERIFY);
    assert_string_equal(diag.text, "the certificate is not for 127.0.0.1");
    leaf.san = "DNS:other,IP:127.0.0.1,IP:::1";
    assert_int_equal(check_made(&ca, &leaf, &diag), SL_EVERIFY);
}

static void without_room_nothing_is_appended(void **state)
{
    uint8_t bytes[3][SL_TLS_MINT_PEM_MAX];
    SL_UNUSED(state);
    for (size_t tight = 0; tight < 3; tight++) {
        struct sl_tls_minted minted = {
            .ca = sl_wbuf_of(bytes[0], tight == 0 ? 100 : SL_TLS_MINT_PEM_MAX),
            .chain = sl_wbuf_of(bytes[1], tight == 1 ? 100 : SL_TLS_MINT_PEM_MAX),
            .key = sl_wbuf_of(bytes[2], tight == 2 ? 100 : SL_TLS_MINT_PEM_MAX),
        };
        assert_int_equal(sl_tls_mint_localhost(NAME, NOW_S, NULL, &minted), SL_ENOSPC);
        assert_int_equal(minted.ca.len + minted.chain.len + minted.key.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_minted_serves_for_all_names_of_this_machine),
        cmocka_unit_test(the_ca_signs_leaves_and_nothing_else),
        cmocka_unit_test(the_certificate_is_for_servers_and_lives_397_days),
        cmocka_unit_test(clients_that_are_strict_about_extensions_accept_it),
        cmocka_unit_test(the_key_that_is_kept_is_not_the_cas),
        cmocka_unit_test(it_serves_until_a_day_before_its_end),
        cmocka_unit_test(parts_of_two_mintings_do_not_serve_together),
        cmocka_unit_test(damaged_texts_do_not_serve),
        cmocka_unit_test(a_certificate_for_fewer_names_does_not_serve),
        cmocka_unit_test(without_room_nothing_is_appended),
    };
    return cmocka_run_group_tests_name("tls/mint", tests, make_fixture, drop_fixture);
}
