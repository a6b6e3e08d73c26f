/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/close.h"
#include "sys/socket.h"
#include <stdlib.h>

enum {
    LINGER_BYTES_MAX = 1024 * 1024, /* thrown away before it is enough */
    OWED_POLL_MS = 20,
};

static void conn_free(struct sl_reap *reap)
{
    struct sl_conn *conn = SL_CONTAINER_OF(reap, struct sl_conn, reap);
    struct sl_conn_env *env = conn->env;
    sl_list_remove(&conn->node);
    env->conns_count--;
    if (conn->plan->tally != NULL) {
        conn->plan->tally->conns_count--;
    }
    if (conn->counted != NULL) {
        --*conn->counted;
    }
    sl_ep_tls_fini(&conn->client_tls);
    sl_ep_tls_fini(&conn->upstream_tls);
    sl_ep_peeked_fini(&conn->client_peeked);
    sl_pending_fini(&conn->peek.bytes);
    free(conn->asked);
    sl_list_remove(&conn->arena_reap.node);
    sl_arena_fini(&conn->arena);
    free(conn->proxy);
    env->hooks->freed(conn);
    free(conn);
}

static void side_close(struct sl_ep_tcp **tcp, enum sl_fate fate)
{
    struct sl_ep_tcp *gone = SL_STEAL(*tcp);
    if (fate == SL_FATE_RESET || fate == SL_FATE_DELIVER) {
        sl_ep_tcp_reset(gone);
    } else {
        sl_ep_tcp_destroy(gone);
    }
}

void sl_conn_destroy(struct sl_conn *conn)
{
    if (conn->stage == SL_STAGE_CLOSED) {
        return;
    }
    conn->stage = SL_STAGE_CLOSED;
    side_close(&conn->client_tcp, conn->client_fate);
    side_close(&conn->upstream_tcp, conn->upstream_fate);
    sl_timer_cancel(&conn->timer);
    sl_task_cancel(&conn->task);
    sl_loop_reap(conn->env->loop, &conn->reap, conn_free);
}

static enum sl_fate fate_of(enum sl_farewell farewell, enum sl_side ended_by, enum sl_side side)
{
    switch (farewell) {
    case SL_FAREWELL_CLEAN:
        return SL_FATE_CLOSE;
    case SL_FAREWELL_DELIVER:
        return side == ended_by ? SL_FATE_RESET : SL_FATE_DELIVER;
    case SL_FAREWELL_TELL_CLIENT:
        return side == SL_SIDE_CLIENT ? SL_FATE_TELL : SL_FATE_DELIVER;
    case SL_FAREWELL_TELL_UPSTREAM:
        return side == SL_SIDE_UPSTREAM ? SL_FATE_TELL : SL_FATE_DELIVER;
    default:
        return SL_FATE_RESET;
    }
}

/* Bytes that were written to a side and that its kernel does not have yet. */
static size_t side_owed(const struct sl_ep_tcp *tcp)
{
    return sl_ep_pending(&tcp->ep) + sl_socket_unsent(tcp->watch.fd);
}

/* Closes a side that nothing is to be waited for. */
static void side_begin_end(struct sl_ep_tcp **tcp, enum sl_fate fate)
{
    bool waits = fate == SL_FATE_TELL || fate == SL_FATE_DELIVER;
    if (*tcp == NULL || (waits && (fate == SL_FATE_TELL || side_owed(*tcp) > 0))) {
        return;
    }
    side_close(tcp, fate);
}

/* A kernel does not tell when its last byte has arrived: it is asked again and again. */
static void linger_timer_set(struct sl_conn *conn)
{
    bool is_owed = (conn->client_tcp != NULL && conn->client_fate == SL_FATE_DELIVER) ||
                   (conn->upstream_tcp != NULL && conn->upstream_fate == SL_FATE_DELIVER);
    uint64_t idle_ms = conn->env->loop->now_ms - conn->active_ms;
    uint64_t left_ms = conn->plan->linger_ms > idle_ms ? conn->plan->linger_ms - idle_ms : 0;
    sl_loop_timer(conn->env->loop, &conn->timer,
                  is_owed ? SL_MIN(left_ms, (uint64_t)OWED_POLL_MS) : left_ms);
}

