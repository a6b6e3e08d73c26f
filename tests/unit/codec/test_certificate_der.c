/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/certificate_der.h"
#include "codec/pem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* a.example, 10.0.0.1 and *.B.example; 2026-11-22 00:18:01 to 2126-10-29 00:18:01; P-256 */
static const char PEM[] = "-----BEGIN CERTIFICATE-----\n"
                          "MIIBpzCCAU6gAwIBAgIUPNvPryesOc7Stl5JppPNOVBtX1gwCgYIKoZIzj0EAwIw\n"
                          "FDESMBAGA1UEAwwJYS5leGFtcGxlMCAXDTI2MTEyMjAwMTgwMVoYDzIxMjYxMDI5\n"
                          "MDAxODAxWjAUMRIwEAYDVQQDDAlhLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjO\n"
                          "PQMBBwNCAASDMksblTpaOSVk77Wr5F+T8hfkwIdXOk5tDSbkpN/qrvi+qCllQ6Z1\n"
                          "L3/KE7iFbWxiFs84LxSX+5SndJRaUPBXo3wwejAdBgNVHQ4EFgQUBhjAuEjJeaYZ\n"
                          "UwOXjEoZj2DZo/AwHwYDVR0jBBgwFoAUBhjAuEjJeaYZUwOXjEoZj2DZo/AwDwYD\n"
                          "VR0TAQH/BAUwAwEB/zAnBgNVHREEIDAegglhLmV4YW1wbGWHBAoAAAGCCyouQi5l\n"
                          "eGFtcGxlMAoGCCqGSM49BAMCA0cAMEQCIAbcoQjmiZ6F1ulfaYmsgx9GSTvh4l+D\n"
                          "viFkddShovxlAiBUhKUP+cj2L72Rfr3ntt45meQbEpv1jYRWuNCxLSU/sw==\n"
                          "-----END CERTIFICATE-----\n";

