/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/hello_scan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { MESSAGE_MAX = 8192, WIRE_MAX = 6 * MESSAGE_MAX + 64 };

/* A message or what is sent of it. */
struct bytes {
    uint8_t memory[WIRE_MAX];
    struct sl_wbuf out;
};

static void bytes_init(struct bytes *bytes)
{
    bytes->out = sl_wbuf_of(bytes->memory, sizeof(bytes->memory));
}

static void put(struct bytes *bytes, struct sl_slice slice)
{
    assert_int_equal(sl_wbuf_put(&bytes->out, slice), SL_OK);
}

static void put_u16(struct bytes *bytes, size_t value)
{
    assert_int_equal(sl_wbuf_put_u16(&bytes->out, (uint16_t)value), SL_OK);
}

static void put_u8(struct bytes *bytes, size_t value)
{
    assert_int_equal(sl_wbuf_put_u8(&bytes->out, (uint8_t)value), SL_OK);
}

static void put_extension(struct bytes *bytes, unsigned type, struct sl_slice body)
{
    put_u16(bytes, type);
    put_u16(bytes, body.len);
    put(bytes, body);
}

static const struct sl_slice NAME = SL_SLICE_INIT("\0\x0e\0\0\x0b"
                                                  "example.org"); /* the body of server_name */
static const struct sl_slice ALPN = SL_SLICE_INIT("\0\x0c\x02h2\x08http/1.1");

/* A ClientHello with these extensions; `has_none` leaves out even their length. */
static void make_hello(struct bytes *message, struct sl_slice extensions, bool has_none)
{
    static const uint8_t RANDOM[32];
    const size_t len = 2 + 32 + 1 + 32 + 2 + 4 + 2 + (has_none ? 0 : 2 + extensions.len);
    bytes_init(message);
    put_u8(message, 1);
    put_u8(message, len >> 16);
    put_u16(message, len);
    put_u16(message, 0x0303);
    put(message, sl_slice_of(RANDOM, 32));
    put_u8(message, 32);
    put(message, sl_slice_of(RANDOM, 32));
    put_u16(message, 4);
    put(message, SL_SLICE("\x3a\x3a\x13\x01")); /* GREASE before what is meant (RFC 8701 3) */
    put(message, SL_SLICE("\x01\0"));
    if (!has_none) {
        put_u16(message, extensions.len);
        put(message, extensions);
    }
}

/* What a browser of today sends: GREASE at both ends, a post-quantum key share, an outer ECH. */
static void make_modern(struct bytes *message, size_t share_bytes)
{
    static uint8_t share[MESSAGE_MAX];
    static struct bytes extensions;
    bytes_init(&extensions);
    put_extension(&extensions, 0x0a0a, SL_SLICE(""));
    put_extension(&extensions, 51, sl_slice_of(share, share_bytes));
    put_extension(&extensions, 0, NAME);
    put_extension(&extensions, 0xfe0d, SL_SLICE("\0\0\1\0\1\x2a\0\1x\0\1y"));
    put_extension(&extensions, 16, ALPN);
    put_extension(&extensions, 0xfafa, SL_SLICE("\0"));
    make_hello(message, sl_wbuf_slice(&extensions.out), false);
}

/* The message in records of so many bytes, and 3 more bytes that belong to nobody. */
static void make_wire(struct bytes *wire, struct sl_slice message, size_t record_bytes)
{
    bytes_init(wire);
    while (message.len > 0) {
        const struct sl_slice part = sl_slice_cut(&message, record_bytes);
        put(wire, SL_SLICE("\x16\x03\x01"));
        put_u16(wire, part.len);
        put(wire, part);
    }
    put(wire, SL_SLICE("etc"));
}

static void assert_modern(struct sl_slice message)
{
    struct sl_hello hello;
    assert_int_equal(sl_hello_scan_parse(message, &hello), SL_OK);
    assert_true(sl_slice_eq(hello.server_name, SL_SLICE("example.org")));
    assert_true(sl_slice_eq(hello.alpn, SL_SLICE("\x02h2\x08http/1.1")));
    assert_true(hello.has_ech);
}

