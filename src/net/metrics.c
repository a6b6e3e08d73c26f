/* SPDX-License-Identifier: Apache-2.0 */
#include "net/metrics.h"
#include <stdatomic.h>

void sl_metrics_add(_Atomic uint64_t *counter, uint64_t amount)
{
    /* one writer: a plain load and store, no locked instruction */
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + amount, memory_order_relaxed);
}

void sl_metrics_add_all(const struct sl_metrics *slab, struct sl_metrics *sum)
{
    /* they are counters and nothing else */
    const _Atomic uint64_t *from = &slab->accepted_count;
    _Atomic uint64_t *to = &sum->accepted_count;
    for (size_t i = 0; i < sizeof(*slab) / sizeof(*from); i++) {
        sl_metrics_add(&to[i], sl_metrics_get(&from[i]));
    }
}

uint64_t sl_metrics_get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}