void sl_conn_greeted(struct sl_conn *conn)
{
    if (!conn->is_greeting) {
        return;
    }
    conn->is_greeting = false;
    conn->env->handshakes_count--;
    if (conn->plan->tally != NULL) {
        conn->plan->tally->handshakes_count--;
    }
    if (conn->env->hooks->greeted != NULL) {
        conn->env->hooks->greeted(conn);
    }
}

void sl_conn_end(struct sl_conn *conn, enum sl_reason reason, enum sl_side ended_by,
                 enum sl_farewell farewell, const char *detail)
{
    uint64_t now_ms = conn->env->loop->now_ms;
    if (conn->connector != NULL) {
        conn->env->hooks->connect_cancel(conn);
    }
    conn->reason = reason;
    conn->ended_by = ended_by;
    conn->last_stage = conn->stage;
    conn->stage_ms[conn->stage] += now_ms - conn->stage_begin_ms;
    if (detail != NULL && detail[0] != '\0') {
        conn->detail = sl_arena_strdup(&conn->arena, sl_slice_cstr(detail));
    }
    conn->env->hooks->ended(conn);
    sl_conn_greeted(conn);
    conn->client_fate = fate_of(farewell, ended_by, SL_SIDE_CLIENT);
    conn->upstream_fate = fate_of(farewell, ended_by, SL_SIDE_UPSTREAM);
    conn->active_ms = now_ms;
    conn->owed_bytes = SIZE_MAX;
    side_begin_end(&conn->client_tcp, conn->client_fate);
    side_begin_end(&conn->upstream_tcp, conn->upstream_fate);
    if (conn->client_tcp == NULL && conn->upstream_tcp == NULL) {
        sl_conn_destroy(conn);
        return;
    }
    conn->stage = SL_STAGE_LINGER;
    linger_timer_set(conn);
    /* the first step comes from the loop: the caller may be deep in the one before */
    sl_loop_defer(conn->env->loop, &conn->task);
}

/* True when the side has read our FIN, or has sent enough. */
static bool side_is_over(struct sl_conn *conn, struct sl_ep_tcp *tcp)
{
    struct sl_scratch *scratch = conn->env->scratch;
    enum sl_err rc = sl_ep_shut(&tcp->ep, scratch);
    if (rc != SL_OK && rc != SL_AGAIN) {
        return true;
    }
    do {
        struct sl_slice ignored = { 0 };
        rc = sl_ep_read(&tcp->ep, scratch, &ignored);
        conn->linger_bytes_count += ignored.len;
    } while (rc == SL_OK && conn->linger_bytes_count < LINGER_BYTES_MAX);
    return rc != SL_AGAIN;
}

/* True when nothing is owed any more, or it cannot be delivered. Progress keeps the side waiting.
 */
static bool side_is_delivered(struct sl_conn *conn, struct sl_ep_tcp *tcp)
{
    enum sl_err rc = sl_ep_flush(&tcp->ep);
    size_t owed_bytes = side_owed(tcp);
    if (owed_bytes < conn->owed_bytes) {
        conn->owed_bytes = owed_bytes;
        conn->active_ms = conn->env->loop->now_ms;
    }
    return (rc != SL_OK && rc != SL_AGAIN) || tcp->is_reset || owed_bytes == 0;
}

static void side_linger(struct sl_conn *conn, struct sl_ep_tcp **tcp, enum sl_fate fate)
{
    if (*tcp != NULL &&
        (fate == SL_FATE_DELIVER ? side_is_delivered(conn, *tcp) : side_is_over(conn, *tcp))) {
        side_close(tcp, fate);
    }
}

enum sl_err sl_conn_linger(struct sl_conn *conn)
{
    side_linger(conn, &conn->client_tcp, conn->client_fate);
    side_linger(conn, &conn->upstream_tcp, conn->upstream_fate);
    return conn->client_tcp == NULL && conn->upstream_tcp == NULL ? SL_EOF : SL_AGAIN;
}

void sl_conn_linger_timeout(struct sl_conn *conn)
{
    if (sl_conn_linger(conn) == SL_EOF ||
        conn->env->loop->now_ms - conn->active_ms >= conn->plan->linger_ms) {
        sl_conn_destroy(conn);
    } else {
        linger_timer_set(conn);
    }
}
