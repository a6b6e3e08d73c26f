/* SPDX-License-Identifier: Apache-2.0 */
/** @file Notices that files which a configuration was made from have changed on disk. */
#pragma once
#include "app/load.h"
#include "svc/log.h"

struct sl_watcher {
    struct sl_loop *loop; /* set by the owner, as are the next two */
    struct sl_log *log;
    /** Some of the files are others now. Told once for a change. */
    void (*on_changed)(struct sl_watcher *watcher);
    struct sl_watch events;
    struct sl_timer settle;
    const struct sl_load *load; /* NULL: nothing is watched */
    uint64_t first_ms;          /* when the first event of those that wait came */
    uint64_t known;             /* the state of the files that was told last */
};

void sl_watcher_init(struct sl_watcher *watcher);
void sl_watcher_fini(struct sl_watcher *watcher);

/** From now on the files of this one, which outlives it, when its configuration says so. */
void sl_watcher_use(struct sl_watcher *watcher, const struct sl_load *load);
