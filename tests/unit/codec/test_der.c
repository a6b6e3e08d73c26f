/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/der.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void an_element_is_tag_length_and_contents(void **state)
{
    struct sl_reader r = sl_reader_of(SL_SLICE("\x02\x01\x05\x30\x00"));
    SL_UNUSED(state);
    assert_true(sl_der_is_next(&r, SL_DER_INTEGER));
    const struct sl_der der = sl_der_next(&r);
    assert_int_equal(der.tag, SL_DER_INTEGER);
    assert_true(sl_slice_eq(der.contents, SL_SLICE("\x05")));
    assert_int_equal(der.whole.len, 3);
    assert_int_equal(sl_der_expect(&r, SL_DER_SEQUENCE).len, 0);
    assert_true(sl_reader_is_done(&r));
    assert_false(sl_der_is_next(&r, SL_DER_INTEGER));
}

static void lengths_take_the_fewest_bytes(void **state)
{
    uint8_t bytes[300] = { SL_DER_OCTET_STRING };
    static const struct {
        uint8_t length[5];
        size_t length_bytes, contents_bytes;
        bool is_good;
    } CASES[] = {
        { { 0x7f }, 1, 0x7f, true },
        { { 0x81, 0x80 }, 2, 0x80, true },
        { { 0x81, 0x7f }, 2, 0x7f, false },
        { { 0x82, 0x01, 0x00 }, 3, 0x100, true },
        { { 0x82, 0x00, 0xff }, 3, 0xff, false },
        { { 0x83, 0x00, 0x01, 0x00 }, 4, 0x100, false },
        { { 0x84, 0x00, 0x00, 0x01, 0x00 }, 5, 0x100, false },
        { { 0x80 }, 1, 0, false }, /* the indefinite form */
        { { 0x7f }, 1, 0x7e, false },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        memcpy(bytes + 1, CASES[i].length, CASES[i].length_bytes);
        struct sl_reader r =
            sl_reader_of(sl_slice_of(bytes, 1 + CASES[i].length_bytes + CASES[i].contents_bytes));
        const struct sl_der der = sl_der_next(&r);
        assert_int_equal(!r.failed, CASES[i].is_good);
        assert_int_equal(der.contents.len, CASES[i].is_good ? CASES[i].contents_bytes : 0);
    }
}

static void another_tag_and_a_long_one_fail(void **state)
{
    struct sl_reader r = sl_reader_of(SL_SLICE("\x02\x01\x05"));
    SL_UNUSED(state);
    assert_null(sl_der_expect(&r, SL_DER_OID).ptr);
    assert_true(r.failed);
    r = sl_reader_of(SL_SLICE("\x1f\x20\x00"));
    (void)sl_der_next(&r);
    assert_true(r.failed);
}

static void sound_is_what_nests_to_the_end(void **state)
{
    uint8_t deep[64];
    SL_UNUSED(state);
    assert_true(sl_der_is_sound(SL_SLICE("")));
    assert_true(sl_der_is_sound(SL_SLICE("\x30\x03\x02\x01\x05\x02\x01\x06")));
    assert_false(sl_der_is_sound(SL_SLICE("\x30\x03\x02\x02\x05")));
    assert_false(sl_der_is_sound(SL_SLICE("\x30\x03\x02\x01")));
    for (size_t i = 0; i < sizeof(deep); i += 2) {
        deep[i] = SL_DER_SEQUENCE;
        deep[i + 1] = (uint8_t)(sizeof(deep) - 2 - i);
    }
    assert_false(sl_der_is_sound(sl_slice_of(deep, sizeof(deep))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_element_is_tag_length_and_contents),
        cmocka_unit_test(lengths_take_the_fewest_bytes),
        cmocka_unit_test(another_tag_and_a_long_one_fail),
        cmocka_unit_test(sound_is_what_nests_to_the_end),
    };
    return cmocka_run_group_tests_name("codec/der", tests, NULL, NULL);
}
