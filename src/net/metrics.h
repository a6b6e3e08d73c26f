/* SPDX-License-Identifier: Apache-2.0 */
/** @file Counters: one slab per worker in memory that the supervisor shares with it. Only its
 * worker writes a slab; anybody who has the mapping reads it, at any time, without a lock. */
#pragma once
#include "net/listener.h"
#include "relay/reason.h"

enum { SL_METRICS_SLAB_BYTES = 4096 };

struct sl_metrics {
    _Atomic uint64_t accepted_count;                       /* connections taken */
    _Atomic uint64_t active_count;                         /* connections now */
    _Atomic uint64_t ended_count[SL_REASON_COUNT];         /* also those that were refused */
    _Atomic uint64_t paused_count[SL_ACCEPT_PAUSES_COUNT]; /* how often they had to wait */
    _Atomic uint64_t upstream_failures_count, upstream_retries_count, upstream_ejections_count;
    _Atomic uint64_t checks_count, checks_failed_count;  /* of servers, by this worker */
    _Atomic uint64_t to_upstream_bytes, to_client_bytes; /* plaintext, of ended connections */
    _Atomic uint64_t log_dropped_count;                  /* lines that had no place to go */
};
_Static_assert(sizeof(struct sl_metrics) <= SL_METRICS_SLAB_BYTES, "one slab is one page");

/** Adds to a counter of one's own slab. */
void sl_metrics_add(_Atomic uint64_t *counter, uint64_t amount);

/** Adds each counter of a slab to that of `sum`. */
void sl_metrics_add_all(const struct sl_metrics *slab, struct sl_metrics *sum);

/** Reads a counter of any slab. */
uint64_t sl_metrics_get(const _Atomic uint64_t *counter);
