/* SPDX-License-Identifier: Apache-2.0 */
/** @file What checks have found out about servers: one slot for each in memory that all workers
 * share. Any worker may do the next check that is due, and only one does; all read what came of it.
 * A worker that is gone is not missed.
 */
#pragma once
#include "base/err.h"
#include "conf/conf.h"
#include <stdatomic.h>
#include <stdbool.h>

enum { SL_HEALTH_SLOTS = 16384 };                     /* a power of two */
enum { SL_HEALTH_SERVERS_MAX = SL_HEALTH_SLOTS / 2 }; /* of which one configuration may have */

/** Zeroed is free. Times are of the monotonic clock. */
struct sl_health_slot {
    _Atomic uint64_t key;     /* of the server; 0: free */
    _Atomic uint64_t next_ms; /* the next check is due; 0: at once */
    _Atomic uint64_t up_ms;   /* when it last came up again; 0: it never was down */
    _Atomic uint32_t is_down;
    _Atomic uint32_t streak_count; /* checks in a row that say otherwise */
    uint8_t spare[32];             /* to a line of the cache */
};
_Static_assert(sizeof(struct sl_health_slot) == 64, "a slot is a line of the cache");

enum { SL_HEALTH_BYTES = SL_HEALTH_SLOTS * 64 };

/** The slot of a key, which is taken when there is none. NULL: all are taken. */
struct sl_health_slot *sl_health_find(struct sl_health_slot *slots, uint64_t key);

bool sl_health_is_down(const struct sl_health_slot *slot);
uint64_t sl_health_up_ms(const struct sl_health_slot *slot);

/**
 * Whether the caller is to check now. True for one caller only, and the next check is then due
 * `interval_ms` later.
 * @param ret_in_ms  how long until one is due
 */
bool sl_health_is_due(struct sl_health_slot *slot, uint64_t now_ms, uint64_t interval_ms,
                      uint64_t *ret_in_ms);

/** Notes what a check has found. @return true when that made the server go up or down */
bool sl_health_note(struct sl_health_slot *slot, const struct sl_conf_health *rule, bool is_good,
                    uint64_t now_ms);
