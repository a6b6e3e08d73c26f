/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/hello_scan.h"

enum {
    CONTENT_ALERT = 0x15, /* RFC 8446 5.1 */
    CONTENT_HANDSHAKE = 0x16,
    TLS_MAJOR = 0x03, /* of every record version since SSL 3.0 */
    RECORD_HEADER_LEN = 5,
    RECORD_MAX_BYTES = 16384,
    MESSAGE_CLIENT_HELLO = 1, /* RFC 8446 4 */
    MESSAGE_HEADER_LEN = 4,
    RANDOM_LEN = 32,
    SESSION_ID_MAX_LEN = 32,
    EXTENSION_SERVER_NAME = 0, /* RFC 6066 */
    EXTENSION_ALPN = 16,       /* RFC 7301 */
    EXTENSION_ECH = 0xfe0d,    /* draft-ietf-tls-esni 5 */
    ECH_OUTER = 0,
    ALERT_FATAL = 2,
};

/* One record as far as it has come. */
struct record {
    struct sl_slice payload;
    bool is_whole;
};

/* The record at the front of `in`. SL_OK, SL_AGAIN (its header is not whole), SL_EPROTO. */
static enum sl_err record_read(struct sl_slice in, struct record *ret_record)
{
    if ((in.len >= 1 && in.ptr[0] != CONTENT_HANDSHAKE) ||
        (in.len >= 2 && in.ptr[1] != TLS_MAJOR)) {
        return SL_EPROTO;
    }
    if (in.len < RECORD_HEADER_LEN) {
        return SL_AGAIN;
    }
    const size_t len = (size_t)in.ptr[3] << 8 | in.ptr[4];
    if (len == 0 || len > RECORD_MAX_BYTES) { /* no handshake message has empty fragments */
        return SL_EPROTO;
    }
    (void)sl_slice_cut(&in, RECORD_HEADER_LEN);
    *ret_record = (struct record){ .is_whole = in.len >= len,
                                   .payload = sl_slice_of(in.ptr, SL_MIN(in.len, len)) };
    return SL_OK;
}

/* Byte `index` of the message, which stands in what came before `end`. */
static uint8_t message_byte(struct sl_slice all, size_t end, size_t index)
{
    struct sl_slice rest = sl_slice_of(all.ptr, end);
    struct record record;
    while (record_read(rest, &record) == SL_OK && index >= record.payload.len) {
        index -= record.payload.len;
        (void)sl_slice_cut(&rest, RECORD_HEADER_LEN + record.payload.len);
    }
    return index < record.payload.len ? record.payload.ptr[index] : 0;
}

/* Reads the message's header once it has come. SL_OK, SL_EPROTO. */
static enum sl_err header_read(struct sl_hello_scan *scan, struct sl_slice all, size_t end,
                               size_t have_bytes)
{
    if (have_bytes >= 1 && scan->whole_bytes == 0 &&
        message_byte(all, end, 0) != MESSAGE_CLIENT_HELLO) {
        return SL_EPROTO;
    }
    if (have_bytes >= MESSAGE_HEADER_LEN && scan->whole_bytes == 0) {
        scan->whole_bytes = MESSAGE_HEADER_LEN + ((size_t)message_byte(all, end, 1) << 16 |
                                                  (size_t)message_byte(all, end, 2) << 8 |
                                                  (size_t)message_byte(all, end, 3));
    }
    return SL_OK;
}

enum sl_err sl_hello_scan_step(struct sl_hello_scan *scan, struct sl_slice all)
{
    for (;;) {
        struct sl_slice rest = all;
        struct record record;
        if (all.len <= scan->at) {
            return SL_AGAIN;
        }
        (void)sl_slice_cut(&rest, scan->at);
        enum sl_err rc = record_read(rest, &record);
        if (rc != SL_OK) {
            return rc;
        }
        const size_t have_bytes = scan->message_bytes + record.payload.len;
        const size_t end = scan->at + RECORD_HEADER_LEN + record.payload.len;
        rc = header_read(scan, all, end, have_bytes);
        if (rc != SL_OK) {
            return rc;
        }
        if (scan->whole_bytes != 0 && have_bytes >= scan->whole_bytes) {
            scan->is_in_one = scan->at == 0;
            return SL_OK;
        }
        if (!record.is_whole) {
            return SL_AGAIN;
        }
        scan->at = end;
        scan->message_bytes = have_bytes;
    }
}

