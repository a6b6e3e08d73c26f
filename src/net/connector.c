/* SPDX-License-Identifier: Apache-2.0 */
#include "net/connector.h"
#include "net/target.h"

enum { SHARE_MIN_MS = 250 }; /* of the time for one server, while there is as much */

struct sl_connector {
    struct sl_race race;
    struct sl_conn *conn;
    uint32_t connect_ms;
    size_t upstream_at;
};

static const struct sl_target *target_of(const struct sl_conn *conn)
{
    return conn->tries.target;
}

static const struct sl_upstream *upstream_of(const struct sl_connector *c)
{
    return &target_of(c->conn)->upstreams[c->upstream_at];
}

/* What lacks here, or in DNS, says nothing of the server. */
static bool is_blamed(enum sl_reason reason)
{
    return sl_reason_row(reason)->level != SL_LOG_ERROR && reason != SL_REASON_UPSTREAM_UNRESOLVED;
}

/* Of what lacks here another has no more. */
static bool is_ours(enum sl_reason reason)
{
    return sl_reason_row(reason)->level == SL_LOG_ERROR;
}

static uint64_t left_ms(const struct sl_conn *conn, uint32_t connect_ms)
{
    const uint64_t spent_ms = conn->env->loop->now_ms - conn->tries.begin_ms;
    return spent_ms < connect_ms ? connect_ms - spent_ms : 0;
}

static bool may_try(const struct sl_conn *conn, uint32_t connect_ms)
{
    return left_ms(conn, connect_ms) > 0 &&
           sl_target_tries_left(target_of(conn), conn->tries.count) > 0;
}

static void blame(struct sl_conn *conn, struct sl_server *server, enum sl_reason reason)
{
    const struct sl_target *target = target_of(conn);
    if (target->servers != NULL && server != NULL && is_blamed(reason)) {
        sl_servers_failed(target->servers, server, target->ejection, reason,
                          conn->env->loop->now_ms);
    }
}

void sl_connector_release(struct sl_conn *conn)
{
    struct sl_server *server = SL_STEAL(conn->tries.server);
    if (server != NULL) {
        server->active_count--;
        sl_server_unref(server);
    }
}

/* It counts from here on: those that are being connected are load as well. */
static void claim(struct sl_conn *conn, struct sl_server *server)
{
    if (server != NULL) {
        server->active_count++;
        conn->tries.server = sl_server_ref(server);
    }
}

static void won(struct sl_connector *c, struct sl_ep_tcp *tcp, size_t addr_at)
{
    const struct sl_upstream *upstream = upstream_of(c);
    sl_conn_connected(c->conn, tcp, &c->race.addrs[addr_at], upstream->tls, upstream->text);
}

/* The time of one server: what is left, in equal parts. */
static uint64_t share_ms(const struct sl_connector *c)
{
    const uint64_t ms = left_ms(c->conn, c->connect_ms);
    const size_t others = sl_target_tries_left(target_of(c->conn), c->conn->tries.count);
    return SL_MAX(SL_MIN(SL_MAX(ms / (others + 1), (uint64_t)SHARE_MIN_MS), ms), UINT64_C(1));
}

static enum sl_err race_make(struct sl_connector *c, const struct sl_upstream *upstream);

/* Begins with the server that is chosen. SL_OK and SL_AGAIN as sl_race_begin; SL_EOF: there is
 * none. */
static enum sl_err begin(struct sl_connector *c, struct sl_ep_tcp **ret_tcp, size_t *ret_at)
{
    struct sl_conn *conn = c->conn;
    const struct sl_target *target = target_of(conn);
    const size_t at =
        sl_target_choose(target, conn->tries.mask, &conn->client_addr, conn->env->loop->now_ms);
    if (at == SL_BALANCE_NONE) {
        return SL_EOF;
    }
    c->upstream_at = at;
    conn->tries.mask |= UINT64_C(1) << at;
    conn->tries.count++;
    claim(conn, target->upstreams[at].server);
    enum sl_err rc = race_make(c, &target->upstreams[at]);
    return rc == SL_OK ? sl_race_begin(&c->race, share_ms(c), ret_tcp, ret_at) : rc;
}

