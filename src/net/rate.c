/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rate.h"
#include <stdlib.h>

enum { WAYS_COUNT = 8 }; /* slots where one source may stand */

/* The bucket as the time at which it will be full again, from which everything follows (GCRA, ITU-T
 * I.371): each taking moves it on by an interval. A free slot is one that is full since ever. */
struct slot {
    uint64_t source; /* its hash */
    uint64_t full_at_ns;
};

struct sl_rate {
    struct sl_siphash_key key;
    size_t sources_count;
    size_t sets_mask; /* sets, a power of two, minus 1 */
    struct slot slots[];
};

enum sl_err sl_rate_create(size_t sources_count, const struct sl_siphash_key *key,
                           struct sl_rate **ret_rate)
{
    size_t sets_count = 1;
    while (sets_count * WAYS_COUNT < sources_count) {
        sets_count *= 2;
    }
    /* pages that no source has stood in yet cost nothing */
    struct sl_rate *rate =
        calloc(1, sizeof(*rate) + sets_count * WAYS_COUNT * sizeof(rate->slots[0]));
    if (rate == NULL) {
        return SL_ENOMEM;
    }
    rate->key = *key;
    rate->sources_count = sources_count;
    rate->sets_mask = sets_count - 1;
    *ret_rate = rate;
    return SL_OK;
}

void sl_rate_destroy(struct sl_rate *rate)
{
    free(rate);
}

size_t sl_rate_sources_count(const struct sl_rate *rate)
{
    return rate->sources_count;
}

size_t sl_rate_slots_count(const struct sl_rate *rate)
{
    return (rate->sets_mask + 1) * WAYS_COUNT;
}

static struct slot *slot_of(struct sl_rate *rate, uint64_t source)
{
    struct slot *set = &rate->slots[(source & rate->sets_mask) * WAYS_COUNT];
    struct slot *fullest = set;
    for (size_t i = 0; i < WAYS_COUNT; i++) {
        if (set[i].source == source) {
            return &set[i];
        }
        if (set[i].full_at_ns < fullest->full_at_ns) {
            fullest = &set[i];
        }
    }
    fullest->source = source;
    return fullest;
}

bool sl_rate_take(struct sl_rate *rate, const struct sl_rate_limit *limit, struct sl_slice source,
                  uint64_t now_ns)
{
    if (limit->interval_ns == 0) {
        return true;
    }
    struct slot *slot = slot_of(rate, sl_siphash(&rate->key, source));
    /* no emptier than empty: it may have been drawn from at a slower rate, before a reload */
    const uint64_t empty_at_ns = now_ns + limit->burst_count * limit->interval_ns;
    slot->full_at_ns = SL_MIN(SL_MAX(slot->full_at_ns, now_ns), empty_at_ns);
    if (slot->full_at_ns - now_ns > (limit->burst_count - 1) * limit->interval_ns) {
        return false;
    }
    slot->full_at_ns += limit->interval_ns;
    return true;
}
