/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/message.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The table once more, in other words: who reads each type, and in which phases it may come. */
static const struct {
    struct sl_message message;
    enum sl_message_direction direction;
    bool phases[3]; /* configuring, running, draining */
    size_t fds_count;
    size_t bytes; /* of the datagram */
    bool is_open; /* its body may be longer */
} TYPES[] = {
    { { SL_MESSAGE_BUNDLE, { .edition = { 0x1234, 0x01020304 } } },
      SL_MESSAGE_TO_WORKER,
      { true, true, false },
      1,
      14 },
    { { SL_MESSAGE_METRICS, { 0 } }, SL_MESSAGE_TO_WORKER, { true, false, false }, 1, 8 },
    { { SL_MESSAGE_LISTENER, { .listener = { 0x0102, 0x0304 } } },
      SL_MESSAGE_TO_WORKER,
      { true, true, false },
      1,
      12 },
    { { SL_MESSAGE_TICKET_KEYS, { .bytes = SL_SLICE_INIT("keys") } },
      SL_MESSAGE_TO_WORKER,
      { true, true, true },
      0,
      12,
      true },
    { { SL_MESSAGE_START, { 0 } }, SL_MESSAGE_TO_WORKER, { true, false, false }, 0, 8 },
    { { SL_MESSAGE_DRAIN, { 0 } }, SL_MESSAGE_TO_WORKER, { false, true, false }, 0, 8 },
    { { SL_MESSAGE_STOP, { 0 } }, SL_MESSAGE_TO_WORKER, { true, true, true }, 0, 8 },
    { { SL_MESSAGE_READY, { 0 } }, SL_MESSAGE_TO_SUPERVISOR, { true, false, false }, 0, 8 },
    { { SL_MESSAGE_FAILED, { .bytes = SL_SLICE_INIT("why") } },
      SL_MESSAGE_TO_SUPERVISOR,
      { true, true, true },
      0,
      11,
      true },
    { { SL_MESSAGE_DRAINED, { .connections_count = UINT64_C(0x0102030405060708) } },
      SL_MESSAGE_TO_SUPERVISOR,
      { false, false, true },
      0,
      16 },
    { { SL_MESSAGE_KEYS, { 0 } }, SL_MESSAGE_TO_WORKER, { true, true, true }, 1, 8 },
    { { SL_MESSAGE_KEY_COUNT, { .key = { 7, SL_SLICE_INIT("\1") } } },
      SL_MESSAGE_TO_KEYS,
      { true, false, false },
      0,
      13,
      true },
    { { SL_MESSAGE_KEY_FILE, { .key = { 7, SL_SLICE_INIT("\1public") } } },
      SL_MESSAGE_TO_KEYS,
      { true, true, false },
      1,
      19,
      true },
    { { SL_MESSAGE_KEY_PASSPHRASE, { 0 } }, SL_MESSAGE_TO_KEYS, { true, true, false }, 1, 8 },
    { { SL_MESSAGE_KEY_START, { 0 } }, SL_MESSAGE_TO_KEYS, { true, false, false }, 0, 8 },
    { { SL_MESSAGE_KEY_CLIENT, { .worker_index = 5 } },
      SL_MESSAGE_TO_KEYS,
      { false, true, false },
      1,
      10 },
    { { SL_MESSAGE_KEY_PUBLIC, { .key = { 7, SL_SLICE_INIT("public") } } },
      SL_MESSAGE_FROM_KEYS,
      { true, true, false },
      0,
      18,
      true },
    { { SL_MESSAGE_KEY_BAD, { .key = { 7, SL_SLICE_INIT("why") } } },
      SL_MESSAGE_FROM_KEYS,
      { true, true, false },
      0,
      15,
      true },
    { { SL_MESSAGE_KEY_CUT, { .worker_index = 5 } },
      SL_MESSAGE_FROM_KEYS,
      { false, true, false },
      0,
      10 },
    { { SL_MESSAGE_KEY_LACKS, { .key = { .index = 7 } } },
      SL_MESSAGE_FROM_KEYS,
      { true, false, false },
      0,
      12 },
    { { SL_MESSAGE_KEY_POOL, { .key = { 3, SL_SLICE_INIT("\0\0\0\2\0\0\1\0") } } },
      SL_MESSAGE_TO_KEYS,
      { false, true, false },
      0,
      20 },
    { { SL_MESSAGE_KEY_TOKEN, { .key = { 3, SL_SLICE_INIT("\0\1") } } },
      SL_MESSAGE_TO_KEYS,
      { false, true, false },
      1,
      14 },
    { { SL_MESSAGE_KEY_STUCK, { .worker_index = 5 } },
      SL_MESSAGE_FROM_KEYS,
      { false, true, false },
      0,
      10 },
    { { SL_MESSAGE_TOKEN_CAGE, { .bytes = SL_SLICE_INIT("\1") } },
      SL_MESSAGE_TO_TOKEN,
      { true, false, false },
      0,
      9,
      true },
    { { SL_MESSAGE_TOKEN_MODULE, { .bytes = SL_SLICE_INIT("/m.so") } },
      SL_MESSAGE_TO_TOKEN,
      { true, false, false },
      0,
      13,
      true },
    { { SL_MESSAGE_TOKEN_PIN, { 0 } }, SL_MESSAGE_TO_TOKEN, { true, false, false }, 1, 8 },
    { { SL_MESSAGE_TOKEN_OPEN, { .bytes = SL_SLICE_INIT("pkcs11:") } },
      SL_MESSAGE_TO_TOKEN,
      { true, false, false },
      0,
      15,
      true },
    { { SL_MESSAGE_TOKEN_KEY, { .key = { 7, SL_SLICE_INIT("pkcs11:id=1") } } },
      SL_MESSAGE_TO_TOKEN,
      { true, false, false },
      0,
      23,
      true },
    { { SL_MESSAGE_TOKEN_CHAIN, { .key = { 7, SL_SLICE_INIT("pkcs11:id=1") } } },
      SL_MESSAGE_TO_TOKEN,
      { true, false, false },
      0,
      23,
      true },
    { { SL_MESSAGE_TOKEN_USE, { 0 } }, SL_MESSAGE_TO_TOKEN, { true, true, false }, 1, 8 },
    { { SL_MESSAGE_TOKEN_OPENED, { 0 } }, SL_MESSAGE_FROM_TOKEN, { true, false, false }, 0, 8 },
    { { SL_MESSAGE_TOKEN_PUBLIC, { .key = { 7, SL_SLICE_INIT("public") } } },
      SL_MESSAGE_FROM_TOKEN,
      { true, false, false },
      0,
      18,
      true },
    { { SL_MESSAGE_TOKEN_CERTIFICATES, { .key = { 7 } } },
      SL_MESSAGE_FROM_TOKEN,
      { true, false, false },
      1,
      12 },
    { { SL_MESSAGE_TOKEN_BAD, { .key = { 1, SL_SLICE_INIT("why") } } },
      SL_MESSAGE_FROM_TOKEN,
      { true, true, false },
      0,
      15,
      true },
    { { SL_MESSAGE_HEALTH, { 0 } }, SL_MESSAGE_TO_WORKER, { true, false, false }, 1, 8 },
    { { SL_MESSAGE_NAME, { .bytes = SL_SLICE_INIT("name") } },
      SL_MESSAGE_TO_WORKER,
      { true, true, true },
      0,
      12,
      true },
    { { SL_MESSAGE_AGENT_DNS, { .bytes = SL_SLICE_INIT("rules") } },
      SL_MESSAGE_TO_AGENT,
      { true, false, false },
      0,
      13,
      true },
    { { SL_MESSAGE_AGENT_CAGE, { .bytes = SL_SLICE_INIT("\1") } },
      SL_MESSAGE_TO_AGENT,
      { true, false, false },
      0,
      9,
      true },
    { { SL_MESSAGE_AGENT_NAME, { .key = { 7, SL_SLICE_INIT("name") } } },
      SL_MESSAGE_TO_AGENT,
      { true, false, false },
      0,
      16,
      true },
    { { SL_MESSAGE_AGENT_START, { 0 } }, SL_MESSAGE_TO_AGENT, { true, false, false }, 0, 8 },
    { { SL_MESSAGE_AGENT_LACKS, { .key = { 7 } } },
      SL_MESSAGE_FROM_AGENT,
      { false, true, false },
      0,
      12 },
    { { SL_MESSAGE_AGENT_FOUND, { .key = { 7, SL_SLICE_INIT("found") } } },
      SL_MESSAGE_FROM_AGENT,
      { false, true, false },
      0,
      17,
      true },
    { { SL_MESSAGE_PREPARE, { 0 } }, SL_MESSAGE_TO_WORKER, { false, true, false }, 0, 8 },
    { { SL_MESSAGE_PREPARED, { .edition = { 0, 7 } } },
      SL_MESSAGE_TO_SUPERVISOR,
      { false, true, true },
      0,
      14 },
    { { SL_MESSAGE_REFUSED, { .key = { 7, SL_SLICE_INIT("why") } } },
      SL_MESSAGE_TO_SUPERVISOR,
      { false, true, true },
      0,
      15,
      true },
    { { SL_MESSAGE_COMMIT, { 0 } }, SL_MESSAGE_TO_WORKER, { false, true, false }, 0, 8 },
    { { SL_MESSAGE_ABORT, { 0 } }, SL_MESSAGE_TO_WORKER, { false, true, false }, 0, 8 },
    { { SL_MESSAGE_SWAPPED, { .edition = { 0, 7 } } },
      SL_MESSAGE_TO_SUPERVISOR,
      { false, true, true },
      0,
      14 },
    { { SL_MESSAGE_RELEASED, { .edition = { 0, 7 } } },
      SL_MESSAGE_TO_SUPERVISOR,
      { false, true, true },
      0,
      14 },
    { { SL_MESSAGE_KEY_DROP, { .key = { .index = 7 } } },
      SL_MESSAGE_TO_KEYS,
      { true, true, false },
      0,
      12 },
    { { SL_MESSAGE_LOG, { .bytes = SL_SLICE_INIT("\1x") } },
      SL_MESSAGE_TO_WORKER,
      { true, true, true },
      1,
      10,
      true },
};

