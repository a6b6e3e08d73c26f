/* SPDX-License-Identifier: Apache-2.0 */
#include "records.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

enum { WIRE_MAX = 64 * 1024 };

/* Both ends of one direction. */
struct ends {
    struct sl_record_pool *pool;
    struct sl_record_way seal, open;
    struct sl_record_rest rest;
    uint8_t *wire, *text;
    struct sl_wbuf out;
};

static void ends_open(struct ends *e, enum sl_record_suite suite)
{
    *e = (struct ends){ .wire = malloc(WIRE_MAX), .text = malloc(WIRE_MAX) };
    assert_true(e->wire != NULL && e->text != NULL);
    e->out = sl_wbuf_of(e->wire, WIRE_MAX);
    const struct sl_fast_secret secret = records_secret(suite, 42);
    assert_int_equal(sl_record_pool_create(8, &e->pool), SL_OK);
    assert_int_equal(sl_record_way_init(&e->seal, e->pool, suite, true, &secret), SL_OK);
    assert_int_equal(sl_record_way_init(&e->open, e->pool, suite, false, &secret), SL_OK);
}

static void ends_close(struct ends *e)
{
    sl_record_rest_drop(&e->rest);
    sl_record_way_fini(&e->seal);
    sl_record_way_fini(&e->open);
    sl_record_pool_destroy(e->pool);
    free(e->wire);
    free(e->text);
    assert_int_equal(ERR_peek_error(), 0);
}

static struct sl_slice pattern(size_t len)
{
    static uint8_t bytes[SL_RECORD_PLAIN_MAX + 512];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 31 + (i >> 8));
    }
    return sl_slice_of(bytes, len);
}

/* Cuts and opens what has come, `piece` bytes at a time, up to the first record or mistake. */
static enum sl_err take(struct ends *e, struct sl_slice wire, size_t piece, uint8_t *ret_type,
                        size_t *ret_len, uint8_t *ret_alert)
{
    enum sl_err rc = SL_AGAIN;
    while (rc == SL_AGAIN && wire.len > 0) {
        struct sl_slice in = sl_slice_cut(&wire, piece);
        struct sl_record_pieces record;
        rc = sl_record_cut(&e->rest, &in, &record, ret_alert);
        assert_true(e->rest.cap <= SL_RECORD_HEADER_LEN + SL_RECORD_SEALED_MAX);
        if (rc == SL_OK) {
            assert_int_equal(in.len + wire.len,
                             0); /* nothing behind it is taken, and there is none */
            rc = sl_record_open(&e->open, &record, e->text, ret_type, ret_len, ret_alert);
            sl_record_rest_drop(&e->rest);
        }
    }
    return rc;
}

static void assert_comes(struct ends *e, size_t piece, enum sl_record_type want_type,
                         struct sl_slice want)
{
    uint8_t type = 0, alert = 0;
    size_t len = SIZE_MAX;
    assert_int_equal(take(e, sl_wbuf_slice(&e->out), piece, &type, &len, &alert), SL_OK);
    assert_int_equal(type, want_type);
    assert_int_equal(len, want.len);
    if (len > 0) {
        assert_memory_equal(e->text, want.ptr, len);
    }
    e->out.len = 0;
}

static void assert_refused(struct ends *e, size_t piece, uint8_t want_alert)
{
    uint8_t type = 0, alert = 0;
    size_t len = 0;
    assert_int_equal(take(e, sl_wbuf_slice(&e->out), piece, &type, &len, &alert), SL_EPROTO);
    assert_int_equal(alert, want_alert);
    sl_record_rest_drop(&e->rest);
    e->out.len = 0;
}

