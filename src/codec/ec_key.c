/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ec_key.h"
#include <assert.h>

enum { UNCOMPRESSED = 0x04 };

/* id-ecPublicKey, 1.2.840.10045.2.1 */
static const struct sl_slice OID_EC = SL_SLICE_INIT("\x2a\x86\x48\xce\x3d\x02\x01");
static const struct sl_slice ZERO = SL_SLICE_INIT("\x00");
static const struct sl_slice ONE = SL_SLICE_INIT("\x01");

static const struct curve {
    const char *name;
    struct sl_slice oid;
    size_t scalar_bytes;
} CURVES[SL_EC_CURVE_COUNT] = {
    [SL_EC_P256] = { "P-256", SL_SLICE_INIT("\x2a\x86\x48\xce\x3d\x03\x01\x07"), 32 },
    [SL_EC_P384] = { "P-384", SL_SLICE_INIT("\x2b\x81\x04\x00\x22"), 48 },
    [SL_EC_P521] = { "P-521", SL_SLICE_INIT("\x2b\x81\x04\x00\x23"), 66 },
};

const char *sl_ec_curve_name(enum sl_ec_curve curve)
{
    return CURVES[curve].name;
}

static size_t point_bytes(enum sl_ec_curve curve)
{
    return 1 + 2 * CURVES[curve].scalar_bytes;
}

static enum sl_err curve_find(struct sl_slice oid, enum sl_ec_curve *ret_curve)
{
    for (size_t i = 0; i < SL_COUNT(CURVES); i++) {
        if (sl_slice_eq(oid, CURVES[i].oid)) {
            *ret_curve = (enum sl_ec_curve)i;
            return SL_OK;
        }
    }
    return SL_EINVAL;
}

/* AlgorithmIdentifier of RFC 5480 2.1.1. */
static enum sl_err algorithm_read(struct sl_reader *r, enum sl_ec_curve *ret_curve)
{
    struct sl_reader inner = sl_reader_of(sl_der_expect(r, SL_DER_SEQUENCE));
    const struct sl_slice algorithm = sl_der_expect(&inner, SL_DER_OID);
    const struct sl_slice curve = sl_der_expect(&inner, SL_DER_OID);
    if (!sl_reader_is_done(&inner) || !sl_slice_eq(algorithm, OID_EC)) {
        return SL_EINVAL;
    }
    return curve_find(curve, ret_curve);
}

/* The BIT STRING of a point: no unused bits, not compressed. */
static struct sl_slice point_read(struct sl_reader *r, enum sl_ec_curve curve)
{
    struct sl_slice bits = sl_der_expect(r, SL_DER_BIT_STRING);
    const struct sl_slice unused = sl_slice_cut(&bits, 1);
    if (!sl_slice_eq(unused, ZERO) || bits.len != point_bytes(curve) ||
        bits.ptr[0] != UNCOMPRESSED) {
        r->failed = true;
        return (struct sl_slice){ 0 };
    }
    return bits;
}

/* RFC 5915 3; `has_curve`: that of `key` is known, and may stand here once more. */
static enum sl_err ec_private_read(struct sl_slice der, bool has_curve, struct sl_ec_key *key)
{
    struct sl_reader all = sl_reader_of(der);
    struct sl_reader r = sl_reader_of(sl_der_expect(&all, SL_DER_SEQUENCE));
    const struct sl_slice version = sl_der_expect(&r, SL_DER_INTEGER);
    key->scalar = sl_der_expect(&r, SL_DER_OCTET_STRING);
    if (sl_der_is_next(&r, SL_DER_CONTEXT)) {
        enum sl_ec_curve curve;
        struct sl_reader parameters = sl_reader_of(sl_der_expect(&r, SL_DER_CONTEXT));
        const struct sl_slice oid = sl_der_expect(&parameters, SL_DER_OID);
        if (!sl_reader_is_done(&parameters) || curve_find(oid, &curve) != SL_OK ||
            (has_curve && curve != key->curve)) {
            return SL_EINVAL;
        }
        key->curve = curve;
    } else if (!has_curve) {
        return SL_EINVAL;
    }
    struct sl_reader inner = sl_reader_of(sl_der_expect(&r, SL_DER_CONTEXT + 1));
    key->point = point_read(&inner, key->curve);
    bool is_ok = sl_reader_is_done(&all) && sl_reader_is_done(&r) && sl_reader_is_done(&inner) &&
                 sl_slice_eq(version, ONE) && key->scalar.len == CURVES[key->curve].scalar_bytes;
    return is_ok ? SL_OK : SL_EINVAL;
}

