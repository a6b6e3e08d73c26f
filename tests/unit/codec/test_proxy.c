/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/proxy.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define V1 "PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n"
#define V2 "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\xc8\x22\x01\xbb"

static void either_version_is_read_in_any_cuts(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } CASES[] = { { V1, sizeof(V1) - 1 }, { V2, sizeof(V2) - 1 } };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        uint8_t bytes[256];
        struct sl_proxy_v2 header;
        char text[SL_ADDR_TEXT_MAX];
        memcpy(bytes, CASES[i].bytes, CASES[i].len);
        memcpy(bytes + CASES[i].len, "\x16\x03", 2);
        for (size_t len = 0; len < CASES[i].len; len++) {
            struct sl_slice in = sl_slice_of(bytes, len);
            assert_int_equal(sl_proxy_cut(&in, &header), SL_AGAIN);
            assert_int_equal(in.len, len);
            const size_t bound = sl_proxy_bound(in);
            assert_true(bound > len);
            assert_int_equal(bound, i == 0 && len > 0 ? 107 : len < 16 ? 16 : CASES[i].len);
        }
        struct sl_slice in = sl_slice_of(bytes, CASES[i].len + 2);
        assert_int_equal(sl_proxy_cut(&in, &header), SL_OK);
        assert_int_equal(in.len, 2);
        sl_addr_format(&header.source, text);
        assert_string_equal(text, "192.0.2.7:51234");
        sl_addr_format(&header.destination, text);
        assert_string_equal(text, "198.51.100.1:443");
        assert_false(header.is_local || header.is_tls);
    }
}

static void what_begins_as_neither_is_told_apart_from_what_is_malformed(void **state)
{
    static const struct {
        const char *text;
        enum sl_err rc;
    } CASES[] = {
        { "\x16", SL_ENOENT },           { "G", SL_ENOENT },
        { "PRI * HTTP/2.0", SL_ENOENT }, { "P", SL_AGAIN },
        { "PROXX", SL_ENOENT },          { "\r\n\r\r", SL_ENOENT },
        { "PROXY X\r\n", SL_EPROTO },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct sl_slice in = sl_slice_cstr(CASES[i].text);
        struct sl_proxy_v2 header;
        assert_int_equal(sl_proxy_cut(&in, &header), CASES[i].rc);
    }
}

static void a_connection_of_our_own_is_told_as_one(void **state)
{
    uint8_t bytes[16];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_proxy_v2 header;
    SL_UNUSED(state);
    assert_int_equal(sl_proxy_emit_local(SL_PROXY_OFF, &out), SL_OK);
    assert_int_equal(out.len, 0);
    assert_int_equal(sl_proxy_emit_local(SL_PROXY_V1, &out), SL_OK);
    assert_true(sl_slice_eq(sl_wbuf_slice(&out), SL_SLICE("PROXY UNKNOWN\r\n")));
    assert_int_equal(sl_proxy_emit_local(SL_PROXY_V2, &out), SL_ENOSPC);
    out.len = 0;
    assert_int_equal(sl_proxy_emit_local(SL_PROXY_V2, &out), SL_OK);
    struct sl_slice in = sl_wbuf_slice(&out);
    assert_int_equal(sl_proxy_cut(&in, &header), SL_OK);
    assert_true(header.is_local);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_version_is_read_in_any_cuts),
        cmocka_unit_test(what_begins_as_neither_is_told_apart_from_what_is_malformed),
        cmocka_unit_test(a_connection_of_our_own_is_told_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