/* RFC 8448 3: the client's application data, its first record under that key. */
static void the_record_of_rfc_8448_is_read_and_written(void **state)
{
    static const uint8_t KEY[] = { 0x17, 0x42, 0x2d, 0xda, 0x59, 0x6e, 0xd5, 0xd9,
                                   0xac, 0xd8, 0x90, 0xe3, 0xc6, 0x3f, 0x50, 0x51 };
    static const uint8_t IV[] = { 0x5b, 0x78, 0x92, 0x3d, 0xee, 0x08,
                                  0x57, 0x90, 0x33, 0xe5, 0x23, 0xd9 };
    static const uint8_t RECORD[] = {
        0x17, 0x03, 0x03, 0x00, 0x43, 0xa2, 0x3f, 0x70, 0x54, 0xb6, 0x2c, 0x94, 0xd0, 0xaf, 0xfa,
        0xfe, 0x82, 0x28, 0xba, 0x55, 0xcb, 0xef, 0xac, 0xea, 0x42, 0xf9, 0x14, 0xaa, 0x66, 0xbc,
        0xab, 0x3f, 0x2b, 0x98, 0x19, 0xa8, 0xa5, 0xb4, 0x6b, 0x39, 0x5b, 0xd5, 0x4a, 0x9a, 0x20,
        0x44, 0x1e, 0x2b, 0x62, 0x97, 0x4e, 0x1f, 0x5a, 0x62, 0x92, 0xa2, 0x97, 0x70, 0x14, 0xbd,
        0x1e, 0x3d, 0xea, 0xe6, 0x3a, 0xee, 0xbb, 0x21, 0x69, 0x49, 0x15, 0xe4
    };
    uint8_t text[50];
    struct ends e;
    SL_UNUSED(state);
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (uint8_t)i;
    }
    ends_open(&e, SL_RECORD_AES_128_GCM);
    struct sl_record_way *ways[] = { &e.seal, &e.open };
    for (size_t i = 0; i < SL_COUNT(ways); i++) {
        memcpy(ways[i]->key, KEY, sizeof(KEY));
        memcpy(ways[i]->iv, IV, sizeof(IV));
    }
    assert_int_equal(
        sl_record_seal(&e.seal, SL_RECORD_DATA, sl_slice_of(text, sizeof(text)), &e.out), SL_OK);
    assert_int_equal(e.out.len, sizeof(RECORD));
    assert_memory_equal(e.wire, RECORD, sizeof(RECORD));
    assert_comes(&e, SIZE_MAX, SL_RECORD_DATA, sl_slice_of(text, sizeof(text)));
    ends_close(&e);
}

static void records_of_every_length_come_back_however_they_are_cut(void **state)
{
    static const size_t LENGTHS[] = { 0,  1,   2,   14,  15,   16,   17,   31,    32,   33,
                                      47, 255, 256, 257, 1000, 4095, 4096, 16383, 16384 };
    static const size_t PIECES[] = { SIZE_MAX, 1, 3, 5, 16, 21, 1460 };
    SL_UNUSED(state);
    for (enum sl_record_suite suite = 0; suite < SL_RECORD_SUITES_COUNT; suite++) {
        struct ends e;
        ends_open(&e, suite);
        for (size_t i = 0; i < SL_COUNT(LENGTHS); i++) {
            for (size_t j = 0; j < SL_COUNT(PIECES); j++) {
                const struct sl_slice text = pattern(LENGTHS[i]);
                assert_int_equal(sl_record_seal(&e.seal, SL_RECORD_DATA, text, &e.out), SL_OK);
                assert_int_equal(e.out.len, text.len + 22);
                assert_comes(&e, PIECES[j], SL_RECORD_DATA, text);
            }
        }
        for (size_t at = 1; at < 60; at++) { /* in two pieces, cut at every place */
            assert_int_equal(sl_record_seal(&e.seal, SL_RECORD_ALERT, pattern(38), &e.out), SL_OK);
            assert_comes(&e, at, SL_RECORD_ALERT, pattern(38));
        }
        ends_close(&e);
    }
}

static void what_is_behind_a_record_stays(void **state)
{
    struct ends e;
    struct sl_record_pieces record;
    uint8_t alert = 0;
    SL_UNUSED(state);
    ends_open(&e, SL_RECORD_AES_128_GCM);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sl_record_seal(&e.seal, SL_RECORD_DATA, pattern(10), &e.out), SL_OK);
    }
    struct sl_slice in = sl_slice_of(e.wire, 4 + 32 + 32);
    assert_int_equal(sl_record_cut(&e.rest, &in, &record, &alert), SL_OK);
    assert_int_equal(record.first.len, 0);
    assert_int_equal(record.second.len, 32);
    assert_int_equal(sl_record_cut(&e.rest, &in, &record, &alert), SL_OK);
    assert_int_equal(in.len, 4);
    assert_int_equal(sl_record_cut(&e.rest, &in, &record, &alert), SL_AGAIN);
    assert_int_equal(in.len, 0);
    assert_int_equal(e.rest.len, 4);
    assert_int_equal(sl_record_cut(&e.rest, &in, &record, &alert), SL_AGAIN); /* nothing has come */
    in = sl_slice_of(e.wire + 68, 28);
    assert_int_equal(sl_record_cut(&e.rest, &in, &record, &alert), SL_OK);
    assert_int_equal(record.first.len, 4);
    assert_int_equal(record.second.len, 28);
    assert_int_equal(in.len, 0);
    ends_close(&e);
}

