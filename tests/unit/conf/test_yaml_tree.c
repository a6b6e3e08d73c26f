/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/yaml_tree.h"
#include "expect.h"
#include <stdlib.h>

/* Writes the tree as text, "{key@L:C=value@L:C …}", so that a test sees all of it. */
static void tree_put(const struct sl_yaml_node *node, struct sl_wbuf *out)
{
    static const char OPEN[] = "\0[{?", CLOSE[] = "\0]}?";
    enum sl_err rc = SL_OK;
    if (node->key_pos.line != 0) {
        rc = sl_wbuf_printf(out, "%.*s@%u:%u=", SL_SLICE_FMT(node->key), node->key_pos.line,
                            node->key_pos.column);
        assert_int_equal(rc, SL_OK);
    }
    if (node->kind == SL_YAML_SCALAR) {
        rc = sl_wbuf_printf(out, "%.*s@%u:%u", SL_SLICE_FMT(node->text), node->pos.line,
                            node->pos.column);
        assert_int_equal(rc, SL_OK);
        assert_int_equal(node->text.ptr[node->text.len], 0);
        return;
    }
    assert_int_equal(sl_wbuf_put_u8(out, (uint8_t)OPEN[node->kind]), SL_OK);
    size_t count = 0;
    for (const struct sl_yaml_node *child = node->first; child != NULL; child = child->next) {
        if (count++ > 0) {
            assert_int_equal(sl_wbuf_put_u8(out, ' '), SL_OK);
        }
        tree_put(child, out);
        assert_true(child->next != NULL || child == node->last);
    }
    assert_int_equal(count, node->count);
    assert_int_equal(sl_wbuf_put_u8(out, (uint8_t)CLOSE[node->kind]), SL_OK);
}

/* Reads `yaml` and expects this tree ("" for none) and these findings. */
static void expect_tree(struct sl_slice yaml, enum sl_err wanted, const char *tree,
                        const char *found)
{
    char memory[4096], text[8192];
    struct sl_wbuf out = sl_wbuf_of(memory, sizeof(memory) - 1);
    struct sl_arena arena;
    struct sl_findings findings;
    struct sl_yaml_node *root = NULL;
    sl_arena_init(&arena, 0);
    sl_findings_init(&findings, &arena);
    assert_int_equal(sl_yaml_parse(yaml, &arena, &findings, &root), wanted);
    sl_findings_sort(&findings);
    findings_text(&findings, text, sizeof(text));
    if (root != NULL) {
        tree_put(root, &out);
    }
    memory[out.len] = '\0';
    sl_arena_fini(&arena);
    assert_string_equal(memory, tree);
    assert_string_equal(text, found);
}

static void nodes_have_the_places_of_the_text(void **state)
{
    SL_UNUSED(state);
    expect_tree(SL_SLICE("# comment\na: 1\nb:\n  - x\n  - {c: \"y z\"}\n\xc3\xa4: [p, q]\n"), SL_OK,
                "{a@2:1=1@2:4 b@3:1=[x@4:5 {c@5:6=y z@5:9}] \xc3\xa4@6:1=[p@6:5 q@6:8]}", "");
}

static void a_byte_order_mark_moves_nothing(void **state)
{
    SL_UNUSED(state);
    expect_tree(SL_SLICE("\xef\xbb\xbf"
                         "a: 1\nb: 2\n"),
                SL_OK, "{a@1:1=1@1:4 b@2:1=2@2:4}", "");
}

static void an_empty_text_has_no_tree(void **state)
{
    SL_UNUSED(state);
    expect_tree(SL_SLICE(""), SL_OK, "", "");
    expect_tree(SL_SLICE("# nothing\n\n"), SL_OK, "", "");
}

static void of_a_key_that_stands_twice_the_first_counts(void **state)
{
    SL_UNUSED(state);
    expect_tree(SL_SLICE("a: 1\nb: 2\na: 3\nc: 4\na: 5\n"), SL_OK,
                "{a@1:1=1@1:4 b@2:1=2@2:4 c@4:1=4@4:4}",
                "3:1: error: 'a' stands here twice: first on line 1\n"
                "5:1: error: 'a' stands here twice: first on line 1\n");
    expect_tree(SL_SLICE("{a: 1, \"a\": 2}"), SL_OK, "{a@1:2=1@1:5}",
                "1:8: error: 'a' stands here twice: first on line 1\n");
    expect_tree(SL_SLICE("[{a: 1}, {a: 2}]"), SL_OK, "[{a@1:3=1@1:6} {a@1:11=2@1:14}]", "");
}

