/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/wheel.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TIMERS_COUNT = 200, BEGIN_MS = 12345 };

struct bench;

struct timed {
    struct sl_timer timer;
    struct bench *bench;
    bool is_set;
    uint64_t due_ms; /* what was asked for */
    unsigned runs_count;
};

struct bench {
    struct sl_wheel wheel;
    uint64_t now_ms; /* of the advance that is under way, or was last */
    struct timed timers[TIMERS_COUNT];
};

/* Never early; and not left over by an advance to a time more than a tick behind its own. */
static void on_due(struct sl_timer *timer)
{
    struct timed *t = SL_CONTAINER_OF(timer, struct timed, timer);
    assert_true(t->is_set);
    assert_false(sl_timer_is_set(timer));
    assert_true(t->bench->now_ms >= t->due_ms);
    t->is_set = false;
    t->runs_count++;
}

static struct bench *bench_create(void)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->now_ms = BEGIN_MS;
    sl_wheel_init(&bench->wheel, BEGIN_MS);
    for (size_t i = 0; i < TIMERS_COUNT; i++) {
        bench->timers[i].bench = bench;
        sl_timer_init(&bench->timers[i].timer, on_due);
    }
    return bench;
}

static void set(struct bench *bench, struct timed *t, uint64_t in_ms)
{
    sl_wheel_set(&bench->wheel, &t->timer, bench->now_ms, in_ms);
    t->is_set = true;
    t->due_ms = bench->now_ms + in_ms;
}

static void advance(struct bench *bench, uint64_t to_ms)
{
    bench->now_ms = to_ms;
    sl_wheel_advance(&bench->wheel, to_ms);
    for (size_t i = 0; i < TIMERS_COUNT; i++) {
        const struct timed *t = &bench->timers[i];
        assert_int_equal(t->is_set, sl_timer_is_set(&t->timer));
        assert_false(t->is_set && t->due_ms + SL_WHEEL_TICK_MS <= to_ms);
    }
}

static uint64_t random_ms(unsigned *seed)
{
    unsigned bits = (unsigned)rand_r(seed) % 24;
    return (uint64_t)((unsigned)rand_r(seed) & ((1U << bits) - 1));
}

static void timers_run_never_early_and_at_most_a_tick_late(void **state)
{
    SL_UNUSED(state);
    for (unsigned seed = 1; seed <= 20; seed++) {
        struct bench *bench = bench_create();
        unsigned at = seed;
        for (unsigned step = 0; step < 1500; step++) {
            struct timed *t = &bench->timers[(unsigned)rand_r(&at) % TIMERS_COUNT];
            switch (rand_r(&at) % 4) {
            case 0:
                sl_timer_cancel(&t->timer);
                t->is_set = false;
                break;
            case 1:
                advance(bench, bench->now_ms + random_ms(&at) / 256);
                break;
            default:
                set(bench, t, random_ms(&at));
                break;
            }
        }
        advance(bench, bench->now_ms + (1U << 24) + SL_WHEEL_TICK_MS);
        for (size_t i = 0; i < TIMERS_COUNT; i++) {
            assert_false(bench->timers[i].is_set);
        }
        free(bench);
    }
}

static void who_waits_as_long_as_the_wheel_says_misses_nothing(void **state)
{
    SL_UNUSED(state);
    struct bench *bench = bench_create();
    unsigned seed = 7;
    for (size_t i = 0; i < TIMERS_COUNT; i++) {
        set(bench, &bench->timers[i], random_ms(&seed) / 16);
    }
    unsigned turns_count = 0;
    for (uint64_t left = 1; left > 0; turns_count++) {
        uint64_t wait_ms = sl_wheel_next_ms(&bench->wheel, bench->now_ms, 1U << 30);
        assert_true(wait_ms < 1U << 30);
        advance(bench, bench->now_ms + wait_ms); /* it checks that none is late */
        left = 0;
        for (size_t i = 0; i < TIMERS_COUNT; i++) {
            left += bench->timers[i].is_set ? 1 : 0;
        }
    }
    /* one turn for each, and one whenever the lowest level begins anew */
    assert_true(turns_count <= TIMERS_COUNT + (1U << 20) / (64 * SL_WHEEL_TICK_MS) + 2);
    free(bench);
}

static void a_wheel_without_timers_asks_for_nothing(void **state)
{
    SL_UNUSED(state);
    struct bench *bench = bench_create();
    assert_int_equal(sl_wheel_next_ms(&bench->wheel, BEGIN_MS, 60000), 60000);
    set(bench, &bench->timers[0], 20);
    assert_int_equal(sl_wheel_next_ms(&bench->wheel, BEGIN_MS, 5), 5);
    assert_in_range(sl_wheel_next_ms(&bench->wheel, BEGIN_MS, 60000), 20, 20 + SL_WHEEL_TICK_MS);
    assert_int_equal(sl_wheel_next_ms(&bench->wheel, BEGIN_MS + 1000, 60000), 0);
    sl_timer_cancel(&bench->timers[0].timer);
    bench->timers[0].is_set = false;
    advance(bench, BEGIN_MS + 100);
    assert_int_equal(sl_wheel_next_ms(&bench->wheel, bench->now_ms, 60000), 60000);
    free(bench);
}

/* The longest time that an option takes is 2^32 ms. */
static void far_timers_come_in_their_time(void **state)
{
    SL_UNUSED(state);
    const uint64_t FAR_MS[] = {
        511,       512, 513, 32767, 32768, UINT64_C(1) << 21, 10 * 60000, 24 * 3600 * SL_MS_PER_S,
        UINT32_MAX
    };
    struct bench *bench = bench_create();
    for (size_t i = 0; i < SL_COUNT(FAR_MS); i++) {
        set(bench, &bench->timers[i], FAR_MS[i]);
        set(bench, &bench->timers[SL_COUNT(FAR_MS)], FAR_MS[i] / 3);
        advance(bench, bench->timers[i].due_ms - 1);
        assert_true(bench->timers[i].is_set);
        advance(bench, bench->timers[i].due_ms + SL_WHEEL_TICK_MS);
        assert_false(bench->timers[i].is_set);
    }
    free(bench);
}

