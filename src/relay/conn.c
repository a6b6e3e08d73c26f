/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/conn.h"
#include "relay/close.h"
#include "relay/failure.h"
#include "sys/socket.h"
#include <stdlib.h>
#include <string.h>

enum { STAGE_ARENA_BYTES_MAX = 256 * 1024 }; /* of one connection before it relays */

static enum sl_err step_peek(struct sl_conn *conn);
static enum sl_err step_handshake(struct sl_conn *conn);
static enum sl_err step_connect(struct sl_conn *conn);
static enum sl_err step_proxy_out(struct sl_conn *conn);
static enum sl_err step_upstream_handshake(struct sl_conn *conn);
static enum sl_err step_relay(struct sl_conn *conn);

/* The time that a stage may take, by its place in the plan; 0 where it has a clock of its own. */
enum stage_clock {
    CLOCK_NONE,
    CLOCK_HANDSHAKE,
    CLOCK_UPSTREAM_HANDSHAKE,
    CLOCK_IDLE,
    CLOCK_LINGER
};

static const struct stage_row {
    /* SL_OK: the stage is over. SL_AGAIN: it waits. Else the connection has ended. */
    enum sl_err (*step)(struct sl_conn *conn);
    enum stage_clock clock;
    enum sl_reason on_timeout;
    enum sl_farewell farewell; /* at that timeout */
} STAGES[SL_STAGE_COUNT] = {
    [SL_STAGE_PROXY_IN] = { sl_conn_proxy_in, CLOCK_HANDSHAKE, SL_REASON_PROXY_HEADER_TIMEOUT,
                            SL_FAREWELL_RESET },
    [SL_STAGE_PEEK] = { step_peek, CLOCK_HANDSHAKE, SL_REASON_HANDSHAKE_TIMEOUT,
                        SL_FAREWELL_RESET },
    [SL_STAGE_HANDSHAKE] = { step_handshake, CLOCK_HANDSHAKE, SL_REASON_HANDSHAKE_TIMEOUT,
                             SL_FAREWELL_RESET },
    [SL_STAGE_CONNECT] = { step_connect, CLOCK_NONE, SL_REASON_CONNECT_TIMEOUT, SL_FAREWELL_RESET },
    [SL_STAGE_PROXY_OUT] = { step_proxy_out, CLOCK_UPSTREAM_HANDSHAKE, SL_REASON_CONNECT_TIMEOUT,
                             SL_FAREWELL_RESET },
    [SL_STAGE_UPSTREAM_HANDSHAKE] = { step_upstream_handshake, CLOCK_UPSTREAM_HANDSHAKE,
                                      SL_REASON_UPSTREAM_HANDSHAKE_TIMEOUT, SL_FAREWELL_RESET },
    [SL_STAGE_RELAY] = { step_relay, CLOCK_IDLE, SL_REASON_IDLE_TIMEOUT, SL_FAREWELL_RESET },
    [SL_STAGE_LINGER] = { sl_conn_linger, CLOCK_LINGER, SL_REASON_DONE, SL_FAREWELL_CLEAN },
};

/* Where the connection stands follows from what is done; nothing else remembers it. */
static enum sl_stage next_stage(const struct sl_conn *conn)
{
    if (conn->is_proxy_awaited) {
        return SL_STAGE_PROXY_IN;
    }
    if (!conn->is_peeked) {
        return SL_STAGE_PEEK;
    }
    if (!conn->is_ready && !conn->is_held) {
        return SL_STAGE_HANDSHAKE;
    }
    if (!conn->is_connected) {
        return SL_STAGE_CONNECT;
    }
    if (!conn->is_proxy_sent) {
        return SL_STAGE_PROXY_OUT;
    }
    if (!conn->is_upstream_ready) {
        return SL_STAGE_UPSTREAM_HANDSHAKE;
    }
    return conn->is_ready ? SL_STAGE_RELAY : SL_STAGE_HANDSHAKE;
}

/* Without a byte for so long a relay ends. */
static uint32_t idle_max_ms(const struct sl_conn *conn)
{
    return conn->is_half_closed ? conn->plan->half_close_ms : conn->plan->idle_ms;
}

