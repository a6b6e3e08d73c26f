/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/key_message.h"
#include "base/reader.h"
#include <assert.h>

enum { HEAD_BYTES = 7, SIGN_BYTES = 6, SIGNED_BYTES = 1 };

static const struct row {
    bool is_there;
    enum sl_key_direction direction;
    uint16_t fixed_bytes;          /* of the body, before `bytes` */
    uint16_t min_bytes, max_bytes; /* of `bytes` */
} ROWS[SL_KEY_MESSAGE_END] = {
    [SL_KEY_SIGN] = { true, SL_KEY_TO_KEYS, SIGN_BYTES, 1, SL_KEY_INPUT_MAX },
    [SL_KEY_SIGNED] = { true, SL_KEY_TO_WORKER, SIGNED_BYTES, 0, SL_KEY_SIGNATURE_MAX },
    [SL_KEY_QUEUED] = { true, SL_KEY_TO_WORKER, 0, 0, 0 },
    [SL_KEY_LATE] = { true, SL_KEY_TO_WORKER, SIGNED_BYTES, 0, SL_KEY_SIGNATURE_MAX },
};

static const struct row *row_find(unsigned type)
{
    return type < SL_COUNT(ROWS) && ROWS[type].is_there ? &ROWS[type] : NULL;
}

static bool has_result(enum sl_key_message_type type)
{
    return type == SL_KEY_SIGNED || type == SL_KEY_LATE;
}

/* A result comes with a signature exactly when it is DONE. */
static bool is_sound(const struct sl_key_message *message)
{
    return !has_result(message->type) ||
           (message->result < SL_KEY_RESULT_END &&
            (message->result == SL_KEY_DONE) == (message->bytes.len > 0));
}

enum sl_err sl_key_message_emit(const struct sl_key_message *message, struct sl_wbuf *out)
{
    const struct row *row = row_find(message->type);
    assert(row != NULL && is_sound(message));
    if (message->bytes.len < row->min_bytes || message->bytes.len > row->max_bytes) {
        return SL_ERANGE;
    }
    size_t body_bytes = row->fixed_bytes + message->bytes.len;
    if (HEAD_BYTES + body_bytes > sl_wbuf_room(out)) {
        return SL_ENOSPC; /* so none of the writes below can fail */
    }
    enum sl_err rc = sl_wbuf_put_u8(out, (uint8_t)message->type);
    rc = rc == SL_OK ? sl_wbuf_put_u32(out, message->id) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u16(out, (uint16_t)body_bytes) : rc;
    if (message->type == SL_KEY_SIGN) {
        rc = rc == SL_OK ? sl_wbuf_put_u32(out, message->key_index) : rc;
        rc = rc == SL_OK ? sl_wbuf_put_u16(out, message->scheme) : rc;
    } else if (has_result(message->type)) {
        rc = rc == SL_OK ? sl_wbuf_put_u8(out, (uint8_t)message->result) : rc;
    }
    return rc == SL_OK ? sl_wbuf_put(out, message->bytes) : rc;
}

enum sl_err sl_key_message_next(struct sl_slice *datagram, enum sl_key_direction direction,
                                struct sl_key_message *ret_message)
{
    if (datagram->len == 0) {
        return SL_EOF;
    }
    struct sl_reader r = sl_reader_of(*datagram);
    uint8_t type = sl_reader_u8(&r);
    uint32_t id = sl_reader_u32(&r);
    struct sl_reader body = sl_reader_of(sl_reader_vec16(&r));
    const struct row *row = row_find(type);
    if (r.failed || row == NULL || row->direction != direction) {
        return SL_EPROTO;
    }
    struct sl_key_message message = { .type = type, .id = id };
    if (type == SL_KEY_SIGN) {
        message.key_index = sl_reader_u32(&body);
        message.scheme = sl_reader_u16(&body);
    } else if (has_result(type)) {
        message.result = sl_reader_u8(&body);
    }
    message.bytes = sl_reader_bytes(&body, body.in.len);
    if (body.failed || message.bytes.len < row->min_bytes || message.bytes.len > row->max_bytes ||
        !is_sound(&message)) {
        return SL_EPROTO;
    }
    *datagram = r.in;
    *ret_message = message;
    return SL_OK;
}