static void a_hello_is_found_whatever_its_records_and_segments_are(void **state)
{
    static const size_t RECORDS[] = { 1, 2, 3, 5, 255, 256, 1300, MESSAGE_MAX };
    static const size_t SHARES[] = { 36, 1220, 3900 }; /* X25519, X25519MLKEM768, more yet */
    static struct bytes message, wire, join;
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(RECORDS) * SL_COUNT(SHARES); i++) {
        make_modern(&message, SHARES[i / SL_COUNT(RECORDS)]);
        make_wire(&wire, sl_wbuf_slice(&message.out), RECORDS[i % SL_COUNT(RECORDS)]);
        struct sl_hello_scan scan = { 0 };
        const size_t end = wire.out.len - 3;
        for (size_t len = 0; len < end; len++) { /* one byte in each segment */
            assert_int_equal(sl_hello_scan_step(&scan, sl_slice_of(wire.memory, len)), SL_AGAIN);
        }
        assert_int_equal(sl_hello_scan_step(&scan, sl_slice_of(wire.memory, end)), SL_OK);
        struct sl_slice got;
        bytes_init(&join);
        assert_int_equal(
            sl_hello_scan_message(&scan, sl_slice_of(wire.memory, end), &join.out, &got), SL_OK);
        assert_true(sl_slice_eq(got, sl_wbuf_slice(&message.out)));
        assert_modern(got);
        struct sl_hello_scan at_once = { 0 };
        assert_int_equal(sl_hello_scan_step(&at_once, sl_wbuf_slice(&wire.out)), SL_OK);
        assert_int_equal(at_once.whole_bytes, scan.whole_bytes);
    }
}

static void every_cut_into_two_segments_gives_the_same(void **state)
{
    static struct bytes message, wire;
    SL_UNUSED(state);
    make_modern(&message, 36);
    make_wire(&wire, sl_wbuf_slice(&message.out), 50);
    for (size_t cut = 0; cut + 3 < wire.out.len; cut++) {
        struct sl_hello_scan scan = { 0 };
        assert_int_equal(sl_hello_scan_step(&scan, sl_slice_of(wire.memory, cut)), SL_AGAIN);
        assert_int_equal(sl_hello_scan_step(&scan, sl_wbuf_slice(&wire.out)), SL_OK);
        assert_int_equal(scan.whole_bytes, message.out.len);
    }
}

static void what_is_no_hello_is_known_by_the_first_byte_that_says_so(void **state)
{
    static const struct {
        struct sl_slice bytes;
        size_t known_at;
    } CASES[] = {
        { SL_SLICE_INIT("GET / HTTP/1.1"), 1 },
        { SL_SLICE_INIT("\x15\x03\x01\0\x02\x02\x28"), 1 },     /* an alert */
        { SL_SLICE_INIT("\x16\x02\x01\0\x01\x01"), 2 },         /* no version of TLS */
        { SL_SLICE_INIT("\x16\x03\x01\0\0\x16"), 5 },           /* an empty record */
        { SL_SLICE_INIT("\x16\x03\x01\x40\x01\x01"), 5 },       /* more than a record holds */
        { SL_SLICE_INIT("\x16\x03\x01\0\x04\x02\0\0\0"), 6 },   /* a ServerHello */
        { SL_SLICE_INIT("\x16\x03\x01\0\x01\x01\x17\x03"), 7 }, /* data within the message */
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct sl_hello_scan scan = { 0 };
        for (size_t len = 0; len <= CASES[i].known_at; len++) {
            assert_int_equal(sl_hello_scan_step(&scan, sl_slice_of(CASES[i].bytes.ptr, len)),
                             len < CASES[i].known_at ? SL_AGAIN : SL_EPROTO);
        }
    }
}

static enum sl_err parse_with(struct sl_slice extensions, struct sl_hello *hello)
{
    static struct bytes message;
    make_hello(&message, extensions, false);
    return sl_hello_scan_parse(sl_wbuf_slice(&message.out), hello);
}