/* What is left of the time that a connection may take in all. */
static uint64_t session_left_ms(const struct sl_conn *conn)
{
    const uint64_t age_ms = conn->env->loop->now_ms - conn->begin_ms;
    const uint64_t max_ms = conn->plan->session_ms;
    if (max_ms == 0 || conn->stage == SL_STAGE_LINGER) {
        return UINT64_MAX;
    }
    return max_ms > age_ms ? max_ms - age_ms : 0;
}

static void set_timer(struct sl_conn *conn, uint64_t in_ms)
{
    const uint64_t left_ms = session_left_ms(conn);
    if (in_ms == 0 && left_ms == UINT64_MAX) {
        sl_timer_cancel(&conn->timer);
    } else {
        sl_loop_timer(conn->env->loop, &conn->timer, in_ms == 0 ? left_ms : SL_MIN(in_ms, left_ms));
    }
}

static void set_stage_timer(struct sl_conn *conn)
{
    const struct sl_conn_plan *plan = conn->plan;
    const uint32_t clocks_ms[] = { [CLOCK_NONE] = 0,
                                   [CLOCK_HANDSHAKE] = plan->handshake_ms,
                                   [CLOCK_UPSTREAM_HANDSHAKE] = plan->upstream_handshake_ms,
                                   [CLOCK_IDLE] = idle_max_ms(conn),
                                   [CLOCK_LINGER] = plan->linger_ms };
    uint32_t in_ms = clocks_ms[STAGES[conn->stage].clock];
    if (conn->stage == SL_STAGE_HANDSHAKE && in_ms > 0) {
        /* the first look at the client was a part of it */
        in_ms -= (uint32_t)SL_MIN((uint64_t)in_ms - 1, conn->stage_ms[SL_STAGE_PEEK]);
    }
    set_timer(conn, in_ms);
}

/* True when another server is tried. Nothing of the client's has gone to this one. */
static bool upstream_retry(struct sl_conn *conn, enum sl_reason reason)
{
    const struct sl_conn_hooks *hooks = conn->env->hooks;
    if (hooks->upstream_failed == NULL || !hooks->upstream_failed(conn, reason)) {
        return false;
    }
    sl_ep_tls_fini(&conn->upstream_tls);
    conn->upstream_tls = (struct sl_ep_tls){ 0 };
    sl_ep_tcp_destroy(SL_STEAL(conn->upstream_tcp));
    conn->is_connected = conn->is_proxy_sent = conn->is_upstream_ready = conn->is_signing = false;
    return true;
}

static void enter(struct sl_conn *conn, enum sl_stage stage);

static void on_stage_timeout(struct sl_timer *timer)
{
    struct sl_conn *conn = SL_CONTAINER_OF(timer, struct sl_conn, timer);
    const struct stage_row *row = &STAGES[conn->stage];
    uint64_t idle_ms = conn->env->loop->now_ms - conn->active_ms;
    if (conn->stage == SL_STAGE_LINGER) {
        sl_conn_linger_timeout(conn);
        return;
    }
    if (session_left_ms(conn) == 0) {
        sl_conn_end(conn, SL_REASON_SESSION_TIMEOUT, SL_SIDE_NONE, SL_FAREWELL_RESET, NULL);
        return;
    }
    if (row->clock == CLOCK_IDLE && idle_ms < idle_max_ms(conn)) {
        /* bytes have moved since: the timer is set anew once a period, not once a byte */
        set_timer(conn, idle_max_ms(conn) - idle_ms);
        return;
    }
    enum sl_reason reason = conn->is_signing ? SL_REASON_KEYS_TIMEOUT : row->on_timeout;
    if (row->clock == CLOCK_IDLE && idle_max_ms(conn) < conn->plan->idle_ms) {
        reason = SL_REASON_HALF_CLOSE_TIMEOUT;
    }
    const bool is_upstreams =
        conn->stage == SL_STAGE_PROXY_OUT || conn->stage == SL_STAGE_UPSTREAM_HANDSHAKE;
    if (is_upstreams && upstream_retry(conn, reason)) {
        enter(conn, next_stage(conn));
        sl_conn_step(conn);
        return;
    }
    sl_conn_end(conn, reason, SL_SIDE_NONE, row->farewell, NULL);
}

