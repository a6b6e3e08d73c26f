/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/peek.h"
#include "relay/close.h"
#include "relay/conn.h"
#include <stdlib.h>
#include <string.h>

enum {
    ALERT_ILLEGAL_PARAMETER = 47, /* RFC 8446 6.2 */
    ALERT_DECODE_ERROR = 50,
    ALERT_UNRECOGNIZED_NAME = 112, /* RFC 6066 3 */
    ALERT_LEN = 7,
    ALPN_TEXT_MAX_BYTES = 255, /* of what the log repeats */
};

/* Ends it with an alert of our own: nobody has answered the client yet. */
static enum sl_err refuse(struct sl_conn *conn, enum sl_reason reason, uint8_t alert,
                          const char *detail)
{
    uint8_t bytes[ALERT_LEN];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_hello_scan_alert(&out, alert);
    rc = rc == SL_OK ? sl_ep_write(&conn->client_tcp->ep, conn->env->scratch, sl_wbuf_slice(&out))
                     : rc;
    sl_conn_end(conn, reason, SL_SIDE_CLIENT,
                rc == SL_OK || rc == SL_AGAIN ? SL_FAREWELL_TELL_CLIENT : SL_FAREWELL_RESET,
                detail);
    return SL_ETLS;
}

static enum sl_err no_memory(struct sl_conn *conn)
{
    sl_conn_end(conn, SL_REASON_NO_MEMORY, SL_SIDE_NONE, SL_FAREWELL_RESET, NULL);
    return SL_ENOMEM;
}

/* Puts the client's protocols between commas, as many as there is room for. */
static void alpn_put(struct sl_slice list, struct sl_wbuf *out)
{
    struct sl_slice one;
    bool has_room = true;
    while (has_room && sl_alpn_next(&list, &one) == SL_OK) {
        has_room = sl_wbuf_room(out) > one.len + 1 &&
                   (out->len == 0 || sl_wbuf_put_u8(out, ',') == SL_OK) &&
                   sl_wbuf_put(out, one) == SL_OK;
    }
}

/* Keeps for the log what no session will know. */
static enum sl_err remember(struct sl_conn *conn, const struct sl_hello *hello)
{
    const size_t name_bytes = hello->server_name.len + 1;
    const size_t alpn_bytes = SL_MIN(hello->alpn.len + 1, (size_t)ALPN_TEXT_MAX_BYTES);
    struct sl_asked *asked = calloc(1, sizeof(*asked) + name_bytes + alpn_bytes + 1);
    if (asked == NULL) {
        return SL_ENOMEM;
    }
    asked->server_name = asked->text;
    asked->alpn = asked->text + name_bytes;
    if (hello->server_name.len > 0) {
        memcpy(asked->text, hello->server_name.ptr, hello->server_name.len);
    }
    struct sl_wbuf alpn = sl_wbuf_of(asked->text + name_bytes, alpn_bytes);
    alpn_put(hello->alpn, &alpn);
    free(conn->asked);
    conn->asked = asked;
    return SL_OK;
}

const char *sl_conn_way_protocol(const struct sl_conn_way *way, struct sl_slice offered)
{
    for (size_t i = 0; i < way->protocols_count; i++) {
        struct sl_slice rest = offered, one;
        while (sl_alpn_next(&rest, &one) == SL_OK) {
            if (sl_slice_eq(one, sl_slice_cstr(way->protocols[i]))) {
                return way->protocols[i];
            }
        }
    }
    return NULL;
}

/* The way is known by what the client asks for; `hello` is NULL when it does not speak TLS. */
static enum sl_err choose(struct sl_conn *conn, const struct sl_hello *hello)
{
    const struct sl_conn_way *way = conn->env->hooks->route(conn, hello);
    const bool is_terminated = way != NULL && !way->is_passed && conn->plan->client_tls != NULL;
    conn->way = way;
    conn->has_ech = hello != NULL && hello->has_ech;
    if (hello != NULL && !is_terminated && remember(conn, hello) != SL_OK) {
        return no_memory(conn);
    }
    if (way != NULL) {
        conn->protocol = hello == NULL ? NULL : sl_conn_way_protocol(way, hello->alpn);
        conn->is_peeked = true;
        return SL_OK;
    }
    if (hello == NULL) {
        sl_conn_end(conn, SL_REASON_NO_ROUTE, SL_SIDE_CLIENT, SL_FAREWELL_RESET, NULL);
        return SL_ENOENT;
    }
    return refuse(conn, SL_REASON_NO_ROUTE, ALERT_UNRECOGNIZED_NAME, NULL);
}

