/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/key_message.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct sl_key_message SIGN = {
    .type = SL_KEY_SIGN,
    .id = 0x01020304,
    .key_index = 7,
    .scheme = 0x0403,
    .bytes = SL_SLICE_INIT("digest"),
};
static const struct sl_key_message SIGNED = {
    .type = SL_KEY_SIGNED,
    .id = 9,
    .result = SL_KEY_DONE,
    .bytes = SL_SLICE_INIT("signature"),
};
static const struct sl_key_message REFUSED = {
    .type = SL_KEY_SIGNED,
    .id = 10,
    .result = SL_KEY_REFUSED,
};

static struct sl_slice emit(uint8_t *bytes, size_t cap, const struct sl_key_message *a,
                            const struct sl_key_message *b)
{
    struct sl_wbuf out = sl_wbuf_of(bytes, cap);
    assert_int_equal(sl_key_message_emit(a, &out), SL_OK);
    if (b != NULL) {
        assert_int_equal(sl_key_message_emit(b, &out), SL_OK);
    }
    return sl_wbuf_slice(&out);
}

static void assert_same(const struct sl_key_message *a, const struct sl_key_message *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->key_index, b->key_index);
    assert_int_equal(a->scheme, b->scheme);
    assert_int_equal(a->result, b->result);
    assert_true(sl_slice_eq(a->bytes, b->bytes));
}

static void the_bytes_are_as_documented(void **state)
{
    uint8_t bytes[64];
    SL_UNUSED(state);
    struct sl_slice in = emit(bytes, sizeof(bytes), &SIGN, NULL);
    static const uint8_t EXPECTED[] = "\x01\x01\x02\x03\x04\x00\x0c\x00\x00\x00\x07\x04\x03"
                                      "digest";
    assert_int_equal(in.len, sizeof(EXPECTED) - 1);
    assert_memory_equal(in.ptr, EXPECTED, in.len);
}

static void a_batch_is_read_message_by_message(void **state)
{
    uint8_t bytes[64];
    struct sl_key_message got;
    SL_UNUSED(state);
    struct sl_slice in = emit(bytes, sizeof(bytes), &SIGNED, &REFUSED);
    assert_int_equal(sl_key_message_next(&in, SL_KEY_TO_WORKER, &got), SL_OK);
    assert_same(&got, &SIGNED);
    assert_int_equal(sl_key_message_next(&in, SL_KEY_TO_WORKER, &got), SL_OK);
    assert_same(&got, &REFUSED);
    assert_int_equal(sl_key_message_next(&in, SL_KEY_TO_WORKER, &got), SL_EOF);
}

static void a_token_answers_in_two_steps(void **state)
{
    static const struct sl_key_message QUEUED = { .type = SL_KEY_QUEUED, .id = 11 };
    static const struct sl_key_message LATE = {
        .type = SL_KEY_LATE,
        .id = 11,
        .result = SL_KEY_DONE,
        .bytes = SL_SLICE_INIT("signature"),
    };
    uint8_t bytes[64];
    struct sl_key_message got;
    SL_UNUSED(state);
    struct sl_slice in = emit(bytes, sizeof(bytes), &QUEUED, &LATE);
    assert_int_equal(sl_key_message_next(&in, SL_KEY_TO_WORKER, &got), SL_OK);
    assert_same(&got, &QUEUED);
    assert_int_equal(sl_key_message_next(&in, SL_KEY_TO_WORKER, &got), SL_OK);
    assert_same(&got, &LATE);
}

static void who_may_not_send_it_is_a_protocol_error(void **state)
{
    uint8_t bytes[64];
    struct sl_key_message got;
    SL_UNUSED(state);
    struct sl_slice in = emit(bytes, sizeof(bytes), &SIGN, NULL);
    assert_int_equal(sl_key_message_next(&in, SL_KEY_TO_WORKER, &got), SL_EPROTO);
    in = emit(bytes, sizeof(bytes), &SIGNED, NULL);
    assert_int_equal(sl_key_message_next(&in, SL_KEY_TO_KEYS, &got), SL_EPROTO);
}

