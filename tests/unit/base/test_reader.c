/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reader.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void numbers_are_in_network_byte_order(void **state)
{
    SL_UNUSED(state);
    struct sl_reader r =
        sl_reader_of(SL_SLICE("\xfe\x01\x02\xff\xfe\xfd\x80\x90\xa0\xb0\xc0\xd0\xe0"));
    assert_int_equal(sl_reader_u8(&r), 0xfe);
    assert_int_equal(sl_reader_u16(&r), 0x0102);
    assert_int_equal(sl_reader_u24(&r), 0xfffefd);
    assert_int_equal(sl_reader_u32(&r), 0x8090a0b0U);
    assert_false(sl_reader_is_done(&r));
    assert_int_equal(sl_reader_u24(&r), 0xc0d0e0);
    assert_true(sl_reader_is_done(&r));
    assert_false(r.failed);
}

static void vectors_carry_their_length(void **state)
{
    SL_UNUSED(state);
    struct sl_reader r = sl_reader_of(SL_SLICE("\x02"
                                               "ab\x00\x03"
                                               "cde\x00\x00\x00"));
    assert_true(sl_slice_eq(sl_reader_vec8(&r), SL_SLICE("ab")));
    assert_true(sl_slice_eq(sl_reader_vec16(&r), SL_SLICE("cde")));
    assert_int_equal(sl_reader_vec8(&r).len, 0);
    assert_int_equal(sl_reader_vec16(&r).len, 0);
    assert_true(sl_reader_is_done(&r));
}

static void an_empty_vector_is_not_a_failure(void **state)
{
    SL_UNUSED(state);
    struct sl_reader r = sl_reader_of(SL_SLICE("\x00"));
    assert_non_null(sl_reader_vec8(&r).ptr);
    assert_true(sl_reader_is_done(&r));
    r = sl_reader_of(sl_slice_of(NULL, 0));
    assert_int_equal(sl_reader_bytes(&r, 0).len, 0);
    assert_true(sl_reader_is_done(&r));
}

static void a_read_past_the_end_fails_for_good(void **state)
{
    SL_UNUSED(state);
    struct sl_reader r = sl_reader_of(SL_SLICE("\x01\x02\x03"));
    assert_int_equal(sl_reader_u32(&r), 0);
    assert_true(r.failed);
    /* the three bytes would do for these, but they follow something that was not there */
    assert_int_equal(sl_reader_u8(&r), 0);
    assert_int_equal(sl_reader_u16(&r), 0);
    assert_int_equal(sl_reader_u24(&r), 0);
    assert_int_equal(sl_reader_bytes(&r, 1).len, 0);
    assert_null(sl_reader_bytes(&r, 0).ptr);
    assert_int_equal(sl_reader_vec8(&r).len, 0);
    assert_int_equal(sl_reader_vec16(&r).len, 0);
    assert_true(r.failed);
    assert_false(sl_reader_is_done(&r));
}

static void a_vector_longer_than_the_input_fails(void **state)
{
    SL_UNUSED(state);
    const struct sl_slice whole = SL_SLICE("\x00\x03"
                                           "abc");
    for (size_t len = 0; len <= whole.len; len++) {
        struct sl_reader r = sl_reader_of(sl_slice_of(whole.ptr, len));
        struct sl_slice got = sl_reader_vec16(&r);
        assert_int_equal(got.len, len == whole.len ? 3 : 0);
        assert_int_equal(sl_reader_is_done(&r), len == whole.len);
        assert_int_equal(r.failed, len != whole.len);
    }
    struct sl_reader r = sl_reader_of(SL_SLICE("\xff"
                                               "abc"));
    assert_int_equal(sl_reader_vec8(&r).len, 0);
    assert_true(r.failed);
    r = sl_reader_of(SL_SLICE("abc"));
    assert_int_equal(sl_reader_bytes(&r, SIZE_MAX).len, 0);
    assert_true(r.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_in_network_byte_order),
        cmocka_unit_test(vectors_carry_their_length),
        cmocka_unit_test(an_empty_vector_is_not_a_failure),
        cmocka_unit_test(a_read_past_the_end_fails_for_good),
        cmocka_unit_test(a_vector_longer_than_the_input_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
