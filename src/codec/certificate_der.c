/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/certificate_der.h"
#include "codec/ec_key.h"

enum { VERSION_3 = 2 };
enum { UTC_TIME_BYTES = 13, GENERALIZED_TIME_BYTES = 15 };
enum { TAG_DNS_NAME = 0x82, TAG_EXTENSIONS = SL_DER_CONTEXT + 3 };
enum { SECONDS_PER_DAY = 86400 };

/* subjectAltName, 2.5.29.17 */
static const struct sl_slice OID_SAN = SL_SLICE_INIT("\x55\x1d\x11");

/* TLS feature, 1.3.6.1.5.5.7.1.24 */
static const struct sl_slice OID_TLS_FEATURE = SL_SLICE_INIT("\x2b\x06\x01\x05\x05\x07\x01\x18");

static int64_t digits_cut(struct sl_slice *text, size_t count, bool *is_bad)
{
    int64_t value = 0;
    const struct sl_slice digits = sl_slice_cut(text, count);
    *is_bad = *is_bad || digits.len != count;
    for (size_t i = 0; i < digits.len; i++) {
        *is_bad = *is_bad || digits.ptr[i] < '0' || digits.ptr[i] > '9';
        value = value * 10 + digits.ptr[i] - '0';
    }
    return value;
}

