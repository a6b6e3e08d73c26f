/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ec_key.h"
#include "codec/pem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* One key in both forms. */
static const char SEC1[] = "-----BEGIN EC PRIVATE KEY-----\n"
                           "MHcCAQEEINd5/PTqIJ+9edY/FOkLoq9uSTaNWXVlZvOxyFqMRv/OoAoGCCqGSM49\n"
                           "AwEHoUQDQgAEgzJLG5U6WjklZO+1q+Rfk/IX5MCHVzpObQ0m5KTf6q74vqgpZUOm\n"
                           "dS9/yhO4hW1sYhbPOC8Ul/uUp3SUWlDwVw==\n"
                           "-----END EC PRIVATE KEY-----\n";
static const char PKCS8[] = "-----BEGIN PRIVATE KEY-----\n"
                            "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg13n89Oogn7151j8U\n"
                            "6Quir25JNo1ZdWVm87HIWoxG/86hRANCAASDMksblTpaOSVk77Wr5F+T8hfkwIdX\n"
                            "Ok5tDSbkpN/qrvi+qCllQ6Z1L3/KE7iFbWxiFs84LxSX+5SndJRaUPBX\n"
                            "-----END PRIVATE KEY-----\n";

struct decoded {
    uint8_t bytes[256];
    struct sl_wbuf out;
};

static void decode(const char *text, struct decoded *d)
{
    struct sl_slice pem = sl_slice_cstr(text);
    struct sl_pem_block block;
    d->out = sl_wbuf_of(d->bytes, sizeof(d->bytes));
    assert_int_equal(sl_pem_next(&pem, &block), SL_OK);
    assert_int_equal(sl_pem_decode(&block, &d->out), SL_OK);
}

static void both_forms_hold_the_same_numbers(void **state)
{
    struct decoded sec1, pkcs8;
    struct sl_ec_key a, b;
    SL_UNUSED(state);
    decode(SEC1, &sec1);
    decode(PKCS8, &pkcs8);
    assert_int_equal(sl_ec_key_parse(sl_wbuf_slice(&sec1.out), false, &a), SL_OK);
    assert_int_equal(sl_ec_key_parse(sl_wbuf_slice(&pkcs8.out), true, &b), SL_OK);
    assert_int_equal(a.curve, SL_EC_P256);
    assert_int_equal(b.curve, SL_EC_P256);
    assert_int_equal(a.scalar.len, 32);
    assert_true(sl_slice_eq(a.scalar, b.scalar));
    assert_int_equal(a.point.len, 65);
    assert_true(sl_slice_eq(a.point, b.point));
    assert_int_equal(sl_ec_key_parse(sl_wbuf_slice(&sec1.out), true, &a), SL_EINVAL);
    assert_int_equal(sl_ec_key_parse(sl_wbuf_slice(&pkcs8.out), false, &a), SL_EINVAL);
}

static void what_is_cut_off_or_followed_is_refused(void **state)
{
    struct decoded d;
    struct sl_ec_key key;
    SL_UNUSED(state);
    decode(PKCS8, &d);
    for (size_t len = 0; len < d.out.len; len++) {
        assert_int_equal(sl_ec_key_parse(sl_slice_of(d.bytes, len), true, &key), SL_EINVAL);
    }
    d.bytes[d.out.len] = 0;
    assert_int_equal(sl_ec_key_parse(sl_slice_of(d.bytes, d.out.len + 1), true, &key), SL_EINVAL);
}

static void another_curve_or_a_compressed_point_is_refused(void **state)
{
    struct decoded d;
    struct sl_ec_key key;
    SL_UNUSED(state);
    decode(PKCS8, &d);
    uint8_t *curve = memmem(d.bytes, d.out.len, "\x3d\x03\x01\x07", 4);
    assert_non_null(curve);
    curve[3] = 1;
    assert_int_equal(sl_ec_key_parse(sl_wbuf_slice(&d.out), true, &key), SL_EINVAL);
    curve[3] = 7;
    d.bytes[d.out.len - 65] = 2;
    assert_int_equal(sl_ec_key_parse(sl_wbuf_slice(&d.out), true, &key), SL_EINVAL);
}

static void a_public_key_is_read_as_it_was_written(void **state)
{
    uint8_t point[SL_EC_POINT_MAX] = { 4 }, bytes[SL_EC_PUBLIC_MAX];
    static const size_t POINT_BYTES[] = { 65, 97, 133 }, DER_BYTES[] = { 91, 120, 158 };
    SL_UNUSED(state);
    for (unsigned i = 0; i < SL_EC_CURVE_COUNT; i++) {
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        enum sl_ec_curve curve;
        struct sl_slice read;
        assert_int_equal(
            sl_ec_public_emit((enum sl_ec_curve)i, sl_slice_of(point, POINT_BYTES[i]), &out),
            SL_OK);
        assert_int_equal(out.len, DER_BYTES[i]);
        assert_int_equal(sl_ec_public_parse(sl_wbuf_slice(&out), &curve, &read), SL_OK);
        assert_int_equal(curve, i);
        assert_true(sl_slice_eq(read, sl_slice_of(point, POINT_BYTES[i])));
        assert_int_equal(sl_ec_public_parse(sl_slice_of(bytes, out.len - 1), &curve, &read),
                         SL_EINVAL);
        out = sl_wbuf_of(bytes, SL_EC_PUBLIC_MAX - 1);
        assert_int_equal(
            sl_ec_public_emit((enum sl_ec_curve)i, sl_slice_of(point, POINT_BYTES[i]), &out),
            SL_ENOSPC);
        assert_int_equal(out.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_hold_the_same_numbers),
        cmocka_unit_test(what_is_cut_off_or_followed_is_refused),
        cmocka_unit_test(another_curve_or_a_compressed_point_is_refused),
        cmocka_unit_test(a_public_key_is_read_as_it_was_written),
    };
    return cmocka_run_group_tests_name("codec/ec_key", tests, NULL, NULL);
}
