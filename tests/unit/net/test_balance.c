/* SPDX-License-Identifier: Apache-2.0 */
#include "net/balance.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SERVERS = 5, CHOICES = 100000, ONE = SL_BALANCE_WEIGHT_ONE };

struct world {
    struct sl_share shares[SERVERS];
    int64_t turns[SERVERS];
    unsigned counts[SERVERS];
    uint64_t random;
};

/* Servers of these weights, which has as many entries as there are servers. */
static struct world world_of(const unsigned *weights)
{
    struct world w = { .random = 1 };
    for (size_t i = 0; i < SERVERS; i++) {
        char name[] = "tcp://server-0:80";
        name[13] = (char)('0' + i);
        w.shares[i].weight = weights[i] * ONE;
        w.shares[i].name_hash = sl_balance_hash(sl_slice_cstr(name));
    }
    return w;
}

static size_t choose(struct world *w, enum sl_conf_balance balance)
{
    size_t at =
        sl_balance_choose(balance, w->shares, SERVERS, w->turns, sl_balance_random(&w->random));
    assert_true(at < SERVERS);
    w->counts[at]++;
    return at;
}

/* Each has its part of CHOICES, a percent of them more or less. */
static void assert_shared(const struct world *w, const unsigned *weights)
{
    unsigned total = 0;
    for (size_t i = 0; i < SERVERS; i++) {
        total += weights[i];
    }
    for (size_t i = 0; i < SERVERS; i++) {
        const int want = (int)((uint64_t)CHOICES * weights[i] / total);
        const int margin = weights[i] == 0 ? 0 : CHOICES / 100;
        assert_in_range((int)w->counts[i] - want + margin, 0, 2 * margin);
    }
}

static const unsigned WEIGHTS[SERVERS] = { 1, 0, 5, 10, 4 };
static const unsigned EQUAL[SERVERS] = { 1, 1, 1, 1, 1 };

static void the_first_with_a_weight_is_first(void **state)
{
    struct world w = world_of((const unsigned[SERVERS]){ 0, 0, 3, 1, 1 });
    SL_UNUSED(state);
    assert_int_equal(choose(&w, SL_BALANCE_FIRST), 2);
}

static void nobody_is_chosen_of_none(void **state)
{
    struct world w = world_of((const unsigned[SERVERS]){ 0 });
    SL_UNUSED(state);
    for (unsigned i = SL_BALANCE_FIRST; i <= SL_BALANCE_RANDOM_OF_TWO; i++) {
        assert_true(sl_balance_choose((enum sl_conf_balance)i, w.shares, SERVERS, w.turns, 7) ==
                    SL_BALANCE_NONE);
        assert_true(sl_balance_choose((enum sl_conf_balance)i, w.shares, 0, w.turns, 7) ==
                    SL_BALANCE_NONE);
    }
}

static void every_order_shares_by_weight(void **state)
{
    SL_UNUSED(state);
    for (unsigned i = SL_BALANCE_ROUND_ROBIN; i <= SL_BALANCE_SOURCE_HASH; i++) {
        struct world w = world_of(WEIGHTS);
        for (unsigned n = 0; n < CHOICES; n++) {
            (void)choose(&w, (enum sl_conf_balance)i);
        }
        assert_shared(&w, WEIGHTS);
    }
    struct world w = world_of(EQUAL);
    for (unsigned n = 0; n < CHOICES; n++) {
        (void)choose(&w, SL_BALANCE_RANDOM_OF_TWO);
    }
    assert_shared(&w, EQUAL);
}

static void turns_of_a_heavy_one_are_not_in_a_row(void **state)
{
    struct world w = world_of((const unsigned[SERVERS]){ 5, 1, 1, 0, 0 });
    static const size_t WANT[] = { 0, 0, 1, 0, 2, 0, 0 };
    SL_UNUSED(state);
    for (size_t n = 0; n < 3 * SL_COUNT(WANT); n++) {
        assert_int_equal(choose(&w, SL_BALANCE_ROUND_ROBIN), WANT[n % SL_COUNT(WANT)]);
    }
}

static void the_one_with_fewest_connections_for_its_weight_is_next(void **state)
{
    struct world w = world_of((const unsigned[SERVERS]){ 1, 2, 4, 0, 1 });
    SL_UNUSED(state);
    w.shares[0].active_count = 3; /* 3 */
    w.shares[1].active_count = 5; /* 2.5 */
    w.shares[2].active_count = 9; /* 2.25 */
    w.shares[4].active_count = 4; /* 4 */
    assert_int_equal(choose(&w, SL_BALANCE_LEAST_CONNECTIONS), 2);
    w.shares[2].active_count = 11; /* 2.75 */
    assert_int_equal(choose(&w, SL_BALANCE_LEAST_CONNECTIONS), 1);
}

static void connections_that_stay_are_held_by_weight(void **state)
{
    struct world w = world_of(WEIGHTS);
    SL_UNUSED(state);
    for (unsigned n = 0; n < 2000; n++) {
        w.shares[choose(&w, SL_BALANCE_LEAST_CONNECTIONS)].active_count++;
    }
    for (size_t i = 0; i < SERVERS; i++) {
        assert_in_range(w.counts[i] + 1, 100 * WEIGHTS[i], 100 * WEIGHTS[i] + 2);
    }
}