static struct sl_wbuf emit(const struct sl_message *message, uint8_t bytes[SL_MESSAGE_MAX])
{
    struct sl_wbuf out = sl_wbuf_of(bytes, SL_MESSAGE_MAX);
    assert_int_equal(sl_message_emit(message, &out), SL_OK);
    return out;
}

/* Parses a heap copy of the exact size, so that the sanitizer sees a read too far. */
static enum sl_err parse(struct sl_slice datagram, size_t fds_count,
                         enum sl_message_direction direction, enum sl_message_phase phase)
{
    uint8_t *copy = malloc(datagram.len == 0 ? 1 : datagram.len);
    assert_non_null(copy);
    memcpy(copy, datagram.ptr, datagram.len);
    struct sl_message message;
    memset(&message, 0xa5, sizeof(message));
    struct sl_message before = message;
    enum sl_err rc =
        sl_message_parse(sl_slice_of(copy, datagram.len), fds_count, direction, phase, &message);
    if (rc != SL_OK) {
        assert_memory_equal(&message, &before, sizeof(message));
    }
    free(copy);
    return rc;
}

static enum sl_message_phase phase_of(size_t i)
{
    return TYPES[i].phases[0]   ? SL_PHASE_CONFIGURING
           : TYPES[i].phases[1] ? SL_PHASE_RUNNING
                                : SL_PHASE_DRAINING;
}