/* m.example, must-staple */
static const char MUST_STAPLE[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBqDCCAU6gAwIBAgIUbeFazBzxFwAF/mEfHY6yi8/Q07QwCgYIKoZIzj0EAwIw\n"
    "FDESMBAGA1UEAwwJbS5leGFtcGxlMCAXDTI2MTEyMjAwNTM0M1oYDzIxMjYxMDI5\n"
    "MDA1MzQzWjAUMRIwEAYDVQQDDAltLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjO\n"
    "PQMBBwNCAAQ3VsaiPoP8FZ/hsBU+ThYy/2Wfj2h8HsdvgfSZf0RyMA46I3GuZBEn\n"
    "24/uKOegGT1twzgoGWCE/Vbi/IJLu/m6o3wwejAdBgNVHQ4EFgQUOUL9BeBSXnN1\n"
    "uq1ablOiAvTWjVcwHwYDVR0jBBgwFoAUOUL9BeBSXnN1uq1ablOiAvTWjVcwDwYD\n"
    "VR0TAQH/BAUwAwEB/zARBggrBgEFBQcBGAQFMAMCAQUwFAYDVR0RBA0wC4IJbS5l\n"
    "eGFtcGxlMAoGCCqGSM49BAMCA0gAMEUCIQCsbFtx97I7DhJwUf5ba5XyiTlJksYB\n"
    "FkeeTyxEd+cB5QIgOX5PNYlkLQ230rKFDWhg8zpe4qDQIAHm2UgrvySelKQ=\n"
    "-----END CERTIFICATE-----\n";

struct decoded {
    uint8_t bytes[1024];
    struct sl_wbuf out;
};

static void decode_text(struct decoded *d, const char *text)
{
    struct sl_slice pem = sl_slice_cstr(text);
    struct sl_pem_block block;
    d->out = sl_wbuf_of(d->bytes, sizeof(d->bytes));
    assert_int_equal(sl_pem_next(&pem, &block), SL_OK);
    assert_int_equal(sl_pem_decode(&block, &d->out), SL_OK);
}

static void decode(struct decoded *d)
{
    decode_text(d, PEM);
}

static void a_certificate_says_its_names_dates_and_key(void **state)
{
    struct decoded d;
    struct sl_certificate_der certificate;
    struct sl_slice name;
    SL_UNUSED(state);
    decode(&d);
    const size_t len = d.out.len;
    d.bytes[d.out.len++] = 0; /* behind it, as a trusted certificate has */
    assert_int_equal(sl_certificate_der_parse(sl_wbuf_slice(&d.out), &certificate), SL_OK);
    assert_int_equal(certificate.whole.len, len);
    assert_int_equal(certificate.not_before_s, 1795306681);
    assert_int_equal(certificate.not_after_s, 4948906681);
    assert_int_equal(certificate.spki.len, 91);
    enum sl_ec_curve curve = SL_EC_P521;
    assert_true(sl_certificate_der_is_ecdsa(&certificate, &curve));
    assert_int_equal(curve, SL_EC_P256);
    struct sl_slice names = certificate.names;
    assert_int_equal(sl_certificate_der_name(&names, &name), SL_OK);
    assert_true(sl_slice_eq(name, SL_SLICE("a.example")));
    assert_int_equal(sl_certificate_der_name(&names, &name), SL_OK);
    assert_true(sl_slice_eq(name, SL_SLICE("*.B.example")));
    assert_int_equal(sl_certificate_der_name(&names, &name), SL_EOF);
}

static void a_certificate_says_whether_it_wants_a_staple(void **state)
{
    struct decoded d;
    struct sl_certificate_der certificate;
    SL_UNUSED(state);
    decode(&d);
    assert_int_equal(sl_certificate_der_parse(sl_wbuf_slice(&d.out), &certificate), SL_OK);
    assert_false(certificate.is_must_staple);
    decode_text(&d, MUST_STAPLE);
    assert_int_equal(sl_certificate_der_parse(sl_wbuf_slice(&d.out), &certificate), SL_OK);
    assert_true(certificate.is_must_staple);
}

static void a_certificate_that_is_cut_off_is_none(void **state)
{
    struct decoded d;
    struct sl_certificate_der certificate;
    SL_UNUSED(state);
    decode(&d);
    for (size_t len = 0; len < d.out.len; len++) {
        assert_int_equal(sl_certificate_der_parse(sl_slice_of(d.bytes, len), &certificate),
                         SL_EINVAL);
    }
}

static void a_wrong_tag_or_length_is_seen(void **state)
{
    struct decoded d;
    struct sl_certificate_der certificate;
    size_t refused_count = 0;
    SL_UNUSED(state);
    decode(&d);
    for (size_t i = 0; i < d.out.len; i++) {
        d.bytes[i] ^= 0x21;
        if (sl_certificate_der_parse(sl_wbuf_slice(&d.out), &certificate) != SL_OK) {
            refused_count++;
        }
        d.bytes[i] ^= 0x21;
    }
    assert_true(refused_count > 100); /* contents may be anything */
    assert_int_equal(d.bytes[12], 2); /* version 3 */
    d.bytes[12] = 1;
    assert_int_equal(sl_certificate_der_parse(sl_wbuf_slice(&d.out), &certificate), SL_EINVAL);
}

static void a_date_that_is_none_is_refused(void **state)
{
    struct decoded d;
    struct sl_certificate_der certificate;
    static const char *const BAD[] = { "261322001801Z", "261100001801Z", "261122241801Z",
                                       "261122006001Z", "261122001860Z", "2611220018+1Z",
                                       "261122001801X" };
    SL_UNUSED(state);
    decode(&d);
    uint8_t *at = memmem(d.bytes, d.out.len, "261122001801Z", 13);
    assert_non_null(at);
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        memcpy(at, BAD[i], 13);
        assert_int_equal(sl_certificate_der_parse(sl_wbuf_slice(&d.out), &certificate), SL_EINVAL);
    }
    memcpy(at, "000229235959Z", 13); /* a leap day */
    assert_int_equal(sl_certificate_der_parse(sl_wbuf_slice(&d.out), &certificate), SL_OK);
    assert_int_equal(certificate.not_before_s, 951868799);
    memcpy(at, "500101000000Z", 13); /* RFC 5280 4.1.2.5.1: 1950 */
    assert_int_equal(sl_certificate_der_parse(sl_wbuf_slice(&d.out), &certificate), SL_OK);
    assert_int_equal(certificate.not_before_s, -631152000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_says_its_names_dates_and_key),
        cmocka_unit_test(a_certificate_says_whether_it_wants_a_staple),
        cmocka_unit_test(a_certificate_that_is_cut_off_is_none),
        cmocka_unit_test(a_wrong_tag_or_length_is_seen),
        cmocka_unit_test(a_date_that_is_none_is_refused),
    };
    return cmocka_run_group_tests_name("codec/certificate_der", tests, NULL, NULL);
}
