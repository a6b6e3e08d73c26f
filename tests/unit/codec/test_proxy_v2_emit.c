/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/proxy_v2.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { HEAD_BYTES = 16 };

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static struct sl_addr ip(const char *text, uint16_t port)
{
    struct sl_addr addr;
    assert_int_equal(sl_addr_from_ip(sl_slice_cstr(text), port, &addr), SL_OK);
    return addr;
}

static struct sl_proxy_v2 full_header(void)
{
    return (struct sl_proxy_v2){
        .source = ip("192.0.2.7", 51234),
        .destination = ip("198.51.100.1", 443),
        .alpn = SL_SLICE("h2"),
        .authority = SL_SLICE("www.example.com"),
        .is_tls = true,
        .has_client_cert = true,
        .is_verified = true,
        .unique_id = SL_SLICE("id"),
        .version = SL_SLICE("TLSv1.3"),
        .common_name = SL_SLICE("alice"),
        .cipher = SL_SLICE("TLS_AES_128_GCM_SHA256"),
        .sig_alg = SL_SLICE("ecdsa-with-SHA256"),
        .key_alg = SL_SLICE("EC256"),
        .group = SL_SLICE("X25519MLKEM768"),
        .sig_scheme = SL_SLICE("ecdsa_secp256r1_sha256"),
        .client_cert = SL_SLICE("0\x01z"),
        .is_resumed = true,
        .has_resumption = true,
        .has_checksum = true,
    };
}

static void a_header_has_the_bytes_of_the_specification(void **state)
{
    SL_UNUSED(state);
    struct sl_proxy_v2 header = { .source = ip("192.0.2.7", 0x1234),
                                  .destination = ip("198.51.100.1", 443),
                                  .alpn = SL_SLICE("h2"),
                                  .is_tls = true,
                                  .has_resumption = true,
                                  .version = SL_SLICE("TLSv1.2") };
    uint8_t bytes[SL_PROXY_V2_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
    static const char expected[] = SIGNATURE "\x21\x11\x00\x27"
                                             "\xc0\x00\x02\x07\xc6\x33\x64\x01\x12\x34\x01\xbb"
                                             "\x01\x00\x02h2"
                                             "\x20\x00\x0f\x01\x00\x00\x00\x01"
                                             "\x21\x00\x07TLSv1.2"
                                             "\xe0\x00\x01\x00";
    assert_int_equal(out.len, sizeof(expected) - 1);
    assert_memory_equal(bytes, expected, sizeof(expected) - 1);
}

static void a_resumed_session_sent_no_certificate_on_this_connection(void **state)
{
    SL_UNUSED(state);
    for (int resumed = 0; resumed <= 1; resumed++) {
        struct sl_proxy_v2 header = { .is_tls = true,
                                      .has_client_cert = true,
                                      .is_resumed = resumed != 0 };
        uint8_t bytes[SL_PROXY_V2_MAX];
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
        assert_int_equal(bytes[HEAD_BYTES + 3], resumed ? 0x05 : 0x07);
    }
}

static void a_header_that_would_be_too_long_is_not_written(void **state)
{
    SL_UNUSED(state);
    static uint8_t text[70000];
    memset(text, 'x', sizeof(text));
    uint8_t bytes[2 * SL_PROXY_V2_MAX];
    /* 16 fixed and 3 of the TLV */
    enum { FITS = SL_PROXY_V2_MAX - 19 };
    const size_t lengths[] = { FITS, FITS + 1, 65535, 65536, 65537, sizeof(text) };
    for (size_t i = 0; i < SL_COUNT(lengths); i++) {
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        struct sl_proxy_v2 header = { .authority = sl_slice_of(text, lengths[i]) };
        assert_int_equal(sl_proxy_v2_emit(&header, &out), lengths[i] == FITS ? SL_OK : SL_ERANGE);
        assert_int_equal(out.len, lengths[i] == FITS ? SL_PROXY_V2_MAX : 0);
    }
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_proxy_v2 header = { .is_tls = true, .common_name = sl_slice_of(text, FITS) };
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_ERANGE);
    assert_int_equal(out.len, 0);
}