/* Days from 1970-01-01 in the Gregorian calendar; the year is counted from March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    const int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + in_year - 719468;
}

/* RFC 5280 4.1.2.5: with seconds, and "Z". */
static int64_t time_read(struct sl_reader *r)
{
    const struct sl_der der = sl_der_next(r);
    struct sl_slice text = der.contents;
    bool is_utc = der.tag == SL_DER_UTC_TIME;
    bool is_bad = text.len != (is_utc ? UTC_TIME_BYTES : GENERALIZED_TIME_BYTES) ||
                  (!is_utc && der.tag != SL_DER_GENERALIZED_TIME) ||
                  !sl_slice_ends(text, SL_SLICE("Z"));
    int64_t year = digits_cut(&text, is_utc ? 2 : 4, &is_bad);
    year += !is_utc ? 0 : year < 50 ? 2000 : 1900;
    const int64_t month = digits_cut(&text, 2, &is_bad);
    const int64_t day = digits_cut(&text, 2, &is_bad);
    const int64_t hour = digits_cut(&text, 2, &is_bad);
    const int64_t minute = digits_cut(&text, 2, &is_bad);
    const int64_t second = digits_cut(&text, 2, &is_bad);
    if (is_bad || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
        second > 59) {
        r->failed = true;
        return 0;
    }
    return days_of(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
}

static void spki_read(struct sl_reader *r, struct sl_certificate_der *certificate)
{
    const struct sl_der der = sl_der_next(r);
    struct sl_reader inner = sl_reader_of(der.contents);
    certificate->spki = der.whole;
    certificate->key_algorithm = sl_der_expect(&inner, SL_DER_SEQUENCE);
    (void)sl_der_expect(&inner, SL_DER_BIT_STRING);
    r->failed = r->failed || der.tag != SL_DER_SEQUENCE || !sl_reader_is_done(&inner);
}

/* Features ::= SEQUENCE OF INTEGER (RFC 7633 4.1); status_request is 5, status_request_v2 17. */
static bool has_status_request(struct sl_slice value)
{
    struct sl_reader outer = sl_reader_of(value);
    struct sl_reader list = sl_reader_of(sl_der_expect(&outer, SL_DER_SEQUENCE));
    while (!list.failed && list.in.len > 0) {
        const struct sl_slice number = sl_der_expect(&list, SL_DER_INTEGER);
        if (!list.failed && number.len == 1 && (number.ptr[0] == 5 || number.ptr[0] == 17)) {
            return true;
        }
    }
    return false;
}

/* Extension: extnID, critical DEFAULT FALSE, extnValue. */
static void extension_read(struct sl_reader *r, struct sl_certificate_der *certificate)
{
    struct sl_reader extension = sl_reader_of(sl_der_expect(r, SL_DER_SEQUENCE));
    const struct sl_slice oid = sl_der_expect(&extension, SL_DER_OID);
    if (sl_der_is_next(&extension, SL_DER_BOOLEAN)) {
        (void)sl_der_next(&extension);
    }
    const struct sl_slice value = sl_der_expect(&extension, SL_DER_OCTET_STRING);
    if (!sl_reader_is_done(&extension)) {
        r->failed = true;
    }
    if (!r->failed && sl_slice_eq(oid, OID_TLS_FEATURE)) {
        certificate->is_must_staple = has_status_request(value);
    }
    if (r->failed || !sl_slice_eq(oid, OID_SAN)) {
        return;
    }
    if (certificate->names.ptr != NULL) { /* RFC 5280 4.2: not twice */
        r->failed = true;
        return;
    }
    struct sl_reader names = sl_reader_of(value);
    certificate->names = sl_der_expect(&names, SL_DER_SEQUENCE);
    r->failed = !sl_reader_is_done(&names) || !sl_der_is_sound(certificate->names);
}

static void extensions_read(struct sl_reader *r, struct sl_certificate_der *certificate)
{
    struct sl_reader outer = sl_reader_of(sl_der_expect(r, TAG_EXTENSIONS));
    struct sl_reader list = sl_reader_of(sl_der_expect(&outer, SL_DER_SEQUENCE));
    while (!list.failed && list.in.len > 0) {
        extension_read(&list, certificate);
    }
    r->failed = r->failed || list.failed || !sl_reader_is_done(&outer);
}

static void tbs_read(struct sl_slice tbs, struct sl_certificate_der *certificate, bool *is_bad)
{
    struct sl_reader r = sl_reader_of(tbs);
    struct sl_reader version = sl_reader_of(sl_der_expect(&r, SL_DER_CONTEXT));
    const struct sl_slice number = sl_der_expect(&version, SL_DER_INTEGER);
    (void)sl_der_expect(&r, SL_DER_INTEGER); /* serial number */
    certificate->signature_algorithm = sl_der_expect(&r, SL_DER_SEQUENCE);
    (void)sl_der_expect(&r, SL_DER_SEQUENCE); /* issuer */
    struct sl_reader validity = sl_reader_of(sl_der_expect(&r, SL_DER_SEQUENCE));
    certificate->not_before_s = time_read(&validity);
    certificate->not_after_s = time_read(&validity);
    (void)sl_der_expect(&r, SL_DER_SEQUENCE); /* subject */
    spki_read(&r, certificate);
    extensions_read(&r, certificate);
    *is_bad = !sl_reader_is_done(&r) || !sl_reader_is_done(&version) || number.len != 1 ||
              number.ptr[0] != VERSION_3 || !sl_reader_is_done(&validity);
}

enum sl_err sl_certificate_der_parse(struct sl_slice in, struct sl_certificate_der *ret_certificate)
{
    struct sl_reader all = sl_reader_of(in);
    const struct sl_der outer = sl_der_next(&all);
    struct sl_certificate_der certificate = { .whole = outer.whole };
    struct sl_reader r = sl_reader_of(outer.contents);
    bool is_bad = false;
    tbs_read(sl_der_expect(&r, SL_DER_SEQUENCE), &certificate, &is_bad);
    const struct sl_slice algorithm = sl_der_expect(&r, SL_DER_SEQUENCE);
    (void)sl_der_expect(&r, SL_DER_BIT_STRING);
    if (is_bad || all.failed || outer.tag != SL_DER_SEQUENCE || !sl_reader_is_done(&r) ||
        !sl_slice_eq(algorithm, certificate.signature_algorithm) || !sl_der_is_sound(outer.whole)) {
        return SL_EINVAL;
    }
    *ret_certificate = certificate;
    return SL_OK;
}

enum sl_err sl_certificate_der_name(struct sl_slice *names, struct sl_slice *ret_name)
{
    struct sl_reader r = sl_reader_of(*names);
    while (r.in.len > 0 && !r.failed) {
        const struct sl_der der = sl_der_next(&r);
        if (der.tag == TAG_DNS_NAME) {
            *names = r.in;
            *ret_name = der.contents;
            return SL_OK;
        }
    }
    return SL_EOF;
}

bool sl_certificate_der_is_ecdsa(const struct sl_certificate_der *certificate,
                                 enum sl_ec_curve *ret_curve)
{
    struct sl_slice point;
    return sl_ec_public_parse(certificate->spki, ret_curve, &point) == SL_OK;
}
