/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/text.h"
#include "expect.h"

static void malformed_utf8_is_no_character(void **state)
{
    static const char *const BAD[] = {
        "\x80",         "\xc0\xaf",         "\xc1\x81",         "\xc3", "\xc3(",
        "\xe0\x80\xaf", "\xed\xa0\x80",     "\xf0\x80\x80\xaf", "\xff", "\xf8\x88\x80\x80",
        "\xe2\x82",     "\xf4\x90\x80\x80", "\xf0\x9f\x98",
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        uint32_t code = 4711;
        assert_int_equal(sl_text_char(sl_slice_cstr(BAD[i]), &code), 0);
        assert_int_equal(code, 4711);
    }
}

static void characters_of_every_length_are_read(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        uint32_t code;
    } GOOD[] = {
        { "ab", 1, 'a' },
        { "\xc3\xa4x", 2, 0xe4 },
        { "\xe2\x82\xacx", 3, 0x20ac },
        { "\xef\xbf\xbd", 3, 0xfffd },
        { "\xf0\x9f\x98\x80x", 4, 0x1f600 },
        { "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(GOOD); i++) {
        uint32_t code = 0;
        assert_int_equal(sl_text_char(sl_slice_cstr(GOOD[i].text), &code), GOOD[i].len);
        assert_int_equal(code, GOOD[i].code);
    }
}

static void lines_end_where_yaml_ends_them(void **state)
{
    static const char *const LINES[] = { "a", "b", "c", "", "d", "e", "f" };
    static const char TEXT[] = "\xef\xbb\xbf"
                               "a\nb\r\nc\r\rd\xc2\x85"
                               "e\xe2\x80\xa8"
                               "f";
    struct sl_slice line;
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(LINES); i++) {
        assert_int_equal(sl_text_line(SL_SLICE(TEXT), (uint32_t)i + 1, &line), SL_OK);
        assert_true(sl_slice_eq(line, sl_slice_cstr(LINES[i])));
    }
    assert_int_equal(sl_text_line(SL_SLICE(TEXT), 8, &line), SL_ENOENT);
    assert_int_equal(sl_text_line(SL_SLICE(TEXT), 0, &line), SL_ENOENT);
    assert_int_equal(sl_text_line(SL_SLICE("a\n"), 2, &line), SL_OK);
    assert_int_equal(line.len, 0);
}

static void places_are_counted_in_characters_behind_the_byte_order_mark(void **state)
{
    static const char TEXT[] = "\xef\xbb\xbf\xc3\xa4x\n\xe2\x82\xacy";
    struct sl_conf_pos pos = sl_text_pos(SL_SLICE(TEXT), 5);
    SL_UNUSED(state);
    assert_int_equal(pos.line, 1);
    assert_int_equal(pos.column, 2);
    pos = sl_text_pos(SL_SLICE(TEXT), 10);
    assert_int_equal(pos.line, 2);
    assert_int_equal(pos.column, 2);
    pos = sl_text_pos(SL_SLICE(TEXT), 1000);
    assert_int_equal(pos.line, 2);
    assert_int_equal(pos.column, 3);
}

static void shown_values_are_short_and_harmless(void **state)
{
    char text[200];
    memset(text, 'x', sizeof(text));
    SL_UNUSED(state);
    assert_string_equal(sl_text_shown(SL_SLICE("a\x1b[31m\n\xc3\xa4\xff\xc2\x9b")).text,
                        "a?[31m?\xc3\xa4??");
    struct sl_text_shown cut = sl_text_shown(sl_slice_of(text, sizeof(text)));
    assert_int_equal(strlen(cut.text), SL_TEXT_SHOWN_MAX - 1);
    assert_string_equal(cut.text + strlen(cut.text) - 4, "x...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_utf8_is_no_character),
        cmocka_unit_test(characters_of_every_length_are_read),
        cmocka_unit_test(lines_end_where_yaml_ends_them),
        cmocka_unit_test(places_are_counted_in_characters_behind_the_byte_order_mark),
        cmocka_unit_test(shown_values_are_short_and_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
