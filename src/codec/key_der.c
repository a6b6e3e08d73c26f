/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/key_der.h"
#include "base/reader.h"

enum { TAG_INTEGER = 0x02, TAG_BITS = 0x03, TAG_OCTETS = 0x04, TAG_OID = 0x06, TAG_SEQ = 0x30 };
enum { LENGTH_MAX = 0xffff }; /* bytes of one value */
enum { ED25519_BYTES = 32 };  /* RFC 8032 5.1.5 */
enum { MD5_SHA1_BYTES = 36 };
enum { UNCOMPRESSED = 0x04 }; /* the first byte of a point (SEC 1 2.3.3) */

/* The algorithm identifiers, whole. */
static const struct sl_slice ALGORITHM_RSA =
    SL_SLICE_INIT("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00");
static const struct sl_slice ALGORITHM_ED25519 = SL_SLICE_INIT("\x30\x05\x06\x03\x2b\x65\x70");
/* only the OID: the curve's follows */
static const struct sl_slice OID_EC = SL_SLICE_INIT("\x06\x07\x2a\x86\x48\xce\x3d\x02\x01");

static const struct digest_row {
    size_t bytes;
    struct sl_slice algorithm;
} DIGESTS[] = {
    { 20, SL_SLICE_INIT("\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00") },
    { 28, SL_SLICE_INIT("\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00") },
    { 32, SL_SLICE_INIT("\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00") },
    { 48, SL_SLICE_INIT("\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00") },
    { 64, SL_SLICE_INIT("\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00") },
};

static const struct curve_row {
    struct sl_slice oid;
    size_t order_bytes;
} CURVES[] = {
    { SL_SLICE_INIT("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"), 32 }, /* P-256 */
    { SL_SLICE_INIT("\x06\x05\x2b\x81\x04\x00\x22"), 48 },             /* P-384 */
    { SL_SLICE_INIT("\x06\x05\x2b\x81\x04\x00\x23"), 66 },             /* P-521 */
};

/* Bytes of a value with its tag and length. */
static size_t whole_bytes(size_t len)
{
    return len + (len < 0x80 ? 2 : len <= 0xff ? 3 : 4);
}

static enum sl_err put_head(struct sl_wbuf *out, uint8_t tag, size_t len)
{
    if (len > LENGTH_MAX) {
        return SL_EINVAL;
    }
    enum sl_err rc = sl_wbuf_put_u8(out, tag);
    if (rc == SL_OK && len > 0xff) {
        rc = sl_wbuf_put_u8(out, 0x82);
        return rc == SL_OK ? sl_wbuf_put_u16(out, (uint16_t)len) : rc;
    }
    if (rc == SL_OK && len >= 0x80) {
        rc = sl_wbuf_put_u8(out, 0x81);
    }
    return rc == SL_OK ? sl_wbuf_put_u8(out, (uint8_t)len) : rc;
}

/* Without the zeroes before it, but not without any byte. */
static struct sl_slice trim(struct sl_slice number)
{
    while (number.len > 1 && number.ptr[0] == 0) {
        (void)sl_slice_cut(&number, 1);
    }
    return number;
}

/* Bytes of the contents of an INTEGER: a number whose first bit is set would be negative. */
static size_t integer_bytes(struct sl_slice trimmed)
{
    return trimmed.len + (trimmed.ptr[0] >= 0x80 ? 1 : 0);
}

static enum sl_err put_integer(struct sl_wbuf *out, struct sl_slice trimmed)
{
    enum sl_err rc = put_head(out, TAG_INTEGER, integer_bytes(trimmed));
    if (rc == SL_OK && trimmed.ptr[0] >= 0x80) {
        rc = sl_wbuf_put_u8(out, 0);
    }
    return rc == SL_OK ? sl_wbuf_put(out, trimmed) : rc;
}

static enum sl_err put_two(struct sl_wbuf *out, struct sl_slice a, struct sl_slice b)
{
    enum sl_err rc =
        put_head(out, TAG_SEQ, whole_bytes(integer_bytes(a)) + whole_bytes(integer_bytes(b)));
    rc = rc == SL_OK ? put_integer(out, a) : rc;
    return rc == SL_OK ? put_integer(out, b) : rc;
}

/* What was begun is taken back: all is appended, or nothing. */
static enum sl_err finish(struct sl_wbuf *out, size_t begin, enum sl_err rc)
{
    if (rc != SL_OK) {
        out->len = begin;
    }
    return rc;
}

enum sl_err sl_key_der_ecdsa(struct sl_slice rs, struct sl_wbuf *out)
{
    const size_t begin = out->len;
    if (rs.len == 0 || rs.len % 2 != 0 || rs.len > LENGTH_MAX / 2) {
        return SL_EINVAL;
    }
    struct sl_slice r = sl_slice_cut(&rs, rs.len / 2);
    return finish(out, begin, put_two(out, trim(r), trim(rs)));
}

enum sl_err sl_key_der_digest_info(struct sl_slice digest, struct sl_wbuf *out)
{
    const size_t begin = out->len;
    if (digest.len == MD5_SHA1_BYTES) {
        return sl_wbuf_put(out, digest);
    }
    for (size_t i = 0; i < SL_COUNT(DIGESTS); i++) {
        const struct digest_row *row = &DIGESTS[i];
        if (row->bytes == digest.len) {
            enum sl_err rc = put_head(out, TAG_SEQ, row->algorithm.len + whole_bytes(digest.len));
            rc = rc == SL_OK ? sl_wbuf_put(out, row->algorithm) : rc;
            rc = rc == SL_OK ? put_head(out, TAG_OCTETS, digest.len) : rc;
            return finish(out, begin, rc == SL_OK ? sl_wbuf_put(out, digest) : rc);
        }
    }
    return SL_EINVAL;
}