static void on_task(struct sl_task *task)
{
    sl_conn_step(SL_CONTAINER_OF(task, struct sl_conn, task));
}

static void on_wake(struct sl_tls_waker *waker)
{
    sl_conn_step(SL_CONTAINER_OF(waker, struct sl_conn, waker));
}

static void on_ready(struct sl_ep_owner *owner, struct sl_ep_tcp *tcp)
{
    SL_UNUSED(tcp);
    sl_conn_step(SL_CONTAINER_OF(owner, struct sl_conn, owner));
}

static void free_arena(struct sl_reap *reap)
{
    struct sl_conn *conn = SL_CONTAINER_OF(reap, struct sl_conn, arena_reap);
    sl_arena_fini(&conn->arena);
}

static struct sl_ep *client_ep(struct sl_conn *conn)
{
    if (conn->client_tls.tls != NULL) {
        return &conn->client_tls.ep;
    }
    return conn->client_peeked.lower != NULL ? &conn->client_peeked.ep : &conn->client_tcp->ep;
}

static void enter(struct sl_conn *conn, enum sl_stage stage)
{
    uint64_t now_ms = conn->env->loop->now_ms;
    conn->stage_ms[conn->stage] += now_ms - conn->stage_begin_ms;
    conn->stage = stage;
    conn->stage_begin_ms = now_ms;
    conn->active_ms = now_ms;
    set_stage_timer(conn);
    if (stage == SL_STAGE_RELAY) {
        if (conn->client_tls.tls != NULL) {
            sl_tls_facts_drop(conn->client_tls.tls); /* the header is sent, and not again */
        }
        struct sl_ep *upstream =
            conn->upstream_tls.tls != NULL ? &conn->upstream_tls.ep : &conn->upstream_tcp->ep;
        sl_relay_init(&conn->relay, client_ep(conn), upstream);
        /* events of this turn may still point at what stands in it */
        sl_loop_reap(conn->env->loop, &conn->arena_reap, free_arena);
    }
}

void sl_conn_step(struct sl_conn *conn)
{
    if (conn->is_stepping) {
        return;
    }
    conn->is_stepping = true;
    enum sl_err rc = SL_OK;
    while (rc == SL_OK && conn->stage != SL_STAGE_CLOSED) {
        rc = STAGES[conn->stage].step(conn);
        if (rc == SL_OK) {
            enter(conn, next_stage(conn));
        }
    }
    if (conn->stage == SL_STAGE_LINGER && rc == SL_EOF) {
        sl_conn_destroy(conn);
    }
    conn->is_stepping = false;
}

/*
 * While the upstream or a key is waited for nothing is read from the client, but a reset is an end.
 * Not so behind a TLS handshake: there it may come of our ticket reaching a client that has said
 * all it had to say and left, and what it said is still to be read.
 */
static enum sl_err client_check(struct sl_conn *conn)
{
    bool may_have_spoken = conn->is_ready && conn->client_tls.tls != NULL;
    if (!conn->client_tcp->is_reset || may_have_spoken) {
        return SL_OK;
    }
    sl_conn_end(conn, SL_REASON_CLIENT_CLOSED, SL_SIDE_CLIENT, SL_FAREWELL_RESET, NULL);
    return SL_ERESET;
}

static enum sl_err start_tls(struct sl_conn *conn)
{
    struct sl_tls *session = NULL;
    enum sl_err rc = sl_tls_accept_create(conn->plan->client_tls, &session);
    if (rc != SL_OK) {
        return rc;
    }
    if (conn->way != NULL && conn->way->is_alpn_held) {
        sl_tls_hold_alpn(session);
    } else if (conn->protocol != NULL) {
        sl_tls_choose_alpn(session, sl_slice_cstr(conn->protocol));
    }
    sl_tls_set_waker(session, &conn->waker);
    sl_ep_tls_init(&conn->client_tls, &conn->client_tcp->ep, &session);
    return SL_OK;
}