static void a_hello_may_ask_for_nothing(void **state)
{
    static struct bytes message;
    struct sl_hello hello;
    SL_UNUSED(state);
    make_hello(&message, SL_SLICE(""), true);
    assert_int_equal(sl_hello_scan_parse(sl_wbuf_slice(&message.out), &hello), SL_OK);
    assert_int_equal(hello.server_name.len + hello.alpn.len, 0);
    assert_false(hello.has_ech);
    assert_int_equal(parse_with(SL_SLICE(""), &hello), SL_OK);
    assert_int_equal(parse_with(SL_SLICE("\0\0\0\x05\0\x03\x01\0\0"), &hello), SL_OK);
    assert_int_equal(hello.server_name.len, 0); /* a name of another kind */
    assert_int_equal(parse_with(SL_SLICE("\xfe\x0d\0\x01\x01"), &hello), SL_OK);
    assert_false(hello.has_ech); /* an inner one */
}

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
    static struct bytes twice;
    static const unsigned TYPES[] = { 0, 16, 0xfe0d };
    const struct sl_slice bodies[] = { NAME, ALPN, SL_SLICE("\0") };
    struct sl_hello hello;
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(TYPES); i++) {
        bytes_init(&twice);
        put_extension(&twice, TYPES[i], bodies[i]);
        assert_int_equal(parse_with(sl_wbuf_slice(&twice.out), &hello), SL_OK);
        put_extension(&twice, TYPES[i], bodies[i]);
        assert_int_equal(parse_with(sl_wbuf_slice(&twice.out), &hello), SL_EPROTO);
    }
    /* two names, and one with a NUL */
    assert_int_equal(parse_with(SL_SLICE("\0\0\0\x0a\0\x08\0\0\1a\0\0\1b"), &hello), SL_EINVAL);
    assert_int_equal(parse_with(SL_SLICE("\0\0\0\x07\0\x05\0\0\2a\0"), &hello), SL_EINVAL);
    assert_int_equal(parse_with(SL_SLICE("\0\0\0\x07\0\x05\0\0\2\0a"), &hello), SL_EINVAL);
    assert_int_equal(parse_with(SL_SLICE("\0\x10\0\x03\0\x01\0"), &hello), SL_EPROTO);
    assert_int_equal(parse_with(SL_SLICE("\0\x10\0\x03\0"), &hello), SL_EPROTO);
    assert_int_equal(parse_with(SL_SLICE("\0"), &hello), SL_EPROTO);
}

static void every_length_that_is_wrong_is_refused(void **state)
{
    static struct bytes message;
    struct sl_hello hello;
    SL_UNUSED(state);
    make_modern(&message, 36);
    for (size_t len = 0; len < message.out.len; len++) {
        assert_int_equal(sl_hello_scan_parse(sl_slice_of(message.memory, len), &hello), SL_EPROTO);
    }
    put_u8(&message, 0);
    assert_int_equal(sl_hello_scan_parse(sl_wbuf_slice(&message.out), &hello), SL_EPROTO);
    message.memory[3]++; /* one byte more behind the extensions */
    assert_int_equal(sl_hello_scan_parse(sl_wbuf_slice(&message.out), &hello), SL_EPROTO);
    static const size_t AT[] = { 38, 71 + 1, 77 }; /* session id, cipher suites, compressions */
    static const uint8_t WRONG[] = { 33, 3, 0 };
    for (size_t i = 0; i < SL_COUNT(AT); i++) {
        make_modern(&message, 36);
        message.memory[AT[i]] = WRONG[i];
        assert_int_equal(sl_hello_scan_parse(sl_wbuf_slice(&message.out), &hello), SL_EPROTO);
    }
}

static void an_alert_is_a_record(void **state)
{
    uint8_t bytes[7];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    SL_UNUSED(state);
    assert_int_equal(sl_hello_scan_alert(&out, 112), SL_OK);
    assert_memory_equal(bytes, "\x15\x03\x01\0\x02\x02\x70", 7);
    assert_int_equal(sl_hello_scan_alert(&out, 112), SL_ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_is_found_whatever_its_records_and_segments_are),
        cmocka_unit_test(every_cut_into_two_segments_gives_the_same),
        cmocka_unit_test(what_is_no_hello_is_known_by_the_first_byte_that_says_so),
        cmocka_unit_test(a_hello_may_ask_for_nothing),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(every_length_that_is_wrong_is_refused),
        cmocka_unit_test(an_alert_is_a_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