/* What is not TLS as it should be. Where TLS ends here it is libssl's to answer. */
static enum sl_err refuse_bytes(struct sl_conn *conn, enum sl_reason reason, uint8_t alert,
                                const char *detail)
{
    if (conn->plan->client_tls == NULL) {
        return refuse(conn, reason, alert, detail);
    }
    conn->is_peeked = true;
    return SL_OK;
}

/* The bytes of a client that speaks TLS. */
static enum sl_err look_at_tls(struct sl_conn *conn, struct sl_slice all)
{
    const size_t max_bytes = conn->plan->hello_max_bytes;
    struct sl_hello_scan *scan = &conn->peek.scan;
    struct sl_diag *diag = &conn->env->scratch->diag;
    enum sl_err rc = sl_hello_scan_step(scan, all);
    if (rc == SL_AGAIN && (all.len == max_bytes || scan->whole_bytes > max_bytes)) {
        sl_diag_set(diag, "the ClientHello is larger than %zu bytes", max_bytes);
        return refuse_bytes(conn, SL_REASON_CLIENT_HELLO_TOO_LARGE, ALERT_ILLEGAL_PARAMETER,
                            diag->text);
    }
    if (rc == SL_AGAIN) {
        return rc;
    }
    struct sl_slice message = { NULL, 0 };
    struct sl_hello hello;
    if (rc == SL_OK) {
        struct sl_wbuf join = { NULL, 0, 0 };
        if (!scan->is_in_one) {
            join = sl_wbuf_of(sl_arena_alloc(&conn->arena, scan->whole_bytes), scan->whole_bytes);
            if (join.ptr == NULL) {
                return no_memory(conn);
            }
        }
        rc = sl_hello_scan_message(scan, all, &join, &message);
    }
    rc = rc == SL_OK ? sl_hello_scan_parse(message, &hello) : rc;
    return rc == SL_OK ? choose(conn, &hello)
                       : refuse_bytes(conn, SL_REASON_HANDSHAKE_FAILED, ALERT_DECODE_ERROR,
                                      "the ClientHello is malformed");
}

static enum sl_err look(struct sl_conn *conn)
{
    const struct sl_slice all = sl_pending_slice(&conn->peek.bytes);
    switch (sl_first_bytes_classify(all)) {
    case SL_FIRST_MORE:
        return SL_AGAIN;
    case SL_FIRST_TLS:
        return look_at_tls(conn, all);
    default:
        if (conn->plan->client_tls == NULL) {
            return choose(conn, NULL);
        }
        conn->is_peeked = true;
        return SL_OK;
    }
}

/* The client ends before it has said enough. */
static enum sl_err client_ended(struct sl_conn *conn, enum sl_err rc)
{
    const bool has_spoken =
        sl_first_bytes_classify(sl_pending_slice(&conn->peek.bytes)) == SL_FIRST_MORE &&
        conn->peek.bytes.len > 0;
    if (rc == SL_EOF && has_spoken && conn->plan->client_tls == NULL) {
        return choose(conn, NULL); /* two letters and a FIN are no TLS */
    }
    sl_conn_end(conn,
                rc == SL_EOF || rc == SL_ERESET ? SL_REASON_CLIENT_CLOSED : SL_REASON_INTERNAL,
                SL_SIDE_CLIENT, SL_FAREWELL_RESET, NULL);
    return rc;
}

/* Reads no more than a ClientHello may have: what comes behind it waits in the kernel. */
static enum sl_err read_some(struct sl_conn *conn, struct sl_slice *ret_bytes)
{
    struct sl_scratch *scratch = conn->env->scratch;
    const size_t chunk_bytes = scratch->chunk_bytes;
    scratch->chunk_bytes = SL_MIN(chunk_bytes, conn->plan->hello_max_bytes - conn->peek.bytes.len);
    enum sl_err rc = sl_ep_read(&conn->client_tcp->ep, scratch, ret_bytes);
    scratch->chunk_bytes = chunk_bytes;
    return rc;
}

enum sl_err sl_conn_peek(struct sl_conn *conn)
{
    if (!conn->plan->is_hello_wanted) {
        return choose(conn, NULL);
    }
    for (;;) {
        struct sl_slice in;
        enum sl_err rc = read_some(conn, &in);
        if (rc != SL_OK) {
            return rc == SL_AGAIN ? rc : client_ended(conn, rc);
        }
        rc = sl_pending_put(&conn->peek.bytes, in, conn->plan->hello_max_bytes);
        rc = rc == SL_OK ? look(conn) : no_memory(conn);
        if (rc != SL_AGAIN) {
            return rc;
        }
    }
}