static void every_type_is_tested(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(SL_COUNT(TYPES), SL_MESSAGE_TYPE_END - 1);
    for (size_t i = 0; i < SL_COUNT(TYPES); i++) {
        assert_int_equal(TYPES[i].message.type, i + 1);
        assert_string_not_equal(sl_message_name(TYPES[i].message.type), "?");
        assert_int_equal(sl_message_fds_count(TYPES[i].message.type), TYPES[i].fds_count);
        assert_true(TYPES[i].fds_count <= SL_MESSAGE_FDS_MAX);
    }
    assert_string_equal(sl_message_name((enum sl_message_type)0), "?");
    assert_string_equal(sl_message_name(SL_MESSAGE_TYPE_END), "?");
    assert_string_equal(sl_message_name(SL_MESSAGE_LISTENER), "LISTENER");
}

static void a_message_has_these_bytes(void **state)
{
    SL_UNUSED(state);
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf out = emit(&TYPES[SL_MESSAGE_LISTENER - 1].message, bytes);
    assert_int_equal(out.len, 12);
    assert_memory_equal(bytes, "\x01\x03\x00\x01\x00\x00\x00\x04\x01\x02\x03\x04", 12);
    out = emit(&TYPES[SL_MESSAGE_DRAINED - 1].message, bytes);
    assert_int_equal(out.len, 16);
    assert_memory_equal(bytes, "\x01\x0a\x00\x00\x00\x00\x00\x08\1\2\3\4\5\6\7\x08", 16);
}

