/* SPDX-License-Identifier: Apache-2.0 */
#include "base/prefix.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct sl_addr addr_of(const char *text)
{
    struct sl_addr addr = { 0 };
    enum sl_err rc = text[0] == '/' ? sl_addr_from_path(sl_slice_cstr(text), &addr)
                                    : sl_addr_from_ip(sl_slice_cstr(text), 4711, &addr);
    assert_int_equal(rc, SL_OK);
    return addr;
}

static struct sl_prefix prefix_of(const char *text)
{
    struct sl_prefix prefix = { 0 };
    assert_int_equal(sl_prefix_parse(sl_slice_cstr(text), &prefix), SL_OK);
    return prefix;
}

static bool has(const char *prefix_text, const char *addr_text)
{
    const struct sl_prefix prefix = prefix_of(prefix_text);
    const struct sl_addr addr = addr_of(addr_text);
    return sl_prefix_has(&prefix, &addr);
}

static void prefixes_are_read_and_printed(void **state)
{
    static const char *const CASES[][2] = {
        { "192.0.2.0/24", "192.0.2.0/24" },
        { "192.0.2.1", "192.0.2.1/32" },
        { "0.0.0.0/0", "0.0.0.0/0" },
        { "128.0.0.0/1", "128.0.0.0/1" },
        { "192.0.2.254/31", "192.0.2.254/31" },
        { "2001:DB8::/32", "2001:db8::/32" },
        { "::1", "::1/128" },
        { "::/0", "::/0" },
        { "fe80::/10", "fe80::/10" },
        { "::ffff:192.0.2.0/120", "192.0.2.0/24" },
        { "::ffff:0:0/96", "0.0.0.0/0" },
        { "::ffff:192.0.2.1", "192.0.2.1/32" },
        { "::fffe:0:0/95", "::fffe:0:0/95" },
        { "unix", "unix" },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        char text[SL_PREFIX_TEXT_MAX];
        const struct sl_prefix prefix = prefix_of(CASES[i][0]);
        sl_prefix_format(&prefix, text);
        assert_string_equal(text, CASES[i][1]);
    }
    char text[SL_PREFIX_TEXT_MAX];
    sl_prefix_format(&(const struct sl_prefix){ 0 }, text);
    assert_string_equal(text, "none");
}

static void what_is_no_prefix_is_refused(void **state)
{
    static const char *const BAD[] = {
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/x",
        "10.0.0.0/8/8",
        "::/129",
        "10.0/16",
        "10.0.0.0/ 8",
        "[::1]/128",
        "example.com",
        "Unix",
        "10.0.0.0/-1",
        "10.0.0.0/18446744073709551624",
    };
    SL_UNUSED(state);
    struct sl_prefix prefix = { .bits_count = 77 };
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        assert_int_equal(sl_prefix_parse(sl_slice_cstr(BAD[i]), &prefix), SL_EINVAL);
    }
    assert_int_equal(sl_prefix_parse(sl_slice_of("10.0.0.0\0/8", 11), &prefix), SL_EINVAL);
    assert_int_equal(prefix.bits_count, 77);
}

static void bits_behind_the_prefix_are_a_mistake(void **state)
{
    static const char *const BAD[] = { "10.0.0.1/8", "192.0.2.1/31",  "::1/127",
                                       "1.0.0.0/0",  "2001:db9::/31", "::ffff:0:0/95" };
    SL_UNUSED(state);
    struct sl_prefix prefix = { .bits_count = 77 };
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        assert_int_equal(sl_prefix_parse(sl_slice_cstr(BAD[i]), &prefix), SL_ERANGE);
    }
    assert_int_equal(prefix.bits_count, 77);
}

static void a_prefix_has_its_addresses_and_no_other(void **state)
{
    SL_UNUSED(state);
    assert_true(has("10.0.0.0/8", "10.0.0.0"));
    assert_true(has("10.0.0.0/8", "10.255.255.255"));
    assert_false(has("10.0.0.0/8", "11.0.0.0"));
    assert_false(has("10.0.0.0/8", "9.255.255.255"));
    assert_true(has("192.0.2.2/31", "192.0.2.3"));
    assert_false(has("192.0.2.2/31", "192.0.2.4"));
    assert_true(has("0.0.0.0/0", "255.255.255.255"));
    assert_false(has("0.0.0.0/0", "::1"));
    assert_true(has("::/0", "::1"));
    assert_false(has("::/0", "10.0.0.1"));
    assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(has("unix", "/run/x"));
    assert_false(has("unix", "10.0.0.1"));
    assert_false(has("0.0.0.0/0", "/run/x"));
}

