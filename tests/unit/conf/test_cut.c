/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"
#include <stdlib.h>
#include <string.h>

/* The text without its certificates, which must parse to the same services. */
static void expect_cut(const char *yaml, const char *expected)
{
    struct sl_arena arena, again_arena;
    struct sl_findings findings;
    const struct sl_conf *conf = NULL, *again = NULL;
    assert_int_equal(conf_parse(yaml, &arena, &findings, &conf), SL_OK);
    const size_t size = strlen(yaml) + conf->services_count * 8;
    struct sl_wbuf out = sl_wbuf_of(malloc(size + 1), size);
    assert_non_null(out.ptr);
    assert_int_equal(sl_conf_cut(sl_slice_cstr(yaml), conf, &out), SL_OK);
    out.ptr[out.len] = '\0';
    assert_string_equal((const char *)out.ptr, expected);
    const struct sl_conf_source source = { .yaml = sl_wbuf_slice(&out),
                                           .are_certificates_cut = true };
    sl_arena_init(&again_arena, 0);
    sl_findings_init(&findings, &again_arena);
    assert_int_equal(sl_conf_parse(&source, &again_arena, &findings, &again), SL_OK);
    assert_int_equal(again->services_count, conf->services_count);
    for (size_t i = 0; i < conf->services_count; i++) {
        const struct sl_conf_service *a = &conf->services[i], *b = &again->services[i];
        assert_string_equal(a->name, b->name);
        assert_int_equal(b->certificates_count, 0);
        assert_memory_equal(&a->pos, &b->pos, sizeof(a->pos));
        assert_string_equal(a->connects[0].text, b->connects[0].text);
        assert_memory_equal(&a->connects[0].pos, &b->connects[0].pos, sizeof(a->pos));
    }
    free(out.ptr);
    sl_arena_fini(&again_arena);
    sl_arena_fini(&arena);
}

static void lists_in_block_style_leave_their_lines(void **state)
{
    SL_UNUSED(state);
    expect_cut("services:\n"
               "  a:\n"
               "    listen: tls://:1\n"
               "    certificates:\n"
               "      - chain: a.pem\n"
               "        key: a.key\n"
               "      # of b\n"
               "      - chain: b.pem\n"
               "\n"
               "    connect: tcp://h:1\n"
               "  b:\n"
               "    certificates:\n"
               "    - chain: c.pem\n"
               "    listen: tls://:2\n"
               "    connect: tcp://h:2\n"
               "  c:\n"
               "    listen: tls://:3\n"
               "    connect: tcp://h:3\n"
               "    certificates:\n"
               "    - chain: d.pem",
               "services:\n"
               "  a:\n"
               "    listen: tls://:1\n"
               "    certificates:\n"
               "       []\n\n\n\n\n"
               "    connect: tcp://h:1\n"
               "  b:\n"
               "    certificates:\n"
               "     []\n"
               "    listen: tls://:2\n"
               "    connect: tcp://h:2\n"
               "  c:\n"
               "    listen: tls://:3\n"
               "    connect: tcp://h:3\n"
               "    certificates:\n"
               "     []");
}

static void lists_in_flow_style_leave_their_room(void **state)
{
    SL_UNUSED(state);
    expect_cut("services:\n"
               "  a: { certificates: [ { chain: \"\u00e4.pem\" } ], listen: tls://:1, connect: "
               "tcp://h:1 }\n"
               "  b: { listen: tls://:2, certificates: [ { chain: b.pem },\n"
               "       { chain: c.pem } ], connect: tcp://h:2 }\n",
               "services:\n"
               "  a: { certificates: [                    ], listen: tls://:1, connect: "
               "tcp://h:1 }\n"
               "  b: { listen: tls://:2, certificates: [\n"
               "                        ], connect: tcp://h:2 }\n");
}

static void characters_before_the_list_count_as_one(void **state)
{
    SL_UNUSED(state);
    expect_cut("# \u00e4\u00f6\u00fc \u2026\n"
               "services:\n"
               "  a:\n"
               "    listen: tls://:1\n"
               "    certificates:\n"
               "      - chain: a.pem\n"
               "    connect: tcp://h:1\n",
               "# \u00e4\u00f6\u00fc \u2026\n"
               "services:\n"
               "  a:\n"
               "    listen: tls://:1\n"
               "    certificates:\n"
               "       []\n"
               "    connect: tcp://h:1\n");
}

static void a_list_with_an_anchor_stays(void **state)
{
    SL_UNUSED(state);
    static const char TEXT[] = "services:\n"
                               "  a:\n"
                               "    listen: tls://:1\n"
                               "    certificates: &all\n"
                               "      - chain: a.pem\n"
                               "    connect: tcp://h:1\n";
    expect_cut(TEXT, TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_in_block_style_leave_their_lines),
        cmocka_unit_test(lists_in_flow_style_leave_their_room),
        cmocka_unit_test(characters_before_the_list_count_as_one),
        cmocka_unit_test(a_list_with_an_anchor_stays),
    };
    return cmocka_run_group_tests_name("conf/cut", tests, NULL, NULL);
}
