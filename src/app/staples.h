/* SPDX-License-Identifier: Apache-2.0 */
/** @file Says in the log when a stapled OCSP response has expired. Workers leave it out by
 * themselves; it is the supervisor that tells, so that it is told once. */
#pragma once
#include "app/load.h"
#include "svc/log.h"

struct sl_staples {
    struct sl_loop *loop;
    struct sl_log *log;
    struct sl_list *list; /* of struct sl_load_staple that have not expired */
    struct sl_timer timer;
};

/** All must outlive it; `list` is emptied. */
void sl_staples_start(struct sl_staples *staples, struct sl_loop *loop, struct sl_log *log,
                      struct sl_list *list);
