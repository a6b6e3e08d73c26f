/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolver.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static enum sl_err lookup(const char *text, struct sl_addr_set *ret_set, struct sl_diag *diag)
{
    struct sl_url url;
    size_t at = 0;
    assert_int_equal(sl_url_parse(sl_slice_cstr(text), &url, &at, NULL), SL_OK);
    return sl_resolver_lookup(&url, ret_set, diag);
}

static void literals_and_paths_give_themselves(void **state)
{
    SL_UNUSED(state);
    static const struct {
        const char *url, *addr;
    } CASES[] = {
        { "tcp://192.0.2.7:80", "192.0.2.7:80" },
        { "tls://[2001:db8::7]:443", "[2001:db8::7]:443" },
        { "unix:/run/app.sock", "unix:/run/app.sock" },
    };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct sl_addr_set set;
        char text[SL_ADDR_TEXT_MAX];
        assert_int_equal(lookup(CASES[i].url, &set, NULL), SL_OK);
        assert_int_equal(set.count, 1);
        sl_addr_format(&set.addrs[0], text);
        assert_string_equal(text, CASES[i].addr);
    }
}

static void localhost_is_this_host_and_no_address_comes_twice(void **state)
{
    SL_UNUSED(state);
    struct sl_addr_set set = { 0 };
    struct sl_diag diag = { "" };
    enum sl_err rc = lookup("tcp://localhost:8080", &set, &diag);
    assert_string_equal(diag.text, "");
    assert_int_equal(rc, SL_OK);
    assert_in_range(set.count, 1, 2);
    for (size_t i = 0; i < set.count; i++) {
        char text[SL_ADDR_TEXT_MAX];
        sl_addr_format(&set.addrs[i], text);
        assert_true(strcmp(text, "127.0.0.1:8080") == 0 || strcmp(text, "[::1]:8080") == 0);
        assert_true(i == 0 || set.addrs[i].sa.any.sa_family != set.addrs[0].sa.any.sa_family);
    }
}

static void what_cannot_be_found_is_said(void **state)
{
    SL_UNUSED(state);
    struct sl_addr_set set = { .count = 77 };
    struct sl_diag diag = { "" };
    /* a label over 63 bytes: refused by the resolver itself, without asking anybody */
    char host[101];
    memset(host, 'a', 100);
    host[100] = '\0';
    struct sl_url url = { .scheme = SL_SCHEME_TCP, .host = sl_slice_cstr(host), .port = 80 };
    assert_int_equal(sl_resolver_lookup(&url, &set, &diag), SL_ENOENT);
    assert_non_null(strstr(diag.text, "does not resolve"));
    assert_int_equal(set.count, 77);
    char path[200];
    memset(path, 'a', sizeof(path));
    url = (struct sl_url){ .scheme = SL_SCHEME_UNIX, .path = sl_slice_of(path, sizeof(path)) };
    assert_int_equal(sl_resolver_lookup(&url, &set, &diag), SL_ENOENT);
    assert_int_equal(set.count, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_and_paths_give_themselves),
        cmocka_unit_test(localhost_is_this_host_and_no_address_comes_twice),
        cmocka_unit_test(what_cannot_be_found_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