enum sl_err sl_hello_scan_message(const struct sl_hello_scan *scan, struct sl_slice all,
                                  struct sl_wbuf *join, struct sl_slice *ret_message)
{
    if (scan->is_in_one) {
        *ret_message = sl_slice_of(all.ptr + RECORD_HEADER_LEN, scan->whole_bytes);
        return SL_OK;
    }
    enum sl_err rc = SL_OK;
    size_t left_bytes = scan->whole_bytes;
    struct record record;
    join->len = 0;
    while (rc == SL_OK && left_bytes > 0 && (rc = record_read(all, &record)) == SL_OK) {
        const struct sl_slice part =
            sl_slice_of(record.payload.ptr, SL_MIN(record.payload.len, left_bytes));
        rc = sl_wbuf_put(join, part);
        left_bytes -= part.len;
        (void)sl_slice_cut(&all, RECORD_HEADER_LEN + record.payload.len);
    }
    *ret_message = sl_wbuf_slice(join);
    return rc;
}

/* What of the extensions has been read, each at most once. */
struct seen {
    bool has_name, has_alpn, has_ech;
};

static bool is_new(bool *has)
{
    const bool had = *has;
    *has = true;
    return !had;
}

static enum sl_err extension_read(uint16_t type, struct sl_slice body, struct seen *seen,
                                  struct sl_hello *hello)
{
    enum sl_err rc = SL_OK;
    switch (type) {
    case EXTENSION_SERVER_NAME:
        rc = is_new(&seen->has_name) ? sl_hello_server_name(body, &hello->server_name) : SL_EPROTO;
        return rc == SL_ENOENT ? SL_OK : rc;
    case EXTENSION_ALPN:
        return is_new(&seen->has_alpn) ? sl_hello_alpn(body, &hello->alpn) : SL_EPROTO;
    case EXTENSION_ECH:
        hello->has_ech = body.len > 0 && body.ptr[0] == ECH_OUTER;
        return is_new(&seen->has_ech) ? SL_OK : SL_EPROTO;
    default:
        return rc;
    }
}

enum sl_err sl_hello_scan_parse(struct sl_slice message, struct sl_hello *ret_hello)
{
    struct sl_hello hello = { .server_name = { NULL, 0 } };
    struct sl_reader r = sl_reader_of(message);
    struct seen seen = { .has_name = false };
    const uint8_t type = sl_reader_u8(&r);
    const uint32_t len = sl_reader_u24(&r);
    if (r.failed || type != MESSAGE_CLIENT_HELLO || len != r.in.len) {
        return SL_EPROTO;
    }
    (void)sl_reader_u16(&r); /* legacy_version */
    (void)sl_reader_bytes(&r, RANDOM_LEN);
    const struct sl_slice session = sl_reader_vec8(&r);
    const struct sl_slice ciphers = sl_reader_vec16(&r);
    const struct sl_slice compressions = sl_reader_vec8(&r);
    if (r.failed || session.len > SESSION_ID_MAX_LEN || ciphers.len == 0 || ciphers.len % 2 != 0 ||
        compressions.len == 0) {
        return SL_EPROTO;
    }
    /* before TLS 1.3 there may be no extensions at all (RFC 5246 7.4.1.2) */
    struct sl_reader list = { .in = { NULL, 0 } };
    if (r.in.len > 0) {
        list = sl_reader_of(sl_reader_vec16(&r));
    }
    enum sl_err rc = SL_OK;
    while (rc == SL_OK && !list.failed && list.in.len > 0) {
        const uint16_t extension = sl_reader_u16(&list);
        const struct sl_slice body = sl_reader_vec16(&list);
        rc = list.failed ? SL_EPROTO : extension_read(extension, body, &seen, &hello);
    }
    rc = rc == SL_OK && (list.failed || !sl_reader_is_done(&r)) ? SL_EPROTO : rc;
    if (rc == SL_OK) {
        *ret_hello = hello;
    }
    return rc;
}

enum sl_err sl_hello_scan_alert(struct sl_wbuf *out, uint8_t alert)
{
    const uint8_t record[] = { CONTENT_ALERT, TLS_MAJOR, 1, 0, 2, ALERT_FATAL, alert };
    return sl_wbuf_put(out, sl_slice_of(record, sizeof(record)));
}
