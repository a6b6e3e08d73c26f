/* SPDX-License-Identifier: Apache-2.0 */
#include "app/staples.h"
#include "sys/clock.h"

enum { LOOK_AGAIN_MS = 60 * 1000 }; /* the clock of the day may be set meanwhile */

static void tell(struct sl_staples *staples, const struct sl_load_staple *staple)
{
    struct sl_logline line;
    sl_log_begin(staples->log, &line, SL_LOG_WARN, "staple_expired");
    sl_logline_cstr(&line, "ocsp", staple->path);
    sl_logline_cstr(&line, "chain", staple->chain);
    sl_logline_cstr(&line, "detail", "clients get the certificate without an OCSP response");
    sl_log_put(staples->log, &line);
}

static void look(struct sl_staples *staples)
{
    const uint64_t now_ms = sl_clock_unix_ms();
    uint64_t wait_ms = LOOK_AGAIN_MS;
    struct sl_list *at = staples->list->next;
    while (at != staples->list) {
        struct sl_load_staple *staple = SL_CONTAINER_OF(at, struct sl_load_staple, node);
        const uint64_t until_ms = (uint64_t)staple->until_s * SL_MS_PER_S;
        at = at->next;
        if (until_ms <= now_ms) {
            tell(staples, staple);
            sl_list_remove(&staple->node);
        } else {
            wait_ms = SL_MIN(wait_ms, until_ms - now_ms);
        }
    }
    if (!sl_list_is_empty(staples->list)) {
        sl_loop_timer(staples->loop, &staples->timer, wait_ms);
    }
}

static void on_due(struct sl_timer *timer)
{
    look(SL_CONTAINER_OF(timer, struct sl_staples, timer));
}

void sl_staples_start(struct sl_staples *staples, struct sl_loop *loop, struct sl_log *log,
                      struct sl_list *list)
{
    *staples = (struct sl_staples){ .loop = loop, .log = log, .list = list };
    sl_timer_init(&staples->timer, on_due);
    look(staples);
}