enum sl_err sl_ec_key_parse(struct sl_slice der, bool is_pkcs8, struct sl_ec_key *ret_key)
{
    struct sl_ec_key key = { 0 };
    enum sl_err rc = SL_OK;
    if (is_pkcs8) {
        struct sl_reader all = sl_reader_of(der);
        struct sl_reader r = sl_reader_of(sl_der_expect(&all, SL_DER_SEQUENCE));
        const struct sl_slice version = sl_der_expect(&r, SL_DER_INTEGER);
        rc = algorithm_read(&r, &key.curve);
        der = sl_der_expect(&r, SL_DER_OCTET_STRING);
        if (!sl_reader_is_done(&all) || !sl_reader_is_done(&r) || !sl_slice_eq(version, ZERO)) {
            return SL_EINVAL;
        }
    }
    rc = rc == SL_OK ? ec_private_read(der, is_pkcs8, &key) : rc;
    if (rc == SL_OK) {
        *ret_key = key;
    }
    return rc;
}

enum sl_err sl_ec_public_parse(struct sl_slice der, enum sl_ec_curve *ret_curve,
                               struct sl_slice *ret_point)
{
    struct sl_reader all = sl_reader_of(der);
    struct sl_reader r = sl_reader_of(sl_der_expect(&all, SL_DER_SEQUENCE));
    enum sl_ec_curve curve;
    enum sl_err rc = algorithm_read(&r, &curve);
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_slice point = point_read(&r, curve);
    if (!sl_reader_is_done(&all) || !sl_reader_is_done(&r)) {
        return SL_EINVAL;
    }
    *ret_curve = curve;
    *ret_point = point;
    return SL_OK;
}

/* Tag and length; all that is written here is shorter than 256 bytes. */
static enum sl_err head_put(struct sl_wbuf *out, uint8_t tag, size_t length)
{
    enum sl_err rc = sl_wbuf_put_u8(out, tag);
    rc = rc == SL_OK && length >= 0x80 ? sl_wbuf_put_u8(out, 0x81) : rc;
    return rc == SL_OK ? sl_wbuf_put_u8(out, (uint8_t)length) : rc;
}

enum sl_err sl_ec_public_emit(enum sl_ec_curve curve, struct sl_slice point, struct sl_wbuf *out)
{
    assert(point.len == point_bytes(curve));
    const struct sl_slice oid = CURVES[curve].oid;
    const size_t algorithm_bytes = 2 + OID_EC.len + 2 + oid.len;
    const size_t bits_bytes = 1 + point.len;
    const size_t bits_head_bytes = bits_bytes >= 0x80 ? 3 : 2;
    if (sl_wbuf_room(out) < SL_EC_PUBLIC_MAX) {
        return SL_ENOSPC; /* so none of the writes below can fail */
    }
    enum sl_err rc =
        head_put(out, SL_DER_SEQUENCE, 2 + algorithm_bytes + bits_head_bytes + bits_bytes);
    rc = rc == SL_OK ? head_put(out, SL_DER_SEQUENCE, algorithm_bytes) : rc;
    rc = rc == SL_OK ? head_put(out, SL_DER_OID, OID_EC.len) : rc;
    rc = rc == SL_OK ? sl_wbuf_put(out, OID_EC) : rc;
    rc = rc == SL_OK ? head_put(out, SL_DER_OID, oid.len) : rc;
    rc = rc == SL_OK ? sl_wbuf_put(out, oid) : rc;
    rc = rc == SL_OK ? head_put(out, SL_DER_BIT_STRING, bits_bytes) : rc;
    rc = rc == SL_OK ? sl_wbuf_put(out, ZERO) : rc;
    return rc == SL_OK ? sl_wbuf_put(out, point) : rc;
}
