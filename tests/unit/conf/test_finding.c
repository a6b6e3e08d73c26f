/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/finding.h"
#include "expect.h"

static void formatted(const char *source, uint32_t line, uint32_t column, const char *wanted)
{
    char text[2048];
    struct sl_wbuf out = sl_wbuf_of(text, sizeof(text) - 1);
    const struct sl_finding finding = { .severity = SL_FINDING_ERROR,
                                        .pos = { .line = line, .column = column },
                                        .text = "no, but yes" };
    assert_int_equal(sl_finding_format(&finding, "f.yaml", sl_slice_cstr(source), &out), SL_OK);
    text[out.len] = '\0';
    assert_string_equal(text, wanted);
}

static void a_caret_stands_under_the_column(void **state)
{
    SL_UNUSED(state);
    formatted("a: 1\nbcd: 2\n", 2, 3,
              "f.yaml:2:3: error: no, but yes\n"
              "bcd: 2\n"
              "  ^\n");
}

static void tabs_before_the_caret_are_kept(void **state)
{
    SL_UNUSED(state);
    formatted("\tx\ty", 1, 4,
              "f.yaml:1:4: error: no, but yes\n"
              "\tx\ty\n"
              "\t \t^\n");
}

static void the_caret_counts_characters_not_bytes(void **state)
{
    SL_UNUSED(state);
    formatted("\xef\xbb\xbf\xc3\xa4\xe2\x82\xac: 1", 1, 5,
              "f.yaml:1:5: error: no, but yes\n"
              "\xc3\xa4\xe2\x82\xac: 1\n"
              "    ^\n");
}

static void control_characters_of_the_source_are_not_shown(void **state)
{
    SL_UNUSED(state);
    formatted("\x1b[2J\xff\xc2\x9b"
              "x",
              1, 7,
              "f.yaml:1:7: error: no, but yes\n"
              "?[2J??x\n"
              "      ^\n");
}

static void a_column_past_the_line_points_at_its_end(void **state)
{
    SL_UNUSED(state);
    formatted("ab\ncd", 1, 99,
              "f.yaml:1:99: error: no, but yes\n"
              "ab\n"
              "  ^\n");
}

static void without_a_place_only_the_file_is_named(void **state)
{
    SL_UNUSED(state);
    formatted("ab\n", 0, 0, "f.yaml: error: no, but yes\n");
    formatted("ab\n", 7, 1, "f.yaml:7:1: error: no, but yes\n");
}

/* The second and third line of the finding at `column` of a line of `count` different letters. */
static void long_line_check(size_t count, uint32_t column)
{
    char source[1000], text[2048];
    for (size_t i = 0; i < count; i++) {
        source[i] = (char)('a' + i % 26);
    }
    struct sl_wbuf out = sl_wbuf_of(text, sizeof(text) - 1);
    const struct sl_finding finding = { .pos = { .line = 1, .column = column }, .text = "t" };
    assert_int_equal(sl_finding_format(&finding, "f", sl_slice_of(source, count), &out), SL_OK);
    text[out.len] = '\0';
    const char *shown = strchr(text, '\n') + 1;
    const char *caret_line = strchr(shown, '\n') + 1;
    const size_t caret = strcspn(caret_line, "^");
    assert_int_equal(strspn(caret_line, " "), caret);
    assert_int_equal(shown[caret], source[column - 1]);
    const size_t shown_count = (size_t)(caret_line - shown) - 1;
    assert_in_range(shown_count, SL_MIN(count, (size_t)160), 166);
    assert_int_equal(strncmp(shown, "...", 3) == 0, count > 160 && column > 81);
}

static void long_lines_are_cut_around_the_column(void **state)
{
    SL_UNUSED(state);
    long_line_check(160, 160);
    for (uint32_t column = 1; column <= 500; column++) {
        long_line_check(500, column);
    }
}

static void what_does_not_fit_is_not_begun(void **state)
{
    char text[64] = "before";
    struct sl_finding finding = { .pos = { .line = 1, .column = 1 }, .text = "text" };
    SL_UNUSED(state);
    for (size_t cap = 6; cap < 36; cap++) {
        struct sl_wbuf out = sl_wbuf_of(text, cap);
        out.len = 6;
        enum sl_err rc = sl_finding_format(&finding, "f", SL_SLICE("abcdef"), &out);
        assert_int_equal(rc, SL_ENOSPC);
        assert_int_equal(out.len, 6);
    }
}