static bool is_terminated(const struct sl_conn *conn)
{
    return conn->plan->client_tls != NULL && (conn->way == NULL || !conn->way->is_passed);
}

/* What was looked at goes on to who speaks TLS with the client. */
static enum sl_err step_peek(struct sl_conn *conn)
{
    enum sl_err rc = sl_conn_peek(conn);
    if (rc != SL_OK) {
        return rc;
    }
    if (!is_terminated(conn)) {
        if (conn->peek.bytes.len > 0) {
            sl_ep_peeked_init(&conn->client_peeked, &conn->client_tcp->ep, &conn->peek.bytes);
        }
        return SL_OK;
    }
    if (start_tls(conn) != SL_OK) {
        sl_conn_end(conn, SL_REASON_NO_MEMORY, SL_SIDE_NONE, SL_FAREWELL_RESET, NULL);
        return SL_ENOMEM;
    }
    conn->client_tls.rest = conn->peek.bytes;
    conn->peek.bytes = (struct sl_pending){ 0 };
    return SL_OK;
}

static enum sl_err step_handshake(struct sl_conn *conn)
{
    if (!is_terminated(conn)) {
        conn->is_ready = true;
        sl_conn_greeted(conn);
        return SL_OK;
    }
    conn->env->scratch->diag.text[0] = '\0';
    enum sl_err rc =
        sl_ep_tls_handshake(&conn->client_tls, conn->env->scratch, conn->plan->hello_max_bytes);
    conn->is_signing = rc == SL_EWAIT;
    switch (rc) {
    case SL_EWAIT:
        return client_check(conn) == SL_OK ? SL_AGAIN : SL_ERESET;
    case SL_OK:
        conn->is_ready = true;
        sl_conn_greeted(conn);
        return SL_OK;
    case SL_EPAUSED:
        conn->is_held = true;
        return SL_OK;
    case SL_AGAIN:
        return SL_AGAIN;
    default:
        return sl_conn_client_failed(conn, rc);
    }
}

