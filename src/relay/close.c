/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/close.h"
#include <stdlib.h>

enum { LINGER_BYTES_MAX = 1024 * 1024 }; /* thrown away before it is enough */

static void conn_free(struct sl_reap *reap)
{
    struct sl_conn *conn = SL_CONTAINER_OF(reap, struct sl_conn, reap);
    struct sl_conn_env *env = conn->env;
    sl_list_remove(&conn->node);
    env->conns_count--;
    sl_ep_tls_fini(&conn->client_tls);
    sl_ep_tls_fini(&conn->upstream_tls);
    sl_list_remove(&conn->arena_reap.node);
    sl_arena_fini(&conn->arena);
    env->hooks->freed(conn);
    free(conn);
}

static void side_close(struct sl_ep_tcp **tcp, bool is_reset)
{
    struct sl_ep_tcp *gone = SL_STEAL(*tcp);
    if (is_reset) {
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
    side_close(&conn->client_tcp, false);
    side_close(&conn->upstream_tcp, false);
    sl_timer_cancel(&conn->timer);
    sl_task_cancel(&conn->task);
    sl_loop_reap(conn->env->loop, &conn->reap, conn_free);
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
    conn->client_lingers = farewell == SL_FAREWELL_TELL_CLIENT && conn->client_tcp != NULL;
    conn->upstream_lingers = farewell == SL_FAREWELL_TELL_UPSTREAM && conn->upstream_tcp != NULL;
    if (!conn->client_lingers) {
        side_close(&conn->client_tcp, farewell != SL_FAREWELL_CLEAN);
    }
    if (!conn->upstream_lingers) {
        side_close(&conn->upstream_tcp, farewell != SL_FAREWELL_CLEAN);
    }
    if (!conn->client_lingers && !conn->upstream_lingers) {
        sl_conn_destroy(conn);
        return;
    }
    conn->stage = SL_STAGE_LINGER;
    sl_loop_timer(conn->env->loop, &conn->timer, conn->plan->linger_ms);
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

enum sl_err sl_conn_linger(struct sl_conn *conn)
{
    if (conn->client_tcp != NULL && side_is_over(conn, conn->client_tcp)) {
        side_close(&conn->client_tcp, false);
    }
    if (conn->upstream_tcp != NULL && side_is_over(conn, conn->upstream_tcp)) {
        side_close(&conn->upstream_tcp, false);
    }
    return conn->client_tcp == NULL && conn->upstream_tcp == NULL ? SL_EOF : SL_AGAIN;
}
