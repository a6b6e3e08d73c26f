/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

/* Services without a connect URL of their own, their routes from line 6 or 5 on. */
#define TLS                                                                                        \
    SERVICE "    listen: tls://:1\n    certificates: [{ chain: c.pem }]\n"                         \
            "    routes:\n"
#define TCP SERVICE "    listen: tcp://:1\n    routes:\n"

#define NEVER(line)                                                                                \
    "this route is never taken: the one on line " line                                             \
    " comes first, and takes all that it is for\n"

static void routes_that_are_right_are_read(void **state)
{
    static const char *const YAML =
        TLS "      - { sni: a.example, connect: 'tcp://h:1' }\n"
            "      - { sni: [b.example, '*.b.example'], alpn: h2, from: 10.0.0.0/8,\n"
            "          connect: ['tcp://h:1', 'unix:/x'], terminate: no }\n"
            "      - { from: [192.0.2.1, '2001:db8::/32'], connect: 'tls://h:1' }\n"
            "    connect: tcp://h:3\n";
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    SL_UNUSED(state);
    expect_findings(YAML, "");
    assert_int_equal(conf_parse(YAML, &arena, &findings, &conf), SL_OK);
    const struct sl_conf_route *routes = conf->services[0].routes;
    assert_int_equal(conf->services[0].routes_count, 3);
    assert_int_equal(routes[0].names_count, 1);
    assert_string_equal(routes[0].names[0].text, "a.example");
    assert_true(routes[0].is_terminated);
    assert_int_equal(routes[1].names_count, 2);
    assert_string_equal(routes[1].alpn[0].text, "h2");
    assert_int_equal(routes[1].from_count, 1);
    assert_int_equal(routes[1].connects_count, 2);
    assert_false(routes[1].is_terminated);
    assert_int_equal(routes[2].from_count, 2);
    assert_int_equal(routes[2].names_count + routes[2].alpn_count, 0);
    sl_arena_fini(&arena);
    expect_findings(TCP "      - { sni: a, connect: 'tcp://h:1' }\n", "");
}

static void a_service_needs_a_connect_url_or_routes(void **state)
{
    SL_UNUSED(state);
    expect_findings(
        SERVICE "    listen: tcp://:1\n",
        "2:3: error: 'connect' is missing in a service: where to connect to: one "
        "server or a list, all tls:// or none; each is a URL, or a map with its url and "
        "what else is to be said of it\n");
    expect_findings(SERVICE "    listen: tcp://:1\n    routes: [{ sni: a }]\n",
                    "4:14: error: 'connect' is missing in a route: where these connections go, in "
                    "place of the service's `connect`\n");
    expect_findings(
        SERVICE "    listen: tcp://:1\n    routes: []\n",
        "4:13: error: 'routes' is empty: a list of maps, each behind '- ', 1 to 1000\n");
    expect_findings(TCP "      - { sni: a, connect: ['tcp://h:1', 'tls://h:1'] }\n",
                    "5:42: error: tls:// and other URLs cannot be mixed in one list: the first, on "
                    "line 5, is not\n");
}

static void names_are_what_clients_can_ask_for(void **state)
{
    SL_UNUSED(state);
    expect_findings(TCP "      - { sni: '*', connect: 'tcp://h:1' }\n",
                    "5:16: error: 'sni' cannot be '*': a route without 'sni' is for every name: "
                    "leave it out\n");
    expect_findings(TCP "      - { sni: [a.example, 192.0.2.1], connect: 'tcp://h:1' }\n",
                    "5:28: error: 'sni' cannot be '192.0.2.1': clients ask for DNS names in ASCII, "
                    "without a port, a dot at the end or an IP address (RFC 6066 3)\n");
    expect_findings(TCP "      - { sni: a.*.example, connect: 'tcp://h:1' }\n",
                    "5:16: error: 'sni' cannot be 'a.*.example': '*' stands for the whole leftmost "
                    "label only: *.example.com\n");
    expect_findings(TCP "      - { sni: [a, a], connect: 'tcp://h:1' }\n",
                    "5:20: error: 'a' stands in 'sni' twice: first on line 5\n");
}

