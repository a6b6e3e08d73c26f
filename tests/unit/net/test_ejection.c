/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ejection.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct sl_conf_ejection RULE = {
    .failures_count = 3, .within_ms = 1000, .time_ms = 100, .time_max_ms = 700
};

/* Fails until it is ejected, at `now_ms`; gives for how long. */
static uint64_t eject(struct sl_ejection *ejection, uint64_t now_ms)
{
    assert_int_equal(sl_ejection_failed(ejection, &RULE, now_ms), 0);
    assert_int_equal(sl_ejection_failed(ejection, &RULE, now_ms), 0);
    return sl_ejection_failed(ejection, &RULE, now_ms);
}

static void so_many_failures_in_a_row_eject(void **state)
{
    struct sl_ejection ejection = { 0 };
    SL_UNUSED(state);
    assert_int_equal(eject(&ejection, 5000), 100);
    assert_true(sl_ejection_is_out(&ejection, 5000));
    assert_true(sl_ejection_is_out(&ejection, 5099));
    assert_false(sl_ejection_is_out(&ejection, 5100));
}

static void one_that_works_between_begins_anew(void **state)
{
    struct sl_ejection ejection = { 0 };
    SL_UNUSED(state);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(sl_ejection_failed(&ejection, &RULE, 10), 0);
        assert_int_equal(sl_ejection_failed(&ejection, &RULE, 10), 0);
        assert_false(sl_ejection_worked(&ejection, 10));
    }
}

static void failures_far_apart_do_not_count_together(void **state)
{
    struct sl_ejection ejection = { 0 };
    SL_UNUSED(state);
    assert_int_equal(sl_ejection_failed(&ejection, &RULE, 1), 0);
    assert_int_equal(sl_ejection_failed(&ejection, &RULE, 2), 0);
    assert_int_equal(sl_ejection_failed(&ejection, &RULE, 1002), 0);
    assert_int_equal(sl_ejection_failed(&ejection, &RULE, 1003), 0);
    assert_int_equal(sl_ejection_failed(&ejection, &RULE, 2002), 100);
}

static void each_time_is_twice_as_long_up_to_a_bound(void **state)
{
    static const uint64_t TIMES_MS[] = { 200, 400, 700, 700 };
    struct sl_ejection ejection = { 0 };
    SL_UNUSED(state);
    uint64_t now_ms = 10;
    now_ms += eject(&ejection, now_ms);
    for (size_t i = 0; i < SL_COUNT(TIMES_MS); i++) {
        /* the first failure after its return is enough */
        assert_int_equal(sl_ejection_failed(&ejection, &RULE, now_ms), TIMES_MS[i]);
        now_ms += TIMES_MS[i];
    }
}

static void one_that_works_again_is_as_at_first(void **state)
{
    struct sl_ejection ejection = { 0 };
    SL_UNUSED(state);
    assert_int_equal(eject(&ejection, 10), 100);
    assert_true(sl_ejection_worked(&ejection, 200));
    assert_false(sl_ejection_worked(&ejection, 200));
    assert_int_equal(ejection.until_ms, 110); /* back since then */
    assert_int_equal(eject(&ejection, 300), 100);
}

static void one_that_is_out_can_prove_itself_and_not_fail_more(void **state)
{
    struct sl_ejection ejection = { 0 };
    SL_UNUSED(state);
    assert_int_equal(eject(&ejection, 10), 100);
    assert_int_equal(sl_ejection_failed(&ejection, &RULE, 50), 0);
    assert_true(sl_ejection_is_out(&ejection, 109));
    assert_true(sl_ejection_worked(&ejection, 60));
    assert_false(sl_ejection_is_out(&ejection, 60));
}

static void a_rule_may_be_off(void **state)
{
    const struct sl_conf_ejection off = { .within_ms = 1000, .time_ms = 1, .time_max_ms = 1 };
    struct sl_ejection ejection = { 0 };
    SL_UNUSED(state);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(sl_ejection_failed(&ejection, &off, 5), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_failures_in_a_row_eject),
        cmocka_unit_test(one_that_works_between_begins_anew),
        cmocka_unit_test(failures_far_apart_do_not_count_together),
        cmocka_unit_test(each_time_is_twice_as_long_up_to_a_bound),
        cmocka_unit_test(one_that_works_again_is_as_at_first),
        cmocka_unit_test(one_that_is_out_can_prove_itself_and_not_fail_more),
        cmocka_unit_test(a_rule_may_be_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