static void findings_are_sorted_by_place_and_those_without_come_last(void **state)
{
    static const struct {
        uint32_t line, column;
        const char *text;
    } ADDED[] = {
        { 0, 0, "none a" }, { 3, 2, "d" },      { 1, 9, "b" }, { 3, 1, "c" },
        { 3, 2, "e" },      { 0, 0, "none b" }, { 1, 1, "a" },
    };
    char text[512];
    struct sl_arena arena;
    struct sl_findings findings;
    SL_UNUSED(state);
    sl_arena_init(&arena, 0);
    sl_findings_init(&findings, &arena);
    for (size_t i = 0; i < SL_COUNT(ADDED); i++) {
        struct sl_conf_pos pos = { .line = ADDED[i].line, .column = ADDED[i].column };
        sl_findings_add(&findings, i == 0 ? SL_FINDING_WARNING : SL_FINDING_ERROR, pos, "%s",
                        ADDED[i].text);
    }
    sl_findings_sort(&findings);
    findings_text(&findings, text, sizeof(text));
    assert_int_equal(findings.errors_count, 6);
    assert_int_equal(findings.warnings_count, 1);
    sl_arena_fini(&arena);
    assert_string_equal(text, "1:1: error: a\n1:9: error: b\n3:1: error: c\n3:2: error: d\n"
                              "3:2: error: e\n0:0: warning: none a\n0:0: error: none b\n");
}

static size_t listed_count(const struct sl_findings *findings)
{
    size_t count = 0;
    for (struct sl_list *at = findings->list.next; at != &findings->list; at = at->next) {
        count++;
    }
    return count;
}

static void more_than_the_most_are_only_counted(void **state)
{
    struct sl_arena arena;
    struct sl_findings findings;
    SL_UNUSED(state);
    sl_arena_init(&arena, 0);
    sl_findings_init(&findings, &arena);
    for (unsigned i = 0; i < SL_FINDINGS_MAX + 5; i++) {
        sl_findings_add(&findings, SL_FINDING_ERROR, (struct sl_conf_pos){ 1, 1 }, "%u", i);
    }
    assert_int_equal(findings.errors_count, SL_FINDINGS_MAX + 5);
    assert_int_equal(listed_count(&findings), SL_FINDINGS_MAX);
    sl_arena_fini(&arena);
}

static void without_memory_findings_still_count(void **state)
{
    struct sl_arena arena;
    struct sl_findings findings;
    SL_UNUSED(state);
    sl_arena_init(&arena, 16);
    sl_findings_init(&findings, &arena);
    sl_findings_add(&findings, SL_FINDING_ERROR, (struct sl_conf_pos){ 1, 1 }, "text");
    assert_int_equal(findings.errors_count, 1);
    assert_int_equal(listed_count(&findings), 0);
    sl_arena_fini(&arena);
}

static void a_text_stays_one_line_whatever_is_put_into_it(void **state)
{
    char text[128];
    struct sl_arena arena;
    struct sl_findings findings;
    SL_UNUSED(state);
    sl_arena_init(&arena, 0);
    sl_findings_init(&findings, &arena);
    sl_findings_add(&findings, SL_FINDING_ERROR, (struct sl_conf_pos){ 1, 1 }, "%s",
                    "a\nb\x1b\xff\xe2\x80\xa8\xc3\xa4");
    findings_text(&findings, text, sizeof(text));
    sl_arena_fini(&arena);
    assert_string_equal(text, "1:1: error: a?b?????\xc3\xa4\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_caret_stands_under_the_column),
        cmocka_unit_test(tabs_before_the_caret_are_kept),
        cmocka_unit_test(the_caret_counts_characters_not_bytes),
        cmocka_unit_test(control_characters_of_the_source_are_not_shown),
        cmocka_unit_test(a_column_past_the_line_points_at_its_end),
        cmocka_unit_test(without_a_place_only_the_file_is_named),
        cmocka_unit_test(long_lines_are_cut_around_the_column),
        cmocka_unit_test(what_does_not_fit_is_not_begun),
        cmocka_unit_test(findings_are_sorted_by_place_and_those_without_come_last),
        cmocka_unit_test(more_than_the_most_are_only_counted),
        cmocka_unit_test(without_memory_findings_still_count),
        cmocka_unit_test(a_text_stays_one_line_whatever_is_put_into_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