static void a_route_that_another_hides_is_reported(void **state)
{
    SL_UNUSED(state);
    expect_findings(TCP "      - { sni: '*.a', connect: 'tcp://h:1' }\n"
                        "      - { sni: [X.a, y.A], connect: 'tcp://h:2' }\n",
                    "6:9: error: this route is never taken: those before it, first the one on line "
                    "5, take all that it is for\n");
    expect_findings(TCP "      - { sni: '*.a', connect: 'tcp://h:1' }\n"
                        "      - { sni: [x.a, a], connect: 'tcp://h:2' }\n",
                    "6:17: warning: 'x.a' never comes here: the route on line 5 comes first\n");
    expect_findings(TCP "      - { connect: 'tcp://h:1' }\n"
                        "      - { sni: x, connect: 'tcp://h:2' }\n",
                    "6:9: error: " NEVER("5"));
    expect_findings(TCP "      - { from: 10.0.0.0/8, alpn: [h2, x], connect: 'tcp://h:1' }\n"
                        "      - { from: 10.1.0.0/16, alpn: h2, sni: a, connect: 'tcp://h:2' }\n",
                    "6:9: error: " NEVER("5"));
    /* what each of the conditions leaves over */
    expect_findings(TCP
                    "      - { from: 10.0.0.0/8, alpn: [h2, x], sni: a, connect: 'tcp://h:1' }\n"
                    "      - { from: [10.0.0.0/8, 11.0.0.0/8], alpn: h2, sni: a,\n"
                    "          connect: 'tcp://h:2' }\n"
                    "      - { from: 10.0.0.0/8, alpn: [h2, y], sni: a, connect: 'tcp://h:2' }\n"
                    "      - { from: 10.0.0.0/8, alpn: h2, sni: '*.a', connect: 'tcp://h:2' }\n"
                    "      - { from: 10.0.0.0/8, alpn: h2, connect: 'tcp://h:2' }\n"
                    "      - { alpn: x, connect: 'tcp://h:2' }\n"
                    "      - { connect: 'tcp://h:2' }\n",
                    "");
    expect_findings(TCP "      - { connect: 'tcp://h:1' }\n    connect: tcp://h:2\n",
                    "6:14: warning: nothing comes here: the route on line 5 takes every "
                    "connection\n");
}

static void what_is_passed_on_meets_no_tls_of_ours(void **state)
{
    SL_UNUSED(state);
    expect_findings(TLS "      - { sni: a, terminate: no, connect: 'tls://h:1' }\n"
                        "      - { sni: b, connect: 'tls://h:1' }\n",
                    "6:43: error: with 'terminate: no' the client's TLS is the upstream's: a "
                    "tcp:// or unix: URL is wanted\n");
    expect_findings(TCP "      - { sni: a, connect: 'tls://h:1' }\n"
                        "      - { alpn: b, connect: 'tls://h:1' }\n"
                        "      - { from: 10.0.0.0/8, connect: 'tls://h:1' }\n",
                    "5:28: error: a client with 'sni' speaks TLS itself, and its bytes go on "
                    "untouched: a tcp:// or unix: URL is wanted\n"
                    "6:29: error: a client with 'alpn' speaks TLS itself, and its bytes go on "
                    "untouched: a tcp:// or unix: URL is wanted\n");
    expect_findings(TCP "      - { sni: a, terminate: no, connect: 'tcp://h:1' }\n",
                    "5:30: error: 'terminate' is for a tls:// listen URL: this service has none, "
                    "and passes on what comes\n");
    expect_findings(TLS "      - { sni: a, terminate: no, connect: 'tcp://h:1' }\n"
                        "    connect: tcp://h:2\n    clients: { verify: require, ca: c.pem }\n",
                    "6:30: warning: clients of this route are asked for a certificate by the "
                    "upstream alone, if at all: 'clients' is for TLS that ends here\n");
    expect_findings(SERVICE "    listen: tls://:1\n    routes:\n"
                            "      - { sni: a, terminate: no, connect: 'tcp://h:1' }\n",
                    "3:13: error: no TLS ends here, every route has 'terminate: no': listen on "
                    "tcp://, where the same routes pass TLS on\n");
}