static void aliases_are_refused_where_they_stand(void **state)
{
    SL_UNUSED(state);
    expect_tree(SL_SLICE("a: &x 1\nb: *x\nc: [*x]\n*x : 2\n"), SL_OK,
                "{a@1:1=1@1:4 b@2:1=?? c@3:1=[??]}",
                "2:4: error: the alias *x is not allowed: write the value out\n"
                "3:5: error: the alias *x is not allowed: write the value out\n"
                "4:1: error: the alias *x is not allowed: write the value out\n");
}

static void tags_are_refused(void **state)
{
    SL_UNUSED(state);
    expect_tree(SL_SLICE("a: !x 1\nb: !!map {}\nc: !y []\n"), SL_OK,
                "{a@1:1=1@1:4 b@2:1={} c@3:1=[]}",
                "1:4: error: the tag !x is not allowed: leave it out\n"
                "2:4: error: the tag tag:yaml.org,2002:map is not allowed: leave it out\n"
                "3:4: error: the tag !y is not allowed: leave it out\n");
}

static void keys_are_text(void **state)
{
    SL_UNUSED(state);
    expect_tree(SL_SLICE("[a]: 1\n? {b: c}\n: 2\nd: 3\n"), SL_OK, "{d@4:1=3@4:4}",
                "1:1: error: a key must be text, not a list or a map\n"
                "2:3: error: a key must be text, not a list or a map\n");
}

static void a_second_document_is_refused_where_it_begins(void **state)
{
    SL_UNUSED(state);
    expect_tree(SL_SLICE("---\na: 1\n---\nb: 1\n"), SL_EINVAL, "",
                "3:1: error: a second document begins here: one file is one configuration\n");
    expect_tree(SL_SLICE("---\na: 1\n...\n"), SL_OK, "{a@2:1=1@2:4}", "");
}

static void what_is_not_utf8_is_refused_at_its_character(void **state)
{
    SL_UNUSED(state);
    expect_tree(SL_SLICE("a: 1\n\xc3\xa4: x\xff\n"), SL_EINVAL, "",
                "2:5: error: the byte 0xff is not UTF-8: save the file as UTF-8\n");
    expect_tree(SL_SLICE("a: 1\nb: \x01\n"), SL_EINVAL, "",
                "2:4: error: the character U+0001 cannot stand in YAML\n");
    expect_tree(SL_SLICE("a\0b"), SL_EINVAL, "",
                "1:2: error: the character U+0000 cannot stand in YAML\n");
    expect_tree(SL_SLICE("\xff\xfe"
                         "a\0"),
                SL_EINVAL, "", "1:1: error: the byte 0xff is not UTF-8: save the file as UTF-8\n");
}

static void broken_syntax_is_found_at_its_place(void **state)
{
    SL_UNUSED(state);
    expect_tree(SL_SLICE("a: [1, 2\nb: 3\n"), SL_EINVAL, "",
                "2:2: error: not YAML: did not find expected ',' or ']' while parsing a flow "
                "sequence that begins on line 1; values with brackets, such as IPv6 URLs, need "
                "quotes there\n");
    expect_tree(SL_SLICE("a: 1\n b: 2\n"), SL_EINVAL, "",
                "2:3: error: not YAML: mapping values are not allowed in this context\n");
    expect_tree(SL_SLICE("a:\n\tb: 1\n"), SL_EINVAL, "",
                "2:1: error: a tab cannot stand here: YAML is indented with spaces\n");
}

/* `depth` opening brackets. */
static enum sl_err nested_parse(size_t depth, bool is_closed, size_t *ret_errors_count)
{
    char text[200];
    size_t len = 0;
    while (len < depth) {
        text[len++] = '[';
    }
    while (is_closed && len < 2 * depth) {
        text[len++] = ']';
    }
    struct sl_arena arena;
    struct sl_findings findings;
    struct sl_yaml_node *root = NULL;
    sl_arena_init(&arena, 0);
    sl_findings_init(&findings, &arena);
    enum sl_err rc = sl_yaml_parse(sl_slice_of(text, len), &arena, &findings, &root);
    *ret_errors_count = findings.errors_count;
    sl_arena_fini(&arena);
    return rc;
}

