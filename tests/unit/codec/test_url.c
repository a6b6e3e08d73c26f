/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/url.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Sentences about URLs that are accepted. */
struct good {
    const char *text;
    enum sl_scheme scheme;
    const char *host, *path;
    uint16_t port;
    bool is_ip, is_srv;
};

static void good_check(const struct good *good)
{
    struct sl_url url;
    size_t at = 4711;
    struct sl_diag diag = { 0 };
    assert_int_equal(sl_url_parse(sl_slice_cstr(good->text), &url, &at, &diag), SL_OK);
    assert_int_equal(url.scheme, good->scheme);
    assert_true(sl_slice_eq(url.host, sl_slice_cstr(good->host)));
    assert_true(sl_slice_eq(url.path, sl_slice_cstr(good->path)));
    assert_int_equal(url.port, good->port);
    assert_int_equal(url.is_ip, good->is_ip);
    assert_int_equal(url.is_srv, good->is_srv);
    assert_int_equal(at, 4711);
    assert_string_equal(diag.text, "");
}

static void every_form_of_a_url_is_read(void **state)
{
    static const struct good GOOD[] = {
        { "tls://[::]:443", SL_SCHEME_TLS, "::", "", 443, true },
        { "tls://:443", SL_SCHEME_TLS, "", "", 443, false },
        { "tcp://127.0.0.1:0", SL_SCHEME_TCP, "127.0.0.1", "", 0, true },
        { "tcp://[2001:db8::1]:65535", SL_SCHEME_TCP, "2001:db8::1", "", 65535, true },
        { "tls://db.example.com:5433", SL_SCHEME_TLS, "db.example.com", "", 5433, false },
        { "tcp://my_host-1:80", SL_SCHEME_TCP, "my_host-1", "", 80, false },
        { "tcp://1a.2b:80", SL_SCHEME_TCP, "1a.2b", "", 80, false },
        { "TLS://Host:1", SL_SCHEME_TLS, "Host", "", 1, false },
        { "tcp://_x._tcp.h.test", SL_SCHEME_TCP, "_x._tcp.h.test", "", 0, false, true },
        { "tls://_X._TCP.test", SL_SCHEME_TLS, "_X._TCP.test", "", 0, false, true },
        { "tcp://_x._udp.test:1", SL_SCHEME_TCP, "_x._udp.test", "", 1, false },
        { "tcp://x._tcp.test:1", SL_SCHEME_TCP, "x._tcp.test", "", 1, false },
        { "unix:/run/x.sock", SL_SCHEME_UNIX, "", "/run/x.sock", 0, false },
        { "unix:run/x y:z", SL_SCHEME_UNIX, "", "run/x y:z", 0, false },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(GOOD); i++) {
        good_check(&GOOD[i]);
    }
}

struct bad {
    const char *text;
    size_t at;
    const char *says;
};

static void bad_check(const struct bad *bad, enum sl_err wanted)
{
    struct sl_url url;
    struct sl_url untouched;
    memset(&url, 0x55, sizeof(url));
    memset(&untouched, 0x55, sizeof(untouched));
    size_t at = 4711;
    struct sl_diag diag = { 0 };
    assert_int_equal(sl_url_parse(sl_slice_cstr(bad->text), &url, &at, &diag), wanted);
    assert_string_equal(diag.text, bad->says);
    assert_int_equal(at, bad->at);
    assert_memory_equal(&url, &untouched, sizeof(url));
    assert_int_equal(sl_url_parse(sl_slice_cstr(bad->text), &url, &at, NULL), wanted);
}

#define FORMS "tcp://HOST:PORT, tls://HOST:PORT or unix:PATH"

