/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_pace.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void an_answer_is_used_for_its_ttl_within_bounds(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(sl_dns_pace_found_ms(0, 1000, 3600000), 1000);
    assert_int_equal(sl_dns_pace_found_ms(1, 500, 3600000), 1000);
    assert_int_equal(sl_dns_pace_found_ms(60, 1000, 3600000), 60000);
    assert_int_equal(sl_dns_pace_found_ms(INT32_MAX, 1000, 3600000), 3600000);
}

static void pauses_double_up_to_their_bound_and_differ(void **state)
{
    SL_UNUSED(state);
    static const struct {
        uint32_t failures_count, retry_ms, max_ttl_ms, most_ms;
    } CASES[] = {
        { 1, 1000, 3600000, 1000 },        { 2, 1000, 3600000, 2000 },
        { 3, 1000, 3600000, 4000 },        { 7, 1000, 3600000, 60000 },
        { 1000000, 1000, 3600000, 60000 }, { 9, 1000, 5000, 5000 },
        { 9, 120000, 3600000, 120000 },    { UINT32_MAX, 100, 100, 100 },
    };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        uint64_t least_ms = UINT64_MAX, most_ms = 0;
        for (uint32_t dice = 0; dice < 100000; dice += 97) {
            const uint64_t pause_ms = sl_dns_pace_failed_ms(
                CASES[i].failures_count, CASES[i].retry_ms, CASES[i].max_ttl_ms, dice);
            least_ms = SL_MIN(least_ms, pause_ms);
            most_ms = SL_MAX(most_ms, pause_ms);
        }
        assert_int_equal(most_ms, CASES[i].most_ms);
        assert_in_range(least_ms, most_ms * 3 / 4, most_ms * 4 / 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_used_for_its_ttl_within_bounds),
        cmocka_unit_test(pauses_double_up_to_their_bound_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
