/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/crl.h"
#include "tls/note.h"
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { HOUR_S = 3600, DER_MAX = 4096 };

struct der {
    uint8_t bytes[DER_MAX];
    size_t len;
};

static struct sl_slice slice_of(const struct der *der)
{
    return sl_slice_of(der->bytes, der->len);
}

/* A list that ends `hours` from now; 0: without nextUpdate. */
static struct der crl_make(long hours)
{
    struct der der = { 0 };
    X509_CRL *crl = X509_CRL_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    ASN1_TIME *time = X509_gmtime_adj(NULL, -9L * HOUR_S);
    assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    assert_int_equal(X509_CRL_set1_lastUpdate(crl, time), 1);
    if (hours != 0) {
        assert_non_null(X509_gmtime_adj(time, hours * HOUR_S));
        assert_int_equal(X509_CRL_set1_nextUpdate(crl, time), 1);
    }
    assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
    unsigned char *at = der.bytes;
    int len = i2d_X509_CRL(crl, &at);
    assert_true(len > 0 && len <= DER_MAX);
    der.len = (size_t)len;
    ASN1_TIME_free(time);
    EVP_PKEY_free(key);
    X509_CRL_free(crl);
    return der;
}

static struct der pem_of(const struct der *der, const char *label)
{
    struct der pem = { 0 };
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    assert_true(PEM_write_bio(bio, label, "", der->bytes, (long)der->len) > 0);
    pem.len = (size_t)BIO_get_mem_data(bio, &text);
    assert_true(pem.len <= DER_MAX);
    memcpy(pem.bytes, text, pem.len);
    BIO_free(bio);
    return pem;
}

static struct sl_tls_crls *crls_make(const struct der *der)
{
    struct sl_tls_crls *crls = NULL;
    const struct sl_slice ders = slice_of(der);
    assert_int_equal(sl_tls_crls_create(&ders, 1, NULL, &crls), SL_OK);
    return crls;
}

static void lists_are_taken_out_of_pem_and_der(void **state)
{
    const struct der one = crl_make(1), two = crl_make(2);
    const struct der pem_one = pem_of(&one, "X509 CRL"), pem_two = pem_of(&two, "X509 CRL");
    const struct der other = pem_of(&one, "PRIVATE KEY");
    uint8_t text[3 * DER_MAX], ders[3 * DER_MAX];
    struct sl_wbuf file = sl_wbuf_of(text, sizeof(text)), out = sl_wbuf_of(ders, sizeof(ders));
    SL_UNUSED(state);
    assert_int_equal(sl_tls_crls_take(slice_of(&one), NULL, &out), SL_OK);
    assert_true(sl_slice_eq(sl_wbuf_slice(&out), slice_of(&one)));
    out.len = 0;
    assert_int_equal(sl_wbuf_put(&file, slice_of(&pem_one)), SL_OK);
    assert_int_equal(sl_wbuf_put(&file, slice_of(&other)), SL_OK);
    assert_int_equal(sl_wbuf_put(&file, slice_of(&pem_two)), SL_OK);
    assert_int_equal(sl_tls_crls_take(sl_wbuf_slice(&file), NULL, &out), SL_OK);
    assert_int_equal(out.len, one.len + two.len); /* and nothing of the key */
    struct sl_tls_crls *crls = NULL;
    const struct sl_slice both = sl_wbuf_slice(&out);
    assert_int_equal(sl_tls_crls_create(&both, 1, NULL, &crls), SL_OK);
    const int64_t left_s = sl_tls_crls_until_s(crls) - (int64_t)time(NULL);
    assert_true(left_s > 0 && left_s <= HOUR_S); /* the first that ends */
    sl_tls_crls_unref(crls);
}

