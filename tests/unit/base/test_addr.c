/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { PATH_MAX_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path) };

static void assert_text(const struct sl_addr *addr, const char *expected)
{
    char text[SL_ADDR_TEXT_MAX];
    sl_addr_format(addr, text);
    assert_string_equal(text, expected);
}

static void literals_are_read_and_printed(void **state)
{
    SL_UNUSED(state);
    const struct {
        const char *host;
        uint16_t port;
        int family;
        const char *text;
    } cases[] = {
        { "127.0.0.1", 80, AF_INET, "127.0.0.1:80" },
        { "255.255.255.255", 65535, AF_INET, "255.255.255.255:65535" },
        { "0.0.0.0", 0, AF_INET, "0.0.0.0:0" },
        { "::", 443, AF_INET6, "[::]:443" },
        { "::1", 0, AF_INET6, "[::1]:0" },
        { "2001:DB8:0:0:0:0:0:1", 8443, AF_INET6, "[2001:db8::1]:8443" },
        { "::ffff:192.0.2.1", 1, AF_INET6, "[::ffff:192.0.2.1]:1" },
        { "1111:2222:3333:4444:5555:6666:7777:8888", 65535, AF_INET6,
          "[1111:2222:3333:4444:5555:6666:7777:8888]:65535" },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_addr addr;
        assert_int_equal(sl_addr_from_ip(sl_slice_cstr(cases[i].host), cases[i].port, &addr),
                         SL_OK);
        assert_int_equal(addr.sa.any.sa_family, cases[i].family);
        assert_int_equal(addr.len, cases[i].family == AF_INET ? sizeof(struct sockaddr_in)
                                                              : sizeof(struct sockaddr_in6));
        assert_int_equal(sl_addr_port(&addr), cases[i].port);
        assert_false(sl_addr_is_unix(&addr));
        assert_text(&addr, cases[i].text);
    }
}

static void what_is_no_literal_is_refused(void **state)
{
    SL_UNUSED(state);
    const struct sl_slice bad[] = {
        SL_SLICE(""),
        SL_SLICE("localhost"),
        SL_SLICE("127.0.0.256"),
        SL_SLICE("127.1"),
        SL_SLICE("127.0.0.1 "),
        SL_SLICE(" 127.0.0.1"),
        SL_SLICE("0x7f000001"),
        SL_SLICE("[::1]"),
        SL_SLICE("fe80::1%eth0"),
        SL_SLICE("::1::"),
        SL_SLICE("127.0.0.1\0.example.com"),
        SL_SLICE("1111:2222:3333:4444:5555:6666:7777:8888:9999:0000"),
    };
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        struct sl_addr addr = { .len = 77 };
        assert_int_equal(sl_addr_from_ip(bad[i], 1, &addr), SL_EINVAL);
        assert_int_equal(addr.len, 77);
    }
}

static void only_the_bytes_of_the_slice_are_read(void **state)
{
    SL_UNUSED(state);
    struct sl_addr addr;
    assert_int_equal(sl_addr_from_ip(sl_slice_of("127.0.0.123", 9), 1, &addr), SL_OK);
    assert_text(&addr, "127.0.0.1:1");
    assert_int_equal(sl_addr_from_path(sl_slice_of("/run/abc", 6), &addr), SL_OK);
    assert_text(&addr, "unix:/run/a");
}

static void paths_are_read_and_printed(void **state)
{
    SL_UNUSED(state);
    struct sl_addr addr;
    assert_int_equal(sl_addr_from_path(SL_SLICE("/run/a.sock"), &addr), SL_OK);
    assert_true(sl_addr_is_unix(&addr));
    assert_int_equal(sl_addr_port(&addr), 0);
    assert_int_equal(addr.len, offsetof(struct sockaddr_un, sun_path) + sizeof("/run/a.sock"));
    assert_text(&addr, "unix:/run/a.sock");
    sl_addr_set_port(&addr, 80); /* means nothing, and changes nothing */
    assert_text(&addr, "unix:/run/a.sock");
}

static void a_path_must_fit_with_its_nul(void **state)
{
    SL_UNUSED(state);
    char path[PATH_MAX_BYTES + 1];
    memset(path, 'p', sizeof(path));
    struct sl_addr addr = { .len = 77 };
    assert_int_equal(sl_addr_from_path(SL_SLICE(""), &addr), SL_ERANGE);
    assert_int_equal(sl_addr_from_path(sl_slice_of(path, PATH_MAX_BYTES), &addr), SL_ERANGE);
    assert_int_equal(addr.len, 77);
    assert_int_equal(sl_addr_from_path(sl_slice_of(path, PATH_MAX_BYTES - 1), &addr), SL_OK);
    assert_int_equal(addr.len, sizeof(struct sockaddr_un));
    char text[SL_ADDR_TEXT_MAX];
    sl_addr_format(&addr, text);
    assert_int_equal(strlen(text), strlen("unix:") + PATH_MAX_BYTES - 1);
}

