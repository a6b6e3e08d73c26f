/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct sl_slice NONE = { NULL, 0 };

static void slices_compare_by_their_bytes(void **state)
{
    SL_UNUSED(state);
    assert_true(sl_slice_eq(SL_SLICE("abc"), sl_slice_of("abcd", 3)));
    assert_false(sl_slice_eq(SL_SLICE("abc"), SL_SLICE("abd")));
    assert_false(sl_slice_eq(SL_SLICE("abc"), SL_SLICE("ab")));
    assert_false(sl_slice_eq(SL_SLICE("a\0b"), SL_SLICE("a\0c")));
    assert_true(sl_slice_eq(NONE, SL_SLICE("")));
    assert_true(sl_slice_eq(sl_slice_cstr(NULL), NONE));
    assert_int_equal(sl_slice_cstr("abc").len, 3);
}

static void only_ascii_letters_compare_without_case(void **state)
{
    SL_UNUSED(state);
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            const uint8_t bytes[] = { (uint8_t)a, (uint8_t)b };
            bool letters = (a | 0x20) >= 'a' && (a | 0x20) <= 'z' && (a | 0x20) == (b | 0x20);
            assert_int_equal(sl_slice_eq_nocase(sl_slice_of(bytes, 1), sl_slice_of(bytes + 1, 1)),
                             a == b || letters);
        }
    }
    assert_false(sl_slice_eq_nocase(SL_SLICE("abc"), SL_SLICE("abcd")));
    assert_true(sl_slice_eq_nocase(SL_SLICE("WWW.Example"), SL_SLICE("www.eXAMPLE")));
    assert_true(sl_slice_eq_nocase(NONE, NONE));
}

static void starts_and_ends_are_seen(void **state)
{
    SL_UNUSED(state);
    const struct sl_slice s = SL_SLICE("abcabc");
    assert_true(sl_slice_starts(s, SL_SLICE("abca")));
    assert_true(sl_slice_starts(s, s));
    assert_true(sl_slice_starts(s, NONE));
    assert_false(sl_slice_starts(s, SL_SLICE("abcabca")));
    assert_false(sl_slice_starts(s, SL_SLICE("b")));
    assert_false(sl_slice_starts(sl_slice_of("abc", 2), SL_SLICE("abc")));
    assert_true(sl_slice_ends(s, SL_SLICE("cabc")));
    assert_true(sl_slice_ends(s, s));
    assert_true(sl_slice_ends(s, NONE));
    assert_true(sl_slice_ends(NONE, NONE));
    assert_false(sl_slice_ends(s, SL_SLICE("xabcabc")));
    assert_false(sl_slice_ends(s, SL_SLICE("ab")));
    assert_false(sl_slice_ends(NONE, SL_SLICE("a")));
}

static void a_byte_is_found_at_its_first_place(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(sl_slice_find(SL_SLICE("abcb"), 'b'), 1);
    assert_int_equal(sl_slice_find(SL_SLICE("abcb"), 'x'), 4);
    assert_int_equal(sl_slice_find(SL_SLICE("ab\0"), 0), 2);
    assert_int_equal(sl_slice_find(sl_slice_of("abc", 2), 'c'), 2);
    assert_int_equal(sl_slice_find(NONE, 'a'), 0);
}

static void cutting_takes_at_most_all(void **state)
{
    SL_UNUSED(state);
    struct sl_slice s = SL_SLICE("abcdef");
    assert_true(sl_slice_eq(sl_slice_cut(&s, 2), SL_SLICE("ab")));
    assert_true(sl_slice_eq(s, SL_SLICE("cdef")));
    assert_int_equal(sl_slice_cut(&s, 0).len, 0);
    assert_true(sl_slice_eq(sl_slice_cut(&s, SIZE_MAX), SL_SLICE("cdef")));
    assert_int_equal(s.len, 0);
    assert_int_equal(sl_slice_cut(&s, 1).len, 0);
    struct sl_slice none = NONE;
    assert_int_equal(sl_slice_cut(&none, 3).len, 0);
    assert_null(none.ptr);
}

