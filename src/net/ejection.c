/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ejection.h"

bool sl_ejection_is_out(const struct sl_ejection *ejection, uint64_t now_ms)
{
    return now_ms < ejection->until_ms;
}

static uint64_t out_ms(const struct sl_conf_ejection *rule, uint32_t times_count)
{
    uint64_t ms = rule->time_ms;
    for (uint32_t i = 0; i < times_count && ms < rule->time_max_ms; i++) {
        ms *= 2;
    }
    return SL_MIN(ms, (uint64_t)rule->time_max_ms);
}

uint64_t sl_ejection_failed(struct sl_ejection *ejection, const struct sl_conf_ejection *rule,
                            uint64_t now_ms)
{
    if (rule->failures_count == 0 || sl_ejection_is_out(ejection, now_ms)) {
        return 0; /* tried for want of another: it stays out for as long as it was to */
    }
    if (ejection->failures_count == 0 || now_ms - ejection->first_ms > rule->within_ms) {
        ejection->failures_count = 0;
        ejection->first_ms = now_ms;
    }
    ejection->failures_count++;
    /* one that has not worked since it was ejected has no second chance */
    if (ejection->times_count == 0 && ejection->failures_count < rule->failures_count) {
        return 0;
    }
    const uint64_t ms = out_ms(rule, ejection->times_count);
    ejection->until_ms = now_ms + ms;
    ejection->times_count++;
    ejection->failures_count = 0;
    return ms;
}

bool sl_ejection_worked(struct sl_ejection *ejection, uint64_t now_ms)
{
    const bool was_ejected = ejection->times_count > 0;
    ejection->failures_count = 0;
    ejection->times_count = 0;
    ejection->until_ms = SL_MIN(ejection->until_ms, now_ms);
    return was_ejected;
}
