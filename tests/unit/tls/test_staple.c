/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include "tls/staple.h"
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { HOUR_S = 3600, DER_MAX = 8192 };

/* What a response says, and of whom; zeroed: good, of our leaf, from an hour ago to one ahead. */
struct answer {
    int status;              /* V_OCSP_CERTSTATUS_… */
    int64_t from_s, until_s; /* from now */
    bool has_no_end;
    bool is_of_another; /* certificate */
    bool is_by_another; /* authority */
};

/* An authority, its leaf, and a stranger to both. */
struct world {
    struct fixture f;
    X509 *ca, *leaf, *other_ca, *other_leaf;
    EVP_PKEY *ca_key, *other_key;
    uint8_t leaf_der[DER_MAX], ca_der[DER_MAX];
    struct sl_slice chain[2];
};

static X509 *x509_read(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert_non_null(x509);
    BIO_free(bio);
    return x509;
}

static EVP_PKEY *key_read(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    assert_non_null(key);
    BIO_free(bio);
    return key;
}

static struct sl_slice der_of(X509 *x509, uint8_t *bytes)
{
    unsigned char *at = bytes;
    const int len = i2d_X509(x509, &at);
    assert_true(len > 0 && len <= DER_MAX);
    return sl_slice_of(bytes, (size_t)len);
}

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    fixture_init(&w->f);
    w->ca = x509_read(w->f.ca.chain);
    w->leaf = x509_read(w->f.ec.chain);
    w->other_ca = x509_read(w->f.other_ca.chain);
    w->other_leaf = x509_read(w->f.rsa.chain);
    w->ca_key = key_read(w->f.ca.key);
    w->other_key = key_read(w->f.other_ca.key);
    w->chain[0] = der_of(w->leaf, w->leaf_der);
    w->chain[1] = der_of(w->ca, w->ca_der);
    *state = w;
    return 0;
}

static int drop_world(void **state)
{
    struct world *w = *state;
    X509_free(w->ca);
    X509_free(w->leaf);
    X509_free(w->other_ca);
    X509_free(w->other_leaf);
    EVP_PKEY_free(w->ca_key);
    EVP_PKEY_free(w->other_key);
    fixture_fini(&w->f);
    free(w);
    return 0;
}

/* The response as a DER file in `bytes`. */
static struct sl_slice respond(const struct world *w, const struct answer *answer, uint8_t *bytes)
{
    const time_t now = time(NULL);
    const int64_t from_s = answer->from_s == 0 ? -HOUR_S : answer->from_s;
    const int64_t until_s = answer->until_s == 0 ? HOUR_S : answer->until_s;
    ASN1_TIME *from = ASN1_TIME_adj(NULL, now, 0, (long)from_s);
    ASN1_TIME *until = answer->has_no_end ? NULL : ASN1_TIME_adj(NULL, now, 0, (long)until_s);
    ASN1_TIME *revoked = answer->status == V_OCSP_CERTSTATUS_REVOKED ? from : NULL;
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id =
        OCSP_cert_to_id(EVP_sha1(), answer->is_of_another ? w->other_leaf : w->leaf, w->ca);
    assert_non_null(OCSP_basic_add1_status(
        basic, id, answer->status, OCSP_REVOKED_STATUS_KEYCOMPROMISE, revoked, from, until));
    assert_int_equal(OCSP_basic_sign(basic, answer->is_by_another ? w->other_ca : w->ca,
                                     answer->is_by_another ? w->other_key : w->ca_key, EVP_sha256(),
                                     NULL, 0),
                     1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char *at = bytes;
    const int len = i2d_OCSP_RESPONSE(response, &at);
    assert_true(len > 0 && len <= DER_MAX);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return sl_slice_of(bytes, (size_t)len);
}

/* Checks a file; what is wrong must have `text` in it, NULL for nothing. */
static void check(const struct world *w, struct sl_slice file, size_t ders_count, const char *text)
{
    uint8_t bytes[SL_STAPLE_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_diag diag = { "" };
    struct sl_staple_entry entry = { 0 };
    const int64_t now_s = (int64_t)time(NULL);
    const enum sl_err rc =
        sl_tls_staple_check(file, w->chain, ders_count, now_s, &diag, &out, &entry);
    if (text == NULL) {
        assert_string_equal(diag.text, "");
        assert_int_equal(rc, SL_OK);
        assert_true(entry.until_s > now_s && entry.until_s <= now_s + HOUR_S);
        assert_true(entry.der.len > 0 && entry.der.ptr == bytes);
    } else {
        assert_int_equal(rc, SL_EINVAL);
        assert_int_equal(entry.der.len, 0);
        assert_non_null(strstr(diag.text, text));
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void a_good_response_is_taken_with_its_end(void **state)
{
    const struct world *w = *state;
    uint8_t bytes[DER_MAX];
    check(w, respond(w, &(struct answer){ 0 }, bytes), 2, NULL);
    check(w, respond(w, &(struct answer){ .from_s = -2 * HOUR_S, .until_s = 60 }, bytes), 2, NULL);
}

static void a_response_that_is_not_good_is_refused_with_the_reason(void **state)
{
    const struct world *w = *state;
    const struct {
        struct answer answer;
        const char *text;
    } cases[] = {
        { { .status = V_OCSP_CERTSTATUS_REVOKED }, "revoked: keyCompromise" },
        { { .status = V_OCSP_CERTSTATUS_UNKNOWN }, "does not know the certificate" },
        { { .until_s = -60 }, "its nextUpdate has passed" },
        { { .from_s = HOUR_S / 2 }, "its thisUpdate is to come" },
        { { .has_no_end = true }, "no nextUpdate" },
        { { .is_of_another = true }, "for another certificate" },
        { { .is_by_another = true }, "not signed by the issuer" },
    };
    uint8_t bytes[DER_MAX];
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        check(w, respond(w, &cases[i].answer, bytes), 2, cases[i].text);
    }
}

static void what_is_no_whole_response_is_refused(void **state)
{
    const struct world *w = *state;
    uint8_t bytes[DER_MAX], changed[DER_MAX];
    const struct sl_slice good = respond(w, &(struct answer){ 0 }, bytes);
    check(w, SL_SLICE(""), 2, "there is no OCSP response");
    check(w, pki_slice(w->f.ec.chain), 2, "there is no OCSP response");
    check(w, sl_slice_of(good.ptr, good.len - 1), 2, "no OCSP response");
    memcpy(changed, good.ptr, good.len);
    changed[good.len] = 0;
    check(w, sl_slice_of(changed, good.len + 1), 2, "no OCSP response");
    check(w, good, 1, NULL); /* the responder's certificate in it is the issuer's */
}

static void a_response_of_the_issuer_alone_needs_the_issuer_in_the_chain(void **state)
{
    struct world *w = *state;
    uint8_t bytes[DER_MAX];
    const struct sl_slice file = respond(w, &(struct answer){ .is_by_another = true }, bytes);
    check(w, file, 1, "the issuer's certificate is not in the chain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_response_is_taken_with_its_end),
        cmocka_unit_test(a_response_that_is_not_good_is_refused_with_the_reason),
        cmocka_unit_test(what_is_no_whole_response_is_refused),
        cmocka_unit_test(a_response_of_the_issuer_alone_needs_the_issuer_in_the_chain),
    };
    return cmocka_run_group_tests_name("tls/staple", tests, make_world, drop_world);
}
