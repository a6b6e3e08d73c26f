/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int make_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    fixture_init(f);
    *state = f;
    return 0;
}

static int drop_fixture(void **state)
{
    fixture_fini(*state);
    free(*state);
    return 0;
}

static enum sl_err load(const char *chain, const char *key, struct sl_diag *diag,
                        struct sl_tls_cert **ret_cert)
{
    *diag = (struct sl_diag){ "" };
    return sl_tls_cert_create(pki_slice(chain), pki_slice(key), diag, ret_cert);
}

static void assert_refused(const char *chain, const char *key, const char *text)
{
    struct sl_tls_cert *cert = NULL;
    struct sl_diag diag;
    assert_int_equal(load(chain, key, &diag, &cert), SL_EINVAL);
    assert_string_equal(diag.text, text);
    assert_null(cert);
}

static void chain_and_key_may_stand_in_one_file(void **state)
{
    const struct fixture *f = *state;
    char *key_first = pki_join(f->ec.key, f->ec.chain), *both = pki_join(key_first, f->ca.chain);
    struct sl_tls_cert *cert = NULL;
    struct sl_diag diag;
    assert_int_equal(load(both, both, &diag, &cert), SL_OK);
    struct sl_tls_cert *again = sl_tls_cert_ref(cert);
    sl_tls_cert_unref(cert);
    struct sl_tls_cert_info info;
    sl_tls_cert_info(again, &info);
    assert_string_equal(info.subject, "CN=site.example");
    sl_tls_cert_unref(again);
    sl_tls_cert_unref(NULL);
    free(key_first);
    free(both);
}

static void what_is_wrong_with_the_files_is_said(void **state)
{
    const struct fixture *f = *state;
    assert_refused("", f->ec.key, "chain: there is no certificate in it");
    assert_refused(f->ec.key, f->ec.key, "chain: there is no certificate in it");
    assert_refused(f->ec.chain, f->ec.chain, "key: there is no private key in it");
    assert_refused(f->ec.chain, f->client.key, "key: it does not belong to the certificate");
    assert_refused(f->ec.chain, f->rsa.key, "key: it does not belong to the certificate");
    assert_refused("-----BEGIN CERTIFICATE-----\n", f->ec.key,
                   "chain: a BEGIN line without its END line");
    assert_refused(f->ec.chain, "-----BEGIN PRIVATE KEY-----\n",
                   "key: a BEGIN line without its END line");
    assert_refused(f->ec.chain,
                   "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n"
                   "-----END ENCRYPTED PRIVATE KEY-----\n",
                   "key: it is encrypted: passphrase_file is to name its passphrase");
    char *swapped = pki_join(f->ca.chain, f->ec.chain);
    assert_refused(swapped, f->ec.key,
                   "chain: the key belongs to certificate 2: put that one first");
    free(swapped);
    char *broken = pki_join(f->ec.chain, "-----BEGIN CERTIFICATE-----\nMAA=\n"
                                         "-----END CERTIFICATE-----\n");
    struct sl_tls_cert *cert = NULL;
    struct sl_diag diag;
    assert_int_equal(load(broken, f->ec.key, &diag, &cert), SL_EINVAL);
    assert_int_equal(strncmp(diag.text, "chain: certificate 2: ", 22), 0);
    free(broken);
}

static void too_much_is_out_of_range(void **state)
{
    const struct fixture *f = *state;
    struct sl_tls_cert *cert = NULL;
    struct sl_diag diag = { "" };
    char *big = calloc(1, SL_TLS_PEM_MAX + 1);
    assert_int_equal(sl_tls_cert_create(sl_slice_of(big, SL_TLS_PEM_MAX + 1), pki_slice(f->ec.key),
                                        &diag, &cert),
                     SL_ERANGE);
    free(big);
    char *chain = pki_join(f->ec.chain, "");
    for (int i = 1; i < SL_TLS_CHAIN_MAX; i++) {
        char *longer = pki_join(chain, f->ca.chain);
        free(chain);
        chain = longer;
    }
    assert_int_equal(load(chain, f->ec.key, &diag, &cert), SL_OK);
    sl_tls_cert_unref(SL_STEAL(cert));
    char *longer = pki_join(chain, f->ca.chain);
    assert_int_equal(load(longer, f->ec.key, &diag, &cert), SL_ERANGE);
    free(longer);
    free(chain);
}

static void facts_are_told_for_every_kind_of_key(void **state)
{
    const struct fixture *f = *state;
    static const struct {
        enum pki_kind kind;
        const char *type;
        uint32_t bits;
    } CASES[] = {
        { PKI_EC, "ECDSA", 256 },
        { PKI_EC_384, "ECDSA", 384 },
        { PKI_RSA, "RSA", 2048 },
        { PKI_ED25519, "Ed25519", 256 },
    };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct sl_tls_cert *cert = fixture_cert(
            &f->ca, "Müller, Ltd", "DNS:A.example,IP:10.0.0.1,IP:2001:db8::1", CASES[i].kind);
        struct sl_tls_cert_info info;
        sl_tls_cert_info(cert, &info);
        assert_string_equal(info.key_type, CASES[i].type);
        assert_true(info.key_bits == CASES[i].bits || CASES[i].kind == PKI_ED25519);
        assert_string_equal(info.subject, "CN=Müller\\, Ltd");
        assert_string_equal(info.names, "A.example,10.0.0.1,2001:db8::1");
        assert_int_equal(info.not_after_s - info.not_before_s, 25 * 3600);
        sl_tls_cert_unref(cert);
    }
}

static void long_texts_are_cut_between_characters(void **state)
{
    const struct fixture *f = *state;
    char san[2048] = "DNS:a.example";
    for (int i = 0; i < 60; i++) {
        strncat(san, ",DNS:name-of-a-host.example", sizeof(san) - strlen(san) - 1);
    }
    struct sl_tls_cert *cert = fixture_cert(&f->ca, NULL, san, PKI_EC);
    struct sl_tls_cert_info info;
    sl_tls_cert_info(cert, &info);
    assert_string_equal(info.subject, "");
    assert_int_equal(strlen(info.names), SL_TLS_NAME_MAX - 1);
    assert_string_equal(info.names + SL_TLS_NAME_MAX - 1 - 3, "…");
    sl_tls_cert_unref(cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_and_key_may_stand_in_one_file),
        cmocka_unit_test(what_is_wrong_with_the_files_is_said),
        cmocka_unit_test(too_much_is_out_of_range),
        cmocka_unit_test(facts_are_told_for_every_kind_of_key),
        cmocka_unit_test(long_texts_are_cut_between_characters),
    };
    return cmocka_run_group_tests_name("tls/certificate", tests, make_fixture, drop_fixture);
}
