/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/wheel.h"

enum { SLOT_MASK = SL_WHEEL_SLOTS_COUNT - 1 };

void sl_timer_init(struct sl_timer *timer, void (*on_due)(struct sl_timer *timer))
{
    sl_list_init(&timer->node);
    timer->due_tick = 0;
    timer->on_due = on_due;
}

bool sl_timer_is_set(const struct sl_timer *timer)
{
    return !sl_list_is_empty(&timer->node);
}

void sl_timer_cancel(struct sl_timer *timer)
{
    sl_list_remove(&timer->node);
}

void sl_wheel_init(struct sl_wheel *wheel, uint64_t now_ms)
{
    *wheel = (struct sl_wheel){ .base_ms = now_ms };
    for (size_t level = 0; level < SL_WHEEL_LEVELS_COUNT; level++) {
        for (size_t slot = 0; slot < SL_WHEEL_SLOTS_COUNT; slot++) {
            sl_list_init(&wheel->slots[level][slot]);
        }
    }
}

/* Level n holds what is due in less than 64^(n+1) ticks; what is later stays in the last one. */
static void place(struct sl_wheel *wheel, struct sl_timer *timer)
{
    uint64_t ahead = timer->due_tick - wheel->now_tick;
    size_t level = 0;
    while (level < SL_WHEEL_LEVELS_COUNT - 1 && ahead >> (SL_WHEEL_SLOT_BITS * (level + 1)) != 0) {
        level++;
    }
    size_t slot = timer->due_tick >> (SL_WHEEL_SLOT_BITS * level) & SLOT_MASK;
    sl_list_append(&wheel->slots[level][slot], &timer->node);
    wheel->used[level] |= UINT64_C(1) << slot;
}

static uint64_t tick_of(const struct sl_wheel *wheel, uint64_t ms)
{
    return ms <= wheel->base_ms ? 0 : (ms - wheel->base_ms) / SL_WHEEL_TICK_MS;
}

void sl_wheel_set(struct sl_wheel *wheel, struct sl_timer *timer, uint64_t now_ms, uint64_t in_ms)
{
    sl_list_remove(&timer->node);
    /* rounded up by a tick, since `now_ms` may stand anywhere within its own */
    uint64_t due = tick_of(wheel, now_ms + in_ms) + 1;
    timer->due_tick = SL_MAX(due, wheel->now_tick + 1);
    place(wheel, timer);
}

/* Empties one slot; timers of a higher level move down, those that are due run. */
static void open_slot(struct sl_wheel *wheel, size_t level, size_t slot)
{
    if ((wheel->used[level] >> slot & 1) == 0) {
        return;
    }
    wheel->used[level] &= ~(UINT64_C(1) << slot);
    struct sl_list due;
    sl_list_init(&due);
    for (;;) {
        struct sl_list *node = sl_list_shift(&wheel->slots[level][slot]);
        if (node == NULL) {
            break;
        }
        sl_list_append(&due, node);
    }
    for (;;) {
        struct sl_list *node = sl_list_shift(&due);
        if (node == NULL) {
            return;
        }
        struct sl_timer *timer = SL_CONTAINER_OF(node, struct sl_timer, node);
        if (timer->due_tick <= wheel->now_tick) {
            timer->on_due(timer);
        } else {
            place(wheel, timer);
        }
    }
}

/* Slots from `at` to the next one in use, going round: 1 to 64. `used` is not 0. */
static uint64_t slots_to_next(uint64_t used, uint64_t at)
{
    uint64_t turn = (at + 1) & SLOT_MASK;
    uint64_t turned = turn == 0 ? used : used >> turn | used << (SL_WHEEL_SLOTS_COUNT - turn);
    return (uint64_t)__builtin_ctzll(turned) + 1;
}

/* Ticks until the first slot in use of any level begins; the wheel is not unused. */
static uint64_t ticks_to_next(const struct sl_wheel *wheel)
{
    uint64_t nearest = UINT64_MAX;
    for (size_t level = 0; level < SL_WHEEL_LEVELS_COUNT; level++) {
        if (wheel->used[level] == 0) {
            continue;
        }
        size_t shift = SL_WHEEL_SLOT_BITS * level;
        uint64_t at = wheel->now_tick >> shift;
        uint64_t next = at + slots_to_next(wheel->used[level], at & SLOT_MASK);
        nearest = SL_MIN(nearest, (next << shift) - wheel->now_tick);
    }
    return nearest;
}

static bool is_unused(const struct sl_wheel *wheel)
{
    uint64_t any = 0;
    for (size_t level = 0; level < SL_WHEEL_LEVELS_COUNT; level++) {
        any |= wheel->used[level];
    }
    return any == 0;
}

void sl_wheel_advance(struct sl_wheel *wheel, uint64_t now_ms)
{
    uint64_t target = tick_of(wheel, now_ms);
    while (wheel->now_tick < target) {
        if (is_unused(wheel)) {
            wheel->now_tick = target;
            return;
        }
        wheel->now_tick += SL_MIN(ticks_to_next(wheel), target - wheel->now_tick);
        uint64_t tick = wheel->now_tick;
        /* when a level begins anew, the slot that begins in the level above comes down first */
        size_t top = 0;
        while (top < SL_WHEEL_LEVELS_COUNT - 1 &&
               (tick & ((UINT64_C(1) << (SL_WHEEL_SLOT_BITS * (top + 1))) - 1)) == 0) {
            top++;
        }
        for (size_t level = top + 1; level-- > 0;) {
            open_slot(wheel, level, tick >> (SL_WHEEL_SLOT_BITS * level) & SLOT_MASK);
        }
    }
}

uint64_t sl_wheel_next_ms(const struct sl_wheel *wheel, uint64_t now_ms, uint64_t max_ms)
{
    if (is_unused(wheel)) {
        return max_ms;
    }
    uint64_t next_tick = wheel->now_tick + ticks_to_next(wheel);
    uint64_t next_ms = wheel->base_ms + next_tick * SL_WHEEL_TICK_MS;
    return next_ms <= now_ms ? 0 : SL_MIN(next_ms - now_ms, max_ms);
}
