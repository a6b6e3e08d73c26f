/* SPDX-License-Identifier: Apache-2.0 */
#include "net/connector.h"
#include "sys/socket.h"

enum { QUEUE_RETRY_MS = 20 };

struct sl_connector {
    struct sl_ep_owner owner;
    struct sl_conn *conn;
    const struct sl_target *target;
    size_t upstream_at;
    uint32_t connect_ms;
    struct sl_timer stagger, deadline;
    size_t begun_count, open_count;                    /* attempts of this URL */
    struct sl_ep_tcp *attempts[SL_UPSTREAM_ADDRS_MAX]; /* [i] for addrs[i]; NULL: not open */
    enum sl_err last_error;
    struct sl_addr last_addr;
};

static struct sl_loop *loop_of(struct sl_connector *c)
{
    return c->conn->env->loop;
}

static const struct sl_upstream *upstream_of(const struct sl_connector *c)
{
    return &c->target->upstreams[c->upstream_at];
}

static void close_attempts(struct sl_connector *c)
{
    for (size_t i = 0; i < c->begun_count; i++) {
        sl_ep_tcp_destroy(c->attempts[i]);
        c->attempts[i] = NULL;
    }
    c->begun_count = c->open_count = 0;
    sl_timer_cancel(&c->stagger);
    sl_timer_cancel(&c->deadline);
}

static enum sl_reason reason_of(enum sl_err error)
{
    switch (error) {
    case SL_EREFUSED:
        return SL_REASON_UPSTREAM_REFUSED;
    case SL_ETIMEDOUT:
        return SL_REASON_CONNECT_TIMEOUT;
    case SL_EMFILE:
        return SL_REASON_NO_DESCRIPTORS;
    case SL_ENOMEM:
        return SL_REASON_NO_MEMORY;
    default:
        return SL_REASON_UPSTREAM_UNREACHABLE;
    }
}

static void won(struct sl_connector *c, size_t index)
{
    const struct sl_upstream *upstream = upstream_of(c);
    struct sl_ep_tcp *tcp = SL_STEAL(c->attempts[index]);
    close_attempts(c);
    sl_conn_connected(c->conn, tcp, &upstream->addrs[index], upstream->tls, upstream->text);
}

static void note_failure(struct sl_connector *c, size_t index, enum sl_err error)
{
    c->last_error = error;
    c->last_addr = upstream_of(c)->addrs[index];
}

/* Begins with one address. SL_OK: it answered at once; SL_AGAIN: it is under way. */
static enum sl_err attempt(struct sl_connector *c, size_t index)
{
    int fd = -1;
    enum sl_err rc = sl_socket_connect(&upstream_of(c)->addrs[index], &fd);
    if (rc != SL_OK && rc != SL_AGAIN) {
        return rc;
    }
    enum sl_err made =
        sl_ep_tcp_create(loop_of(c), &fd, sl_scratch_pending_max(c->conn->env->scratch), &c->owner,
                         &c->attempts[index]);
    if (made != SL_OK) {
        sl_socket_close(&fd);
        return made;
    }
    c->attempts[index]->has_nagle = !sl_addr_is_unix(&upstream_of(c)->addrs[index]);
    c->open_count++;
    return rc;
}

/* Begins with the next address, or the one after it when that fails at once, or with the next URL.
 */
static void begin_next(struct sl_connector *c)
{
    for (;;) {
        const struct sl_upstream *upstream = upstream_of(c);
        if (c->begun_count < upstream->addrs_count) {
            size_t index = c->begun_count++;
            enum sl_err rc = attempt(c, index);
            if (rc == SL_OK) {
                won(c, index);
                return;
            }
            if (rc == SL_AGAIN) {
                if (c->begun_count < upstream->addrs_count) {
                    sl_loop_timer(loop_of(c), &c->stagger, SL_CONNECT_STAGGER_MS);
                }
                return;
            }
            if (rc == SL_ENOSPC) { /* nobody tells when there is room: within the deadline, again */
                c->begun_count--;
                note_failure(c, index, SL_ETIMEDOUT);
                sl_loop_timer(loop_of(c), &c->stagger, QUEUE_RETRY_MS);
                return;
            }
            note_failure(c, index, rc);
        } else if (c->open_count > 0) {
            return; /* some are still under way */
        } else {
            close_attempts(c);
            if (c->upstream_at + 1 == c->target->upstreams_count) {
                sl_conn_not_connected(c->conn, reason_of(c->last_error), &c->last_addr,
                                      upstream->text);
                return;
            }
            c->upstream_at++;
            sl_loop_timer(loop_of(c), &c->deadline, c->connect_ms);
        }
    }
}

static void on_attempt_ready(struct sl_ep_owner *owner, struct sl_ep_tcp *tcp)
{
    struct sl_connector *c = SL_CONTAINER_OF(owner, struct sl_connector, owner);
    size_t index = 0;
    while (index < c->begun_count && c->attempts[index] != tcp) {
        index++;
    }
    if (index == c->begun_count || (!tcp->is_writable && !tcp->is_reset)) {
        return;
    }
    if (!tcp->is_reset) { /* writable without an error: it is connected */
        won(c, index);
        return;
    }
    enum sl_err rc = sl_socket_connect_result(tcp->watch.fd);
    note_failure(c, index, rc == SL_OK ? SL_EREFUSED : rc);
    sl_ep_tcp_destroy(SL_STEAL(c->attempts[index]));
    c->open_count--;
    sl_timer_cancel(&c->stagger);
    begin_next(c);
}

static void on_stagger(struct sl_timer *timer)
{
    begin_next(SL_CONTAINER_OF(timer, struct sl_connector, stagger));
}

/* This URL had its time: the next one, if there is one. */
static void on_deadline(struct sl_timer *timer)
{
    struct sl_connector *c = SL_CONTAINER_OF(timer, struct sl_connector, deadline);
    note_failure(c, c->begun_count > 0 ? c->begun_count - 1 : 0, SL_ETIMEDOUT);
    close_attempts(c);
    c->begun_count = upstream_of(c)->addrs_count;
    begin_next(c);
}

void sl_connector_start(struct sl_conn *conn, const struct sl_target *target, uint32_t connect_ms)
{
    struct sl_connector *c = sl_arena_alloc(&conn->arena, sizeof(*c));
    if (c == NULL) {
        const struct sl_upstream *first = &target->upstreams[0];
        sl_conn_not_connected(conn, SL_REASON_NO_MEMORY, &first->addrs[0], first->text);
        return;
    }
    *c = (struct sl_connector){
        .owner.on_ready = on_attempt_ready, .conn = conn, .target = target, .connect_ms = connect_ms
    };
    sl_timer_init(&c->stagger, on_stagger);
    sl_timer_init(&c->deadline, on_deadline);
    sl_loop_timer(loop_of(c), &c->deadline, connect_ms);
    conn->connector = c;
    begin_next(c);
}

void sl_connector_cancel(struct sl_conn *conn)
{
    struct sl_connector *c = conn->connector;
    conn->connector = NULL;
    if (c != NULL) {
        close_attempts(c);
    }
}
