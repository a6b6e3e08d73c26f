/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <time.h>

#include <cmocka.h>

static void the_monotonic_clock_never_goes_back(void **state)
{
    SL_UNUSED(state);
    uint64_t before_ms = sl_clock_monotonic_ms();
    assert_true(sl_clock_monotonic_us() / 1000 >= before_ms);
    assert_true(sl_clock_monotonic_us() / 1000 <= before_ms + 60 * 1000);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t now_ms = sl_clock_monotonic_ms();
        assert_true(now_ms >= before_ms);
        before_ms = now_ms;
    }
}

static void the_other_clock_counts_milliseconds_since_1970(void **state)
{
    SL_UNUSED(state);
    uint64_t before_s = (uint64_t)time(NULL);
    uint64_t now_ms = sl_clock_unix_ms();
    uint64_t after_s = (uint64_t)time(NULL);
    /* time() may stand on the tick before */
    assert_in_range(now_ms / SL_MS_PER_S, before_s, after_s + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
        cmocka_unit_test(the_other_clock_counts_milliseconds_since_1970),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
