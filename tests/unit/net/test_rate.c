/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct sl_siphash_key KEY = { { 0x1234567890abcdef, 42 } };
static const uint64_t SECOND_NS = 1000000000;

/* Ten a second, five at once. */
static const struct sl_rate_limit LIMIT = { .interval_ns = 100000000, .burst_count = 5 };

static struct sl_rate *rate_of(size_t sources_count)
{
    struct sl_rate *rate = NULL;
    assert_int_equal(sl_rate_create(sources_count, &KEY, &rate), SL_OK);
    return rate;
}

static bool take(struct sl_rate *rate, uint32_t source, uint64_t now_ns)
{
    return sl_rate_take(rate, &LIMIT, sl_slice_of(&source, sizeof(source)), now_ns);
}

/* How many of `tries_count` at the same time are let through. */
static unsigned take_many(struct sl_rate *rate, uint32_t source, uint64_t now_ns,
                          unsigned tries_count)
{
    unsigned taken_count = 0;
    for (unsigned i = 0; i < tries_count; i++) {
        taken_count += take(rate, source, now_ns);
    }
    return taken_count;
}

static void a_burst_is_let_through_and_then_the_rate(void **state)
{
    SL_UNUSED(state);
    struct sl_rate *rate = rate_of(64);
    uint64_t now_ns = SECOND_NS;
    assert_int_equal(take_many(rate, 1, now_ns, 100), 5);
    assert_int_equal(take_many(rate, 1, now_ns + 99999999, 100), 0);
    assert_int_equal(take_many(rate, 1, now_ns + 100000000, 100), 1);
    unsigned taken_count = 0;
    for (unsigned i = 1; i <= 10000; i++) { /* a try each millisecond, ten seconds long */
        taken_count += take(rate, 1, now_ns + 100000000 + i * UINT64_C(1000000));
    }
    assert_int_equal(taken_count, 100);
    sl_rate_destroy(rate);
}

static void who_waits_gets_the_whole_burst_again_and_no_more(void **state)
{
    SL_UNUSED(state);
    struct sl_rate *rate = rate_of(64);
    assert_int_equal(take_many(rate, 1, SECOND_NS, 100), 5);
    assert_int_equal(take_many(rate, 1, SECOND_NS * 3 / 2, 100), 5);
    assert_int_equal(take_many(rate, 1, SECOND_NS * 1000000, 100), 5);
    sl_rate_destroy(rate);
}

static void sources_have_buckets_of_their_own(void **state)
{
    SL_UNUSED(state);
    struct sl_rate *rate = rate_of(4096);
    for (uint32_t source = 0; source < 256; source++) {
        assert_int_equal(take_many(rate, source, SECOND_NS, 10), 5);
    }
    for (uint32_t source = 0; source < 256; source++) {
        assert_int_equal(take_many(rate, source, SECOND_NS, 10), 0);
    }
    sl_rate_destroy(rate);
}

static void no_limit_needs_no_bucket(void **state)
{
    SL_UNUSED(state);
    struct sl_rate *rate = rate_of(1);
    const struct sl_rate_limit none = { 0 };
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(sl_rate_take(rate, &none, SL_SLICE("x"), SECOND_NS));
    }
    assert_int_equal(sl_rate_slots_count(rate), 8);
    assert_int_equal(sl_rate_sources_count(rate), 1);
    sl_rate_destroy(rate);
    sl_rate_destroy(NULL);
}

/* A thousand times as many sources as the table holds pass by: who was over his rate still is. */
static void a_flood_of_others_does_not_free_who_is_over_the_rate(void **state)
{
    enum { TABLE_COUNT = 1024, GREEDY_COUNT = 32, FLOOD_COUNT = 1024 * 1000 };
    SL_UNUSED(state);
    struct sl_rate *rate = rate_of(TABLE_COUNT);
    assert_int_equal(sl_rate_slots_count(rate), TABLE_COUNT);
    for (uint32_t source = 0; source < GREEDY_COUNT; source++) {
        assert_int_equal(take_many(rate, source, SECOND_NS, 10), 5);
    }
    for (uint32_t source = 0; source < FLOOD_COUNT; source++) {
        (void)take(rate, 1000000 + source, SECOND_NS + 1000);
    }
    unsigned freed_count = 0;
    for (uint32_t source = 0; source < GREEDY_COUNT; source++) {
        freed_count += take_many(rate, source, SECOND_NS + 2000, 10);
    }
    assert_int_equal(freed_count, 0);
    sl_rate_destroy(rate);
}

/* As many prefixes as it likes: a flood gets no more than the table's buckets give. */
static void a_flood_from_very_many_sources_is_bounded_by_the_table(void **state)
{
    enum { TABLE_COUNT = 256 };
    SL_UNUSED(state);
    struct sl_rate *rate = rate_of(TABLE_COUNT);
    uint64_t taken_count = 0;
    for (uint32_t i = 0; i < 1000000; i++) { /* within one second, never the same twice */
        taken_count += take(rate, i, SECOND_NS + i * UINT64_C(1000));
    }
    assert_true(taken_count <= TABLE_COUNT * (5 + 10));
    assert_true(taken_count >= TABLE_COUNT * 5);
    sl_rate_destroy(rate);
}

/* While the table has room, a new source is not made to pay for others. */
static void others_are_served_while_some_are_over_the_rate(void **state)
{
    enum { TABLE_COUNT = 4096, GREEDY_COUNT = 512 };
    SL_UNUSED(state);
    struct sl_rate *rate = rate_of(TABLE_COUNT);
    unsigned refused_count = 0;
    for (uint32_t source = 0; source < GREEDY_COUNT; source++) {
        assert_int_equal(take_many(rate, source, SECOND_NS, 100), 5);
    }
    for (uint32_t source = 0; source < 1000000; source++) { /* each once */
        refused_count += !take(rate, 5000 + source, SECOND_NS + source * UINT64_C(1000000));
    }
    assert_int_equal(refused_count, 0);
    sl_rate_destroy(rate);
}

/* A reload may let more in than before, or give the bucket to another service. */
static void what_was_taken_at_a_slower_rate_is_forgotten_at_the_new_one(void **state)
{
    SL_UNUSED(state);
    static const struct sl_rate_limit SLOW = { .interval_ns = 60000000000, .burst_count = 60 };
    const uint32_t source = 1;
    const struct sl_slice name = sl_slice_of(&source, sizeof(source));
    struct sl_rate *rate = rate_of(64);
    while (sl_rate_take(rate, &SLOW, name, SECOND_NS)) { /* full again in an hour */
    }
    assert_false(take(rate, source, SECOND_NS));
    assert_int_equal(take_many(rate, source, SECOND_NS * 3 / 2, 100), 5);
    sl_rate_destroy(rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_let_through_and_then_the_rate),
        cmocka_unit_test(who_waits_gets_the_whole_burst_again_and_no_more),
        cmocka_unit_test(sources_have_buckets_of_their_own),
        cmocka_unit_test(no_limit_needs_no_bucket),
        cmocka_unit_test(a_flood_of_others_does_not_free_who_is_over_the_rate),
        cmocka_unit_test(a_flood_from_very_many_sources_is_bounded_by_the_table),
        cmocka_unit_test(others_are_served_while_some_are_over_the_rate),
        cmocka_unit_test(what_was_taken_at_a_slower_rate_is_forgotten_at_the_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
