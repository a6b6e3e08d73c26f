/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

static void limits_without_contradictions_are_taken(void **state)
{
    SL_UNUSED(state);
    expect_findings("limits: { connections: 100, handshakes: 50, memory: 1GiB, over: refuse,\n"
                    "  rate_sources: 1024, rate_ipv4: 24, rate_ipv6: 48 }\n" PLAIN
                    "    limits: { connections: 100, handshakes: 50, rate: 5, burst: 10 }\n"
                    "    from: { allow: 10.0.0.0/8, deny: [10.1.0.0/16, 'fd00::/8'] }\n"
                    "    timeouts: { half_close: 10m, session: none, upstream_handshake: 1s }\n",
                    "");
    expect_findings(
        "limits: { connections: auto, handshakes: none, memory: none }\n" PLAIN
        "    limits: { connections: none, handshakes: none, rate: none, burst: auto }\n",
        "");
}

static void a_bound_that_another_one_hides_is_a_mistake(void **state)
{
    SL_UNUSED(state);
    expect_findings("limits: { connections: 10, handshakes: 11 }\n" PLAIN,
                    "1:40: error: 'handshakes' is above 'connections', which is 10: it would never "
                    "be reached\n");
    expect_findings("limits: { connections: 10, handshakes: 5 }\n" PLAIN
                    "    limits: { connections: 11, handshakes: 6 }\n",
                    "6:28: error: 'connections' is above 'limits.connections' of all services, "
                    "which is 10: it would never be reached\n"
                    "6:44: error: 'handshakes' is above 'limits.handshakes' of all services, which "
                    "is 5: it would never be reached\n");
    expect_findings(PLAIN "    limits: { connections: 3, handshakes: 4 }\n",
                    "5:43: error: 'handshakes' is above 'connections', which is 3: it would never "
                    "be reached\n");
}

static void a_burst_needs_a_rate(void **state)
{
    SL_UNUSED(state);
    expect_findings(PLAIN "    limits: { burst: 4 }\n",
                    "5:22: error: 'burst' is for a 'rate': this service has none\n");
}

static void who_is_allowed_and_denied_whole_is_a_mistake(void **state)
{
    SL_UNUSED(state);
    expect_findings(PLAIN "    from: { allow: [10.1.0.0/16, 192.0.2.1], deny: 10.0.0.0/8 }\n",
                    "5:20: error: 'allow' has 10.1.0.0/16, of which 'deny' lets nobody in\n");
}

static void a_half_close_ends_before_idle(void **state)
{
    SL_UNUSED(state);
    expect_findings(PLAIN "    timeouts: { idle: 1m, half_close: 61s }\n",
                    "5:39: error: 'half_close' is longer than 'idle', which ends the connection "
                    "before\n");
}

static void what_is_left_out_follows_what_is_there(void **state)
{
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    SL_UNUSED(state);
    assert_int_equal(
        conf_parse(PLAIN "    timeouts: { idle: 3s, handshake: 2s }\n", &arena, &findings, &conf),
        SL_OK);
    const struct sl_conf_timeouts *timeouts = &conf->services[0].timeouts;
    assert_int_equal(timeouts->upstream_handshake_ms, 2000);
    assert_int_equal(timeouts->half_close_ms, 3000);
    assert_int_equal(timeouts->session_ms, 0);
    assert_int_equal(conf->services[0].from.allow_count, 0);
    sl_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_without_contradictions_are_taken),
        cmocka_unit_test(a_bound_that_another_one_hides_is_a_mistake),
        cmocka_unit_test(a_burst_needs_a_rate),
        cmocka_unit_test(who_is_allowed_and_denied_whole_is_a_mistake),
        cmocka_unit_test(a_half_close_ends_before_idle),
        cmocka_unit_test(what_is_left_out_follows_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
