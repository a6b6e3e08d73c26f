/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/route_rule.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void a_name_is_exact_or_has_one_label_open(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool covers;
    } CASES[] = {
        { "example.com", "example.com", true },
        { "example.com", "EXAMPLE.com", true },
        { "example.com", "example.co", false },
        { "example.com", "www.example.com", false },
        { "*.example.com", "www.example.com", true },
        { "*.Example.com", "WWW.eXample.com", true },
        { "*.example.com", "a.b.example.com", false },
        { "*.example.com", "example.com", false },
        { "*.example.com", ".example.com", false },
        { "*.example.com", "www.example.org", false },
        { "*.example.com", "*.example.com", true },
        { "www.example.com", "*.example.com", false },
        { "*.com", "example.com", true },
        { "localhost", "localhost", true },
        { "*.com", "com", false },
        { "example.com", "", false },
        { "*.example.com", "", false },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        assert_int_equal(sl_route_rule_name_covers(sl_slice_cstr(CASES[i].pattern),
                                                   sl_slice_cstr(CASES[i].name)),
                         CASES[i].covers);
    }
}

static void what_no_client_can_ask_for_is_no_pattern(void **state)
{
    static const char *const GOOD[] = { "example.com", "*.example.com",         "localhost",
                                        "a_b.c",       "xn--bcher-kva.example", "*.com" };
    static const char *const BAD[] = {
        "",           "*",  "*.",        "*x.com",      "a.*.com", "*.*.com",      "a..b",
        "a.b.",       ".a", "192.0.2.1", "2001:db8::1", "a.b:443", "b\xc3\xbc.de", "a b",
        "*.192.0.2.1"
    };
    struct sl_diag diag;
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(GOOD); i++) {
        assert_int_equal(sl_route_rule_check_name(sl_slice_cstr(GOOD[i]), &diag), SL_OK);
    }
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        diag.text[0] = '\0';
        assert_int_equal(sl_route_rule_check_name(sl_slice_cstr(BAD[i]), &diag), SL_EINVAL);
        assert_true(diag.text[0] != '\0');
    }
}

static void every_condition_of_a_rule_must_hold(void **state)
{
    static const char *const NAMES[] = { "a.example", "*.b.example" };
    static const char *const PROTOCOLS[] = { "h2", "foo" };
    struct sl_prefix from[1];
    assert_int_equal(sl_prefix_parse(SL_SLICE("192.0.2.0/24"), &from[0]), SL_OK);
    const struct sl_route_rule names = { .names = NAMES, .names_count = 2 };
    const struct sl_route_rule protocols = { .protocols = PROTOCOLS, .protocols_count = 2 };
    const struct sl_route_rule clients = { .from = from, .from_count = 1 };
    const struct sl_route_rule all = { NAMES, 2, PROTOCOLS, 2, from, 1 };
    const struct sl_route_rule none = { .names_count = 0 };
    static const struct {
        const char *name;
        struct sl_slice alpn;
        const char *ip;
        bool fits[5]; /* names, protocols, clients, all, none */
    } CASES[] = {
        { "A.example", SL_SLICE_INIT("\2h3\3foo"), "192.0.2.7", { 1, 1, 1, 1, 1 } },
        { "x.b.example", SL_SLICE_INIT("\2h2"), "192.0.2.255", { 1, 1, 1, 1, 1 } },
        { "b.example", SL_SLICE_INIT("\2h2"), "192.0.2.7", { 0, 1, 1, 0, 1 } },
        { "a.example", SL_SLICE_INIT("\2h3\2H2\3fo\0"), "192.0.2.7", { 1, 0, 1, 0, 1 } },
        { "a.example", SL_SLICE_INIT("\2h2"), "192.0.3.7", { 1, 1, 0, 0, 1 } },
        { "a.example", SL_SLICE_INIT("\2h2"), "2001:db8::1", { 1, 1, 0, 0, 1 } },
        { "", SL_SLICE_INIT(""), "192.0.2.7", { 0, 0, 1, 0, 1 } },
        { NULL, SL_SLICE_INIT(""), "192.0.2.7", { 0, 0, 1, 0, 1 } },
    };
    const struct sl_route_rule *const rules[] = { &names, &protocols, &clients, &all, &none };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct sl_addr addr;
        const struct sl_hello hello = { .server_name = sl_slice_cstr(CASES[i].name),
                                        .alpn = CASES[i].alpn };
        assert_int_equal(sl_addr_from_ip(sl_slice_cstr(CASES[i].ip), 1, &addr), SL_OK);
        for (size_t j = 0; j < SL_COUNT(rules); j++) {
            assert_int_equal(
                sl_route_rule_fits(rules[j], CASES[i].name == NULL ? NULL : &hello, &addr),
                CASES[i].fits[j]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_exact_or_has_one_label_open),
        cmocka_unit_test(what_no_client_can_ask_for_is_no_pattern),
        cmocka_unit_test(every_condition_of_a_rule_must_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
