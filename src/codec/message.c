/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/message.h"
#include "base/reader.h"
#include <assert.h>

enum { VERSION = 1 };

enum {
    IN_CONFIGURING = 1U << SL_PHASE_CONFIGURING,
    IN_RUNNING = 1U << SL_PHASE_RUNNING,
    IN_DRAINING = 1U << SL_PHASE_DRAINING,
    IN_ANY = IN_CONFIGURING | IN_RUNNING | IN_DRAINING,
};

/* What the body of a type is made of. */
enum body {
    BODY_NONE,
    BODY_WORKER,
    BODY_EDITION,
    BODY_LISTENER,
    BODY_BYTES,
    BODY_CONNECTIONS,
    BODY_KEY
};

enum { KEY_INDEX_BYTES = 4 };

static const struct row {
    const char *name;
    enum sl_message_direction direction;
    unsigned phases; /* IN_… */
    enum body body;
    uint16_t min_bytes, max_bytes; /* of the body */
    uint16_t fds_count;
} ROWS[SL_MESSAGE_TYPE_END] = {
    /* clang-format off */
    [SL_MESSAGE_BUNDLE]      = { "BUNDLE", SL_MESSAGE_TO_WORKER, IN_CONFIGURING | IN_RUNNING,
                                 BODY_EDITION, 6, 6, 1 },
    [SL_MESSAGE_METRICS]     = { "METRICS", SL_MESSAGE_TO_WORKER, IN_CONFIGURING,
                                 BODY_NONE, 0, 0, 1 },
    [SL_MESSAGE_LISTENER]    = { "LISTENER", SL_MESSAGE_TO_WORKER, IN_CONFIGURING | IN_RUNNING,
                                 BODY_LISTENER, 4, 4, 1 },
    [SL_MESSAGE_TICKET_KEYS] = { "TICKET_KEYS", SL_MESSAGE_TO_WORKER, IN_ANY,
                                 BODY_BYTES, 1, SL_MESSAGE_TICKET_KEYS_MAX, 0 },
    [SL_MESSAGE_START]       = { "START", SL_MESSAGE_TO_WORKER, IN_CONFIGURING,
                                 BODY_NONE, 0, 0, 0 },
    [SL_MESSAGE_DRAIN]       = { "DRAIN", SL_MESSAGE_TO_WORKER, IN_RUNNING,
                                 BODY_NONE, 0, 0, 0 },
    [SL_MESSAGE_STOP]        = { "STOP", SL_MESSAGE_TO_WORKER, IN_ANY,
                                 BODY_NONE, 0, 0, 0 },
    [SL_MESSAGE_READY]       = { "READY", SL_MESSAGE_TO_SUPERVISOR, IN_CONFIGURING,
                                 BODY_NONE, 0, 0, 0 },
    [SL_MESSAGE_FAILED]      = { "FAILED", SL_MESSAGE_TO_SUPERVISOR, IN_ANY,
                                 BODY_BYTES, 0, SL_MESSAGE_FAILED_MAX, 0 },
    [SL_MESSAGE_DRAINED]     = { "DRAINED", SL_MESSAGE_TO_SUPERVISOR, IN_DRAINING,
                                 BODY_CONNECTIONS, 8, 8, 0 },
    [SL_MESSAGE_KEYS]        = { "KEYS", SL_MESSAGE_TO_WORKER, IN_ANY,
                                 BODY_NONE, 0, 0, 1 },
    [SL_MESSAGE_KEY_COUNT]   = { "KEY_COUNT", SL_MESSAGE_TO_KEYS, IN_CONFIGURING,
                                 BODY_KEY, 5, 4 + SL_MESSAGE_KEY_CAGE_MAX, 0 },
    [SL_MESSAGE_KEY_FILE]    = { "KEY_FILE", SL_MESSAGE_TO_KEYS, IN_CONFIGURING | IN_RUNNING,
                                 BODY_KEY, 5, SL_MESSAGE_KEY_MAX, 1 },
    [SL_MESSAGE_KEY_PASSPHRASE] = { "KEY_PASSPHRASE", SL_MESSAGE_TO_KEYS,
                                 IN_CONFIGURING | IN_RUNNING, BODY_NONE, 0, 0, 1 },
    [SL_MESSAGE_KEY_START]   = { "KEY_START", SL_MESSAGE_TO_KEYS, IN_CONFIGURING,
                                 BODY_NONE, 0, 0, 0 },
    [SL_MESSAGE_KEY_CLIENT]  = { "KEY_CLIENT", SL_MESSAGE_TO_KEYS, IN_RUNNING,
                                 BODY_WORKER, 2, 2, 1 },
    [SL_MESSAGE_KEY_PUBLIC]  = { "KEY_PUBLIC", SL_MESSAGE_FROM_KEYS, IN_CONFIGURING | IN_RUNNING,
                                 BODY_KEY, 5, SL_MESSAGE_KEY_MAX, 0 },
    [SL_MESSAGE_KEY_BAD]     = { "KEY_BAD", SL_MESSAGE_FROM_KEYS, IN_CONFIGURING | IN_RUNNING,
                                 BODY_KEY, 4, 4 + SL_MESSAGE_FAILED_MAX, 0 },
    [SL_MESSAGE_KEY_CUT]     = { "KEY_CUT", SL_MESSAGE_FROM_KEYS, IN_RUNNING,
                                 BODY_WORKER, 2, 2, 0 },
    [SL_MESSAGE_KEY_LACKS]   = { "KEY_LACKS", SL_MESSAGE_FROM_KEYS, IN_CONFIGURING,
                                 BODY_KEY, 4, 4, 0 },
    [SL_MESSAGE_KEY_POOL]    = { "KEY_POOL", SL_MESSAGE_TO_KEYS, IN_RUNNING,
                                 BODY_KEY, 12, 12, 0 },
    [SL_MESSAGE_KEY_TOKEN]   = { "KEY_TOKEN", SL_MESSAGE_TO_KEYS, IN_RUNNING,
                                 BODY_KEY, 6, 6, 1 },
    [SL_MESSAGE_KEY_STUCK]   = { "KEY_STUCK", SL_MESSAGE_FROM_KEYS, IN_RUNNING,
                                 BODY_WORKER, 2, 2, 0 },
    [SL_MESSAGE_TOKEN_CAGE]  = { "TOKEN_CAGE", SL_MESSAGE_TO_TOKEN, IN_CONFIGURING,
                                 BODY_BYTES, 1, SL_MESSAGE_KEY_CAGE_MAX, 0 },
    [SL_MESSAGE_TOKEN_MODULE] = { "TOKEN_MODULE", SL_MESSAGE_TO_TOKEN, IN_CONFIGURING,
                                 BODY_BYTES, 1, SL_MESSAGE_TOKEN_TEXT_MAX, 0 },
    [SL_MESSAGE_TOKEN_PIN]   = { "TOKEN_PIN", SL_MESSAGE_TO_TOKEN, IN_CONFIGURING,
                                 BODY_NONE, 0, 0, 1 },
    [SL_MESSAGE_TOKEN_OPEN]  = { "TOKEN_OPEN", SL_MESSAGE_TO_TOKEN, IN_CONFIGURING,
                                 BODY_BYTES, 1, SL_MESSAGE_TOKEN_TEXT_MAX, 0 },
    [SL_MESSAGE_TOKEN_KEY]   = { "TOKEN_KEY", SL_MESSAGE_TO_TOKEN, IN_CONFIGURING,
                                 BODY_KEY, 5, 4 + SL_MESSAGE_TOKEN_TEXT_MAX, 0 },
    [SL_MESSAGE_TOKEN_CHAIN] = { "TOKEN_CHAIN", SL_MESSAGE_TO_TOKEN, IN_CONFIGURING,
                                 BODY_KEY, 5, 4 + SL_MESSAGE_TOKEN_TEXT_MAX, 0 },
    [SL_MESSAGE_TOKEN_USE]   = { "TOKEN_USE", SL_MESSAGE_TO_TOKEN, IN_CONFIGURING | IN_RUNNING,
                                 BODY_NONE, 0, 0, 1 },
    [SL_MESSAGE_TOKEN_OPENED] = { "TOKEN_OPENED", SL_MESSAGE_FROM_TOKEN, IN_CONFIGURING,
                                 BODY_NONE, 0, 0, 0 },
    [SL_MESSAGE_TOKEN_PUBLIC] = { "TOKEN_PUBLIC", SL_MESSAGE_FROM_TOKEN, IN_CONFIGURING,
                                 BODY_KEY, 4, SL_MESSAGE_KEY_MAX, 0 },
    [SL_MESSAGE_TOKEN_CERTIFICATES] = { "TOKEN_CERTIFICATES", SL_MESSAGE_FROM_TOKEN, IN_CONFIGURING,
                                 BODY_KEY, 4, 4, 1 },
    [SL_MESSAGE_TOKEN_BAD]   = { "TOKEN_BAD", SL_MESSAGE_FROM_TOKEN, IN_CONFIGURING | IN_RUNNING,
                                 BODY_KEY, 4, 4 + SL_MESSAGE_FAILED_MAX, 0 },
    [SL_MESSAGE_HEALTH]      = { "HEALTH", SL_MESSAGE_TO_WORKER, IN_CONFIGURING,
                                 BODY_NONE, 0, 0, 1 },
    [SL_MESSAGE_NAME]        = { "NAME", SL_MESSAGE_TO_WORKER, IN_ANY,
                                 BODY_BYTES, 1, SL_MESSAGE_NAME_MAX, 0 },
    [SL_MESSAGE_AGENT_DNS]   = { "AGENT_DNS", SL_MESSAGE_TO_AGENT, IN_CONFIGURING,
                                 BODY_BYTES, 1, SL_MESSAGE_NAME_MAX, 0 },
    [SL_MESSAGE_AGENT_CAGE]  = { "AGENT_CAGE", SL_MESSAGE_TO_AGENT, IN_CONFIGURING,
                                 BODY_BYTES, 1, SL_MESSAGE_KEY_CAGE_MAX, 0 },
    [SL_MESSAGE_AGENT_NAME]  = { "AGENT_NAME", SL_MESSAGE_TO_AGENT, IN_CONFIGURING,
                                 BODY_KEY, 5, SL_MESSAGE_NAME_MAX, 0 },
    [SL_MESSAGE_AGENT_START] = { "AGENT_START", SL_MESSAGE_TO_AGENT, IN_CONFIGURING,
                                 BODY_NONE, 0, 0, 0 },
    [SL_MESSAGE_AGENT_LACKS] = { "AGENT_LACKS", SL_MESSAGE_FROM_AGENT, IN_RUNNING,
                                 BODY_KEY, 4, 4, 0 },
    [SL_MESSAGE_AGENT_FOUND] = { "AGENT_FOUND", SL_MESSAGE_FROM_AGENT, IN_RUNNING,
                                 BODY_KEY, 5, SL_MESSAGE_NAME_MAX, 0 },
    [SL_MESSAGE_PREPARE]     = { "PREPARE", SL_MESSAGE_TO_WORKER, IN_RUNNING, BODY_NONE, 0, 0, 0 },
    [SL_MESSAGE_PREPARED]    = { "PREPARED", SL_MESSAGE_TO_SUPERVISOR, IN_RUNNING | IN_DRAINING,
                                 BODY_EDITION, 6, 6, 0 },
    [SL_MESSAGE_REFUSED]     = { "REFUSED", SL_MESSAGE_TO_SUPERVISOR, IN_RUNNING | IN_DRAINING,
                                 BODY_KEY, 4, 4 + SL_MESSAGE_FAILED_MAX, 0 },
    [SL_MESSAGE_COMMIT]      = { "COMMIT", SL_MESSAGE_TO_WORKER, IN_RUNNING, BODY_NONE, 0, 0, 0 },
    [SL_MESSAGE_ABORT]       = { "ABORT", SL_MESSAGE_TO_WORKER, IN_RUNNING, BODY_NONE, 0, 0, 0 },
    [SL_MESSAGE_SWAPPED]     = { "SWAPPED", SL_MESSAGE_TO_SUPERVISOR, IN_RUNNING | IN_DRAINING,
                                 BODY_EDITION, 6, 6, 0 },
    [SL_MESSAGE_RELEASED]    = { "RELEASED", SL_MESSAGE_TO_SUPERVISOR, IN_RUNNING | IN_DRAINING,
                                 BODY_EDITION, 6, 6, 0 },
    [SL_MESSAGE_KEY_DROP]    = { "KEY_DROP", SL_MESSAGE_TO_KEYS,
                                 IN_CONFIGURING | IN_RUNNING, BODY_KEY, 4, 4, 0 },
    [SL_MESSAGE_LOG]         = { "LOG", SL_MESSAGE_TO_WORKER, IN_ANY, BODY_BYTES, 2,
                                 SL_MESSAGE_NAME_MAX, 1 },
    /* clang-format on */
};