static void a_timer_beyond_the_last_level_is_neither_lost_nor_early(void **state)
{
    SL_UNUSED(state);
    struct bench *bench = bench_create();
    /* as if years had passed: what counts is the distance of the timer from the wheel's time */
    bench->wheel.now_tick = (UINT64_C(1) << 36) - 100;
    bench->now_ms = BEGIN_MS + bench->wheel.now_tick * SL_WHEEL_TICK_MS;
    set(bench, &bench->timers[0], 64 * SL_WHEEL_TICK_MS * 8);
    set(bench, &bench->timers[1], (UINT64_C(1) << 36) * SL_WHEEL_TICK_MS + 1000);
    set(bench, &bench->timers[2], 99 * SL_WHEEL_TICK_MS);
    for (unsigned i = 0; i < 6000; i++) {
        advance(bench, bench->now_ms + 7);
    }
    assert_false(bench->timers[0].is_set);
    assert_true(bench->timers[1].is_set);
    assert_false(bench->timers[2].is_set);
    free(bench);
}

static void a_clock_that_stands_still_or_goes_back_runs_nothing(void **state)
{
    SL_UNUSED(state);
    struct bench *bench = bench_create();
    set(bench, &bench->timers[0], 0);
    sl_wheel_advance(&bench->wheel, BEGIN_MS);
    sl_wheel_advance(&bench->wheel, 0);
    assert_true(sl_timer_is_set(&bench->timers[0].timer));
    advance(bench, BEGIN_MS + 1000);
    assert_int_equal(bench->timers[0].runs_count, 1);
    sl_wheel_advance(&bench->wheel, BEGIN_MS + 10);
    set(bench, &bench->timers[1], 50); /* from the time that the wheel has seen */
    advance(bench, BEGIN_MS + 1000 + 50 + SL_WHEEL_TICK_MS);
    assert_int_equal(bench->timers[1].runs_count, 1);
    free(bench);
}

static void a_timer_can_be_set_anew_sooner_and_later(void **state)
{
    SL_UNUSED(state);
    struct bench *bench = bench_create();
    set(bench, &bench->timers[0], 100000);
    set(bench, &bench->timers[0], 20);
    set(bench, &bench->timers[1], 20);
    set(bench, &bench->timers[1], 100000);
    advance(bench, BEGIN_MS + 20 + SL_WHEEL_TICK_MS);
    assert_int_equal(bench->timers[0].runs_count, 1);
    assert_int_equal(bench->timers[1].runs_count, 0);
    sl_timer_cancel(&bench->timers[0].timer); /* not set: nothing happens */
    free(bench);
}

struct chain {
    struct sl_wheel *wheel;
    uint64_t now_ms;
    struct sl_timer first, second, third;
    unsigned firsts_count, seconds_count, thirds_count;
};

static void on_first(struct sl_timer *timer)
{
    struct chain *chain = SL_CONTAINER_OF(timer, struct chain, first);
    chain->firsts_count++;
    sl_timer_cancel(&chain->second); /* which is due in the same tick */
    sl_wheel_set(chain->wheel, &chain->third, chain->now_ms, 0);
    sl_wheel_set(chain->wheel, timer, chain->now_ms, 0); /* itself: for later, not for ever now */
}

static void on_second(struct sl_timer *timer)
{
    SL_CONTAINER_OF(timer, struct chain, second)->seconds_count++;
}

static void on_third(struct sl_timer *timer)
{
    SL_CONTAINER_OF(timer, struct chain, third)->thirds_count++;
}

static void what_runs_can_set_and_cancel(void **state)
{
    SL_UNUSED(state);
    struct sl_wheel *wheel = calloc(1, sizeof(*wheel));
    assert_non_null(wheel);
    sl_wheel_init(wheel, 0);
    struct chain chain = { .wheel = wheel };
    sl_timer_init(&chain.first, on_first);
    sl_timer_init(&chain.second, on_second);
    sl_timer_init(&chain.third, on_third);
    sl_wheel_set(wheel, &chain.first, 0, 1000);
    sl_wheel_set(wheel, &chain.second, 0, 1000);
    chain.now_ms = 5000; /* a late turn: everything set in it is for a later one */
    sl_wheel_advance(wheel, chain.now_ms);
    assert_int_equal(chain.firsts_count, 1);
    assert_int_equal(chain.seconds_count, 0);
    assert_int_equal(chain.thirds_count, 0);
    chain.now_ms += SL_WHEEL_TICK_MS;
    sl_wheel_advance(wheel, chain.now_ms);
    assert_int_equal(chain.firsts_count, 2);
    assert_int_equal(chain.seconds_count, 0);
    free(wheel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_run_never_early_and_at_most_a_tick_late),
        cmocka_unit_test(who_waits_as_long_as_the_wheel_says_misses_nothing),
        cmocka_unit_test(a_wheel_without_timers_asks_for_nothing),
        cmocka_unit_test(far_timers_come_in_their_time),
        cmocka_unit_test(a_timer_beyond_the_last_level_is_neither_lost_nor_early),
        cmocka_unit_test(a_clock_that_stands_still_or_goes_back_runs_nothing),
        cmocka_unit_test(a_timer_can_be_set_anew_sooner_and_later),
        cmocka_unit_test(what_runs_can_set_and_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
