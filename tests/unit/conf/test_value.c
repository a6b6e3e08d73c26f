/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/value.h"
#include "expect.h"

struct row {
    const char *text;
    enum sl_err rc;
    uint64_t value;
};

static void rows_check(const struct row *rows, size_t count,
                       enum sl_err (*read)(struct sl_slice text, uint64_t *ret_value))
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 4711;
        assert_int_equal(read(sl_slice_cstr(rows[i].text), &value), rows[i].rc);
        assert_int_equal(value, rows[i].rc == SL_OK ? rows[i].value : 4711);
    }
}

static void integers_are_digits_alone(void **state)
{
    static const struct row ROWS[] = {
        { "0", SL_OK, 0 },
        { "18446744073709551615", SL_OK, UINT64_MAX },
        { "18446744073709551616", SL_ERANGE, 0 },
        { "99999999999999999999999999", SL_ERANGE, 0 },
        { "", SL_EINVAL, 0 },
        { "-1", SL_EINVAL, 0 },
        { "+1", SL_EINVAL, 0 },
        { "1.5", SL_EINVAL, 0 },
        { "0x10", SL_EINVAL, 0 },
        { " 1", SL_EINVAL, 0 },
    };
    SL_UNUSED(state);
    rows_check(ROWS, SL_COUNT(ROWS), sl_value_integer);
}

static void durations_need_their_unit(void **state)
{
    static const struct row ROWS[] = {
        { "500ms", SL_OK, 500 },
        { "10s", SL_OK, 10000 },
        { "10m", SL_OK, 600000 },
        { "8h", SL_OK, 28800000 },
        { "7d", SL_OK, 604800000 },
        { "0s", SL_OK, 0 },
        { "10", SL_EINVAL, 0 },
        { "0", SL_EINVAL, 0 },
        { "s", SL_EINVAL, 0 },
        { "10 s", SL_EINVAL, 0 },
        { "10S", SL_EINVAL, 0 },
        { "1h30m", SL_EINVAL, 0 },
        { "1.5s", SL_EINVAL, 0 },
        { "18446744073709551615d", SL_ERANGE, 0 },
        { "99999999999999999999s", SL_ERANGE, 0 },
    };
    SL_UNUSED(state);
    rows_check(ROWS, SL_COUNT(ROWS), sl_value_duration);
}

static void sizes_are_bytes_or_have_a_binary_unit(void **state)
{
    static const struct row ROWS[] = {
        { "4096", SL_OK, 4096 },    { "128KiB", SL_OK, 131072 },
        { "1MiB", SL_OK, 1048576 }, { "2GiB", SL_OK, 2147483648 },
        { "1KB", SL_EINVAL, 0 },    { "1k", SL_EINVAL, 0 },
        { "KiB", SL_EINVAL, 0 },    { "18446744073709551615GiB", SL_ERANGE, 0 },
    };
    SL_UNUSED(state);
    rows_check(ROWS, SL_COUNT(ROWS), sl_value_size);
}

static void switches_have_three_words_each_way(void **state)
{
    static const char *const ON[] = { "on", "true", "yes", "On", "YES" };
    static const char *const OFF[] = { "off", "false", "no", "False" };
    bool value;
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(ON); i++) {
        value = false;
        assert_int_equal(sl_value_switch(sl_slice_cstr(ON[i]), &value), SL_OK);
        assert_true(value);
    }
    for (size_t i = 0; i < SL_COUNT(OFF); i++) {
        value = true;
        assert_int_equal(sl_value_switch(sl_slice_cstr(OFF[i]), &value), SL_OK);
        assert_false(value);
    }
    assert_int_equal(sl_value_switch(SL_SLICE("1"), &value), SL_EINVAL);
    assert_int_equal(sl_value_switch(SL_SLICE(""), &value), SL_EINVAL);
}

static void formatted_values_are_read_back(void **state)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } DURATIONS[] = {
        { 0, "0s" },      { 1, "1ms" },      { 1500, "1500ms" },
        { 90000, "90s" }, { 3600000, "1h" }, { 604800000, "7d" },
    };
    static const struct {
        uint64_t bytes;
        const char *text;
    } SIZES[] = { { 0, "0" }, { 1000, "1000" }, { 131072, "128KiB" }, { 1048576, "1MiB" } };
    char text[SL_VALUE_TEXT_MAX];
    uint64_t value = 0;
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(DURATIONS); i++) {
        sl_value_format_duration(DURATIONS[i].ms, text);
        assert_string_equal(text, DURATIONS[i].text);
        assert_int_equal(sl_value_duration(sl_slice_cstr(text), &value), SL_OK);
        assert_int_equal(value, DURATIONS[i].ms);
    }
    for (size_t i = 0; i < SL_COUNT(SIZES); i++) {
        sl_value_format_size(SIZES[i].bytes, text);
        assert_string_equal(text, SIZES[i].text);
        assert_int_equal(sl_value_size(sl_slice_cstr(text), &value), SL_OK);
        assert_int_equal(value, SIZES[i].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_digits_alone),
        cmocka_unit_test(durations_need_their_unit),
        cmocka_unit_test(sizes_are_bytes_or_have_a_binary_unit),
        cmocka_unit_test(switches_have_three_words_each_way),
        cmocka_unit_test(formatted_values_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
