/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/key_der.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct sl_slice P256 = SL_SLICE_INIT("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");

static void expect(enum sl_err rc, const struct sl_wbuf *out, const void *wanted, size_t len)
{
    assert_int_equal(rc, SL_OK);
    assert_int_equal(out->len, len);
    assert_memory_equal(out->ptr, wanted, len);
}

#define EXPECT(call, out, text) expect(call, out, text, sizeof(text) - 1)

static void the_numbers_of_a_signature_are_as_short_as_can_be(void **state)
{
    uint8_t bytes[256];
    SL_UNUSED(state);
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    EXPECT(sl_key_der_ecdsa(SL_SLICE("\x01\x02\x03\x04"), &out), &out,
           "\x30\x08\x02\x02\x01\x02\x02\x02\x03\x04");
    out.len = 0; /* zeroes go, and come where a number would be negative */
    EXPECT(sl_key_der_ecdsa(SL_SLICE("\x00\x00\x7f\x00\x80\x00"), &out), &out,
           "\x30\x08\x02\x01\x7f\x02\x03\x00\x80\x00");
    out.len = 0;
    EXPECT(sl_key_der_ecdsa(SL_SLICE("\0\0\0\0"), &out), &out, "\x30\x06\x02\x01\x00\x02\x01\x00");
    uint8_t rs[132]; /* of P-521: the length needs a byte more */
    memset(rs, 0x01, sizeof(rs));
    out.len = 0;
    assert_int_equal(sl_key_der_ecdsa(sl_slice_of(rs, sizeof(rs)), &out), SL_OK);
    assert_int_equal(out.len, 3 + 2 * 68);
    assert_memory_equal(bytes, "\x30\x81\x88\x02\x42\x01", 6);
}

static void half_a_signature_is_none(void **state)
{
    uint8_t bytes[64];
    SL_UNUSED(state);
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_key_der_ecdsa(SL_SLICE(""), &out), SL_EINVAL);
    assert_int_equal(sl_key_der_ecdsa(SL_SLICE("abc"), &out), SL_EINVAL);
    assert_int_equal(out.len, 0);
}

static void a_digest_is_told_by_its_length(void **state)
{
    static const uint8_t ZEROES[64];
    uint8_t bytes[128];
    SL_UNUSED(state);
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_key_der_digest_info(sl_slice_of(ZEROES, 32), &out), SL_OK);
    assert_int_equal(out.len, 19 + 32); /* RFC 8017 9.2, note 1 */
    assert_memory_equal(
        bytes, "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20", 19);
    out.len = 0;
    assert_int_equal(sl_key_der_digest_info(sl_slice_of(ZEROES, 20), &out), SL_OK);
    assert_memory_equal(bytes, "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14", 15);
    out.len = 0;
    assert_int_equal(sl_key_der_digest_info(sl_slice_of(ZEROES, 36), &out), SL_OK);
    assert_int_equal(out.len, 36);
    assert_int_equal(sl_key_der_digest_info(sl_slice_of(ZEROES, 33), &out), SL_EINVAL);
    static const struct {
        size_t bytes, head;
        uint8_t last; /* of the OID (RFC 8017 appendix B.1) */
    } OTHERS[] = { { 28, 19, 4 }, { 48, 19, 2 }, { 64, 19, 3 } };
    for (size_t i = 0; i < SL_COUNT(OTHERS); i++) {
        out.len = 0;
        assert_int_equal(sl_key_der_digest_info(sl_slice_of(ZEROES, OTHERS[i].bytes), &out), SL_OK);
        assert_int_equal(out.len, OTHERS[i].head + OTHERS[i].bytes);
        assert_int_equal(bytes[14], OTHERS[i].last);
    }
}

static void a_point_may_stand_in_an_octet_string_or_bare(void **state)
{
    uint8_t bytes[256], wrapped[67] = { 0x04, 65, 0x04 };
    SL_UNUSED(state);
    memset(wrapped + 3, 0x5a, 64);
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_key_der_ec_public(P256, sl_slice_of(wrapped, sizeof(wrapped)), &out),
                     SL_OK);
    assert_int_equal(out.len, 91);
    assert_memory_equal(bytes,
                        "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48"
                        "\xce\x3d\x03\x01\x07\x03\x42\x00\x04\x5a",
                        28);
    uint8_t again[256];
    struct sl_wbuf bare = sl_wbuf_of(again, sizeof(again));
    assert_int_equal(sl_key_der_ec_public(P256, sl_slice_of(wrapped + 2, 65), &bare), SL_OK);
    assert_true(sl_slice_eq(sl_wbuf_slice(&out), sl_wbuf_slice(&bare)));
    assert_false(sl_key_der_is_rsa(sl_wbuf_slice(&out)));
    wrapped[2] = 0x02; /* compressed */
    assert_int_equal(sl_key_der_ec_public(P256, sl_slice_of(wrapped, sizeof(wrapped)), &out),
                     SL_EINVAL);
    assert_int_equal(sl_key_der_ec_public(SL_SLICE("\x13\x05"
                                                   "curve"),
                                          SL_SLICE("\x04zz"), &out),
                     SL_EINVAL);
}