static void every_type_comes_back(void **state)
{
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(TYPES); i++) {
        uint8_t bytes[SL_MESSAGE_MAX];
        struct sl_wbuf out = emit(&TYPES[i].message, bytes);
        assert_int_equal(out.len, TYPES[i].bytes);
        struct sl_message got;
        assert_int_equal(sl_message_parse(sl_wbuf_slice(&out), TYPES[i].fds_count,
                                          TYPES[i].direction, phase_of(i), &got),
                         SL_OK);
        assert_int_equal(got.type, TYPES[i].message.type);
        switch (got.type) {
        case SL_MESSAGE_BUNDLE:
            assert_int_equal(got.edition.worker_index, 0x1234);
            break;
        case SL_MESSAGE_LISTENER:
            assert_int_equal(got.listener.service_index, 0x0102);
            assert_int_equal(got.listener.listen_index, 0x0304);
            break;
        case SL_MESSAGE_TICKET_KEYS:
        case SL_MESSAGE_FAILED:
            assert_true(sl_slice_eq(got.bytes, TYPES[i].message.bytes));
            break;
        case SL_MESSAGE_KEY_COUNT:
        case SL_MESSAGE_KEY_FILE:
        case SL_MESSAGE_KEY_PUBLIC:
        case SL_MESSAGE_KEY_BAD:
        case SL_MESSAGE_KEY_LACKS:
            assert_int_equal(got.key.index, 7);
            assert_true(sl_slice_eq(got.key.bytes, TYPES[i].message.key.bytes));
            break;
        case SL_MESSAGE_DRAINED:
            assert_true(got.connections_count == UINT64_C(0x0102030405060708));
            break;
        default:
            break;
        }
    }
}

static void a_message_is_taken_only_in_its_phase_and_from_its_sender(void **state)
{
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(TYPES); i++) {
        uint8_t bytes[SL_MESSAGE_MAX];
        struct sl_slice datagram;
        struct sl_wbuf out = emit(&TYPES[i].message, bytes);
        datagram = sl_wbuf_slice(&out);
        for (int phase = SL_PHASE_CONFIGURING; phase <= SL_PHASE_DRAINING; phase++) {
            for (int to = SL_MESSAGE_TO_WORKER; to <= SL_MESSAGE_FROM_AGENT; to++) {
                bool allowed = TYPES[i].phases[phase] && to == (int)TYPES[i].direction;
                assert_int_equal(parse(datagram, TYPES[i].fds_count, (enum sl_message_direction)to,
                                       (enum sl_message_phase)phase),
                                 allowed ? SL_OK : SL_EPROTO);
            }
        }
    }
}

static void the_count_of_descriptors_must_be_that_of_the_type(void **state)
{
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(TYPES); i++) {
        uint8_t bytes[SL_MESSAGE_MAX];
        struct sl_wbuf out = emit(&TYPES[i].message, bytes);
        for (size_t came = 0; came <= SL_MESSAGE_FDS_MAX + 1; came++) {
            assert_int_equal(parse(sl_wbuf_slice(&out), came, TYPES[i].direction, phase_of(i)),
                             came == TYPES[i].fds_count ? SL_OK : SL_EPROTO);
            bytes[3] = (uint8_t)came; /* what the header says must agree as well */
            assert_int_equal(parse(sl_wbuf_slice(&out), came, TYPES[i].direction, phase_of(i)),
                             came == TYPES[i].fds_count ? SL_OK : SL_EPROTO);
            assert_int_equal(
                parse(sl_wbuf_slice(&out), TYPES[i].fds_count, TYPES[i].direction, phase_of(i)),
                came == TYPES[i].fds_count ? SL_OK : SL_EPROTO);
            bytes[3] = (uint8_t)TYPES[i].fds_count;
        }
    }
}

