/* SPDX-License-Identifier: Apache-2.0 */
/** @file Log lines of connections that were refused: a second's worth in one line for each reason,
 * so that a flood of connections is no flood of lines. */
#pragma once
#include "base/addr.h"
#include "relay/reason.h"
#include "svc/log.h"

enum { SL_REFUSALS_TELL_MS = 1000 };   /* between two lines of one reason */
enum { SL_REFUSALS_SERVICE_MAX = 65 }; /* bytes of a service's name, NUL included */

/** Of one reason. */
struct sl_refusal {
    uint64_t count;        /* not told yet */
    uint64_t told_ms;      /* 0: never */
    struct sl_addr client; /* of the last one, as is the service */
    char service[SL_REFUSALS_SERVICE_MAX];
};

struct sl_refusals {
    struct sl_log *log;
    uint32_t worker_index;
    struct sl_timer timer;
    struct sl_refusal list[SL_REASON_COUNT];
};

void sl_refusals_init(struct sl_refusals *refusals, struct sl_log *log, uint32_t worker_index);

/** Notes one. The first is told of at once, those within a second after it together. */
void sl_refusals_note(struct sl_refusals *refusals, enum sl_reason reason, const char *service,
                      const struct sl_addr *client);

/** Tells of all that was not told yet. */
void sl_refusals_fini(struct sl_refusals *refusals);