static void every_cut_is_a_protocol_error(void **state)
{
    uint8_t bytes[64];
    struct sl_key_message got;
    SL_UNUSED(state);
    struct sl_slice whole = emit(bytes, sizeof(bytes), &SIGN, NULL);
    for (size_t len = 1; len < whole.len; len++) {
        struct sl_slice in = sl_slice_of(whole.ptr, len);
        assert_int_equal(sl_key_message_next(&in, SL_KEY_TO_KEYS, &got), SL_EPROTO);
    }
}

static void what_the_table_does_not_know_is_a_protocol_error(void **state)
{
    struct sl_key_message got;
    SL_UNUSED(state);
    static const struct sl_slice BAD[] = {
        SL_SLICE_INIT("\x00\0\0\0\1\0\1x"), /* no such type */
        SL_SLICE_INIT("\x05\0\0\0\1\0\1x"),
        SL_SLICE_INIT("\x03\0\0\0\1\0\1x"),            /* queued with a body */
        SL_SLICE_INIT("\x04\0\0\0\1\0\1\0"),           /* late and done, without a signature */
        SL_SLICE_INIT("\x01\0\0\0\1\0\6\0\0\0\0\4\3"), /* nothing to sign */
        SL_SLICE_INIT("\x02\0\0\0\1\0\1\0"),           /* done without a signature */
        SL_SLICE_INIT("\x02\0\0\0\1\0\2\1s"),          /* refused with one */
        SL_SLICE_INIT("\x02\0\0\0\1\0\1\x04"),         /* no such result */
        SL_SLICE_INIT("\x02\0\0\0\1\0\0"),             /* no result */
    };
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        for (int to = SL_KEY_TO_KEYS; to <= SL_KEY_TO_WORKER; to++) {
            struct sl_slice in = BAD[i];
            assert_int_equal(sl_key_message_next(&in, (enum sl_key_direction)to, &got), SL_EPROTO);
        }
    }
}

static void lengths_have_limits_on_both_sides(void **state)
{
    static uint8_t input[SL_KEY_INPUT_MAX + 1], bytes[SL_KEY_DATAGRAM_MAX];
    struct sl_key_message message = SIGN, got;
    SL_UNUSED(state);
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    message.bytes = sl_slice_of(input, sizeof(input));
    assert_int_equal(sl_key_message_emit(&message, &out), SL_ERANGE);
    message.bytes.len = 0;
    assert_int_equal(sl_key_message_emit(&message, &out), SL_ERANGE);
    message.bytes.len = SL_KEY_INPUT_MAX;
    assert_int_equal(sl_key_message_emit(&message, &out), SL_OK);
    struct sl_slice in = sl_wbuf_slice(&out);
    assert_int_equal(sl_key_message_next(&in, SL_KEY_TO_KEYS, &got), SL_OK);
    bytes[5] = (uint8_t)((SL_KEY_INPUT_MAX + 7) >> 8);
    bytes[6] = (uint8_t)(SL_KEY_INPUT_MAX + 7);
    in = sl_slice_of(bytes, out.len + 1);
    assert_int_equal(sl_key_message_next(&in, SL_KEY_TO_KEYS, &got), SL_EPROTO);
}

static void nothing_is_written_without_room(void **state)
{
    uint8_t bytes[64];
    SL_UNUSED(state);
    size_t needed = emit(bytes, sizeof(bytes), &SIGN, NULL).len;
    for (size_t cap = 0; cap < needed; cap++) {
        struct sl_wbuf out = sl_wbuf_of(bytes, cap);
        assert_int_equal(sl_key_message_emit(&SIGN, &out), SL_ENOSPC);
        assert_int_equal(out.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_as_documented),
        cmocka_unit_test(a_batch_is_read_message_by_message),
        cmocka_unit_test(a_token_answers_in_two_steps),
        cmocka_unit_test(who_may_not_send_it_is_a_protocol_error),
        cmocka_unit_test(every_cut_is_a_protocol_error),
        cmocka_unit_test(what_the_table_does_not_know_is_a_protocol_error),
        cmocka_unit_test(lengths_have_limits_on_both_sides),
        cmocka_unit_test(nothing_is_written_without_room),
    };
    return cmocka_run_group_tests_name("codec/key_message", tests, NULL, NULL);
}