static void a_buffer_without_room_stays_as_it_was(void **state)
{
    SL_UNUSED(state);
    struct sl_proxy_v2 header = full_header();
    uint8_t bytes[SL_PROXY_V2_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
    size_t needed = out.len;
    out = sl_wbuf_of(bytes, needed - 1);
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_ENOSPC);
    assert_int_equal(out.len, 0);
    out = sl_wbuf_of(bytes, needed);
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
}

static void addresses_of_two_families_are_refused(void **state)
{
    SL_UNUSED(state);
    uint8_t bytes[SL_PROXY_V2_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_proxy_v2 header = { .source = ip("::1", 1), .destination = ip("127.0.0.1", 1) };
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_EINVAL);
    header.destination = (struct sl_addr){ 0 };
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_EINVAL);
    header.source = header.destination =
        (struct sl_addr){ .sa.any.sa_family = 77, .len = sizeof(struct sockaddr_in) };
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_EINVAL);
    assert_int_equal(out.len, 0);
}

static void a_local_header_has_sixteen_bytes(void **state)
{
    SL_UNUSED(state);
    struct sl_proxy_v2 header = full_header();
    header.is_local = true;
    uint8_t bytes[64];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    static const char EXPECTED[] = SIGNATURE "\x20\x00\x00\x00";
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
    assert_int_equal(out.len, sizeof(EXPECTED) - 1);
    assert_memory_equal(bytes, EXPECTED, out.len);
}

static void what_is_passed_on_stands_at_the_end(void **state)
{
    SL_UNUSED(state);
    const struct sl_slice passed = SL_SLICE("\xea\x00\x03vpc\x30\x00\x02ns");
    struct sl_proxy_v2 header = full_header(), got;
    header.passed = passed;
    uint8_t bytes[1024];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
    assert_true(sl_slice_ends(sl_wbuf_slice(&out), passed));
    struct sl_slice in = sl_wbuf_slice(&out); /* and the checksum is of it as well */
    assert_int_equal(sl_proxy_v2_cut(&in, &got), SL_OK);
    bytes[out.len - 1] ^= 1;
    in = sl_wbuf_slice(&out);
    assert_int_equal(sl_proxy_v2_cut(&in, &got), SL_EVERIFY);
}

static void a_certificate_that_was_not_accepted_is_told_as_such(void **state)
{
    SL_UNUSED(state);
    struct sl_proxy_v2 header = { .is_tls = true, .has_client_cert = true };
    uint8_t bytes[64];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
    assert_memory_equal(bytes + HEAD_BYTES, "\x20\x00\x05\x07\x00\x00\x00\x01", 8);
    out.len = 0;
    header.is_verified = true;
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
    assert_memory_equal(bytes + HEAD_BYTES, "\x20\x00\x05\x07\x00\x00\x00\x00", 8);
    out.len = 0;
    header.has_client_cert = false; /* then there is nothing that could have been accepted */
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
    assert_memory_equal(bytes + HEAD_BYTES, "\x20\x00\x05\x01\x00\x00\x00\x01", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_has_the_bytes_of_the_specification),
        cmocka_unit_test(a_resumed_session_sent_no_certificate_on_this_connection),
        cmocka_unit_test(a_header_that_would_be_too_long_is_not_written),
        cmocka_unit_test(a_buffer_without_room_stays_as_it_was),
        cmocka_unit_test(addresses_of_two_families_are_refused),
        cmocka_unit_test(a_local_header_has_sixteen_bytes),
        cmocka_unit_test(what_is_passed_on_stands_at_the_end),
        cmocka_unit_test(a_certificate_that_was_not_accepted_is_told_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