static void give_up(struct sl_connector *c, enum sl_reason reason)
{
    const struct sl_upstream *upstream = upstream_of(c);
    struct sl_addr none = { 0 };
    const size_t at = c->race.last_at;
    sl_conn_not_connected(c->conn, reason, c->race.addrs == NULL ? &none : &c->race.addrs[at],
                          upstream->text);
}

/* The server has failed: the next one, or the end. True when there is one. */
static bool fail(struct sl_connector *c, enum sl_err error)
{
    struct sl_conn *conn = c->conn;
    const enum sl_reason reason = sl_race_reason(error);
    blame(conn, conn->tries.server, reason);
    sl_connector_release(conn);
    if (is_ours(reason) || !may_try(conn, c->connect_ms)) {
        give_up(c, reason);
        return false;
    }
    if (target_of(conn)->servers != NULL) {
        target_of(conn)->servers->retries_count++;
    }
    return true;
}

static void try_some(struct sl_connector *c)
{
    enum sl_err rc;
    do {
        struct sl_ep_tcp *tcp = NULL;
        size_t at = 0;
        rc = begin(c, &tcp, &at);
        if (rc == SL_OK) {
            won(c, tcp, at);
            return;
        }
    } while (rc != SL_AGAIN && rc != SL_EOF && fail(c, rc));
    if (rc == SL_EOF) { /* all have come to take no connections */
        give_up(c, SL_REASON_UPSTREAM_UNREACHABLE);
    }
}

static void on_race_end(struct sl_race *race, struct sl_ep_tcp *tcp, size_t at)
{
    struct sl_connector *c = SL_CONTAINER_OF(race, struct sl_connector, race);
    if (tcp != NULL) {
        won(c, tcp, at);
    } else if (fail(c, race->last_error)) {
        try_some(c);
    }
}

static enum sl_err race_make(struct sl_connector *c, const struct sl_upstream *upstream)
{
    struct sl_addr *addrs =
        sl_arena_calloc(&c->conn->arena, SL_MAX(upstream->addrs_count, (size_t)1), sizeof(*addrs));
    if (addrs == NULL) {
        return SL_ENOMEM;
    }
    c->race = (struct sl_race){ .loop = c->conn->env->loop,
                                .pending_max_bytes = sl_scratch_pending_max(c->conn->env->scratch),
                                .tuning = target_of(c->conn)->tuning,
                                .on_end = on_race_end };
    struct sl_servers *servers = target_of(c->conn)->servers;
    const bool has_choice = servers != NULL && upstream->addrs_count > 1;
    sl_race_init(&c->race, upstream, has_choice ? sl_balance_random(&servers->random) : 0, addrs);
    return SL_OK;
}

void sl_connector_start(struct sl_conn *conn, const struct sl_target *target, uint32_t connect_ms)
{
    struct sl_connector *c = sl_arena_alloc(&conn->arena, sizeof(*c));
    if (c == NULL) {
        const struct sl_upstream *first = &target->upstreams[0];
        sl_conn_not_connected(conn, SL_REASON_NO_MEMORY, &first->addrs[0], first->text);
        return;
    }
    if (conn->tries.count == 0) {
        conn->tries.target = target;
        conn->tries.begin_ms = conn->env->loop->now_ms;
    }
    *c = (struct sl_connector){ .conn = conn, .connect_ms = connect_ms };
    conn->connector = c;
    try_some(c);
}

void sl_connector_cancel(struct sl_conn *conn)
{
    struct sl_connector *c = conn->connector;
    conn->connector = NULL;
    if (c != NULL) {
        sl_race_cancel(&c->race);
    }
}

bool sl_connector_retry(struct sl_conn *conn, enum sl_reason reason, uint32_t connect_ms)
{
    blame(conn, conn->tries.server, reason);
    if (is_ours(reason) || conn->tries.target == NULL || !may_try(conn, connect_ms)) {
        return false;
    }
    sl_connector_release(conn);
    if (target_of(conn)->servers != NULL) {
        target_of(conn)->servers->retries_count++;
    }
    return true;
}

void sl_connector_ready(struct sl_conn *conn)
{
    const struct sl_target *target = conn->tries.target;
    if (target != NULL && target->servers != NULL && conn->tries.server != NULL) {
        sl_servers_worked(target->servers, conn->tries.server, conn->env->loop->now_ms);
    }
}