static void of_two_drawn_the_lighter_is_taken(void **state)
{
    struct world w = world_of(EQUAL);
    SL_UNUSED(state);
    w.shares[3].active_count = 1;
    for (unsigned n = 0; n < CHOICES; n++) {
        assert_int_not_equal(choose(&w, SL_BALANCE_RANDOM_OF_TWO), 3); /* never the heaviest */
    }
    memset(&w, 0, sizeof(w));
    w = world_of(EQUAL);
    for (unsigned n = 0; n < 10000; n++) {
        w.shares[choose(&w, SL_BALANCE_RANDOM_OF_TWO)].active_count++;
    }
    for (size_t i = 0; i < SERVERS; i++) {
        assert_in_range(w.counts[i], 1990, 2010); /* by chance alone it would be 1,900 to 2,100 */
    }
}

static void a_client_stays_with_its_server_when_another_goes(void **state)
{
    static size_t before[CHOICES];
    struct world w = world_of(EQUAL);
    unsigned moved_count = 0;
    SL_UNUSED(state);
    for (size_t client = 0; client < CHOICES; client++) {
        before[client] = choose(&w, SL_BALANCE_SOURCE_HASH);
    }
    w.random = 1;
    w.shares[2].weight = 0;
    for (size_t client = 0; client < CHOICES; client++) {
        size_t now = choose(&w, SL_BALANCE_SOURCE_HASH);
        assert_true(before[client] == 2 ? now != 2 : now == before[client]);
        moved_count += now != before[client] ? 1 : 0;
    }
    assert_in_range(moved_count, CHOICES / 5 - CHOICES / 100, CHOICES / 5 + CHOICES / 100);
}

static void the_order_of_the_list_does_not_count(void **state)
{
    struct world w = world_of(EQUAL), turned = world_of(EQUAL);
    SL_UNUSED(state);
    for (size_t i = 0; i < SERVERS; i++) {
        turned.shares[i].name_hash = w.shares[SERVERS - 1 - i].name_hash;
    }
    for (unsigned client = 0; client < 1000; client++) {
        assert_int_equal(choose(&w, SL_BALANCE_SOURCE_HASH),
                         SERVERS - 1 - choose(&turned, SL_BALANCE_SOURCE_HASH));
    }
}

static void a_heavier_server_only_gains_clients(void **state)
{
    struct world light = world_of(EQUAL), heavy = world_of(EQUAL);
    SL_UNUSED(state);
    heavy.shares[1].weight *= 2;
    for (unsigned n = 0; n < CHOICES; n++) {
        size_t was = choose(&light, SL_BALANCE_SOURCE_HASH);
        size_t is = choose(&heavy, SL_BALANCE_SOURCE_HASH);
        assert_true(is == was || is == 1);
    }
    assert_in_range(heavy.counts[1], CHOICES / 3 - CHOICES / 100, CHOICES / 3 + CHOICES / 100);
}

static void a_share_grows_to_its_weight(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(sl_balance_share(4, 0, 1000), 1);
    assert_int_equal(sl_balance_share(4, 500, 1000), 2 * ONE);
    assert_int_equal(sl_balance_share(4, 1000, 1000), 4 * ONE);
    assert_int_equal(sl_balance_share(4, 0, 0), 4 * ONE);
    assert_int_equal(sl_balance_share(0, 0, 1000), 0);
    assert_int_equal(sl_balance_share(1000, UINT64_MAX, 1000), 1000 * ONE);
}

static void addresses_that_differ_by_a_bit_are_far_apart(void **state)
{
    unsigned counts[4] = { 0 };
    SL_UNUSED(state);
    for (unsigned host = 0; host < 40000; host++) {
        const uint8_t ip[] = { 10, 0, (uint8_t)(host >> 8), (uint8_t)host };
        counts[sl_balance_hash(sl_slice_of(ip, sizeof(ip))) & 3]++;
    }
    for (size_t i = 0; i < SL_COUNT(counts); i++) {
        assert_in_range(counts[i], 9600, 10400);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_with_a_weight_is_first),
        cmocka_unit_test(nobody_is_chosen_of_none),
        cmocka_unit_test(every_order_shares_by_weight),
        cmocka_unit_test(turns_of_a_heavy_one_are_not_in_a_row),
        cmocka_unit_test(the_one_with_fewest_connections_for_its_weight_is_next),
        cmocka_unit_test(connections_that_stay_are_held_by_weight),
        cmocka_unit_test(of_two_drawn_the_lighter_is_taken),
        cmocka_unit_test(a_client_stays_with_its_server_when_another_goes),
        cmocka_unit_test(the_order_of_the_list_does_not_count),
        cmocka_unit_test(a_heavier_server_only_gains_clients),
        cmocka_unit_test(a_share_grows_to_its_weight),
        cmocka_unit_test(addresses_that_differ_by_a_bit_are_far_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