static void ipv4_within_ipv6_is_ipv4(void **state)
{
    SL_UNUSED(state);
    assert_true(has("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_false(has("::/0", "::ffff:10.1.2.3"));
    assert_true(has("::ffff:10.0.0.0/104", "10.1.2.3"));
}

static void nothing_has_no_address(void **state)
{
    SL_UNUSED(state);
    const struct sl_addr none = { 0 };
    const struct sl_prefix nothing = { 0 }, all = prefix_of("0.0.0.0/0");
    const struct sl_addr some = addr_of("10.0.0.1");
    assert_false(sl_prefix_has(&all, &none));
    assert_false(sl_prefix_has(&nothing, &none));
    assert_false(sl_prefix_has(&nothing, &some));
}

static void an_address_is_cut_to_the_bits_of_its_family(void **state)
{
    SL_UNUSED(state);
    char text[SL_PREFIX_TEXT_MAX];
    const struct sl_addr addrs[] = { addr_of("192.0.2.77"), addr_of("2001:db8:1:2:3:4:5:6"),
                                     addr_of("::ffff:192.0.2.77"), addr_of("/run/x") };
    static const char *const TEXTS[] = { "192.0.2.0/24", "2001:db8:1:2::/64", "192.0.2.0/24",
                                         "unix" };
    for (size_t i = 0; i < SL_COUNT(addrs); i++) {
        const struct sl_prefix prefix = sl_prefix_of(&addrs[i], 24, 64);
        sl_prefix_format(&prefix, text);
        assert_string_equal(text, TEXTS[i]);
    }
}

static void a_sorted_list_keeps_what_nothing_else_covers(void **state)
{
    SL_UNUSED(state);
    struct sl_prefix list[] = { prefix_of("10.1.0.0/16"),   prefix_of("::/0"),
                                prefix_of("10.0.0.0/8"),    prefix_of("10.0.0.0/8"),
                                prefix_of("192.0.2.1"),     prefix_of("unix"),
                                prefix_of("2001:db8::/32"), prefix_of("10.255.255.255") };
    const size_t count = sl_prefixes_sort(list, SL_COUNT(list));
    assert_int_equal(count, 4);
    static const char *const IN[] = { "10.9.9.9", "192.0.2.1", "::5", "/run/x", "10.255.255.255" };
    static const char *const OUT[] = { "11.0.0.0", "192.0.2.2", "192.0.2.0", "9.255.255.255" };
    for (size_t i = 0; i < SL_COUNT(IN); i++) {
        const struct sl_addr addr = addr_of(IN[i]);
        assert_true(sl_prefixes_have(list, count, &addr));
    }
    for (size_t i = 0; i < SL_COUNT(OUT); i++) {
        const struct sl_addr addr = addr_of(OUT[i]);
        assert_false(sl_prefixes_have(list, count, &addr));
    }
    assert_int_equal(sl_prefixes_sort(NULL, 0), 0);
    const struct sl_addr addr = addr_of("10.0.0.1");
    assert_false(sl_prefixes_have(NULL, 0, &addr));
}

/* The list says of every address what its entries say one by one. */
static void a_long_list_says_what_its_entries_say(void **state)
{
    enum { COUNT = 10000, TRIES = 20000 };
    static struct sl_prefix list[COUNT], sorted[COUNT];
    uint32_t seed = 1;
    SL_UNUSED(state);
    for (size_t i = 0; i < COUNT; i++) {
        char text[SL_PREFIX_TEXT_MAX];
        seed = seed * 1664525 + 1013904223;
        (void)snprintf(text, sizeof(text), "10.%u.%u.%u", seed >> 24, (seed >> 16) & 0xff,
                       (seed >> 8) & 0xff);
        const struct sl_addr addr = addr_of(text);
        sorted[i] = list[i] = sl_prefix_of(&addr, 16 + seed % 17, 0);
        if (i % 100 != 0 && list[i].bits_count < 24) { /* few that cover much */
            sorted[i] = list[i] = sl_prefix_of(&addr, 24 + seed % 9, 0);
        }
    }
    const size_t count = sl_prefixes_sort(sorted, COUNT);
    assert_true(count > COUNT / 4 && count < COUNT);
    size_t found_count = 0;
    for (size_t i = 0; i < TRIES; i++) {
        char text[SL_PREFIX_TEXT_MAX];
        seed = seed * 1664525 + 1013904223;
        (void)snprintf(text, sizeof(text), "10.%u.%u.%u", seed >> 24, (seed >> 16) & 0xff,
                       (seed >> 8) & 0xff);
        const struct sl_addr addr = addr_of(text);
        bool is_in = false;
        for (size_t j = 0; i % 40 == 0 && j < COUNT && !is_in; j++) {
            is_in = sl_prefix_has(&list[j], &addr);
        }
        const bool is_found = sl_prefixes_have(sorted, count, &addr);
        assert_true(i % 40 != 0 || is_found == is_in);
        found_count += is_found;
    }
    assert_true(found_count > 0 && found_count < TRIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_are_read_and_printed),
        cmocka_unit_test(what_is_no_prefix_is_refused),
        cmocka_unit_test(bits_behind_the_prefix_are_a_mistake),
        cmocka_unit_test(a_prefix_has_its_addresses_and_no_other),
        cmocka_unit_test(ipv4_within_ipv6_is_ipv4),
        cmocka_unit_test(nothing_has_no_address),
        cmocka_unit_test(an_address_is_cut_to_the_bits_of_its_family),
        cmocka_unit_test(a_sorted_list_keeps_what_nothing_else_covers),
        cmocka_unit_test(a_long_list_says_what_its_entries_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
