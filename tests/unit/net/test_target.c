/* SPDX-License-Identifier: Apache-2.0 */
#include "net/health.h"
#include "net/target.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SERVERS = 4, NOW_MS = 100000, SLOW_START_MS = 10000 };

struct world {
    struct sl_servers servers;
    struct sl_upstream upstreams[SERVERS];
    struct sl_health_slot slots[SERVERS];
    int64_t turns[SERVERS];
    struct sl_target target;
    unsigned counts[SERVERS];
};

static int world_setup(void **state)
{
    static const char *const NAMES[SERVERS] = { "a", "b", "c", "d" };
    struct world *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        return -1;
    }
    sl_servers_init(&w->servers, 1);
    w->target = (struct sl_target){ .upstreams = w->upstreams,
                                    .upstreams_count = SERVERS,
                                    .balance = SL_BALANCE_ROUND_ROBIN,
                                    .slow_start_ms = SLOW_START_MS,
                                    .servers = &w->servers,
                                    .turns = w->turns };
    for (size_t i = 0; i < SERVERS; i++) {
        w->upstreams[i] =
            (struct sl_upstream){ .text = NAMES[i], .weight = 1, .health = &w->slots[i] };
        if (sl_servers_take(&w->servers, "test", NAMES[i], &w->upstreams[i].server) != SL_OK) {
            return -1;
        }
    }
    *state = w;
    return 0;
}

static int world_teardown(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < SERVERS; i++) {
        sl_server_unref(w->upstreams[i].server);
    }
    free(w);
    return 0;
}

static size_t choose(struct world *w, uint64_t tried)
{
    const struct sl_addr client = { 0 };
    size_t at = sl_target_choose(&w->target, tried, &client, NOW_MS);
    if (at < SERVERS) {
        w->counts[at]++;
    }
    return at;
}

static void eject(struct world *w, size_t at)
{
    w->upstreams[at].server->ejection.until_ms = NOW_MS + 1;
}

static void who_is_out_or_down_or_tried_or_without_weight_is_passed_over(void **state)
{
    struct world *w = *state;
    eject(w, 0);
    w->slots[1].is_down = 1;
    w->upstreams[2].weight = 0;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(choose(w, 0), 3);
    }
    /* for want of others: those that are out, in their order, and never the one without weight */
    w->target.balance = SL_BALANCE_FIRST;
    assert_int_equal(choose(w, 1U << 3), 0);
    assert_int_equal(choose(w, 1U << 3 | 1U << 0), 1);
    assert_true(choose(w, 1U << 3 | 1U << 0 | 1U << 1) == SL_BALANCE_NONE);
}

static void backups_come_behind_those_that_are_up(void **state)
{
    struct world *w = *state;
    w->target.balance = SL_BALANCE_FIRST;
    w->upstreams[0].is_backup = w->upstreams[1].is_backup = true;
    assert_int_equal(choose(w, 0), 2);
    eject(w, 2);
    assert_int_equal(choose(w, 0), 3);
    eject(w, 3);
    assert_int_equal(choose(w, 0), 0);
    eject(w, 0);
    eject(w, 1);
    assert_int_equal(choose(w, 0), 2); /* all are out: as if all were up */
}

static void who_comes_back_has_a_small_share(void **state)
{
    struct world *w = *state;
    w->upstreams[0].server->ejection.until_ms = NOW_MS - SLOW_START_MS / 4;
    w->slots[1].up_ms = NOW_MS - SLOW_START_MS / 2;
    w->slots[2].up_ms = NOW_MS - SLOW_START_MS;
    for (unsigned i = 0; i < 11 * 100; i++) {
        (void)choose(w, 0);
    }
    assert_int_equal(w->counts[0], 100);
    assert_int_equal(w->counts[1], 200);
    assert_int_equal(w->counts[2], 400);
    assert_int_equal(w->counts[3], 400);
}

static void clients_that_differ_in_their_port_alone_are_one(void **state)
{
    struct world *w = *state;
    struct sl_addr client = { 0 };
    unsigned moved_count = 0;
    w->target.balance = SL_BALANCE_SOURCE_HASH;
    for (unsigned family = 0; family < 2; family++) {
        struct sl_slice ip = family == 0 ? SL_SLICE("192.0.2.7") : SL_SLICE("2001:db8::7");
        assert_int_equal(sl_addr_from_ip(ip, 1, &client), SL_OK);
        const size_t at = sl_target_choose(&w->target, 0, &client, NOW_MS);
        for (uint16_t port = 1; port < 100; port++) {
            sl_addr_set_port(&client, port);
            assert_int_equal(sl_target_choose(&w->target, 0, &client, NOW_MS), at);
        }
        for (unsigned host = 0; host < 100; host++) {
            client.sa.in6.sin6_addr.s6_addr[15] = (uint8_t)host;
            client.sa.in.sin_addr.s_addr ^= family == 0 ? htonl(host) : 0;
            moved_count += sl_target_choose(&w->target, 0, &client, NOW_MS) != at ? 1 : 0;
        }
    }
    assert_in_range(moved_count, 100, 190);
}

static void tries_are_bounded_by_the_servers_and_by_the_option(void **state)
{
    struct world *w = *state;
    assert_int_equal(sl_target_tries_left(&w->target, 0), 4);
    assert_int_equal(sl_target_tries_left(&w->target, 3), 1);
    assert_int_equal(sl_target_tries_left(&w->target, 9), 0);
    w->upstreams[1].weight = 0;
    assert_int_equal(sl_target_tries_left(&w->target, 0), 3);
    w->target.tries_count = 2;
    assert_int_equal(sl_target_tries_left(&w->target, 0), 2);
    assert_int_equal(sl_target_tries_left(&w->target, 2), 0);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(who_is_out_or_down_or_tried_or_without_weight_is_passed_over),
        WITH_WORLD(backups_come_behind_those_that_are_up),
        WITH_WORLD(who_comes_back_has_a_small_share),
        WITH_WORLD(clients_that_differ_in_their_port_alone_are_one),
        WITH_WORLD(tries_are_bounded_by_the_servers_and_by_the_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
