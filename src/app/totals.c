/* SPDX-License-Identifier: Apache-2.0 */
#include "app/totals.h"
#include <stdio.h>

static void put_some(struct sl_logline *line, const char *key, uint64_t count)
{
    if (count > 0) {
        sl_logline_u64(line, key, count);
    }
}

static void sum(const struct sl_children *children, struct sl_metrics *ret_sum)
{
    *ret_sum = (struct sl_metrics){ 0 };
    for (uint32_t i = 0; i < children->made_count; i++) {
        sl_metrics_add_all(children->list[i].metrics, ret_sum);
    }
}

void sl_totals_put(const struct sl_children *children, uint64_t lines_dropped_count,
                   struct sl_logline *line)
{
    struct sl_metrics all;
    char key[64];
    sum(children, &all);
    sl_logline_u64(line, "connections", sl_metrics_get(&all.accepted_count));
    sl_logline_u64(line, "bytes_to_upstream", sl_metrics_get(&all.to_upstream_bytes));
    sl_logline_u64(line, "bytes_to_client", sl_metrics_get(&all.to_client_bytes));
    for (size_t i = 0; i < SL_REASON_COUNT; i++) {
        (void)snprintf(key, sizeof(key), "reason_%s", sl_reason_row((enum sl_reason)i)->word);
        put_some(line, key, sl_metrics_get(&all.ended_count[i]));
    }
    put_some(line, "upstream_failures", sl_metrics_get(&all.upstream_failures_count));
    put_some(line, "upstream_retries", sl_metrics_get(&all.upstream_retries_count));
    put_some(line, "upstream_ejections", sl_metrics_get(&all.upstream_ejections_count));
    put_some(line, "upstream_checks", sl_metrics_get(&all.checks_count));
    put_some(line, "upstream_checks_failed", sl_metrics_get(&all.checks_failed_count));
    for (size_t i = SL_ACCEPT_RUNS + 1; i < SL_ACCEPT_PAUSES_COUNT; i++) {
        (void)snprintf(key, sizeof(key), "paused_%s",
                       sl_accept_pause_name((enum sl_accept_pause)i));
        put_some(line, key, sl_metrics_get(&all.paused_count[i]));
    }
    put_some(line, "log_lines_dropped",
             lines_dropped_count + sl_metrics_get(&all.log_dropped_count));
}

uint64_t sl_totals_active(const struct sl_children *children)
{
    struct sl_metrics all;
    sum(children, &all);
    return sl_metrics_get(&all.active_count);
}
