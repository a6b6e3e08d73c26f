/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/check_dns.h"
#include "expect.h"

#define AFTER "services:\n  s:\n    listen: tcp://127.0.0.1:1\n    connect: tcp://h:2\n"

static void servers_are_addresses_with_a_port_or_without(void **state)
{
    SL_UNUSED(state);
    static const struct {
        const char *text, *wanted;
    } CASES[] = {
        { "192.0.2.1", "192.0.2.1:53" },
        { "127.0.0.1:5353", "127.0.0.1:5353" },
        { "::1", "[::1]:53" },
        { "[2001:db8::1]:54", "[2001:db8::1]:54" },
    };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        char text[SL_ADDR_TEXT_MAX];
        struct sl_addr addr;
        assert_int_equal(sl_check_dns_server(CASES[i].text, &addr), SL_OK);
        sl_addr_format(&addr, text);
        assert_string_equal(text, CASES[i].wanted);
    }
    expect_findings("dns: { servers: [ns.test, \"127.0.0.1:0\"] }\n" AFTER,
                    "1:18: error: 'ns.test' is no name server: write its IP address, or IP:PORT, "
                    "and an address of IPv6 in brackets before a port\n"
                    "1:27: error: '127.0.0.1:0' is no name server: write its IP address, or "
                    "IP:PORT, and an address of IPv6 in brackets before a port\n");
}

static void what_is_never_refreshed_asks_no_server_and_waits_for_nothing(void **state)
{
    SL_UNUSED(state);
    expect_findings("dns: { refresh: off }\n" AFTER, "");
    expect_findings("dns:\n  refresh: off\n  servers: [192.0.2.1]\n  unresolved: later\n" AFTER,
                    "3:13: error: 'servers' contradicts 'refresh: off', which asks the system's "
                    "resolver\n"
                    "4:15: error: 'later' contradicts 'refresh: off': nobody would look\n");
}

static void the_least_ttl_is_below_the_most(void **state)
{
    SL_UNUSED(state);
    expect_findings("dns: { min_ttl: 5s, max_ttl: 5s }\n" AFTER, "");
    expect_findings("dns: { min_ttl: 6s, max_ttl: 5s }\n" AFTER,
                    "1:17: error: 'min_ttl' is more than 'max_ttl'\n");
    expect_findings("dns: { max_ttl: 500ms }\n" AFTER,
                    "1:17: error: 'min_ttl' is more than 'max_ttl'\n");
}

static void the_port_of_a_service_in_dns_is_left_out(void **state)
{
    SL_UNUSED(state);
    expect_findings(SERVICE "    listen: tcp://127.0.0.1:1\n    connect: tls://_x._tcp.h.test\n",
                    "");
    expect_findings(SERVICE "    listen: tcp://127.0.0.1:1\n    connect: tls://_x._tcp.h.test:1\n",
                    "4:34: error: the port of '_x._tcp.h.test' is in its SRV records: leave it out "
                    "here\n");
    expect_findings(SERVICE "    listen: tls://_x._tcp.h.test\n    connect: tcp://127.0.0.1:1\n"
                            "    certificates: [{ chain: c.pem }]\n",
                    "3:19: error: a listen address must be an IP address, or empty for all: host "
                    "names are for connect\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_addresses_with_a_port_or_without),
        cmocka_unit_test(what_is_never_refreshed_asks_no_server_and_waits_for_nothing),
        cmocka_unit_test(the_least_ttl_is_below_the_most),
        cmocka_unit_test(the_port_of_a_service_in_dns_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
