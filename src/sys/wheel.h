/* SPDX-License-Identifier: Apache-2.0 */
/** @file Timer wheel: setting and cancelling a timer costs the same with one and with a million. */
#pragma once
#include "base/list.h"

enum {
    SL_WHEEL_TICK_MS = 8,   /* a timer is late by up to one tick, never early */
    SL_WHEEL_SLOT_BITS = 6, /* slots in a level: 64 */
    SL_WHEEL_SLOTS_COUNT = 1 << SL_WHEEL_SLOT_BITS,
    SL_WHEEL_LEVELS_COUNT = 6, /* 64^6 ticks: 17 years */
};

/** Embedded in its owner. Zeroed is not enough: sl_timer_init. */
struct sl_timer {
    struct sl_list node;
    uint64_t due_tick;
    void (*on_due)(struct sl_timer *timer);
};

struct sl_wheel {
    uint64_t now_tick;
    uint64_t base_ms;                     /* the time of tick 0 */
    uint64_t used[SL_WHEEL_LEVELS_COUNT]; /* bit n: slot n may hold timers */
    struct sl_list slots[SL_WHEEL_LEVELS_COUNT][SL_WHEEL_SLOTS_COUNT];
};

void sl_timer_init(struct sl_timer *timer, void (*on_due)(struct sl_timer *timer));
bool sl_timer_is_set(const struct sl_timer *timer);
void sl_timer_cancel(struct sl_timer *timer); /* also when it is not set */

void sl_wheel_init(struct sl_wheel *wheel, uint64_t now_ms);

/** Sets, or sets anew, `timer` to run `in_ms` after the wheel's time `now_ms`. */
void sl_wheel_set(struct sl_wheel *wheel, struct sl_timer *timer, uint64_t now_ms, uint64_t in_ms);

/** Runs what is due at `now_ms`. Timers may be set and cancelled by what runs. A clock that stands
 * still or goes back runs nothing. */
void sl_wheel_advance(struct sl_wheel *wheel, uint64_t now_ms);

/** Milliseconds until the wheel wants to be advanced, at most `max_ms`. */
uint64_t sl_wheel_next_ms(const struct sl_wheel *wheel, uint64_t now_ms, uint64_t max_ms);