static void an_edwards_point_has_32_bytes(void **state)
{
    uint8_t bytes[64], wrapped[34] = { 0x04, 32 };
    SL_UNUSED(state);
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_key_der_ed25519_public(sl_slice_of(wrapped, 34), &out), SL_OK);
    assert_int_equal(out.len, 44);
    assert_memory_equal(bytes, "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
    out.len = 0;
    assert_int_equal(sl_key_der_ed25519_public(sl_slice_of(wrapped, 32), &out), SL_OK);
    assert_int_equal(sl_key_der_ed25519_public(sl_slice_of(wrapped, 33), &out), SL_EINVAL);
}

static void the_numbers_of_rsa_are_unsigned(void **state)
{
    uint8_t bytes[512], modulus[256];
    SL_UNUSED(state);
    memset(modulus, 0xc3, sizeof(modulus));
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_key_der_rsa_public(sl_slice_of(modulus, sizeof(modulus)),
                                           SL_SLICE("\x00\x01\x00\x01"), &out),
                     SL_OK);
    assert_int_equal(out.len, 294); /* of every RSA key with 2048 bits and this exponent */
    assert_memory_equal(bytes + 19, "\x03\x82\x01\x0f\x00\x30\x82\x01\x0a\x02\x82\x01\x01\x00\xc3",
                        15);
    assert_memory_equal(bytes + out.len - 5, "\x02\x03\x01\x00\x01", 5);
    assert_true(sl_key_der_is_rsa(sl_wbuf_slice(&out)));
    assert_false(sl_key_der_is_rsa(sl_slice_of(bytes, out.len - 1)));
    assert_int_equal(sl_key_der_rsa_public(SL_SLICE(""), SL_SLICE("\x03"), &out), SL_EINVAL);
}

static void the_order_of_a_curve_is_known_by_its_name(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(sl_key_der_order_bytes(P256), 32);
    assert_int_equal(sl_key_der_order_bytes(SL_SLICE("\x06\x05\x2b\x81\x04\x00\x22")), 48);
    assert_int_equal(sl_key_der_order_bytes(SL_SLICE("\x06\x05\x2b\x81\x04\x00\x23")), 66);
    assert_int_equal(sl_key_der_order_bytes(SL_SLICE("\x06\x05\x2b\x81\x04\x00\x0a")), 0);
}

static void nothing_is_written_without_room(void **state)
{
    uint8_t bytes[64], digest[32] = { 0 };
    SL_UNUSED(state);
    for (size_t cap = 0; cap < 51; cap++) {
        struct sl_wbuf out = sl_wbuf_of(bytes, cap);
        assert_int_equal(sl_key_der_digest_info(sl_slice_of(digest, 32), &out), SL_ENOSPC);
        assert_int_equal(out.len, 0);
    }
    for (size_t cap = 0; cap < 10; cap++) {
        struct sl_wbuf out = sl_wbuf_of(bytes, cap);
        assert_int_equal(sl_key_der_ecdsa(SL_SLICE("\x01\x02\x03\x04"), &out), SL_ENOSPC);
        assert_int_equal(out.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_numbers_of_a_signature_are_as_short_as_can_be),
        cmocka_unit_test(half_a_signature_is_none),
        cmocka_unit_test(a_digest_is_told_by_its_length),
        cmocka_unit_test(a_point_may_stand_in_an_octet_string_or_bare),
        cmocka_unit_test(an_edwards_point_has_32_bytes),
        cmocka_unit_test(the_numbers_of_rsa_are_unsigned),
        cmocka_unit_test(the_order_of_a_curve_is_known_by_its_name),
        cmocka_unit_test(nothing_is_written_without_room),
    };
    return cmocka_run_group_tests_name("codec/key_der", tests, NULL, NULL);
}
