/* SPDX-License-Identifier: Apache-2.0 */
#include "base/logline.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { UNIX_MS_SAMPLE = 1 }; /* 1970-01-01T00:00:00.001Z */

static bool is_byte(struct sl_slice *s, uint8_t byte)
{
    if (s->len == 0 || s->ptr[0] != byte) {
        return false;
    }
    (void)sl_slice_cut(s, 1);
    return true;
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Takes one JSON string (RFC 8259 7), in well-formed UTF-8 as far as these tests put any in. */
static bool json_string(struct sl_slice *s)
{
    if (!is_byte(s, '"')) {
        return false;
    }
    while (s->len > 0 && s->ptr[0] != '"') {
        uint8_t c = s->ptr[0];
        size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        bool is_escape = c == '\\';
        if (is_escape) {
            len = s->len > 1 && s->ptr[1] == 'u' ? 6 : 2;
        }
        if (c < 0x20 || s->len < len) {
            return false;
        }
        struct sl_slice unit = sl_slice_cut(s, len);
        for (size_t i = 1; i < len; i++) {
            bool right = !is_escape ? (unit.ptr[i] & 0xc0) == 0x80
                         : len == 2 ? unit.ptr[1] == '"' || unit.ptr[1] == '\\'
                                    : i == 1 || is_hex(unit.ptr[i]);
            if (!right) {
                return false;
            }
        }
    }
    return is_byte(s, '"');
}

static bool json_word(struct sl_slice *s)
{
    const struct sl_slice words[] = { SL_SLICE("true"), SL_SLICE("false") };
    for (size_t i = 0; i < SL_COUNT(words); i++) {
        if (sl_slice_starts(*s, words[i])) {
            (void)sl_slice_cut(s, words[i].len);
            return true;
        }
    }
    size_t digits = 0;
    while (digits < s->len && s->ptr[digits] >= '0' && s->ptr[digits] <= '9') {
        digits++;
    }
    (void)sl_slice_cut(s, digits);
    return digits > 0;
}

/* True when `s` is one flat JSON object and a newline, and nothing else. */
static bool is_json_line(struct sl_slice s, size_t *ret_fields_count)
{
    size_t fields_count = 0;
    if (!is_byte(&s, '{')) {
        return false;
    }
    do {
        if (!json_string(&s) || !is_byte(&s, ':') ||
            (s.len > 0 && s.ptr[0] == '"' ? !json_string(&s) : !json_word(&s))) {
            return false;
        }
        fields_count++;
    } while (is_byte(&s, ','));
    *ret_fields_count = fields_count;
    return is_byte(&s, '}') && is_byte(&s, '\n') && s.len == 0;
}

static void assert_line(struct sl_logline *line, const char *expected)
{
    struct sl_slice text = sl_logline_end(line);
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.ptr, expected, text.len);
}

static void a_json_line_has_its_fields_in_order(void **state)
{
    SL_UNUSED(state);
    struct sl_logline line;
    sl_logline_begin(&line, SL_LOG_JSON, UINT64_C(1700000000123), SL_LOG_INFO, "close");
    sl_logline_cstr(&line, "service", "web");
    sl_logline_u64(&line, "bytes", UINT64_MAX);
    sl_logline_u64(&line, "none", 0);
    sl_logline_bool(&line, "resumed", true);
    sl_logline_bool(&line, "verified", false);
    sl_logline_cstr(&line, "empty", NULL);
    assert_line(&line, "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"info\","
                       "\"event\":\"close\",\"service\":\"web\",\"bytes\":18446744073709551615,"
                       "\"none\":0,\"resumed\":true,\"verified\":false,\"empty\":\"\"}\n");
}

static void a_text_line_quotes_only_what_needs_it(void **state)
{
    SL_UNUSED(state);
    struct sl_logline line;
    sl_logline_begin(&line, SL_LOG_TEXT, UNIX_MS_SAMPLE, SL_LOG_WARN, "death");
    sl_logline_cstr(&line, "plain", "a-b/c:[::1]");
    sl_logline_cstr(&line, "space", "a b");
    sl_logline_cstr(&line, "equals", "a=b");
    sl_logline_cstr(&line, "quote", "a\"b\\");
    sl_logline_cstr(&line, "empty", "");
    sl_logline_cstr(&line, "newline", "a\nlevel=error");
    sl_logline_u64(&line, "n", 12);
    sl_logline_bool(&line, "b", false);
    assert_line(&line, "time=1970-01-01T00:00:00.001Z level=warn event=death plain=a-b/c:[::1] "
                       "space=\"a b\" equals=\"a=b\" quote=\"a\\\"b\\\\\" empty=\"\" "
                       "newline=\"a\\u000alevel=error\" n=12 b=false\n");
}