static const struct row *row_find(unsigned type)
{
    return type < SL_COUNT(ROWS) && ROWS[type].name != NULL ? &ROWS[type] : NULL;
}

const char *sl_message_name(enum sl_message_type type)
{
    const struct row *row = row_find(type);
    return row == NULL ? "?" : row->name;
}

size_t sl_message_fds_count(enum sl_message_type type)
{
    const struct row *row = row_find(type);
    assert(row != NULL);
    return row->fds_count;
}

static enum sl_err put_body(enum body body, const struct sl_message *message, struct sl_wbuf *out)
{
    enum sl_err rc = SL_OK;
    switch (body) {
    case BODY_NONE:
        break;
    case BODY_WORKER:
        rc = sl_wbuf_put_u16(out, message->worker_index);
        break;
    case BODY_EDITION:
        rc = sl_wbuf_put_u16(out, message->edition.worker_index);
        rc = rc == SL_OK ? sl_wbuf_put_u32(out, message->edition.number) : rc;
        break;
    case BODY_LISTENER:
        rc = sl_wbuf_put_u16(out, message->listener.service_index);
        rc = rc == SL_OK ? sl_wbuf_put_u16(out, message->listener.listen_index) : rc;
        break;
    case BODY_BYTES:
        rc = sl_wbuf_put(out, message->bytes);
        break;
    case BODY_CONNECTIONS:
        rc = sl_wbuf_put_u32(out, (uint32_t)(message->connections_count >> 32));
        rc = rc == SL_OK ? sl_wbuf_put_u32(out, (uint32_t)message->connections_count) : rc;
        break;
    case BODY_KEY:
        rc = sl_wbuf_put_u32(out, message->key.index);
        rc = rc == SL_OK ? sl_wbuf_put(out, message->key.bytes) : rc;
        break;
    }
    return rc;
}