static void depth_is_bounded(void **state)
{
    size_t errors_count = 0;
    SL_UNUSED(state);
    assert_int_equal(nested_parse(SL_YAML_DEPTH_MAX, true, &errors_count), SL_OK);
    assert_int_equal(errors_count, 0);
    assert_int_equal(nested_parse(SL_YAML_DEPTH_MAX + 1, true, &errors_count), SL_EINVAL);
    assert_int_equal(errors_count, 1);
    expect_tree(SL_SLICE("- [[[[[[[[[[[[[[[[x"), SL_EINVAL, "",
                "1:18: error: lists and maps stand more than 16 deep in each other\n");
}

static void the_number_of_values_is_bounded(void **state)
{
    enum { TEXT_BYTES = 2 * SL_YAML_NODES_MAX + 2 };
    char *text = malloc(TEXT_BYTES);
    struct sl_arena arena;
    struct sl_findings findings;
    struct sl_yaml_node *root = NULL;
    SL_UNUSED(state);
    assert_non_null(text);
    memset(text, '[', 1);
    for (size_t i = 1; i < TEXT_BYTES; i++) {
        text[i] = i % 2 == 1 ? 'a' : ',';
    }
    text[TEXT_BYTES - 1] = ']';
    sl_arena_init(&arena, 0);
    sl_findings_init(&findings, &arena);
    assert_int_equal(sl_yaml_parse(sl_slice_of(text, TEXT_BYTES), &arena, &findings, &root),
                     SL_EINVAL);
    assert_null(root);
    assert_int_equal(findings.errors_count, 1);
    free(text);
    sl_arena_fini(&arena);
}

static void no_memory_is_told_wherever_it_ends(void **state)
{
    static const char TEXT[] = "a: {b: 1, c: [d, e], f: *x, a: 2, a: 3}\n";
    bool is_done = false;
    SL_UNUSED(state);
    for (size_t limit = 16; !is_done; limit += 16) {
        struct sl_arena arena;
        struct sl_findings findings;
        struct sl_yaml_node *root = NULL;
        sl_arena_init(&arena, limit);
        sl_findings_init(&findings, &arena);
        enum sl_err rc = sl_yaml_parse(SL_SLICE(TEXT), &arena, &findings, &root);
        assert_true(rc == SL_OK || rc == SL_ENOMEM);
        assert_int_equal(root != NULL, rc == SL_OK);
        is_done = rc == SL_OK;
        sl_arena_fini(&arena);
    }
}

static void the_text_of_a_scalar_is_placed_when_it_is_spelled_out(void **state)
{
    static const struct {
        const char *yaml;
        uint32_t column; /* 0: none */
    } ROWS[] = {
        { "abc", 1 },    { "'abc'", 2 },    { "\"abc\"", 2 }, { "\"a\\x62c\"", 0 },
        { "'a''c'", 0 }, { "\"a\nb\"", 0 }, { "a\n b", 0 },   { "|\n abc\n", 0 },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(ROWS); i++) {
        struct sl_arena arena;
        struct sl_findings findings;
        struct sl_yaml_node *root = NULL;
        sl_arena_init(&arena, 0);
        sl_findings_init(&findings, &arena);
        assert_int_equal(sl_yaml_parse(sl_slice_cstr(ROWS[i].yaml), &arena, &findings, &root),
                         SL_OK);
        assert_non_null(root);
        assert_int_equal(root->text_pos.column, ROWS[i].column);
        assert_int_equal(root->text_pos.line, ROWS[i].column == 0 ? 0 : 1);
        sl_arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_have_the_places_of_the_text),
        cmocka_unit_test(a_byte_order_mark_moves_nothing),
        cmocka_unit_test(an_empty_text_has_no_tree),
        cmocka_unit_test(of_a_key_that_stands_twice_the_first_counts),
        cmocka_unit_test(aliases_are_refused_where_they_stand),
        cmocka_unit_test(tags_are_refused),
        cmocka_unit_test(keys_are_text),
        cmocka_unit_test(a_second_document_is_refused_where_it_begins),
        cmocka_unit_test(what_is_not_utf8_is_refused_at_its_character),
        cmocka_unit_test(broken_syntax_is_found_at_its_place),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(the_number_of_values_is_bounded),
        cmocka_unit_test(no_memory_is_told_wherever_it_ends),
        cmocka_unit_test(the_text_of_a_scalar_is_placed_when_it_is_spelled_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