static void every_level_has_its_word(void **state)
{
    SL_UNUSED(state);
    const char *const words[] = { "debug", "info", "warn", "error" };
    for (int level = SL_LOG_DEBUG; level <= SL_LOG_ERROR; level++) {
        struct sl_logline line;
        sl_logline_begin(&line, SL_LOG_TEXT, UNIX_MS_SAMPLE, (enum sl_log_level)level, "e");
        char text[SL_LOGLINE_MAX] = { 0 };
        struct sl_slice whole = sl_logline_end(&line);
        memcpy(text, whole.ptr, whole.len);
        assert_non_null(strstr(text, words[level]));
    }
}

static void assert_value(struct sl_slice value, const char *expected)
{
    struct sl_logline line;
    sl_logline_begin(&line, SL_LOG_JSON, UNIX_MS_SAMPLE, SL_LOG_INFO, "e");
    size_t before = line.len + strlen(",\"v\":\"");
    sl_logline_str(&line, "v", value);
    struct sl_slice whole = sl_logline_end(&line);
    size_t fields_count = 0;
    assert_true(is_json_line(whole, &fields_count));
    assert_int_equal(whole.len - before, strlen(expected) + strlen("\"}\n"));
    assert_memory_equal(whole.ptr + before, expected, strlen(expected));
}

static void bytes_that_are_not_text_are_escaped(void **state)
{
    SL_UNUSED(state);
    assert_value(SL_SLICE("\"\\/"), "\\\"\\\\/");
    assert_value(SL_SLICE("\0\t\n\r\x1f\x7f"), "\\u0000\\u0009\\u000a\\u000d\\u001f\\u007f");
    assert_value(SL_SLICE("\x1b[31m"), "\\u001b[31m");
    /* C1 controls: a terminal may take U+009B for the start of a command */
    assert_value(SL_SLICE("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0"), "\\u0080\\u009b\\u009f\xc2\xa0");
}

static void utf8_stays_and_what_is_not_utf8_is_escaped(void **state)
{
    SL_UNUSED(state);
    const char *const sound[] = { "\xc3\xa9",         "\xdf\xbf",         "\xe0\xa0\x80",
                                  "\xed\x9f\xbf",     "\xee\x80\x80",     "\xef\xbf\xbf",
                                  "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xe2\x82\xac z" };
    for (size_t i = 0; i < SL_COUNT(sound); i++) {
        assert_value(sl_slice_cstr(sound[i]), sound[i]);
    }
    assert_value(SL_SLICE("\x80"), "\\u0080");                                  /* no start */
    assert_value(SL_SLICE("\xc3"), "\\u00c3");                                  /* cut off */
    assert_value(SL_SLICE("\xc3z"), "\\u00c3z");                                /* no follower */
    assert_value(SL_SLICE("\xe2\x82"), "\\u00e2\\u0082");                       /* cut off */
    assert_value(SL_SLICE("\xc1\xbf"), "\\u00c1\\u00bf");                       /* overlong */
    assert_value(SL_SLICE("\xe0\x9f\xbf"), "\\u00e0\\u009f\\u00bf");            /* overlong */
    assert_value(SL_SLICE("\xf0\x8f\xbf\xbf"), "\\u00f0\\u008f\\u00bf\\u00bf"); /* overlong */
    assert_value(SL_SLICE("\xed\xa0\x80"), "\\u00ed\\u00a0\\u0080");            /* surrogate */
    assert_value(SL_SLICE("\xf4\x90\x80\x80"), "\\u00f4\\u0090\\u0080\\u0080"); /* too large */
    assert_value(SL_SLICE("\xf5\x80\x80\x80"), "\\u00f5\\u0080\\u0080\\u0080");
    assert_value(SL_SLICE("\xff"), "\\u00ff");
}

static void every_byte_at_every_place_leaves_the_line_valid(void **state)
{
    SL_UNUSED(state);
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            const uint8_t value[] = { (uint8_t)first, (uint8_t)second, 'z' };
            struct sl_logline line;
            sl_logline_begin(&line, SL_LOG_JSON, UNIX_MS_SAMPLE, SL_LOG_INFO, "e");
            sl_logline_str(&line, "v", sl_slice_of(value, sizeof(value)));
            size_t fields_count = 0;
            assert_true(is_json_line(sl_logline_end(&line), &fields_count));
            assert_int_equal(fields_count, 4);
        }
    }
}

/* Fills a value with `unit` to `len` bytes, and adds more fields behind it. */
static struct sl_slice long_line(struct sl_logline *line, enum sl_log_format format,
                                 struct sl_slice unit, size_t len)
{
    static uint8_t value[SL_LOGLINE_MAX + 64];
    for (size_t i = 0; i < len; i++) {
        value[i] = unit.ptr[i % unit.len];
    }
    sl_logline_begin(line, format, UNIX_MS_SAMPLE, SL_LOG_INFO, "e");
    sl_logline_str(line, "v", sl_slice_of(value, len));
    sl_logline_u64(line, "number", UINT64_MAX);
    sl_logline_bool(line, "bool", false);
    sl_logline_str(line, "more", sl_slice_of(value, len));
    sl_logline_cstr(line, "k", "last");
    return sl_logline_end(line);
}