/* The heads before the bits of a key; `algorithm_bytes` is what the caller puts between them. */
static enum sl_err put_public_head(struct sl_wbuf *out, size_t algorithm_bytes, size_t key_bytes)
{
    return put_head(out, TAG_SEQ, algorithm_bytes + whole_bytes(key_bytes + 1));
}

static enum sl_err put_bits_head(struct sl_wbuf *out, size_t key_bytes)
{
    enum sl_err rc = put_head(out, TAG_BITS, key_bytes + 1);
    return rc == SL_OK ? sl_wbuf_put_u8(out, 0) : rc; /* no bit of the last byte is left out */
}

/* The contents of one value of that tag that is all of `in`; false when it is not so. */
static bool contents(struct sl_slice in, uint8_t tag, struct sl_slice *ret_contents)
{
    struct sl_reader r = sl_reader_of(in);
    const bool is_tag = sl_reader_u8(&r) == tag;
    size_t len = sl_reader_u8(&r);
    if (len == 0x81) {
        len = sl_reader_u8(&r);
    } else if (len == 0x82) {
        len = sl_reader_u16(&r);
    } else if (len >= 0x80) {
        return false;
    }
    *ret_contents = sl_reader_bytes(&r, len);
    return is_tag && sl_reader_is_done(&r);
}

/* Whether it is a point of a curve whose numbers have so many bytes; 0: however many. */
static bool is_point(struct sl_slice point, size_t number_bytes)
{
    return point.len > 1 && point.len % 2 == 1 && point.ptr[0] == UNCOMPRESSED &&
           (number_bytes == 0 || point.len == 1 + 2 * number_bytes);
}

enum sl_err sl_key_der_ec_public(struct sl_slice params, struct sl_slice point, struct sl_wbuf *out)
{
    const size_t begin = out->len;
    struct sl_slice oid, inner;
    const size_t number_bytes = sl_key_der_order_bytes(params);
    /* a bare point begins with the tag of an OCTET STRING as well */
    if (contents(point, TAG_OCTETS, &inner) && is_point(inner, number_bytes)) {
        point = inner;
    }
    if (!contents(params, TAG_OID, &oid) || !is_point(point, number_bytes)) {
        return SL_EINVAL;
    }
    const size_t algorithm_bytes = OID_EC.len + params.len;
    enum sl_err rc = put_public_head(out, whole_bytes(algorithm_bytes), point.len);
    rc = rc == SL_OK ? put_head(out, TAG_SEQ, algorithm_bytes) : rc;
    rc = rc == SL_OK ? sl_wbuf_put(out, OID_EC) : rc;
    rc = rc == SL_OK ? sl_wbuf_put(out, params) : rc;
    rc = rc == SL_OK ? put_bits_head(out, point.len) : rc;
    return finish(out, begin, rc == SL_OK ? sl_wbuf_put(out, point) : rc);
}

enum sl_err sl_key_der_ed25519_public(struct sl_slice point, struct sl_wbuf *out)
{
    const size_t begin = out->len;
    struct sl_slice inner;
    if (point.len != ED25519_BYTES && contents(point, TAG_OCTETS, &inner)) {
        point = inner;
    }
    if (point.len != ED25519_BYTES) {
        return SL_EINVAL;
    }
    enum sl_err rc = put_public_head(out, ALGORITHM_ED25519.len, point.len);
    rc = rc == SL_OK ? sl_wbuf_put(out, ALGORITHM_ED25519) : rc;
    rc = rc == SL_OK ? put_bits_head(out, point.len) : rc;
    return finish(out, begin, rc == SL_OK ? sl_wbuf_put(out, point) : rc);
}

enum sl_err sl_key_der_rsa_public(struct sl_slice modulus, struct sl_slice exponent,
                                  struct sl_wbuf *out)
{
    const size_t begin = out->len;
    if (modulus.len == 0 || exponent.len == 0 || modulus.len > LENGTH_MAX / 4 ||
        exponent.len > LENGTH_MAX / 4) {
        return SL_EINVAL;
    }
    modulus = trim(modulus);
    exponent = trim(exponent);
    const size_t key_bytes =
        whole_bytes(whole_bytes(integer_bytes(modulus)) + whole_bytes(integer_bytes(exponent)));
    enum sl_err rc = put_public_head(out, ALGORITHM_RSA.len, key_bytes);
    rc = rc == SL_OK ? sl_wbuf_put(out, ALGORITHM_RSA) : rc;
    rc = rc == SL_OK ? put_bits_head(out, key_bytes) : rc;
    return finish(out, begin, rc == SL_OK ? put_two(out, modulus, exponent) : rc);
}

bool sl_key_der_is_rsa(struct sl_slice public_der)
{
    struct sl_slice inner;
    return contents(public_der, TAG_SEQ, &inner) && sl_slice_starts(inner, ALGORITHM_RSA);
}

size_t sl_key_der_order_bytes(struct sl_slice params)
{
    for (size_t i = 0; i < SL_COUNT(CURVES); i++) {
        if (sl_slice_eq(params, CURVES[i].oid)) {
            return CURVES[i].order_bytes;
        }
    }
    return 0;
}
