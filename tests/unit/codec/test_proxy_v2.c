/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/proxy_v2.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HEAD_BYTES = 16, LENGTH_AT = 14 };

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static struct sl_addr ip(const char *text, uint16_t port)
{
    struct sl_addr addr;
    assert_int_equal(sl_addr_from_ip(sl_slice_cstr(text), port, &addr), SL_OK);
    return addr;
}

static struct sl_addr unix_path(const char *text)
{
    struct sl_addr addr;
    assert_int_equal(sl_addr_from_path(sl_slice_cstr(text), &addr), SL_OK);
    return addr;
}

static void assert_slice(struct sl_slice actual, const char *expected)
{
    assert_int_equal(actual.len, strlen(expected));
    assert_true(sl_slice_eq(actual, sl_slice_cstr(expected)));
}

static void assert_addr(const struct sl_addr *actual, const char *expected)
{
    char text[SL_ADDR_TEXT_MAX];
    sl_addr_format(actual, text);
    assert_string_equal(text, expected);
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

/* Cuts `bytes` from a heap copy of its exact size, so that the sanitizer sees a read too far. */
static enum sl_err cut_exactly(struct sl_slice bytes, struct sl_proxy_v2 *ret_header, size_t *left)
{
    uint8_t *copy = malloc(bytes.len == 0 ? 1 : bytes.len);
    assert_non_null(copy);
    memcpy(copy, bytes.ptr, bytes.len);
    struct sl_slice in = sl_slice_of(copy, bytes.len);
    enum sl_err rc = sl_proxy_v2_cut(&in, ret_header);
    *left = in.len;
    free(copy);
    return rc;
}

static enum sl_err cut_code(struct sl_slice bytes)
{
    struct sl_proxy_v2 header;
    memset(&header, 0xa5, sizeof(header));
    struct sl_proxy_v2 before = header;
    size_t left = 0;
    enum sl_err rc = cut_exactly(bytes, &header, &left);
    if (rc != SL_OK) { /* a failure leaves both as they were */
        assert_int_equal(left, bytes.len);
        assert_memory_equal(&header, &before, sizeof(header));
    }
    return rc;
}

/* A header of command and family byte with `rest` behind it. */
static enum sl_err cut_made(uint8_t command, uint8_t family, struct sl_slice rest,
                            struct sl_proxy_v2 *ret_header)
{
    static uint8_t bytes[HEAD_BYTES + 70000];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_wbuf_put(&out, SL_SLICE(SIGNATURE)), SL_OK);
    assert_int_equal(sl_wbuf_put_u8(&out, command), SL_OK);
    assert_int_equal(sl_wbuf_put_u8(&out, family), SL_OK);
    assert_int_equal(sl_wbuf_put_u16(&out, (uint16_t)rest.len), SL_OK);
    assert_int_equal(sl_wbuf_put(&out, rest), SL_OK);
    struct sl_slice in = sl_wbuf_slice(&out);
    return sl_proxy_v2_cut(&in, ret_header);
}