enum sl_err sl_message_emit(const struct sl_message *message, struct sl_wbuf *out)
{
    const struct row *row = row_find(message->type);
    assert(row != NULL);
    size_t body_bytes = row->body == BODY_BYTES ? message->bytes.len
                        : row->body == BODY_KEY ? KEY_INDEX_BYTES + message->key.bytes.len
                                                : row->min_bytes;
    if (body_bytes < row->min_bytes || body_bytes > row->max_bytes) {
        return SL_ERANGE;
    }
    if (SL_MESSAGE_HEAD_BYTES + body_bytes > sl_wbuf_room(out)) {
        return SL_ENOSPC; /* so none of the writes below can fail */
    }
    enum sl_err rc = sl_wbuf_put_u8(out, VERSION);
    rc = rc == SL_OK ? sl_wbuf_put_u8(out, (uint8_t)message->type) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u16(out, row->fds_count) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u32(out, (uint32_t)body_bytes) : rc;
    return rc == SL_OK ? put_body(row->body, message, out) : rc;
}

static void read_body(enum body body, struct sl_reader *r, struct sl_message *message)
{
    switch (body) {
    case BODY_NONE:
        break;
    case BODY_WORKER:
        message->worker_index = sl_reader_u16(r);
        break;
    case BODY_EDITION:
        message->edition.worker_index = sl_reader_u16(r);
        message->edition.number = sl_reader_u32(r);
        break;
    case BODY_LISTENER:
        message->listener.service_index = sl_reader_u16(r);
        message->listener.listen_index = sl_reader_u16(r);
        break;
    case BODY_BYTES:
        message->bytes = sl_reader_bytes(r, r->in.len);
        break;
    case BODY_CONNECTIONS:
        message->connections_count = (uint64_t)sl_reader_u32(r) << 32;
        message->connections_count |= sl_reader_u32(r);
        break;
    case BODY_KEY:
        message->key.index = sl_reader_u32(r);
        message->key.bytes = sl_reader_bytes(r, r->in.len);
        break;
    }
}

enum sl_err sl_message_parse(struct sl_slice datagram, size_t fds_count,
                             enum sl_message_direction direction, enum sl_message_phase phase,
                             struct sl_message *ret_message)
{
    struct sl_reader r = sl_reader_of(datagram);
    uint8_t version = sl_reader_u8(&r);
    uint8_t type = sl_reader_u8(&r);
    uint16_t said_fds_count = sl_reader_u16(&r);
    uint32_t body_bytes = sl_reader_u32(&r);
    const struct row *row = row_find(type);
    if (r.failed || version != VERSION || row == NULL || body_bytes != r.in.len) {
        return SL_EPROTO;
    }
    if (row->direction != direction || (row->phases & 1U << phase) == 0 ||
        said_fds_count != row->fds_count || fds_count != row->fds_count ||
        body_bytes < row->min_bytes || body_bytes > row->max_bytes) {
        return SL_EPROTO;
    }
    struct sl_message message = { .type = type };
    read_body(row->body, &r, &message);
    if (!sl_reader_is_done(&r)) {
        return SL_EPROTO;
    }
    *ret_message = message;
    return SL_OK;
}
