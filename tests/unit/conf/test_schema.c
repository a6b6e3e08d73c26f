/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/schema.h"
#include "expect.h"

static void row_check(const struct sl_schema_option *option)
{
    char range[160];
    struct sl_wbuf out = sl_wbuf_of(range, sizeof(range));
    const size_t size = sl_schema_section(option->in)->size;
    assert_true(strlen(option->key) > 0);
    assert_true(strlen(option->text) > 0);
    assert_int_not_equal(option->text[strlen(option->text) - 1], '.');
    assert_in_range(option->at + option->width, 0, size);
    assert_int_equal(sl_schema_range_put(option, &out), SL_OK);
    assert_true(option->min <= option->max);
    /* what a file may leave out has a default, or says what its absence means */
    assert_true(option->is_required || option->preset != NULL || option->absent != NULL ||
                option->type == SL_TYPE_MAP);
    /* what has no default can be shown by example */
    assert_true(option->preset != NULL || option->example != NULL || option->type == SL_TYPE_MAP);
    assert_true(sl_schema_find(option->in, sl_slice_cstr(option->key)) == option);
}

static void every_row_is_whole_and_stands_once_in_its_section(void **state)
{
    size_t count = 0;
    SL_UNUSED(state);
    for (unsigned section = 0; section < SL_SECTION_COUNT; section++) {
        uint32_t bits = 0;
        const struct sl_schema_option *option =
            sl_schema_next((enum sl_schema_section)section, NULL);
        assert_non_null(option);
        for (; option != NULL; option = sl_schema_next(option->in, option)) {
            row_check(option);
            assert_int_equal(bits & sl_schema_bit(option), 0);
            bits |= sl_schema_bit(option);
            count++;
        }
    }
    assert_in_range(count, 30, 300);
}

static void an_option_is_found_by_its_key_and_by_where_it_is_stored(void **state)
{
    SL_UNUSED(state);
    assert_null(sl_schema_find(SL_SECTION_TOP, SL_SLICE("listen")));
    assert_null(sl_schema_find(SL_SECTION_SERVICE, SL_SLICE("listens")));
    const struct sl_schema_option *option = sl_schema_find(SL_SECTION_SERVICE, SL_SLICE("alpn"));
    assert_non_null(option);
    assert_true(sl_schema_stored_at(SL_SECTION_SERVICE, offsetof(struct sl_conf_service, alpn)) ==
                option);
    assert_null(sl_schema_stored_at(SL_SECTION_SERVICE, 99999));
}

static void a_key_is_suggested_from_its_section_first(void **state)
{
    SL_UNUSED(state);
    const struct sl_schema_option *option =
        sl_schema_suggest(SL_SECTION_TIMEOUTS, SL_SLICE("conect"));
    assert_non_null(option);
    assert_int_equal(option->in, SL_SECTION_TIMEOUTS);
    option = sl_schema_suggest(SL_SECTION_TOP, SL_SLICE("certificate"));
    assert_non_null(option);
    assert_string_equal(option->key, "certificate");
    assert_int_equal(option->in, SL_SECTION_UPSTREAM);
    assert_null(sl_schema_suggest(SL_SECTION_TOP, SL_SLICE("quux")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole_and_stands_once_in_its_section),
        cmocka_unit_test(an_option_is_found_by_its_key_and_by_where_it_is_stored),
        cmocka_unit_test(a_key_is_suggested_from_its_section_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