static void padding_is_taken_off(void **state)
{
    static const size_t PADS[] = { 1, 2, 16, 255, 16384 - 100 };
    static uint8_t inner[SL_RECORD_PLAIN_MAX + 1];
    SL_UNUSED(state);
    for (enum sl_record_suite suite = 0; suite < SL_RECORD_SUITES_COUNT; suite++) {
        struct ends e;
        ends_open(&e, suite);
        for (size_t i = 0; i < SL_COUNT(PADS); i++) {
            memset(inner, 0, sizeof(inner));
            memcpy(inner, pattern(100).ptr, 99);
            inner[99] = 0; /* a zero that is content */
            inner[100] = SL_RECORD_DATA;
            records_seal_raw(&e.seal, sl_slice_of(inner, 101 + PADS[i]), &e.out);
            assert_comes(&e, 1460, SL_RECORD_DATA, sl_slice_of(inner, 100));
        }
        /* no content at all */
        memset(inner, 0, sizeof(inner));
        inner[0] = SL_RECORD_HANDSHAKE;
        records_seal_raw(&e.seal, sl_slice_of(inner, sizeof(inner)), &e.out);
        assert_comes(&e, SIZE_MAX, SL_RECORD_HANDSHAKE, sl_slice_of(NULL, 0));
        ends_close(&e);
    }
}

static void nothing_but_padding_is_refused(void **state)
{
    static const uint8_t ZEROS[300];
    static const size_t LENGTHS[] = { 0, 1, 2, 300 };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(LENGTHS); i++) {
        struct ends e;
        ends_open(&e, SL_RECORD_AES_128_GCM);
        records_seal_raw(&e.seal, sl_slice_of(ZEROS, LENGTHS[i]), &e.out);
        assert_refused(&e, SIZE_MAX, SSL_AD_UNEXPECTED_MESSAGE);
        ends_close(&e);
    }
}

static void more_than_a_record_may_hold_is_an_overflow(void **state)
{
    static uint8_t inner[SL_RECORD_SEALED_MAX];
    struct ends e;
    SL_UNUSED(state);
    ends_open(&e, SL_RECORD_AES_256_GCM);
    memset(inner, SL_RECORD_DATA, sizeof(inner));
    records_seal_raw(&e.seal, sl_slice_of(inner, SL_RECORD_PLAIN_MAX + 1), &e.out);
    assert_comes(&e, SIZE_MAX, SL_RECORD_DATA, sl_slice_of(inner, SL_RECORD_PLAIN_MAX));
    records_seal_raw(&e.seal, sl_slice_of(inner, SL_RECORD_PLAIN_MAX + 2), &e.out);
    assert_refused(&e, SIZE_MAX, SSL_AD_RECORD_OVERFLOW);
    /* padding counts (RFC 8446 5.4) */
    memset(inner + 10, 0, sizeof(inner) - 10);
    records_seal_raw(&e.seal, sl_slice_of(inner, SL_RECORD_SEALED_MAX - SL_RECORD_TAG_LEN), &e.out);
    assert_refused(&e, SIZE_MAX, SSL_AD_RECORD_OVERFLOW);
    ends_close(&e);
}

static void a_wrong_header_is_refused_before_the_rest_comes(void **state)
{
    SL_UNUSED(state);
    for (unsigned type = 0; type <= UINT8_MAX; type++) {
        struct ends e;
        ends_open(&e, SL_RECORD_AES_128_GCM);
        const uint8_t header[] = { (uint8_t)type, 3, 3, 0, 100 };
        assert_int_equal(sl_wbuf_put(&e.out, sl_slice_of(header, sizeof(header))), SL_OK);
        if (type == SL_RECORD_DATA) {
            uint8_t alert = 0, none = 0;
            size_t len = 0;
            assert_int_equal(take(&e, sl_wbuf_slice(&e.out), 1, &none, &len, &alert), SL_AGAIN);
        } else {
            assert_refused(&e, 1, SSL_AD_UNEXPECTED_MESSAGE);
        }
        ends_close(&e);
    }
    for (size_t len = SL_RECORD_SEALED_MAX + 1; len <= UINT16_MAX; len += 701) {
        struct ends e;
        ends_open(&e, SL_RECORD_AES_128_GCM);
        const uint8_t header[] = { SL_RECORD_DATA, 3, 3, (uint8_t)(len >> 8), (uint8_t)len };
        assert_int_equal(sl_wbuf_put(&e.out, sl_slice_of(header, sizeof(header))), SL_OK);
        assert_refused(&e, 2, SSL_AD_RECORD_OVERFLOW);
        ends_close(&e);
    }
}