static void a_line_stays_whole_at_every_length_of_a_value(void **state)
{
    SL_UNUSED(state);
    const struct sl_slice units[] = { SL_SLICE("a"),
                                      SL_SLICE("\n"),
                                      SL_SLICE("\""),
                                      SL_SLICE("\xe2\x82\xac"),
                                      SL_SLICE("\xf0\x90\x80\x80"),
                                      SL_SLICE("ab\xff\"\xc3\xa9") };
    for (size_t u = 0; u < SL_COUNT(units); u++) {
        for (size_t len = 0; len < SL_LOGLINE_MAX + 64; len++) {
            struct {
                struct sl_logline line;
                char behind;
            } place = { .behind = 'b' };
            size_t fields_count = 0;
            struct sl_slice whole = long_line(&place.line, SL_LOG_JSON, units[u], len);
            assert_true(whole.len <= SL_LOGLINE_MAX);
            assert_true(is_json_line(whole, &fields_count));
            assert_true(fields_count >= 4); /* the long one is cut, not left out */
            assert_int_equal(place.behind, 'b');

            whole = long_line(&place.line, SL_LOG_TEXT, units[u], len);
            assert_true(whole.len <= SL_LOGLINE_MAX);
            assert_int_equal(sl_slice_find(whole, '\n'), whole.len - 1);
            assert_int_equal(place.behind, 'b');
        }
    }
}

static void a_long_value_uses_the_room_there_is(void **state)
{
    SL_UNUSED(state);
    struct sl_logline line;
    struct sl_slice whole = long_line(&line, SL_LOG_JSON, SL_SLICE("a"), SL_LOGLINE_MAX);
    assert_true(whole.len > SL_LOGLINE_MAX - 16);
    assert_true(sl_slice_ends(whole, SL_SLICE("a\"}\n")));
}

static void what_is_left_of_a_cut_value_is_its_front(void **state)
{
    SL_UNUSED(state);
    static uint8_t value[SL_LOGLINE_MAX];
    static const char unit[] = "a\\u000a"; /* what "a\n" becomes */
    for (size_t i = 0; i < sizeof(value); i++) {
        value[i] = i % 2 == 0 ? 'a' : '\n';
    }
    for (size_t pad = 0; pad < sizeof(unit); pad++) {
        struct sl_logline line;
        sl_logline_begin(&line, SL_LOG_JSON, UNIX_MS_SAMPLE, SL_LOG_INFO, "e");
        sl_logline_str(&line, "pad", sl_slice_of("pppppppp", pad));
        size_t before = line.len + strlen(",\"v\":\"");
        sl_logline_str(&line, "v", sl_slice_of(value, sizeof(value)));
        struct sl_slice whole = sl_logline_end(&line);
        size_t end = whole.len - strlen("\"}\n");
        assert_true(end > SL_LOGLINE_MAX - 16);
        for (size_t at = before; at < end; at++) {
            assert_int_equal(whole.ptr[at], unit[(at - before) % (sizeof(unit) - 1)]);
        }
    }
}

static void a_long_plain_value_is_cut_in_text_as_well(void **state)
{
    SL_UNUSED(state);
    struct sl_logline line;
    struct sl_slice whole = long_line(&line, SL_LOG_TEXT, SL_SLICE("a"), SL_LOGLINE_MAX);
    assert_true(whole.len > SL_LOGLINE_MAX - 16);
    assert_true(sl_slice_ends(whole, SL_SLICE("a\"\n")));
}

static void fields_that_do_not_fit_are_left_out_whole(void **state)
{
    SL_UNUSED(state);
    struct sl_logline line;
    sl_logline_begin(&line, SL_LOG_JSON, UNIX_MS_SAMPLE, SL_LOG_INFO, "e");
    for (size_t i = 0; i < SL_LOGLINE_MAX; i++) {
        sl_logline_u64(&line, "key", UINT64_MAX);
    }
    size_t fields_count = 0;
    struct sl_slice whole = sl_logline_end(&line);
    assert_true(is_json_line(whole, &fields_count));
    assert_true(whole.len > SL_LOGLINE_MAX - 64);
    size_t len = whole.len;
    sl_logline_begin(&line, SL_LOG_JSON, UNIX_MS_SAMPLE, SL_LOG_INFO, "e"); /* begins anew */
    assert_true(sl_logline_end(&line).len < len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_json_line_has_its_fields_in_order),
        cmocka_unit_test(a_text_line_quotes_only_what_needs_it),
        cmocka_unit_test(every_level_has_its_word),
        cmocka_unit_test(bytes_that_are_not_text_are_escaped),
        cmocka_unit_test(utf8_stays_and_what_is_not_utf8_is_escaped),
        cmocka_unit_test(every_byte_at_every_place_leaves_the_line_valid),
        cmocka_unit_test(a_line_stays_whole_at_every_length_of_a_value),
        cmocka_unit_test(a_long_value_uses_the_room_there_is),
        cmocka_unit_test(what_is_left_of_a_cut_value_is_its_front),
        cmocka_unit_test(a_long_plain_value_is_cut_in_text_as_well),
        cmocka_unit_test(fields_that_do_not_fit_are_left_out_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
