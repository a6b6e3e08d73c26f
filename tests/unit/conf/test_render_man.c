/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/render.h"
#include "conf/schema.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int page_begin(void **state)
{
    *state = calloc(1, SL_CONF_RENDER_MAX + 1);
    return *state == NULL ? -1 : 0;
}

static int page_end(void **state)
{
    free(*state);
    return 0;
}

static void every_option_is_there_under_its_section(void **state)
{
    char *text = *state;
    struct sl_wbuf out = sl_wbuf_of(text, SL_CONF_RENDER_MAX);
    assert_int_equal(sl_conf_render_man(&out), SL_OK);
    const char *at = text;
    for (unsigned i = 0; i < SL_SECTION_COUNT; i++) {
        const enum sl_schema_section section = (enum sl_schema_section)i;
        at = strstr(at, ".SS \"");
        assert_non_null(at);
        const struct sl_schema_option *option = sl_schema_next(section, NULL);
        for (; option != NULL; option = sl_schema_next(section, option)) {
            char head[64];
            (void)snprintf(head, sizeof(head), ".TP\n.B %s\n", option->key);
            at = strstr(at, head);
            assert_non_null(at);
            at++;
        }
    }
}

/* groff(7): a dot or an apostrophe at the begin of a line is one. */
static void a_text_is_never_a_request(void **state)
{
    static const char *const KNOWN[] = { ".TH ", ".SH ",  ".SS \"", ".TP\n", ".B ",  ".IR ",
                                         ".BR ", ".PP\n", ".EX\n",  ".EE\n", ".br\n" };
    char *text = *state;
    struct sl_wbuf out = sl_wbuf_of(text, SL_CONF_RENDER_MAX);
    assert_int_equal(sl_conf_render_man(&out), SL_OK);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        bool is_known = *line != '.' && *line != '\'';
        for (size_t i = 0; i < SL_COUNT(KNOWN); i++) {
            is_known = is_known || strncmp(line, KNOWN[i], strlen(KNOWN[i])) == 0;
        }
        assert_true(is_known);
    }
}

static void a_page_that_does_not_fit_is_left_out(void **state)
{
    struct sl_wbuf out = sl_wbuf_of(*state, SL_CONF_RENDER_MAX);
    assert_int_equal(sl_conf_render_man(&out), SL_OK);
    const size_t whole = out.len;
    for (size_t room = 0; room < whole; room += 1 + room / 3) {
        out = sl_wbuf_of(*state, room + 2);
        assert_int_equal(sl_wbuf_put(&out, SL_SLICE("ab")), SL_OK);
        assert_int_equal(sl_conf_render_man(&out), SL_ENOSPC);
        assert_int_equal(out.len, 2);
    }
}

#define WITH_PAGE(test) cmocka_unit_test_setup_teardown(test, page_begin, page_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAGE(every_option_is_there_under_its_section),
        WITH_PAGE(a_text_is_never_a_request),
        WITH_PAGE(a_page_that_does_not_fit_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
