/* SPDX-License-Identifier: Apache-2.0 */
#include "net/metrics.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void counters_begin_at_zero_and_add_up(void **state)
{
    SL_UNUSED(state);
    struct sl_metrics metrics = { 0 };
    for (unsigned i = 0; i < SL_REASON_COUNT; i++) {
        assert_int_equal(sl_metrics_get(&metrics.ended_count[i]), 0);
        sl_metrics_add(&metrics.ended_count[i], i);
    }
    for (unsigned i = 0; i < SL_REASON_COUNT; i++) {
        assert_int_equal(sl_metrics_get(&metrics.ended_count[i]), i);
    }
    sl_metrics_add(&metrics.to_client_bytes, UINT32_MAX);
    sl_metrics_add(&metrics.to_client_bytes, UINT32_MAX);
    assert_true(sl_metrics_get(&metrics.to_client_bytes) == 2 * (uint64_t)UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(counters_begin_at_zero_and_add_up) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