static enum sl_err step_connect(struct sl_conn *conn)
{
    enum sl_err rc = client_check(conn);
    if (rc == SL_OK && conn->way == NULL) { /* libssl took what we could not read */
        sl_conn_end(conn, SL_REASON_HANDSHAKE_FAILED, SL_SIDE_CLIENT, SL_FAREWELL_RESET,
                    "the ClientHello is malformed");
        return SL_EPROTO;
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (conn->connector == NULL && !conn->is_connected) {
        conn->env->hooks->connect(conn);
        if (conn->stage != SL_STAGE_CONNECT) { /* it failed at once */
            return SL_ERESET;
        }
    }
    return conn->is_connected ? SL_OK : SL_AGAIN;
}

/*
 * What to offer the upstream, as on the wire: what the client waits for, or has; else what the
 * context has. */
static struct sl_slice upstream_alpn(struct sl_conn *conn)
{
    if (conn->client_tls.tls == NULL) {
        return sl_slice_of(NULL, 0);
    }
    if (conn->is_held) {
        return sl_tls_held_alpn(conn->client_tls.tls);
    }
    struct sl_tls_info info;
    sl_tls_info(conn->client_tls.tls, &info);
    uint8_t *list = info.alpn.len == 0 ? NULL : sl_arena_alloc(&conn->arena, info.alpn.len + 1);
    if (list == NULL) {
        return sl_slice_of(NULL, 0);
    }
    list[0] = (uint8_t)info.alpn.len; /* RFC 7301 3.1: one length byte before each name */
    memcpy(list + 1, info.alpn.ptr, info.alpn.len);
    return sl_slice_of(list, info.alpn.len + 1);
}

static void upstream_is_ready(struct sl_conn *conn)
{
    conn->is_upstream_ready = true;
    if (conn->env->hooks->upstream_ready != NULL) {
        conn->env->hooks->upstream_ready(conn);
    }
}

void sl_conn_connected(struct sl_conn *conn, struct sl_ep_tcp *tcp, const struct sl_addr *addr,
                       struct sl_tls_ctx *tls, const char *text)
{
    conn->connector = NULL;
    conn->upstream_tcp = tcp;
    tcp->owner = &conn->owner;
    tcp->is_writable =
        true; /* it is connected: what is there to be sent need not wait for events */
    tcp->is_unix = sl_addr_is_unix(addr);
    tcp->held_bytes = &conn->env->scratch->held_bytes;
    conn->upstream_addr = *addr;
    conn->upstream_text = text;
    if (tls != NULL) {
        struct sl_tls *session = NULL;
        if (sl_tls_connect_create(tls, upstream_alpn(conn), &session) != SL_OK) {
            sl_conn_end(conn, SL_REASON_NO_MEMORY, SL_SIDE_NONE, SL_FAREWELL_RESET, NULL);
            return;
        }
        sl_tls_set_waker(session, &conn->waker);
        sl_ep_tls_init(&conn->upstream_tls, &tcp->ep, &session);
    }
    if (tls == NULL && conn->is_held) { /* an upstream without TLS has no ALPN to choose */
        sl_tls_choose_alpn(conn->client_tls.tls, sl_slice_of(NULL, 0));
    }
    conn->is_connected = true;
    conn->is_proxy_sent = conn->plan->proxy_out.version == SL_PROXY_OFF;
    if (tls == NULL) {
        upstream_is_ready(conn);
    }
    sl_conn_step(conn);
}

void sl_conn_not_connected(struct sl_conn *conn, enum sl_reason reason, const struct sl_addr *addr,
                           const char *text)
{
    conn->connector = NULL;
    conn->upstream_addr = *addr;
    conn->upstream_text = text;
    sl_conn_end(conn, reason, SL_SIDE_UPSTREAM, SL_FAREWELL_RESET, NULL);
}

static enum sl_err step_proxy_out(struct sl_conn *conn)
{
    enum sl_err rc = client_check(conn);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_conn_proxy_out(conn);
    if (rc == SL_OK) {
        conn->is_proxy_sent = true;
    } else if (rc == SL_ERANGE) { /* only what came in can be as long as that */
        sl_conn_end(conn, SL_REASON_PROXY_HEADER_INVALID, SL_SIDE_CLIENT, SL_FAREWELL_RESET,
                    "the PROXY header is too long to be passed on");
    } else if (rc == SL_EINVAL || rc == SL_ENOSPC) {
        sl_conn_end(conn, SL_REASON_INTERNAL, SL_SIDE_NONE, SL_FAREWELL_RESET, sl_err_name(rc));
    } else if (upstream_retry(conn, SL_REASON_UPSTREAM_CLOSED)) {
        return SL_OK;
    } else {
        sl_conn_end(conn, SL_REASON_UPSTREAM_CLOSED, SL_SIDE_UPSTREAM, SL_FAREWELL_RESET, NULL);
    }
    return rc;
}

static enum sl_err upstream_failed(struct sl_conn *conn, enum sl_err rc)
{
    const enum sl_reason reason = sl_conn_upstream_reason(rc);
    /* what was offered is the client's choice, which another server has not to suffer from */
    const bool is_clients = conn->client_tls.tls != NULL &&
                            sl_tls_refusal(conn->upstream_tls.tls) == SL_TLS_REFUSED_ALPN;
    if (!is_clients && upstream_retry(conn, reason)) {
        return SL_OK;
    }
    sl_conn_end(conn, reason, SL_SIDE_UPSTREAM, SL_FAREWELL_TELL_UPSTREAM,
                conn->env->scratch->diag.text);
    return rc;
}

static enum sl_err step_upstream_handshake(struct sl_conn *conn)
{
    enum sl_err rc = client_check(conn);
    if (rc != SL_OK) {
        return rc;
    }
    conn->env->scratch->diag.text[0] = '\0';
    rc = sl_ep_tls_handshake(&conn->upstream_tls, conn->env->scratch, 0);
    conn->is_signing = rc == SL_EWAIT;
    if (rc == SL_AGAIN || rc == SL_EWAIT) {
        return SL_AGAIN;
    }
    if (rc != SL_OK) {
        return upstream_failed(conn, rc);
    }
    upstream_is_ready(conn);
    if (conn->is_held) {
        struct sl_tls_info info;
        sl_tls_info(conn->upstream_tls.tls, &info);
        sl_tls_choose_alpn(conn->client_tls.tls, info.alpn);
    }
    return SL_OK;
}

static enum sl_err step_relay(struct sl_conn *conn)
{
    struct sl_conn_env *env = conn->env;
    env->scratch->diag.text[0] = '\0';
    enum sl_err rc = sl_relay_turn(&conn->relay, env->scratch, conn->plan->budget_bytes);
    if (sl_relay_is_active(&conn->relay)) {
        conn->active_ms = env->loop->now_ms;
    }
    if (!conn->is_half_closed && sl_relay_is_half_closed(&conn->relay)) {
        conn->is_half_closed = true;
        set_stage_timer(conn);
    }
    if (rc == SL_OK) { /* the budget is used up: others first */
        sl_loop_defer(env->loop, &conn->task);
        return SL_AGAIN;
    }
    if (rc != SL_AGAIN) {
        sl_conn_relay_ended(conn, rc);
    }
    return rc;
}

void sl_conn_kill(struct sl_conn *conn, enum sl_reason reason)
{
    if (conn->stage == SL_STAGE_LINGER) { /* its end is written down already */
        sl_conn_destroy(conn);
    } else if (conn->stage != SL_STAGE_CLOSED) {
        sl_conn_end(conn, reason, SL_SIDE_NONE, SL_FAREWELL_RESET, NULL);
    }
}

static void conn_init(struct sl_conn *conn, struct sl_conn_env *env,
                      const struct sl_conn_plan *plan)
{
    conn->env = env;
    conn->plan = plan;
    conn->way = plan->has_routes ? NULL : &plan->way;
    conn->is_peeked = !plan->has_routes;
    conn->owner.on_ready = on_ready;
    conn->waker.wake = on_wake;
    conn->begin_ms = conn->stage_begin_ms = conn->active_ms = env->loop->now_ms;
    sl_list_init(&conn->node);
    sl_list_init(&conn->reap.node);
    sl_list_init(&conn->arena_reap.node);
    sl_task_init(&conn->task, on_task);
    sl_timer_init(&conn->timer, on_stage_timeout);
    sl_arena_init(&conn->arena, STAGE_ARENA_BYTES_MAX);
}

enum sl_err sl_conn_start(struct sl_conn_env *env, const struct sl_conn_plan *plan, int *client_fd,
                          const struct sl_addr *client_addr, const char *listen_text)
{
    struct sl_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) {
        return SL_ENOMEM;
    }
    conn_init(conn, env, plan);
    conn->client_addr = *client_addr;
    conn->listen_text = listen_text;
    conn->number = env->started_count++;
    conn->is_proxy_awaited = sl_proxy_in_is_wanted(&plan->proxy_in, client_addr);
    conn->stage = next_stage(conn);
    enum sl_err rc = sl_ep_tcp_create(env->loop, client_fd, sl_scratch_pending_max(env->scratch),
                                      &conn->owner, &conn->client_tcp);
    if (rc != SL_OK) {
        free(conn);
        return rc;
    }
    conn->client_tcp->is_writable = true; /* as above */
    conn->client_tcp->is_unix = sl_addr_is_unix(client_addr);
    conn->client_tcp->held_bytes = &env->scratch->held_bytes;
    sl_list_append(&env->conns, &conn->node);
    env->conns_count++;
    env->handshakes_count++;
    conn->is_greeting = true;
    if (plan->tally != NULL) {
        plan->tally->conns_count++;
        plan->tally->handshakes_count++;
    }
    conn->counted = plan->conns_count;
    if (conn->counted != NULL) {
        ++*conn->counted;
    }
    set_stage_timer(conn);
    if (plan->client_tls != NULL && !plan->has_routes && start_tls(conn) != SL_OK) {
        sl_conn_end(conn, SL_REASON_NO_MEMORY, SL_SIDE_NONE, SL_FAREWELL_RESET, NULL);
        return SL_OK; /* the socket was taken over, and is closed */
    }
    if (plan->client_tls == NULL && !conn->is_proxy_awaited) { /* nothing is to be waited for */
        sl_conn_step(conn);
    }
    return SL_OK;
}