static void a_datagram_of_another_length_is_refused(void **state)
{
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(TYPES); i++) {
        uint8_t bytes[SL_MESSAGE_MAX + 1];
        struct sl_wbuf out = emit(&TYPES[i].message, bytes);
        bytes[out.len] = 0;
        for (size_t len = 0; len <= out.len + 1; len++) {
            assert_int_equal(
                parse(sl_slice_of(bytes, len), TYPES[i].fds_count, TYPES[i].direction, phase_of(i)),
                len == out.len ? SL_OK : SL_EPROTO);
        }
        /* also when the header agrees with it, for all but those that may have any length */
        if (!TYPES[i].is_open) {
            bytes[7]++;
            assert_int_equal(parse(sl_slice_of(bytes, out.len + 1), TYPES[i].fds_count,
                                   TYPES[i].direction, phase_of(i)),
                             SL_EPROTO);
        }
    }
}

static void unknown_types_and_versions_are_refused(void **state)
{
    SL_UNUSED(state);
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf out = emit(&TYPES[SL_MESSAGE_STOP - 1].message, bytes);
    struct sl_slice stop = sl_wbuf_slice(&out);
    for (unsigned version = 0; version < 256; version++) {
        bytes[0] = (uint8_t)version;
        assert_int_equal(parse(stop, 0, SL_MESSAGE_TO_WORKER, SL_PHASE_RUNNING),
                         version == 1 ? SL_OK : SL_EPROTO);
    }
    bytes[0] = 1;
    for (unsigned type = 0; type < 256; type++) {
        bytes[1] = (uint8_t)type;
        bool known = type == SL_MESSAGE_STOP || type == SL_MESSAGE_DRAIN ||
                     type == SL_MESSAGE_PREPARE || type == SL_MESSAGE_COMMIT ||
                     type == SL_MESSAGE_ABORT;
        assert_int_equal(parse(stop, 0, SL_MESSAGE_TO_WORKER, SL_PHASE_RUNNING),
                         known ? SL_OK : SL_EPROTO);
    }
}

static void bodies_are_bounded(void **state)
{
    SL_UNUSED(state);
    static uint8_t text[SL_MESSAGE_FAILED_MAX + 1];
    const struct {
        enum sl_message_type type;
        size_t min_bytes, max_bytes;
    } cases[] = {
        { SL_MESSAGE_TICKET_KEYS, 1, SL_MESSAGE_TICKET_KEYS_MAX },
        { SL_MESSAGE_FAILED, 0, SL_MESSAGE_FAILED_MAX },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        enum sl_message_direction direction = TYPES[cases[i].type - 1].direction;
        for (size_t len = 0; len <= sizeof(text); len++) {
            bool fits = len >= cases[i].min_bytes && len <= cases[i].max_bytes;
            struct sl_message message = { cases[i].type, { .bytes = sl_slice_of(text, len) } };
            uint8_t bytes[SL_MESSAGE_MAX + 1] = { 1, (uint8_t)cases[i].type };
            struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
            assert_int_equal(sl_message_emit(&message, &out), fits ? SL_OK : SL_ERANGE);
            assert_int_equal(out.len, fits ? SL_MESSAGE_HEAD_BYTES + len : 0);
            bytes[6] = (uint8_t)(len >> 8);
            bytes[7] = (uint8_t)len;
            assert_int_equal(parse(sl_slice_of(bytes, SL_MESSAGE_HEAD_BYTES + len), 0, direction,
                                   SL_PHASE_RUNNING),
                             fits ? SL_OK : SL_EPROTO);
        }
    }
}

static void a_buffer_without_room_stays_as_it_was(void **state)
{
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(TYPES); i++) {
        uint8_t bytes[SL_MESSAGE_MAX];
        struct sl_wbuf out = sl_wbuf_of(bytes, TYPES[i].bytes - 1);
        assert_int_equal(sl_message_emit(&TYPES[i].message, &out), SL_ENOSPC);
        assert_int_equal(out.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_tested),
        cmocka_unit_test(a_message_has_these_bytes),
        cmocka_unit_test(every_type_comes_back),
        cmocka_unit_test(a_message_is_taken_only_in_its_phase_and_from_its_sender),
        cmocka_unit_test(the_count_of_descriptors_must_be_that_of_the_type),
        cmocka_unit_test(a_datagram_of_another_length_is_refused),
        cmocka_unit_test(unknown_types_and_versions_are_refused),
        cmocka_unit_test(bodies_are_bounded),
        cmocka_unit_test(a_buffer_without_room_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