static void less_than_a_tag_is_a_bad_mac(void **state)
{
    SL_UNUSED(state);
    for (uint8_t len = 0; len < SL_RECORD_TAG_LEN; len++) {
        struct ends e;
        ends_open(&e, SL_RECORD_CHACHA20_POLY1305);
        uint8_t record[SL_RECORD_HEADER_LEN + SL_RECORD_TAG_LEN] = { SL_RECORD_DATA, 3, 3, 0, len };
        assert_int_equal(sl_wbuf_put(&e.out, sl_slice_of(record, SL_RECORD_HEADER_LEN + len)),
                         SL_OK);
        assert_refused(&e, SIZE_MAX, SSL_AD_BAD_RECORD_MAC);
        ends_close(&e);
    }
}

static void every_changed_bit_is_noticed(void **state)
{
    SL_UNUSED(state);
    for (enum sl_record_suite suite = 0; suite < SL_RECORD_SUITES_COUNT; suite++) {
        struct ends e;
        ends_open(&e, suite);
        assert_int_equal(sl_record_seal(&e.seal, SL_RECORD_DATA, pattern(40), &e.out), SL_OK);
        for (size_t bit = 8; bit < 8 * 62; bit++) {
            if (bit / 8 == 3 || bit / 8 == 4) {
                continue; /* another length is another record */
            }
            uint8_t type = 0, alert = 0;
            size_t len = 0;
            e.open.records_count = 0;
            e.wire[bit / 8] ^= (uint8_t)(1U << bit % 8);
            assert_int_equal(take(&e, sl_wbuf_slice(&e.out), SIZE_MAX, &type, &len, &alert),
                             SL_EPROTO);
            assert_int_equal(alert, SSL_AD_BAD_RECORD_MAC);
            e.wire[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        e.open.records_count = 1; /* nor is it another record of the same connection */
        assert_refused(&e, SIZE_MAX, SSL_AD_BAD_RECORD_MAC);
        ends_close(&e);
    }
}

static void without_room_nothing_is_written_and_no_number_is_used(void **state)
{
    struct ends e;
    SL_UNUSED(state);
    ends_open(&e, SL_RECORD_AES_128_GCM);
    for (size_t cap = 0; cap < 32; cap++) {
        e.out = sl_wbuf_of(e.wire, cap);
        assert_int_equal(sl_record_seal(&e.seal, SL_RECORD_DATA, pattern(10), &e.out), SL_ENOSPC);
        assert_int_equal(e.out.len, 0);
    }
    e.out = sl_wbuf_of(e.wire, 32);
    assert_int_equal(sl_record_seal(&e.seal, SL_RECORD_DATA, pattern(10), &e.out), SL_OK);
    assert_comes(&e, SIZE_MAX, SL_RECORD_DATA, pattern(10));
    ends_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_record_of_rfc_8448_is_read_and_written),
        cmocka_unit_test(records_of_every_length_come_back_however_they_are_cut),
        cmocka_unit_test(what_is_behind_a_record_stays),
        cmocka_unit_test(padding_is_taken_off),
        cmocka_unit_test(nothing_but_padding_is_refused),
        cmocka_unit_test(more_than_a_record_may_hold_is_an_overflow),
        cmocka_unit_test(a_wrong_header_is_refused_before_the_rest_comes),
        cmocka_unit_test(less_than_a_tag_is_a_bad_mac),
        cmocka_unit_test(every_changed_bit_is_noticed),
        cmocka_unit_test(without_room_nothing_is_written_and_no_number_is_used),
    };
    records_begin();
    return cmocka_run_group_tests_name("tls/record", tests, NULL, NULL);
}
