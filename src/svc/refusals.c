/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/refusals.h"
#include <stdio.h>

static void tell(struct sl_refusals *refusals, enum sl_reason reason)
{
    char client[SL_ADDR_TEXT_MAX];
    struct sl_logline line;
    struct sl_refusal *refusal = &refusals->list[reason];
    const struct sl_reason_row *row = sl_reason_row(reason);
    sl_addr_format(&refusal->client, client);
    sl_log_begin(refusals->log, &line, row->level, "refused");
    sl_logline_u64(&line, "worker", refusals->worker_index);
    sl_logline_cstr(&line, "reason", row->word);
    sl_logline_u64(&line, "count", refusal->count);
    sl_logline_cstr(&line, "service", refusal->service);
    sl_logline_cstr(&line, "client", client);
    sl_log_put(refusals->log, &line);
    refusal->count = 0;
    refusal->told_ms = refusals->log->loop->now_ms;
}

static bool is_due(const struct sl_refusals *refusals, const struct sl_refusal *refusal)
{
    return refusal->told_ms == 0 ||
           refusals->log->loop->now_ms - refusal->told_ms >= SL_REFUSALS_TELL_MS;
}

static void on_timer(struct sl_timer *timer)
{
    struct sl_refusals *refusals = SL_CONTAINER_OF(timer, struct sl_refusals, timer);
    bool is_left = false;
    for (unsigned i = 0; i < SL_REASON_COUNT; i++) {
        struct sl_refusal *refusal = &refusals->list[i];
        if (refusal->count > 0 && is_due(refusals, refusal)) {
            tell(refusals, (enum sl_reason)i);
        }
        is_left = is_left || refusal->count > 0;
    }
    if (is_left) {
        sl_loop_timer(refusals->log->loop, timer, SL_REFUSALS_TELL_MS);
    }
}

void sl_refusals_init(struct sl_refusals *refusals, struct sl_log *log, uint32_t worker_index)
{
    *refusals = (struct sl_refusals){ .log = log, .worker_index = worker_index };
    sl_timer_init(&refusals->timer, on_timer);
}

void sl_refusals_note(struct sl_refusals *refusals, enum sl_reason reason, const char *service,
                      const struct sl_addr *client)
{
    struct sl_refusal *refusal = &refusals->list[reason];
    refusal->count++;
    (void)snprintf(refusal->service, sizeof(refusal->service), "%s", service);
    refusal->client = *client;
    if (is_due(refusals, refusal)) {
        tell(refusals, reason);
    } else if (!sl_timer_is_set(&refusals->timer)) {
        sl_loop_timer(refusals->log->loop, &refusals->timer, SL_REFUSALS_TELL_MS);
    }
}

void sl_refusals_fini(struct sl_refusals *refusals)
{
    if (refusals->log == NULL) {
        return;
    }
    for (unsigned i = 0; i < SL_REASON_COUNT; i++) {
        if (refusals->list[i].count > 0) {
            tell(refusals, (enum sl_reason)i);
        }
    }
    sl_timer_cancel(&refusals->timer);
}