static void what_is_no_url_is_refused_with_its_place_and_what_would_be_right(void **state)
{
    static const struct bad BAD[] = {
        { "", 0, "the URL is empty: write " FORMS },
        { "localhost", 0, "'localhost' has no scheme: write " FORMS },
        { "127.0.0.1:80", 0, "'127.0.0.1:80' has no scheme: write " FORMS },
        { "htps://a:1", 0, "unknown scheme 'htps': tcp, tls or unix" },
        { "://a:1", 0, "unknown scheme '': tcp, tls or unix" },
        { "tcp:a:1", 4, "// is missing behind 'tcp:': write tcp://HOST:PORT" },
        { "unix:///run/x", 5, "a Unix socket is written unix:PATH, without //" },
        { "unix:", 5, "the path is missing: unix:PATH" },
        { "unix:@x", 5, "abstract sockets are not supported: give a path, unix:PATH" },
        { "tcp://::1:80", 6, "IPv6 addresses stand in brackets: tcp://[::1]:80" },
        { "tls://[::1:80", 6, "the bracket is not closed: tls://[::1]:80" },
        { "tcp://[1.2.3.4]:80", 7, "'1.2.3.4' is not an IPv6 address" },
        { "tcp://[fe80::1%eth0]:80", 7,
          "'fe80::1%eth0' is not an IPv6 address: zones are not supported" },
        { "tcp://[::1]", 11, "the port is missing: tcp://HOST:PORT" },
        { "tcp://[::1]80", 11, "the port is missing: tcp://HOST:PORT" },
        { "tls://a", 7, "the port is missing: tls://HOST:PORT" },
        { "tls://", 6, "the port is missing: tls://HOST:PORT" },
        { "tls://a:", 8, "the port is missing behind the colon: 1 to 65535, or 0 for any" },
        { "tls://a:x", 8, "port 'x' is not a number: 1 to 65535, or 0 for any" },
        { "tls://a:-1", 8, "port '-1' is not a number: 1 to 65535, or 0 for any" },
        { "tls://a:80/", 10, "nothing may stand behind the port" },
        { "tcp://256.1.1.1:80", 6, "'256.1.1.1' is not an IPv4 address" },
        { "tcp://a..b:80", 8, "a host name has no empty label between or behind its dots" },
        { "tcp://a.:80", 8, "a host name has no empty label between or behind its dots" },
        { "tcp://a.-b:80", 8, "'-b' begins or ends with '-'" },
        { "tcp://a.b-:80", 8, "'b-' begins or ends with '-'" },
        { "tcp://u@h:80", 7, "'@' cannot be in a host name: letters, digits, '-', '_', '.'" },
        { "tcp://b\xc3\xbc.de:80", 7, "host names are ASCII: write the xn-- form" },
        { "tcp://a\n:80", 7, "a control character (0x0a) cannot be in a URL" },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        bad_check(&BAD[i], SL_EINVAL);
    }
}

static void a_port_past_65535_is_out_of_range(void **state)
{
    static const struct bad BAD[] = {
        { "tls://a:70000", 8, "port 70000 is out of range: 1 to 65535, or 0 for any" },
        { "tls://a:65536", 8, "port 65536 is out of range: 1 to 65535, or 0 for any" },
        { "tls://a:4294967376", 8, "port 4294967376 is out of range: 1 to 65535, or 0 for any" },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        bad_check(&BAD[i], SL_ERANGE);
    }
}

/* `head`, then `count` times `fill`, then `tail`. */
static enum sl_err filled_parse(const char *head, char fill, size_t count, const char *tail)
{
    char memory[1024];
    struct sl_wbuf text = sl_wbuf_of(memory, sizeof(memory));
    enum sl_err rc = sl_wbuf_put(&text, sl_slice_cstr(head));
    for (size_t i = 0; i < count && rc == SL_OK; i++) {
        /* a dot after 60 letters keeps the labels within their limit */
        rc = sl_wbuf_put_u8(&text, (uint8_t)(count > 100 && i % 61 == 60 ? '.' : fill));
    }
    assert_int_equal(rc, SL_OK);
    assert_int_equal(sl_wbuf_put(&text, sl_slice_cstr(tail)), SL_OK);
    struct sl_url url;
    size_t at;
    return sl_url_parse(sl_wbuf_slice(&text), &url, &at, NULL);
}

static void lengths_end_exactly_where_the_standards_say(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(filled_parse("tcp://", 'a', 63, ":1"), SL_OK);
    assert_int_equal(filled_parse("tcp://", 'a', 64, ":1"), SL_ERANGE);
    assert_int_equal(filled_parse("tcp://", 'a', 253, ":1"), SL_OK);
    assert_int_equal(filled_parse("tcp://", 'a', 254, ":1"), SL_ERANGE);
    assert_int_equal(filled_parse("unix:/", 'a', 106, ""), SL_OK);
    assert_int_equal(filled_parse("unix:/", 'a', 107, ""), SL_ERANGE);
    assert_int_equal(filled_parse("tcp://a:", '0', 505, ""), SL_ERANGE);
}

static void schemes_have_the_names_that_are_parsed(void **state)
{
    SL_UNUSED(state);
    assert_string_equal(sl_scheme_name(SL_SCHEME_TCP), "tcp");
    assert_string_equal(sl_scheme_name(SL_SCHEME_TLS), "tls");
    assert_string_equal(sl_scheme_name(SL_SCHEME_UNIX), "unix");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_a_url_is_read),
        cmocka_unit_test(what_is_no_url_is_refused_with_its_place_and_what_would_be_right),
        cmocka_unit_test(a_port_past_65535_is_out_of_range),
        cmocka_unit_test(lengths_end_exactly_where_the_standards_say),
        cmocka_unit_test(schemes_have_the_names_that_are_parsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