static void every_field_comes_back(void **state)
{
    SL_UNUSED(state);
    struct sl_proxy_v2 header = full_header();
    uint8_t bytes[SL_PROXY_V2_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
    assert_int_equal(sl_wbuf_put(&out, SL_SLICE("GET /")), SL_OK);

    struct sl_slice in = sl_wbuf_slice(&out);
    struct sl_proxy_v2 got;
    assert_int_equal(sl_proxy_v2_cut(&in, &got), SL_OK);
    assert_slice(in, "GET /");
    assert_addr(&got.source, "192.0.2.7:51234");
    assert_addr(&got.destination, "198.51.100.1:443");
    assert_slice(got.alpn, "h2");
    assert_slice(got.authority, "www.example.com");
    assert_true(got.is_tls && got.has_client_cert && got.is_resumed);
    assert_slice(got.version, "TLSv1.3");
    assert_slice(got.common_name, "alice");
    assert_slice(got.cipher, "TLS_AES_128_GCM_SHA256");
    assert_slice(got.group, "X25519MLKEM768");
    assert_true(got.is_verified && got.has_resumption && !got.is_local);
    assert_slice(got.unique_id, "id");
    assert_slice(got.sig_alg, "ecdsa-with-SHA256");
    assert_slice(got.key_alg, "EC256");
    assert_slice(got.sig_scheme, "ecdsa_secp256r1_sha256");
    assert_slice(got.client_cert, "0\x01z");
}

static void addresses_of_every_family_come_back(void **state)
{
    SL_UNUSED(state);
    struct sl_addr unnamed = { .sa.un.sun_family = AF_UNIX, .len = sizeof(sa_family_t) };
    struct sl_addr abstract = { .sa.un = { AF_UNIX, "\0name" }, .len = sizeof(sa_family_t) + 5 };
    struct sl_addr none = { 0 };
    const struct {
        struct sl_addr source, destination;
        const char *source_text, *destination_text;
    } cases[] = {
        { ip("2001:db8::1", 1), ip("::1", 65535), "[2001:db8::1]:1", "[::1]:65535" },
        { unix_path("/run/a"), unix_path("/b"), "unix:/run/a", "unix:/b" },
        { unnamed, unix_path("/b"), "unix:", "unix:/b" },
        { unnamed, abstract, "unix:", "unix:" },
        { none, none, "-", "-" },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_proxy_v2 header = { .source = cases[i].source,
                                      .destination = cases[i].destination,
                                      .authority = SL_SLICE("a.test") };
        uint8_t bytes[SL_PROXY_V2_MAX];
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
        struct sl_slice in = sl_wbuf_slice(&out);
        struct sl_proxy_v2 got;
        assert_int_equal(sl_proxy_v2_cut(&in, &got), SL_OK);
        assert_addr(&got.source, cases[i].source_text);
        assert_addr(&got.destination, cases[i].destination_text);
        assert_int_equal(got.source.len, cases[i].source.len);
        assert_int_equal(got.destination.len, cases[i].destination.len);
        assert_memory_equal(&got.destination.sa, &cases[i].destination.sa,
                            cases[i].destination.len);
        assert_slice(got.authority, "a.test");
    }
}

static void the_longest_path_comes_back(void **state)
{
    SL_UNUSED(state);
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    struct sl_proxy_v2 header = { .source = unix_path(path), .destination = unix_path(path) };
    uint8_t bytes[SL_PROXY_V2_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
    assert_int_equal(out.len, HEAD_BYTES + 216);
    struct sl_slice in = sl_wbuf_slice(&out);
    struct sl_proxy_v2 got;
    assert_int_equal(sl_proxy_v2_cut(&in, &got), SL_OK);
    assert_string_equal(got.source.sa.un.sun_path, path);

    /* without any NUL on the wire, as the specification allows */
    memset(bytes + HEAD_BYTES, 'q', 216);
    in = sl_wbuf_slice(&out);
    assert_int_equal(sl_proxy_v2_cut(&in, &got), SL_OK);
    assert_int_equal(got.source.len, offsetof(struct sockaddr_un, sun_path) + 108);
}

static void where_tcp_cuts_a_header_does_not_matter(void **state)
{
    SL_UNUSED(state);
    struct sl_proxy_v2 header = full_header();
    uint8_t bytes[SL_PROXY_V2_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
    for (size_t len = 0; len < out.len; len++) {
        assert_int_equal(cut_code(sl_slice_of(bytes, len)), SL_AGAIN);
    }
    struct sl_proxy_v2 got;
    size_t left = 1;
    assert_int_equal(cut_exactly(sl_wbuf_slice(&out), &got, &left), SL_OK);
    assert_int_equal(left, 0);
}

static void other_bytes_are_refused_at_the_first_that_differs(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(cut_code(SL_SLICE("G")), SL_EPROTO);
    assert_int_equal(cut_code(SL_SLICE("\x16\x03\x01")), SL_EPROTO);
    assert_int_equal(cut_code(SL_SLICE("PROXY TCP4 ")), SL_EPROTO);
    for (size_t i = 0; i < sizeof(SIGNATURE) - 1; i++) {
        uint8_t bytes[sizeof(SIGNATURE) - 1];
        memcpy(bytes, SIGNATURE, sizeof(bytes));
        bytes[i] ^= 0x40;
        assert_int_equal(cut_code(sl_slice_of(bytes, i)), SL_AGAIN);
        assert_int_equal(cut_code(sl_slice_of(bytes, i + 1)), SL_EPROTO);
    }
}

static void only_the_commands_and_families_of_the_specification_are_taken(void **state)
{
    SL_UNUSED(state);
    static const uint8_t zeroes[216] = { 0 };
    const struct sl_slice rest = sl_slice_of(zeroes, sizeof(zeroes));
    struct sl_proxy_v2 got;
    for (unsigned command = 0; command < 256; command++) {
        bool known = command == 0x20 || command == 0x21;
        assert_int_equal(cut_made((uint8_t)command, 0x31, rest, &got), known ? SL_OK : SL_EPROTO);
    }
    for (unsigned family = 0; family < 256; family++) {
        bool known = family == 0 || ((family >> 4) >= 1 && (family >> 4) <= 3 &&
                                     (family & 15) >= 1 && (family & 15) <= 2);
        size_t len = family >> 4 == 1 ? 12 : family >> 4 == 2 ? 36 : family >> 4 == 3 ? 216 : 0;
        struct sl_slice exact = sl_slice_of(zeroes, len);
        assert_int_equal(cut_made(0x21, (uint8_t)family, exact, &got), known ? SL_OK : SL_EPROTO);
        if (known && len > 0) {
            exact.len--;
            assert_int_equal(cut_made(0x21, (uint8_t)family, exact, &got), SL_EPROTO);
        }
        /* the receiver of LOCAL must not look at the family */
        assert_int_equal(cut_made(0x20, (uint8_t)family, exact, &got), SL_OK);
    }
}

static void a_local_header_says_nothing(void **state)
{
    SL_UNUSED(state);
    struct sl_proxy_v2 got;
    const struct sl_slice rest = SL_SLICE("\x01\x02\x03\x04\x05\x06\x07\x08\x00\x01\x00\x02"
                                          "\x02\x00\x01"
                                          "a");
    assert_int_equal(cut_made(0x20, 0x11, rest, &got), SL_OK);
    assert_true(got.is_local);
    assert_int_equal(got.tlvs.len, 0);
    assert_int_equal(got.source.len, 0);
    assert_int_equal(got.destination.len, 0);
    assert_int_equal(got.authority.len, 0);
    assert_int_equal(cut_made(0x21, 0x11, rest, &got), SL_OK);
    assert_false(got.is_local);
    assert_addr(&got.source, "1.2.3.4:1");
    assert_slice(got.authority, "a");
}

static void unknown_tlvs_are_passed_over(void **state)
{
    SL_UNUSED(state);
    struct sl_proxy_v2 got;
    /* NOOP twice, one of nobody's, netns, then the one that is wanted */
    const struct sl_slice rest = SL_SLICE("\x04\x00\x00\x04\x00\x02zz"
                                          "\xea\x00\x04\x11\x22\x33\x44"
                                          "\x30\x00\x02ns"
                                          "\x02\x00\x06"
                                          "a.test");
    assert_int_equal(cut_made(0x21, 0, rest, &got), SL_OK);
    assert_slice(got.authority, "a.test");
    assert_int_equal(got.tlvs.len, rest.len);
    assert_false(got.is_tls);
}

static void malformed_tlvs_are_refused(void **state)
{
    SL_UNUSED(state);
    struct sl_proxy_v2 got;
    const struct sl_slice bad[] = {
        SL_SLICE("\x01"),
        SL_SLICE("\x01\x00"),
        SL_SLICE("\x01\x00\x03h2"),
        SL_SLICE("\x01\x00\x02h2\x01\x00\x02h2"),                  /* twice */
        SL_SLICE("\x02\x00\x00\x02\x00\x01z"),                     /* twice, first empty */
        SL_SLICE("\x20\x00\x00"),                                  /* no flags */
        SL_SLICE("\x20\x00\x04\x01\x00\x00\x00"),                  /* no verify */
        SL_SLICE("\x20\x00\x06\x01\x00\x00\x00\x00\x21"),          /* inner TLV cut */
        SL_SLICE("\x20\x00\x09\x01\x00\x00\x00\x00\x21\x00\x02z"), /* inner TLV too long */
        SL_SLICE("\x20\x00\x0d\x01\x00\x00\x00\x00"
                 "\x22\x00\x01"
                 "a\x22\x00\x01"
                 "b"), /* inner TLV twice */
        SL_SLICE("\x20\x00\x05\x00\x00\x00\x00\x00\x20\x00\x05\x00\x00\x00\x00\x00"),
    };
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        assert_int_equal(cut_made(0x21, 0, bad[i], &got), SL_EPROTO);
    }
}

static void a_client_certificate_counts_only_when_it_was_verified(void **state)
{
    SL_UNUSED(state);
    const struct {
        struct sl_slice rest;
        bool is_tls, has_client_cert, is_verified;
    } cases[] = {
        { SL_SLICE("\x20\x00\x05\x00\x00\x00\x00\x00"), false, false, false },
        { SL_SLICE("\x20\x00\x05\x06\x00\x00\x00\x00"), false, false, false }, /* no TLS */
        { SL_SLICE("\x20\x00\x05\x01\x00\x00\x00\x00"), true, false, false },
        { SL_SLICE("\x20\x00\x05\x03\x00\x00\x00\x00"), true, true, true },
        { SL_SLICE("\x20\x00\x05\x05\x00\x00\x00\x00"), true, true, true },
        { SL_SLICE("\x20\x00\x05\x07\x00\x00\x00\x01"), true, true, false },
        { SL_SLICE("\x20\x00\x05\x07\x01\x00\x00\x00"), true, true, false },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_proxy_v2 got;
        assert_int_equal(cut_made(0x21, 0, cases[i].rest, &got), SL_OK);
        assert_int_equal(got.is_tls, cases[i].is_tls);
        assert_int_equal(got.has_client_cert, cases[i].has_client_cert);
        assert_int_equal(got.is_verified, cases[i].is_verified);
    }
}

static void what_belongs_to_tls_is_not_read_without_it(void **state)
{
    SL_UNUSED(state);
    struct sl_proxy_v2 got;
    assert_int_equal(cut_made(0x21, 0,
                              SL_SLICE("\x20\x00\x09\x00\x00\x00\x00\x00\x22\x00\x01z"
                                       "\xe0\x00\x01\x01"),
                              &got),
                     SL_OK);
    assert_false(got.is_tls || got.is_resumed);
    assert_int_equal(got.common_name.len, 0);
    assert_null(got.common_name.ptr);

    struct sl_proxy_v2 header = full_header();
    header.is_tls = false;
    uint8_t bytes[SL_PROXY_V2_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
    struct sl_slice in = sl_wbuf_slice(&out);
    assert_int_equal(sl_proxy_v2_cut(&in, &got), SL_OK);
    assert_false(got.is_tls || got.has_client_cert || got.is_resumed);
    assert_int_equal(got.cipher.len, 0);
}

static void a_private_tlv_of_another_sender_is_not_ours(void **state)
{
    SL_UNUSED(state);
    const struct {
        struct sl_slice rest;
        bool is_resumed;
    } cases[] = {
        { SL_SLICE("\x20\x00\x05\x01\x00\x00\x00\x01\xe0\x00\x01\x01"), true },
        { SL_SLICE("\xe0\x00\x01\x01\x20\x00\x05\x01\x00\x00\x00\x01"), true },
        { SL_SLICE("\x20\x00\x05\x01\x00\x00\x00\x01\xe0\x00\x01\x00"), false },
        { SL_SLICE("\x20\x00\x05\x01\x00\x00\x00\x01\xe0\x00\x01\x02"), false },
        { SL_SLICE("\x20\x00\x05\x01\x00\x00\x00\x01\xe0\x00\x00"), false },
        { SL_SLICE("\x20\x00\x05\x01\x00\x00\x00\x01\xe0\x00\x02\x01\x01"), false },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_proxy_v2 got;
        assert_int_equal(cut_made(0x21, 0, cases[i].rest, &got), SL_OK);
        assert_int_equal(got.is_resumed, cases[i].is_resumed);
    }
}

static void a_header_over_the_limit_is_refused_before_it_has_come(void **state)
{
    SL_UNUSED(state);
    enum { REST_MAX = SL_PROXY_V2_MAX - HEAD_BYTES };
    uint8_t bytes[HEAD_BYTES] = SIGNATURE "\x21\x00";
    bytes[LENGTH_AT] = REST_MAX >> 8;
    bytes[LENGTH_AT + 1] = REST_MAX & 0xff;
    assert_int_equal(cut_code(sl_slice_of(bytes, sizeof(bytes))), SL_AGAIN);
    bytes[LENGTH_AT + 1] = (REST_MAX & 0xff) + 1;
    assert_int_equal(cut_code(sl_slice_of(bytes, sizeof(bytes))), SL_ERANGE);
}

/* Of the checksum a wrong bit anywhere, and of a header without one nothing. */
static void a_wrong_checksum_is_seen_wherever_the_header_differs(void **state)
{
    SL_UNUSED(state);
    struct sl_proxy_v2 header = full_header(), got;
    uint8_t bytes[SL_PROXY_V2_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    size_t left = 0;
    assert_int_equal(sl_proxy_v2_emit(&header, &out), SL_OK);
    unsigned wrong_count = 0;
    for (size_t i = 0; i < out.len; i++) {
        if (i == 12) { /* that would make it LOCAL */
            continue;
        }
        bytes[i] ^= 1;
        enum sl_err rc = cut_exactly(sl_wbuf_slice(&out), &got, &left);
        assert_int_not_equal(rc, SL_OK);
        wrong_count += rc == SL_EVERIFY ? 1 : 0;
        bytes[i] ^= 1;
    }
    assert_true(wrong_count > out.len / 2);
    assert_int_equal(cut_exactly(sl_wbuf_slice(&out), &got, &left), SL_OK);

    /* one of another length */
    assert_int_equal(cut_made(0x21, 0, SL_SLICE("\x03\x00\x00"), &got), SL_EPROTO);
    assert_int_equal(cut_made(0x21, 0, SL_SLICE("\x03\x00\x05zzzzz"), &got), SL_EPROTO);
    assert_int_equal(cut_made(0x21, 0, SL_SLICE("\x03\x00\x04zzzz"), &got), SL_EVERIFY);
    /* of LOCAL it is not looked at */
    assert_int_equal(cut_made(0x20, 0, SL_SLICE("\x03\x00\x04zzzz"), &got), SL_OK);
}

/* CRC-32C of the sixteen bytes and the TLV with zeroes, computed by another program. */
static void a_checksum_is_that_of_the_specification(void **state)
{
    SL_UNUSED(state);
    struct sl_proxy_v2 got;
    assert_int_equal(cut_made(0x21, 0,
                              SL_SLICE("\x03\x00\x04"
                                       "\x3e\xc9\x89\x4e"),
                              &got),
                     SL_OK);
}

static void a_unique_id_has_at_most_128_bytes(void **state)
{
    SL_UNUSED(state);
    uint8_t rest[3 + SL_PROXY_UNIQUE_ID_MAX + 1] = { SL_PROXY_TLV_UNIQUE_ID, 0,
                                                     SL_PROXY_UNIQUE_ID_MAX };
    struct sl_proxy_v2 got;
    assert_int_equal(cut_made(0x21, 0, sl_slice_of(rest, sizeof(rest) - 1), &got), SL_OK);
    assert_int_equal(got.unique_id.len, SL_PROXY_UNIQUE_ID_MAX);
    rest[2]++;
    assert_int_equal(cut_made(0x21, 0, sl_slice_of(rest, sizeof(rest)), &got), SL_EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_comes_back),
        cmocka_unit_test(addresses_of_every_family_come_back),
        cmocka_unit_test(the_longest_path_comes_back),
        cmocka_unit_test(where_tcp_cuts_a_header_does_not_matter),
        cmocka_unit_test(other_bytes_are_refused_at_the_first_that_differs),
        cmocka_unit_test(only_the_commands_and_families_of_the_specification_are_taken),
        cmocka_unit_test(a_local_header_says_nothing),
        cmocka_unit_test(unknown_tlvs_are_passed_over),
        cmocka_unit_test(malformed_tlvs_are_refused),
        cmocka_unit_test(a_client_certificate_counts_only_when_it_was_verified),
        cmocka_unit_test(what_belongs_to_tls_is_not_read_without_it),
        cmocka_unit_test(a_private_tlv_of_another_sender_is_not_ours),
        cmocka_unit_test(a_header_over_the_limit_is_refused_before_it_has_come),
        cmocka_unit_test(a_wrong_checksum_is_seen_wherever_the_header_differs),
        cmocka_unit_test(a_checksum_is_that_of_the_specification),
        cmocka_unit_test(a_unique_id_has_at_most_128_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