static void numbers_are_written_in_network_byte_order(void **state)
{
    SL_UNUSED(state);
    uint8_t bytes[10];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_wbuf_put_u8(&out, 0xfe), SL_OK);
    assert_int_equal(sl_wbuf_put_u16(&out, 0xfdfc), SL_OK);
    assert_int_equal(sl_wbuf_put_u32(&out, 0x8091a2b3U), SL_OK);
    assert_int_equal(sl_wbuf_put(&out, SL_SLICE("xyz")), SL_OK);
    assert_int_equal(sl_wbuf_room(&out), 0);
    assert_true(sl_slice_eq(sl_wbuf_slice(&out), SL_SLICE("\xfe\xfd\xfc\x80\x91\xa2\xb3xyz")));
}

static void what_does_not_fit_is_not_written_in_part(void **state)
{
    SL_UNUSED(state);
    for (size_t cap = 0; cap < 5; cap++) {
        uint8_t bytes[5] = "+++++";
        struct sl_wbuf out = sl_wbuf_of(bytes, cap);
        assert_int_equal(sl_wbuf_put(&out, SL_SLICE("abcde")), SL_ENOSPC);
        assert_int_equal(sl_wbuf_put_u32(&out, 0), cap >= 4 ? SL_OK : SL_ENOSPC);
        out.len = 0;
        assert_int_equal(sl_wbuf_put_u16(&out, 0), cap >= 2 ? SL_OK : SL_ENOSPC);
        out.len = 0;
        assert_int_equal(sl_wbuf_put_u8(&out, 0), cap >= 1 ? SL_OK : SL_ENOSPC);
        for (size_t i = cap; i < sizeof(bytes); i++) {
            assert_int_equal(bytes[i], '+');
        }
    }
    struct sl_wbuf nothing = sl_wbuf_of(NULL, 0);
    assert_int_equal(sl_wbuf_put(&nothing, NONE), SL_OK);
    assert_int_equal(sl_wbuf_put(&nothing, SL_SLICE("a")), SL_ENOSPC);
    assert_int_equal(sl_wbuf_printf(&nothing, "%s", "a"), SL_ENOSPC);
}

static void formatted_text_is_appended_whole_or_not(void **state)
{
    SL_UNUSED(state);
    char bytes[16];
    memset(bytes, '+', sizeof(bytes));
    struct sl_wbuf out = sl_wbuf_of(bytes, 8);
    assert_int_equal(sl_wbuf_printf(&out, "%d-%s", 12, "ab"), SL_OK);
    assert_int_equal(out.len, 5);
    assert_int_equal(sl_wbuf_printf(&out, "%s", "xyz"), SL_ENOSPC); /* its NUL has no place */
    assert_int_equal(out.len, 5);
    assert_int_equal(sl_wbuf_printf(&out, "%s", "xy"), SL_OK);
    assert_true(sl_slice_eq(sl_wbuf_slice(&out), SL_SLICE("12-abxy")));
    assert_int_equal(bytes[8], '+');
}

static void numbers_are_decimal_digits_and_nothing_else(void **state)
{
    static const struct {
        const char *text;
        enum sl_err rc;
        uint64_t number;
    } CASES[] = {
        { "0", SL_OK, 0 },
        { "0042", SL_OK, 42 },
        { "18446744073709551615", SL_OK, UINT64_MAX },
        { "18446744073709551616", SL_EINVAL, 0 },
        { "99999999999999999999", SL_EINVAL, 0 },
        { "", SL_EINVAL, 0 },
        { "-1", SL_EINVAL, 0 },
        { "+1", SL_EINVAL, 0 },
        { " 1", SL_EINVAL, 0 },
        { "1s", SL_EINVAL, 0 },
        { "0x1", SL_EINVAL, 0 },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        uint64_t number = 7;
        assert_int_equal(sl_slice_number(sl_slice_cstr(CASES[i].text), &number), CASES[i].rc);
        assert_int_equal(number, CASES[i].rc == SL_OK ? CASES[i].number : 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare_by_their_bytes),
        cmocka_unit_test(only_ascii_letters_compare_without_case),
        cmocka_unit_test(starts_and_ends_are_seen),
        cmocka_unit_test(a_byte_is_found_at_its_first_place),
        cmocka_unit_test(cutting_takes_at_most_all),
        cmocka_unit_test(numbers_are_decimal_digits_and_nothing_else),
        cmocka_unit_test(numbers_are_written_in_network_byte_order),
        cmocka_unit_test(what_does_not_fit_is_not_written_in_part),
        cmocka_unit_test(formatted_text_is_appended_whole_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
