/* SPDX-License-Identifier: Apache-2.0 */
#include "app/worker_impl.h"
#include "net/connector.h"
#include "net/gate.h"
#include "svc/access_log.h"
#include "sys/channel.h"

enum { PAUSE_TELL_AGAIN_MS = 10 * 1000 };

static struct worker *worker_of(struct sl_conn *conn)
{
    return SL_CONTAINER_OF(conn->env, struct worker, env);
}

void sl_worker_say(struct worker *w, const struct sl_message *message)
{
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    if (sl_message_emit(message, &out) != SL_OK ||
        sl_channel_send(w->channel.fd, sl_wbuf_slice(&out), NULL, 0) != SL_OK) {
        sl_loop_stop(&w->loop); /* the supervisor is gone */
    }
}

static const struct sl_conn_way *hook_route(struct sl_conn *conn, const struct sl_hello *hello)
{
    return sl_service_way(sl_service_of(conn->plan), hello, &conn->client_addr);
}

static void hook_connect(struct sl_conn *conn)
{
    const struct sl_service *service = sl_service_of(conn->plan);
    sl_connector_start(conn, conn->way->target, service->conf->timeouts.connect_ms);
}

static bool hook_upstream_failed(struct sl_conn *conn, enum sl_reason reason)
{
    return sl_connector_retry(conn, reason, sl_service_of(conn->plan)->conf->timeouts.connect_ms);
}

/* What becomes of servers is told by each worker that sees it. */
void sl_worker_on_server_event(struct sl_servers *servers, const struct sl_server_event *event)
{
    struct worker *w = SL_CONTAINER_OF(servers, struct worker, servers);
    struct sl_logline line;
    sl_log_begin(&w->log, &line, event->is_up ? SL_LOG_INFO : SL_LOG_WARN,
                 event->is_up ? "upstream_up" : "upstream_down");
    sl_logline_cstr(&line, "service", event->server->service);
    sl_logline_u64(&line, "worker", w->index);
    sl_logline_cstr(&line, "connect", event->server->url);
    sl_logline_cstr(&line, "reason", event->reason);
    if (event->detail != NULL && event->detail[0] != '\0') {
        sl_logline_cstr(&line, "detail", event->detail);
    }
    if (event->out_ms > 0) {
        sl_logline_u64(&line, "out_ms", event->out_ms);
    }
    sl_log_put(&w->log, &line);
}

static void hook_ended(struct sl_conn *conn)
{
    struct worker *w = worker_of(conn);
    if (conn->reason == SL_REASON_ADDRESS_DENIED || conn->reason == SL_REASON_RATE_LIMIT) {
        sl_refusals_note(&w->refusals, conn->reason, conn->plan->service, &conn->client_addr);
    } else {
        sl_access_log_put(&w->log, &sl_service_of(conn->plan)->conf->log, conn, w->index);
    }
    sl_connector_release(conn);
    sl_metrics_add(&w->metrics->ended_count[conn->reason], 1);
    sl_metrics_add(&w->metrics->to_upstream_bytes, conn->relay.to_upstream.bytes_count);
    sl_metrics_add(&w->metrics->to_client_bytes, conn->relay.to_client.bytes_count);
}

void sl_worker_drain_check(struct worker *w)
{
    if (w->phase == SL_PHASE_DRAINING && w->env.conns_count == 0) {
        const struct sl_message message = { .type = SL_MESSAGE_DRAINED };
        sl_worker_say(w, &message);
        sl_loop_stop(&w->loop);
    }
}

/* What nobody stands on any more; the supervisor keeps the keys of those that are left. */
void sl_worker_release_editions(struct worker *w)
{
    struct sl_list *at = w->editions.next;
    while (at != &w->editions) {
        struct sl_edition *edition = sl_worker_edition_of(at);
        at = at->next;
        if (edition != w->current && !sl_edition_is_used(edition)) {
            const struct sl_message message = { .type = SL_MESSAGE_RELEASED,
                                                .edition.number = edition->number };
            sl_edition_destroy(edition);
            sl_worker_say(w, &message);
        }
    }
}

static void hook_freed(struct sl_conn *conn)
{
    struct worker *w = worker_of(conn);
    sl_acceptor_resume(&w->acceptor);
    sl_worker_release_editions(w);
    sl_worker_drain_check(w);
}

static void hook_greeted(struct sl_conn *conn)
{
    sl_acceptor_resume(&worker_of(conn)->acceptor);
}

/* A connection of the sender's own, such as a check, is made for nobody. */
static enum sl_reason hook_admit(struct sl_conn *conn)
{
    struct worker *w = worker_of(conn);
    const struct sl_gate *gate = conn->plan->gate;
    return gate == NULL || conn->proxy == NULL
               ? SL_REASON_DONE
               : sl_gate_admit(gate, w->acceptor.rate, &conn->client_addr, w->loop.now_ms);
}

const struct sl_conn_hooks sl_worker_hooks = {
    .admit = hook_admit,
    .route = hook_route,
    .connect = hook_connect,
    .connect_cancel = sl_connector_cancel,
    .upstream_failed = hook_upstream_failed,
    .upstream_ready = sl_connector_ready,
    .ended = hook_ended,
    .greeted = hook_greeted,
    .freed = hook_freed,
};

/* At the bound every end of a connection makes room for one: that is said once in a while, not each
 * time. A pause that was told of is also told to be over. */
void sl_worker_on_pause(struct sl_acceptor *acceptor, struct sl_listener *listener)
{
    struct worker *w = SL_CONTAINER_OF(acceptor, struct worker, acceptor);
    struct sl_accept_state *state = listener == NULL ? &acceptor->state : &listener->state;
    struct sl_logline line;
    bool is_paused = state->paused != SL_ACCEPT_RUNS;
    sl_metrics_add(&w->metrics->paused_count[state->paused], is_paused ? 1 : 0);
    if (is_paused && state->told_ms != 0 && w->loop.now_ms - state->told_ms < PAUSE_TELL_AGAIN_MS) {
        return;
    }
    if (!is_paused && !state->is_told) {
        return;
    }
    state->is_told = is_paused;
    state->told_ms = is_paused ? w->loop.now_ms : state->told_ms;
    sl_log_begin(&w->log, &line, is_paused ? SL_LOG_WARN : SL_LOG_INFO,
                 is_paused ? "accept_paused" : "accept_resumed");
    sl_logline_u64(&line, "worker", w->index);
    if (listener != NULL) {
        sl_logline_cstr(&line, "service", listener->plan->service);
    }
    sl_logline_u64(&line, "connections",
                   listener == NULL ? w->env.conns_count : listener->plan->tally->conns_count);
    if (is_paused) {
        sl_logline_cstr(&line, "reason", sl_accept_pause_name(state->paused));
    }
    sl_log_put(&w->log, &line);
}

void sl_worker_on_refused(struct sl_acceptor *acceptor, const struct sl_listener *listener,
                          enum sl_reason reason, const struct sl_addr *client)
{
    struct worker *w = SL_CONTAINER_OF(acceptor, struct worker, acceptor);
    sl_metrics_add(&w->metrics->ended_count[reason], 1);
    sl_refusals_note(&w->refusals, reason, listener->plan->service, client);
}
