/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#define LISTEN SERVICE "    listen: tcp://127.0.0.1:1\n"
#define TWO    LISTEN "    connect: [tcp://127.0.0.1:2, tcp://127.0.0.1:3]\n"

static const struct sl_conf_service *parsed(const char *yaml, struct sl_arena *arena)
{
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    assert_int_equal(conf_parse(yaml, arena, &findings, &conf), SL_OK);
    return &conf->services[0];
}

static void a_server_is_a_url_or_a_map_with_one(void **state)
{
    struct sl_arena arena;
    SL_UNUSED(state);
    const struct sl_conf_service *service =
        parsed(LISTEN "    balance: round-robin\n    connect:\n"
                      "      - tcp://127.0.0.1:2\n"
                      "      - { url: tcp://127.0.0.1:3, weight: 5 }\n"
                      "      - { url: unix:/x, weight: 0, backup: on }\n",
               &arena);
    assert_int_equal(service->connects_count, 3);
    assert_int_equal(service->connects[0].weight, 1);
    assert_int_equal(service->connects[1].weight, 5);
    assert_int_equal(service->connects[1].url.port, 3);
    assert_int_equal(service->connects[1].pos.line, 7);
    assert_int_equal(service->connects[1].pos.column, 16);
    assert_int_equal(service->connects[2].weight, 0);
    assert_true(service->connects[2].is_backup);
    assert_int_equal(service->balance, SL_BALANCE_ROUND_ROBIN);
    sl_arena_fini(&arena);
    service = parsed(LISTEN "    connect: { url: tcp://127.0.0.1:3 }\n", &arena);
    assert_int_equal(service->connects_count, 1);
    sl_arena_fini(&arena);
}

static void what_is_not_said_has_defaults(void **state)
{
    struct sl_arena arena;
    SL_UNUSED(state);
    const struct sl_conf_service *service = parsed(TWO, &arena);
    assert_int_equal(service->balance, SL_BALANCE_FIRST);
    assert_int_equal(service->tries_count, 0);
    assert_int_equal(service->slow_start_ms, 10000);
    assert_int_equal(service->ejection.failures_count, 3);
    assert_int_equal(service->ejection.time_max_ms, 300000);
    assert_int_equal(service->health.pos.line, 0);
    assert_int_equal(service->keepalive.pos.line, 0);
    assert_int_equal(service->user_timeout_ms, 0);
    assert_int_equal(service->upstream.user_timeout_ms, 0);
    assert_int_equal(service->upstream.sources_count, 0);
    sl_arena_fini(&arena);
}

static void mistakes_in_an_entry_are_placed_within_it(void **state)
{
    SL_UNUSED(state);
    expect_findings(LISTEN "    balance: round-robin\n    connect:\n"
                           "      - { weight: 2 }\n"
                           "      - { url: tcp://h:0, backup: perhaps }\n"
                           "      - { url: tcp://h:1, weight: 1001 }\n"
                           "      - []\n",
                    "6:9: error: 'url' is missing in an entry of 'connect': the server\n"
                    "7:22: error: a connect URL needs a port from 1 to 65535: port 0 is for "
                    "listen\n"
                    "7:35: error: 'backup' cannot be 'perhaps': a switch, on, off\n"
                    "8:35: error: 1001 is out of range for 'weight': 0 to 1000\n"
                    "9:9: error: an entry of 'connect' must be a URL, or a map with one\n");
}

static void some_server_must_take_connections(void **state)
{
    SL_UNUSED(state);
    expect_findings(LISTEN "    connect:\n"
                           "      - { url: tcp://h:1, weight: 0 }\n"
                           "      - { url: tcp://h:2, weight: 0 }\n",
                    "5:35: error: every server has the weight 0: none would take a connection\n");
    expect_findings(LISTEN "    connect:\n"
                           "      - { url: tcp://h:1, backup: on }\n"
                           "      - { url: tcp://h:2, backup: on }\n",
                    "5:35: error: every server is a backup: of what? One at least must not be\n");
}

static void a_share_needs_an_order_that_shares(void **state)
{
    SL_UNUSED(state);
    expect_findings(LISTEN "    connect: [{ url: tcp://h:1, weight: 2 }, tcp://h:2]\n",
                    "4:41: error: 'weight' is a share, and 'balance: first' gives all to the first "
                    "server that is up: set 'balance' to round-robin or another\n");
    expect_findings(LISTEN "    connect: [{ url: tcp://h:1, weight: 0 }, tcp://h:2]\n", "");
}

static void a_server_stands_once(void **state)
{
    SL_UNUSED(state);
    expect_findings(LISTEN "    connect: [tcp://h:1, tcp://h:2, tcp://h:1]\n",
                    "4:37: error: tcp://h:1 stands in 'connect' twice, first on line 4: a weight "
                    "gives it a larger share\n");
}

static void checks_fit_their_servers_and_their_time(void **state)
{
    SL_UNUSED(state);
    expect_findings(TWO "    health: { interval: 5s }\n",
                    "5:5: error: 'type' is missing in 'health': what a server must do to be up: "
                    "accept a TCP connection, or finish a TLS handshake on it with a certificate "
                    "that is accepted\n");
    expect_findings(TWO "    health: { type: tls }\n",
                    "5:21: error: 'type: tls' is for tls:// connect URLs: this service has none\n");
    expect_findings(TWO "    health: { type: connect, interval: 500ms }\n",
                    "5:5: error: 'timeout', 1000 ms, is longer than 'interval', 500 ms: one check "
                    "would not be over when the next is due\n");
    expect_findings(TWO "    health: { type: connect, interval: 500ms, timeout: 500ms }\n", "");
    expect_findings(TWO "    ejection: { time: 10m }\n",
                    "5:5: error: 'time', 600000 ms, is longer than 'time_max', 300000 ms\n");
}

static void a_source_is_of_a_family_that_some_server_has(void **state)
{
    SL_UNUSED(state);
    expect_findings(TWO "    upstream: { source: 127.0.0.1 }\n", "");
    expect_findings(TWO "    upstream: { source: \"::1\" }\n",
                    "5:25: error: no server of this service has an IPv6 address\n");
    expect_findings(LISTEN "    connect: [tcp://h:1]\n    upstream: { source: [127.0.0.1, \"::1\"] "
                           "}\n",
                    "");
    expect_findings(TWO "    upstream: { source: [127.0.0.1, 127.0.0.2] }\n",
                    "5:37: error: 'source' has a second IPv4 address: one for each family\n");
    expect_findings(TWO "    upstream: { source: here }\n",
                    "5:25: error: 'source' cannot be 'here': an IPv4 or IPv6 address alone\n");
    expect_findings(LISTEN "    connect: unix:/x\n    upstream:\n      source: 127.0.0.1\n"
                           "      keepalive: { idle: 1m }\n      user_timeout: 30s\n",
                    "6:15: error: no server of this service has an IPv4 address\n"
                    "7:7: error: 'keepalive' is for TCP: every server of this service is a Unix "
                    "socket\n"
                    "8:21: error: 'user_timeout' is for TCP: every server of this service is a "
                    "Unix socket\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_a_url_or_a_map_with_one),
        cmocka_unit_test(what_is_not_said_has_defaults),
        cmocka_unit_test(mistakes_in_an_entry_are_placed_within_it),
        cmocka_unit_test(some_server_must_take_connections),
        cmocka_unit_test(a_share_needs_an_order_that_shares),
        cmocka_unit_test(a_server_stands_once),
        cmocka_unit_test(checks_fit_their_servers_and_their_time),
        cmocka_unit_test(a_source_is_of_a_family_that_some_server_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