static void a_path_with_a_nul_is_refused(void **state)
{
    SL_UNUSED(state);
    struct sl_addr addr = { .len = 77 };
    assert_int_equal(sl_addr_from_path(SL_SLICE("/run/a\0b"), &addr), SL_ERANGE);
    assert_int_equal(sl_addr_from_path(SL_SLICE("\0abstract"), &addr), SL_ERANGE);
    assert_int_equal(addr.len, 77);
}

static void what_the_kernel_gives_is_taken(void **state)
{
    SL_UNUSED(state);
    struct sl_addr ip;
    assert_int_equal(sl_addr_from_ip(SL_SLICE("192.0.2.1"), 99, &ip), SL_OK);
    struct sl_addr copy = sl_addr_from_sockaddr(&ip.sa.any, ip.len);
    assert_text(&copy, "192.0.2.1:99");

    /* an unnamed Unix socket; one without any address; and more than fits */
    struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/left/over" };
    copy = sl_addr_from_sockaddr((const struct sockaddr *)&un, sizeof(sa_family_t));
    assert_true(sl_addr_is_unix(&copy));
    assert_text(&copy, "unix:");
    copy = sl_addr_from_sockaddr(NULL, 0);
    assert_false(sl_addr_is_unix(&copy));
    assert_int_equal(sl_addr_port(&copy), 0);
    assert_text(&copy, "-");
    struct sockaddr_storage storage = { .ss_family = AF_UNIX };
    copy = sl_addr_from_sockaddr((const struct sockaddr *)&storage, sizeof(storage));
    assert_int_equal(copy.len, sizeof(copy.sa));
}

static void a_path_without_a_nul_is_printed_to_its_end(void **state)
{
    SL_UNUSED(state);
    struct sl_addr addr = { .len = sizeof(struct sockaddr_un) };
    addr.sa.un.sun_family = AF_UNIX;
    memset(addr.sa.un.sun_path, 'p', PATH_MAX_BYTES);
    char text[SL_ADDR_TEXT_MAX];
    sl_addr_format(&addr, text);
    assert_int_equal(strlen(text), strlen("unix:") + PATH_MAX_BYTES);
    addr.len = offsetof(struct sockaddr_un, sun_path) + 2; /* only these bytes are the address */
    assert_text(&addr, "unix:pp");
}

static void a_port_can_be_set(void **state)
{
    SL_UNUSED(state);
    struct sl_addr addr;
    assert_int_equal(sl_addr_from_ip(SL_SLICE("::1"), 0, &addr), SL_OK);
    sl_addr_set_port(&addr, 0x1234);
    assert_text(&addr, "[::1]:4660");
    assert_int_equal(addr.sa.in6.sin6_port, htons(0x1234));
    assert_int_equal(sl_addr_from_ip(SL_SLICE("127.0.0.1"), 1, &addr), SL_OK);
    sl_addr_set_port(&addr, 0x1234);
    assert_int_equal(addr.sa.in.sin_port, htons(0x1234));
}

static void an_ipv4_client_of_a_socket_for_both_families_is_ipv4(void **state)
{
    char text[SL_ADDR_TEXT_MAX];
    SL_UNUSED(state);
    struct sl_addr mapped = { 0 };
    assert_int_equal(sl_addr_from_ip(sl_slice_cstr("::ffff:192.0.2.7"), 4711, &mapped), SL_OK);
    struct sl_addr addr = sl_addr_from_sockaddr(&mapped.sa.any, mapped.len);
    sl_addr_format(&addr, text);
    assert_string_equal(text, "192.0.2.7:4711");
    assert_int_equal(addr.len, sizeof(addr.sa.in));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ipv4_client_of_a_socket_for_both_families_is_ipv4),
        cmocka_unit_test(literals_are_read_and_printed),
        cmocka_unit_test(what_is_no_literal_is_refused),
        cmocka_unit_test(only_the_bytes_of_the_slice_are_read),
        cmocka_unit_test(paths_are_read_and_printed),
        cmocka_unit_test(a_path_must_fit_with_its_nul),
        cmocka_unit_test(a_path_with_a_nul_is_refused),
        cmocka_unit_test(what_the_kernel_gives_is_taken),
        cmocka_unit_test(a_path_without_a_nul_is_printed_to_its_end),
        cmocka_unit_test(a_port_can_be_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
