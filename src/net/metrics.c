/* SPDX-License-Identifier: Apache-2.0 */
#include "net/metrics.h"
#include <stdatomic.h>

void sl_metrics_add(_Atomic uint64_t *counter, uint64_t amount)
{
    /* one writer: a plain load and store, no locked instruction */
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + amount, memory_order_relaxed);
}

uint64_t sl_metrics_get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}