static void a_route_by_protocol_is_one_that_speaks_it(void **state)
{
    static const char *const LACKS = "6:17: warning: 'h2' is not in the service's 'alpn': clients "
                                     "that come here for it do not get it\n";
    SL_UNUSED(state);
    expect_findings(TLS "      - { alpn: h2, connect: 'tcp://h:1' }\n    alpn: [h2]\n", "");
    expect_findings(TLS "      - { alpn: h2, connect: 'tcp://h:1' }\n", LACKS);
    expect_findings(TLS "      - { alpn: h2, connect: 'tcp://h:1' }\n    alpn: [x]\n", LACKS);
    expect_findings(TLS "      - { alpn: h2, connect: 'tls://h:1' }\n", "");
    expect_findings(TLS "      - { alpn: h2, connect: 'tls://h:1' }\n    alpn: [x]\n", LACKS);
    expect_findings(TLS "      - { alpn: h2, connect: 'tls://h:1' }\n"
                        "    upstream: { proxy_protocol: v2 }\n",
                    LACKS);
    expect_findings(TLS "      - { alpn: h2, terminate: no, connect: 'tcp://h:1' }\n"
                        "    connect: tcp://h:2\n",
                    "");
}

static void servers_of_a_route_are_looked_at_as_those_of_a_service(void **state)
{
    SL_UNUSED(state);
    expect_findings(TCP
                    "      - { sni: a, connect: ['tcp://h:1', { url: 'tcp://h:2', weight: 3 }] }\n"
                    "    balance: round-robin\n",
                    "");
    expect_findings(TCP
                    "      - { sni: a, connect: ['tcp://h:1', { url: 'tcp://h:2', weight: 3 }] }\n",
                    "5:70: error: 'weight' is a share, and 'balance: first' gives all to the first "
                    "server that is up: set 'balance' to round-robin or another\n");
    expect_findings(TCP "      - { sni: a, connect: { url: 'tcp://h:2', backup: on } }\n",
                    "5:56: error: every server is a backup: of what? One at least must not be\n");
    expect_findings(TCP "      - { sni: a, connect: ['tcp://h:1', 'tcp://h:1'] }\n",
                    "5:42: error: tcp://h:1 stands in 'connect' twice, first on line 5: a weight "
                    "gives it a larger share\n");
    expect_findings(TCP "      - { sni: a, connect: 'tcp://h:1' }\n"
                        "      - { from: 10.0.0.0/8, connect: 'tls://h:1' }\n"
                        "    health: { type: tls }\n",
                    "");
    expect_findings(TCP "      - { sni: a, connect: 'tcp://h:1' }\n    health: { type: tls }\n",
                    "6:21: error: 'type: tls' is for tls:// connect URLs: this service has none\n");
    expect_findings(
        TCP "      - { sni: a, connect: 'unix:/x' }\n    upstream: { user_timeout: 5s }\n",
        "6:31: error: 'user_timeout' is for TCP: every server of this service is a Unix "
        "socket\n");
}

static void settings_of_the_upstream_side_are_for_routes_too(void **state)
{
    SL_UNUSED(state);
    expect_findings(TLS "      - { sni: a, connect: 'tls://h:1' }\n"
                        "    connect: tcp://h:2\n    upstream: { name: n }\n",
                    "");
    expect_findings(TLS "      - { sni: a, connect: 'tcp://h:1' }\n"
                        "    connect: tcp://h:2\n    upstream: { name: n }\n",
                    "8:23: error: 'name' is for a tls:// connect URL: this service has none\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_that_are_right_are_read),
        cmocka_unit_test(a_service_needs_a_connect_url_or_routes),
        cmocka_unit_test(names_are_what_clients_can_ask_for),
        cmocka_unit_test(a_route_that_another_hides_is_reported),
        cmocka_unit_test(what_is_passed_on_meets_no_tls_of_ours),
        cmocka_unit_test(a_route_by_protocol_is_one_that_speaks_it),
        cmocka_unit_test(servers_of_a_route_are_looked_at_as_those_of_a_service),
        cmocka_unit_test(settings_of_the_upstream_side_are_for_routes_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
