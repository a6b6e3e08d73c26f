/* SPDX-License-Identifier: Apache-2.0 */
#include "net/health.h"

struct sl_health_slot *sl_health_find(struct sl_health_slot *slots, uint64_t key)
{
    const uint64_t wanted = key == 0 ? 1 : key;
    for (size_t i = 0; i < SL_HEALTH_SLOTS; i++) {
        struct sl_health_slot *slot = &slots[(wanted + i) & (SL_HEALTH_SLOTS - 1)];
        uint64_t found = 0;
        if (atomic_compare_exchange_strong(&slot->key, &found, wanted) || found == wanted) {
            return slot;
        }
    }
    return NULL;
}

bool sl_health_is_down(const struct sl_health_slot *slot)
{
    return atomic_load_explicit(&slot->is_down, memory_order_relaxed) != 0;
}

uint64_t sl_health_up_ms(const struct sl_health_slot *slot)
{
    return atomic_load_explicit(&slot->up_ms, memory_order_relaxed);
}

bool sl_health_is_due(struct sl_health_slot *slot, uint64_t now_ms, uint64_t interval_ms,
                      uint64_t *ret_in_ms)
{
    uint64_t next_ms = atomic_load(&slot->next_ms);
    bool is_mine = false;
    if (next_ms <= now_ms) {
        is_mine = atomic_compare_exchange_strong(&slot->next_ms, &next_ms, now_ms + interval_ms);
        next_ms = is_mine ? now_ms + interval_ms : next_ms;
    }
    /* what stands there may be anything, should a worker have been taken over */
    *ret_in_ms = next_ms > now_ms ? SL_MIN(next_ms - now_ms, interval_ms * 2) : 1;
    return is_mine;
}

bool sl_health_note(struct sl_health_slot *slot, const struct sl_conf_health *rule, bool is_good,
                    uint64_t now_ms)
{
    const bool is_down = sl_health_is_down(slot);
    if (is_good != is_down) {
        atomic_store(&slot->streak_count, 0);
        return false;
    }
    const uint32_t wanted = is_down ? rule->rise_count : rule->fall_count;
    if (atomic_fetch_add(&slot->streak_count, 1) + 1 < wanted) {
        return false;
    }
    atomic_store(&slot->streak_count, 0);
    if (is_good) {
        atomic_store(&slot->up_ms, now_ms);
    }
    atomic_store(&slot->is_down, is_good ? 0 : 1);
    return true;
}