static void what_is_no_list_is_refused(void **state)
{
    const struct der crl = crl_make(1), endless = crl_make(0);
    const struct der key = pem_of(&crl, "PRIVATE KEY");
    uint8_t bytes[DER_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_diag diag = { 0 };
    struct sl_tls_crls *crls = NULL;
    struct sl_slice ders = sl_slice_of(crl.bytes, crl.len - 1);
    SL_UNUSED(state);
    assert_int_equal(sl_tls_crls_take(ders, &diag, &out), SL_EINVAL);
    assert_int_equal(sl_tls_crls_take(SL_SLICE(""), &diag, &out), SL_EINVAL);
    assert_string_equal(diag.text, "there is no CRL in it");
    assert_int_equal(sl_tls_crls_take(slice_of(&key), &diag, &out), SL_EINVAL);
    assert_int_equal(out.len, 0);
    assert_int_equal(sl_tls_crls_create(&ders, 1, &diag, &crls), SL_EINVAL);
    ders = SL_SLICE("\x30\x03\x02\x01\x05");
    assert_int_equal(sl_tls_crls_create(&ders, 1, &diag, &crls), SL_EINVAL);
    ders = SL_SLICE("");
    assert_int_equal(sl_tls_crls_create(&ders, 1, &diag, &crls), SL_EINVAL);
    ders = slice_of(&endless);
    assert_int_equal(sl_tls_crls_create(&ders, 1, &diag, &crls), SL_EINVAL);
    assert_non_null(strstr(diag.text, "has no nextUpdate"));
    assert_null(crls);
}

/* A session that was made under `then`: may it be resumed under `now`? */
static bool is_good(struct sl_tls *then, struct sl_tls *now, int64_t age_s)
{
    SSL_SESSION *session = SSL_SESSION_new();
    uint8_t copy[512];
    void *note = NULL;
    size_t len = 0;
    assert_false(sl_tls_note_is_good(now, session));
    assert_false(sl_tls_note_is_there(session));
    assert_true(sl_tls_note_put(then, session));
    assert_true(sl_tls_note_is_there(session));
    assert_int_equal(SSL_SESSION_get0_ticket_appdata(session, &note, &len), 1);
    assert_true(len < sizeof(copy));
    memcpy(copy, note, len);
    int64_t since_s = (int64_t)time(NULL) - age_s;
    memcpy(copy, &since_s, sizeof(since_s)); /* the first field */
    assert_int_equal(SSL_SESSION_set1_ticket_appdata(session, copy, len), 1);
    const bool is_it = sl_tls_note_is_good(now, session);
    SSL_SESSION_free(session);
    return is_it;
}

static void sessions_hold_as_long_as_what_they_were_verified_by(void **state)
{
    const int64_t now_s = (int64_t)time(NULL);
    const struct der fresh_der = crl_make(1), other_der = crl_make(1), stale_der = crl_make(-1);
    struct sl_tls_crls *fresh = crls_make(&fresh_der), *other = crls_make(&other_der);
    struct sl_tls_crls *stale = crls_make(&stale_der);
    char name[] = "a.example", upper[] = "A.EXAMPLE", other_name[] = "b.example";
    struct sl_tls_ctx plain = { 0 }, listed = { .demands.crls = fresh };
    struct sl_tls_ctx relisted = { .demands.crls = other }, late = { .demands.crls = stale };
    struct sl_tls_ctx late_warned = { .demands = { .crls = stale, .may_be_stale = true } };
    struct sl_tls a = { .ctx = &plain, .until_s = INT64_MAX, .server_name = name };
    struct sl_tls b = a;
    SL_UNUSED(state);
    assert_true(is_good(&a, &b, 0));
    assert_true(is_good(&a, &b, SL_TLS_NOTE_AGE_MAX_S - HOUR_S));
    assert_false(is_good(&a, &b, SL_TLS_NOTE_AGE_MAX_S));
    assert_false(is_good(&a, &b, -HOUR_S)); /* the clock was set back */
    b.server_name = upper;
    assert_true(is_good(&a, &b, 0));
    b.server_name = other_name;
    assert_false(is_good(&a, &b, 0));
    b.server_name = NULL;
    assert_false(is_good(&a, &b, 0));
    b.server_name = name;
    a.until_s = now_s + HOUR_S;
    assert_true(is_good(&a, &b, 0));
    a.until_s = now_s - 1; /* a certificate has ended */
    assert_false(is_good(&a, &b, 0));
    a.until_s = INT64_MAX;
    b.ctx = &listed; /* lists that were not asked */
    assert_false(is_good(&a, &b, 0));
    a.ctx = &listed;
    assert_true(is_good(&a, &b, 0));
    b.ctx = &relisted;
    assert_false(is_good(&a, &b, 0));
    a.ctx = b.ctx = &late;
    assert_false(is_good(&a, &b, 0));
    a.ctx = b.ctx = &late_warned;
    assert_true(is_good(&a, &b, 0));
    sl_tls_crls_unref(fresh);
    sl_tls_crls_unref(other);
    sl_tls_crls_unref(stale);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_taken_out_of_pem_and_der),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(sessions_hold_as_long_as_what_they_were_verified_by),
    };
    return cmocka_run_group_tests_name("tls/crl", tests, NULL, NULL);
}
