/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/proxy_v1.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sl_addr ip(const char *text, uint16_t port)
{
    struct sl_addr addr;
    assert_int_equal(sl_addr_from_ip(sl_slice_cstr(text), port, &addr), SL_OK);
    return addr;
}

/* Cuts from a heap copy of the exact size; a failure leaves everything as it was. */
static enum sl_err cut(struct sl_slice bytes, struct sl_addr *source, struct sl_addr *destination,
                       size_t *ret_left)
{
    uint8_t *copy = malloc(bytes.len == 0 ? 1 : bytes.len);
    assert_non_null(copy);
    memcpy(copy, bytes.ptr, bytes.len);
    struct sl_slice in = sl_slice_of(copy, bytes.len);
    memset(source, 0xa5, sizeof(*source));
    memset(destination, 0xa5, sizeof(*destination));
    const struct sl_addr before = *source;
    enum sl_err rc = sl_proxy_v1_cut(&in, source, destination);
    if (rc != SL_OK) {
        assert_int_equal(in.len, bytes.len);
        assert_memory_equal(source, &before, sizeof(before));
        assert_memory_equal(destination, &before, sizeof(before));
    }
    *ret_left = in.len;
    free(copy);
    return rc;
}

static enum sl_err cut_code(const char *text)
{
    struct sl_addr source, destination;
    size_t left;
    return cut(sl_slice_cstr(text), &source, &destination, &left);
}

static void lines_of_both_families_are_read(void **state)
{
    static const struct {
        const char *line, *source, *destination;
    } CASES[] = {
        { "PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n", "192.0.2.7:51234",
          "198.51.100.1:443" },
        { "PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0:0", "255.255.255.255:65535" },
        { "PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "[2001:db8::1]:1", "[::1]:2" },
        { "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535 65534\r\n",
          "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
          "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65534" },
        { "PROXY UNKNOWN\r\n", "-", "-" },
        { "PROXY UNKNOWN ffff::1 anything at all\r\n", "-", "-" },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct sl_addr source, destination;
        char text[SL_ADDR_TEXT_MAX];
        size_t left = 1;
        assert_int_equal(cut(sl_slice_cstr(CASES[i].line), &source, &destination, &left), SL_OK);
        assert_int_equal(left, 0);
        sl_addr_format(&source, text);
        assert_string_equal(text, CASES[i].source);
        sl_addr_format(&destination, text);
        assert_string_equal(text, CASES[i].destination);
    }
}

static void where_tcp_cuts_a_line_does_not_matter_and_nothing_is_read_beyond_it(void **state)
{
    static const char LINE[] = "PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n"
                               "\x16\x03\x01";
    const size_t line_len = sizeof(LINE) - 1 - 3;
    struct sl_addr source, destination;
    size_t left = 0;
    SL_UNUSED(state);
    for (size_t len = 0; len < line_len; len++) {
        assert_int_equal(cut(sl_slice_of(LINE, len), &source, &destination, &left), SL_AGAIN);
    }
    for (size_t more = 0; more <= 3; more++) {
        assert_int_equal(cut(sl_slice_of(LINE, line_len + more), &source, &destination, &left),
                         SL_OK);
        assert_int_equal(left, more);
    }
}

static void a_line_has_at_most_107_bytes(void **state)
{
    char line[SL_PROXY_V1_MAX + 2];
    struct sl_addr source, destination;
    size_t left = 0;
    SL_UNUSED(state);
    memset(line, 'x', sizeof(line));
    memcpy(line, "PROXY UNKNOWN ", 14);
    memcpy(line + SL_PROXY_V1_MAX - 2, "\r\n", 2);
    assert_int_equal(cut(sl_slice_of(line, SL_PROXY_V1_MAX - 1), &source, &destination, &left),
                     SL_AGAIN);
    assert_int_equal(cut(sl_slice_of(line, SL_PROXY_V1_MAX), &source, &destination, &left), SL_OK);
    memcpy(line + SL_PROXY_V1_MAX - 2, "xx\r\n", 4);
    assert_int_equal(cut(sl_slice_of(line, SL_PROXY_V1_MAX - 1), &source, &destination, &left),
                     SL_AGAIN);
    assert_int_equal(cut(sl_slice_of(line, SL_PROXY_V1_MAX), &source, &destination, &left),
                     SL_EPROTO);
    assert_int_equal(cut(sl_slice_of(line, sizeof(line)), &source, &destination, &left), SL_EPROTO);
}

static void what_is_not_to_the_letter_is_refused(void **state)
{
    static const char *const BAD[] = {
        "G",
        "PROXY\r\n",
        "PROXY \r\n",
        "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
        "proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 1.2.3.4\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4  1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1\r2\r\n\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 -2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
        "PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 ::1 1.2.3.4 1 2\r\n",
        "PROXY TCP6 1.2.3.4 ::1 1 2\r\n",
        "PROXY TCP4 1.2.3.4 localhost 1 2\r\n",
        "PROXY UNKNOWNX\r\n",
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        assert_int_equal(cut_code(BAD[i]), SL_EPROTO);
    }
}

static void what_is_written_is_the_line_of_the_specification(void **state)
{
    const struct sl_addr none = { 0 };
    const struct sl_addr path = { .sa.un = { AF_UNIX, "/a" }, .len = sizeof(sa_family_t) + 3 };
    const struct {
        struct sl_addr source, destination;
        const char *line;
    } cases[] = {
        { ip("192.0.2.7", 51234), ip("198.51.100.1", 443),
          "PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n" },
        { ip("2001:db8::1", 1), ip("::1", 65535), "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n" },
        { ip("::1", 1), ip("127.0.0.1", 1), "PROXY UNKNOWN\r\n" },
        { none, none, "PROXY UNKNOWN\r\n" },
        { ip("::1", 1), none, "PROXY UNKNOWN\r\n" },
        { path, path, "PROXY UNKNOWN\r\n" },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        char bytes[SL_PROXY_V1_MAX + 1];
        struct sl_wbuf out = sl_wbuf_of(bytes, SL_PROXY_V1_MAX);
        assert_int_equal(sl_proxy_v1_emit(&cases[i].source, &cases[i].destination, &out), SL_OK);
        bytes[out.len] = '\0';
        assert_string_equal(bytes, cases[i].line);
        out = sl_wbuf_of(bytes, out.len - 1);
        assert_int_equal(sl_proxy_v1_emit(&cases[i].source, &cases[i].destination, &out),
                         SL_ENOSPC);
        assert_int_equal(out.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_both_families_are_read),
        cmocka_unit_test(where_tcp_cuts_a_line_does_not_matter_and_nothing_is_read_beyond_it),
        cmocka_unit_test(a_line_has_at_most_107_bytes),
        cmocka_unit_test(what_is_not_to_the_letter_is_refused),
        cmocka_unit_test(what_is_written_is_the_line_of_the_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
