/* SPDX-License-Identifier: Apache-2.0 */
#include "app/worker.h"
#include "app/cli.h"
#include "app/confine.h"
#include "app/key_client.h"
#include "app/limits.h"
#include "app/worker_names.h"
#include "codec/message.h"
#include "net/checker.h"
#include "net/connector.h"
#include "net/gate.h"
#include "net/health.h"
#include "net/listener.h"
#include "net/metrics.h"
#include "net/server.h"
#include "net/snapshot.h"
#include "svc/access_log.h"
#include "svc/refusals.h"
#include "sys/channel.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"
#include "tls/fast.h"
#include "tls/random.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    FDS_RESERVE_COUNT = 32, /* kept free of connections: log, channel, and what a library opens */
    FDS_IN_CONNECTION = 2,
    EARLY_LISTENERS_MAX = 65536,
    PAUSE_TELL_AGAIN_MS = 10 * 1000,
};

/* A listening socket that came before START. */
struct early_listener {
    int fd;
    uint16_t service_index, listen_index;
    struct sl_addr addr;
};

struct worker {
    struct sl_loop loop;
    struct sl_log log;
    struct sl_watch channel;
    enum sl_message_phase phase;
    uint32_t index;
    struct sl_blob files;
    struct sl_bundle bundle; /* what is in them */
    struct sl_key_client keys;
    struct sl_ticket_keys tickets;
    struct sl_metrics *metrics;
    struct sl_findings findings;
    struct sl_arena findings_arena;
    struct sl_servers servers;
    struct sl_health_slot *health; /* shared by all workers */
    struct sl_checker checker;     /* of servers */
    struct sl_snapshot *snapshot;
    struct sl_worker_names names;
    struct sl_scratch scratch;
    struct sl_conn_env env;
    struct sl_acceptor acceptor;
    struct early_listener *early;
    size_t early_count;
    struct sl_refusals refusals;
    struct sl_portion portion; /* of what holds for all workers */
    int exit_status;
};

static struct worker *worker_of(struct sl_conn *conn)
{
    return SL_CONTAINER_OF(conn->env, struct worker, env);
}

static void say(struct worker *w, const struct sl_message *message)
{
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    if (sl_message_emit(message, &out) != SL_OK ||
        sl_channel_send(w->channel.fd, sl_wbuf_slice(&out), NULL, 0) != SL_OK) {
        sl_loop_stop(&w->loop); /* the supervisor is gone */
    }
}

static void fail(struct worker *w, const char *what)
{
    const struct sl_message message = { .type = SL_MESSAGE_FAILED, .bytes = sl_slice_cstr(what) };
    say(w, &message);
    w->exit_status = SL_EXIT_FAILED;
    sl_loop_stop(&w->loop);
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
static void on_server_event(struct sl_servers *servers, const struct sl_server_event *event)
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
        sl_access_log_put(&w->log, conn, w->index);
    }
    sl_connector_release(conn);
    sl_metrics_add(&w->metrics->ended_count[conn->reason], 1);
    sl_metrics_add(&w->metrics->to_upstream_bytes, conn->relay.to_upstream.bytes_count);
    sl_metrics_add(&w->metrics->to_client_bytes, conn->relay.to_client.bytes_count);
}

static void drain_check(struct worker *w)
{
    if (w->phase == SL_PHASE_DRAINING && w->env.conns_count == 0) {
        const struct sl_message message = { .type = SL_MESSAGE_DRAINED };
        say(w, &message);
        sl_loop_stop(&w->loop);
    }
}

static void hook_freed(struct sl_conn *conn)
{
    struct worker *w = worker_of(conn);
    sl_acceptor_resume(&w->acceptor);
    drain_check(w);
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

static const struct sl_conn_hooks HOOKS = {
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
static void on_pause(struct sl_acceptor *acceptor, struct sl_listener *listener)
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

static void on_refused(struct sl_acceptor *acceptor, const struct sl_listener *listener,
                       enum sl_reason reason, const struct sl_addr *client)
{
    struct worker *w = SL_CONTAINER_OF(acceptor, struct worker, acceptor);
    sl_metrics_add(&w->metrics->ended_count[reason], 1);
    sl_refusals_note(&w->refusals, reason, listener->plan->service, client);
}

/* As many as the descriptors allow: what is told here is not found out in the middle of a connect.
 */
static enum sl_err init_acceptor(struct worker *w)
{
    w->portion = (struct sl_portion){ .index = w->index,
                                      .count = sl_limits_workers_count(w->snapshot->conf) };
    uint64_t fds_count = sl_process_raise_fds_limit();
    uint64_t checks_count = sl_list_is_empty(&w->checker.checks) ? 0 : SL_CHECKS_MAX_COUNT;
    uint64_t taken_count = FDS_RESERVE_COUNT + w->early_count + checks_count;
    uint64_t room_count =
        fds_count > taken_count ? (fds_count - taken_count) / FDS_IN_CONNECTION : 0;
    uint64_t wanted_count = sl_portion_of(&w->portion, w->snapshot->conf->limits.connections_count);
    bool is_wanted = wanted_count != 0 && wanted_count <= room_count;
    uint64_t max_count = is_wanted ? wanted_count : SL_MAX(room_count, UINT64_C(1));
    sl_acceptor_init(&w->acceptor, &w->env, (size_t)max_count,
                     is_wanted ? SL_ACCEPT_CONNECTIONS_LIMIT : SL_ACCEPT_NO_DESCRIPTORS, on_pause);
    w->acceptor.on_refused = on_refused;
    sl_refusals_init(&w->refusals, &w->log, w->index);
    return sl_limits_use(w->snapshot, &w->portion, &w->acceptor);
}

static enum sl_err open_bundle(const struct sl_blob *blob, struct sl_bundle *ret_bundle)
{
    return blob->ptr == NULL ? SL_EINVAL : sl_bundle_open(sl_blob_slice(blob), ret_bundle);
}

static enum sl_err build_snapshot(struct worker *w)
{
    enum sl_err rc = open_bundle(&w->files, &w->bundle);
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_snapshot_source source = { .files = &w->bundle,
                                               .keys = &w->keys.service,
                                               .servers = &w->servers,
                                               .health = w->health,
                                               .tickets = &w->tickets };
    return sl_snapshot_create(&source, &w->findings, &w->snapshot);
}

/* The URL as it is bound, for the log. */
static const char *listen_text(struct worker *w, const struct early_listener *early)
{
    char addr[SL_ADDR_TEXT_MAX];
    char text[SL_ADDR_TEXT_MAX + 16];
    const struct sl_conf_service *conf = &w->snapshot->conf->services[early->service_index];
    const struct sl_conf_url *url = &conf->listens[early->listen_index];
    if (url->url.scheme == SL_SCHEME_UNIX) {
        return url->text;
    }
    sl_addr_format(&early->addr, addr);
    (void)snprintf(text, sizeof(text), "%s://%s", sl_scheme_name(url->url.scheme), addr);
    return sl_arena_strdup(&w->snapshot->arena, sl_slice_cstr(text));
}

static enum sl_err add_listeners(struct worker *w)
{
    for (size_t i = 0; i < w->early_count; i++) {
        struct early_listener *early = &w->early[i];
        if (early->service_index >= w->snapshot->conf->services_count) {
            return SL_EINVAL;
        }
        const struct sl_service *service = &w->snapshot->services[early->service_index];
        if (early->listen_index >= service->conf->listens_count) {
            return SL_EINVAL;
        }
        const char *text = listen_text(w, early);
        enum sl_err rc = text == NULL
                             ? SL_ENOMEM
                             : sl_acceptor_add(&w->acceptor, &early->fd, &service->plan, text);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

static enum sl_err start_checks(struct worker *w)
{
    enum sl_err rc = SL_OK;
    for (size_t i = 0; rc == SL_OK && i < w->snapshot->conf->services_count; i++) {
        const struct sl_service *service = &w->snapshot->services[i];
        rc = sl_checker_add(&w->checker, &service->target);
        for (size_t j = 0; rc == SL_OK && j < service->conf->routes_count; j++) {
            rc = sl_checker_add(&w->checker, &service->routes[j].target);
        }
    }
    return rc;
}

static enum sl_err start(struct worker *w)
{
    enum sl_err rc = sl_tls_random_use(NULL); /* first: contexts draw random numbers */
    if (rc == SL_OK) {
        rc = build_snapshot(w);
    }
    if (rc != SL_OK) {
        return rc;
    }
    sl_worker_names_use(&w->names, w->snapshot);
    const struct sl_conf *conf = w->snapshot->conf;
    w->log.format = conf->log_format;
    w->log.level = conf->log_level;
    rc = sl_tls_fast_use(conf->is_kdf_fast, NULL);
    if (rc == SL_OK) {
        rc = sl_tls_fast_records(conf->record_layer == SL_RECORD_LAYER_OWN);
    }
    if (rc == SL_OK) {
        rc = sl_scratch_init(&w->scratch, conf->limits.buffer_bytes);
    }
    if (rc != SL_OK) {
        return rc;
    }
    w->env = (struct sl_conn_env){ .loop = &w->loop, .scratch = &w->scratch, .hooks = &HOOKS };
    if (getrandom(&w->env.id_seed, sizeof(w->env.id_seed), 0) != sizeof(w->env.id_seed)) {
        return SL_ESYS;
    }
    sl_list_init(&w->env.conns);
    rc = start_checks(w);
    rc = rc == SL_OK ? init_acceptor(w) : rc;
    return rc == SL_OK ? add_listeners(w) : rc;
}

static const char *first_finding(const struct worker *w)
{
    const struct sl_list *head = &w->findings.list;
    for (const struct sl_list *at = head->next; at != head; at = at->next) {
        const struct sl_finding *finding = SL_CONST_CONTAINER_OF(at, struct sl_finding, node);
        if (finding->severity == SL_FINDING_ERROR) {
            return finding->text;
        }
    }
    return NULL;
}

static void kill_all(struct worker *w)
{
    struct sl_list *at = w->env.conns.next;
    while (at != NULL && at != &w->env.conns) {
        struct sl_conn *conn = SL_CONTAINER_OF(at, struct sl_conn, node);
        at = at->next; /* the connection stays in the list until it is reaped */
        sl_conn_kill(conn, SL_REASON_SHUTDOWN);
    }
}

static void hear_start(struct worker *w)
{
    enum sl_err rc = start(w);
    if (rc != SL_OK) {
        const char *finding = first_finding(w);
        fail(w, finding != NULL ? finding : sl_err_name(rc));
        return;
    }
    struct sl_diag diag = { 0 };
    if (sl_confine_enter(w->snapshot->conf, sl_blob_slice(&w->files), &w->log, &diag) != SL_OK) {
        fail(w, diag.text);
        return;
    }
    w->phase = SL_PHASE_RUNNING;
    const struct sl_message ready = { .type = SL_MESSAGE_READY };
    say(w, &ready);
}

static void hear_stop(struct worker *w)
{
    const uint64_t left_count = w->env.conns_count;
    if (w->phase == SL_PHASE_DRAINING) {
        const struct sl_message message = { .type = SL_MESSAGE_DRAINED,
                                            .connections_count = left_count };
        say(w, &message);
    }
    kill_all(w);
    sl_loop_stop(&w->loop);
}

static enum sl_err hear_listener(struct worker *w, const struct sl_message *message, int fd)
{
    if (w->early_count == EARLY_LISTENERS_MAX) {
        return SL_ERANGE;
    }
    struct early_listener *grown = realloc(w->early, (w->early_count + 1) * sizeof(*grown));
    if (grown == NULL) {
        return SL_ENOMEM;
    }
    w->early = grown;
    struct early_listener *early = &w->early[w->early_count];
    *early = (struct early_listener){ .fd = fd,
                                      .service_index = message->listener.service_index,
                                      .listen_index = message->listener.listen_index };
    enum sl_err rc = sl_socket_local(fd, &early->addr);
    w->early_count += rc == SL_OK;
    return rc;
}

static enum sl_err hear_bundle(struct worker *w, const struct sl_message *message, const int *fds)
{
    if (w->files.ptr != NULL) {
        return SL_EPROTO;
    }
    w->index = message->worker_index;
    return sl_memfd_map(fds[0], &w->files);
}

static enum sl_err hear_metrics(struct worker *w, int fd)
{
    void *slab = NULL;
    enum sl_err rc = sl_shared_map(fd, SL_METRICS_SLAB_BYTES, &slab);
    if (rc == SL_OK) {
        sl_shared_unmap(w->metrics, SL_METRICS_SLAB_BYTES);
        w->metrics = slab;
    }
    return rc;
}

static enum sl_err hear_health(struct worker *w, int fd)
{
    void *slots = NULL;
    enum sl_err rc = sl_shared_map(fd, SL_HEALTH_BYTES, &slots);
    if (rc == SL_OK) {
        sl_shared_unmap(w->health, SL_HEALTH_BYTES);
        w->health = slots;
    }
    return rc;
}

static enum sl_err hear_tickets(struct worker *w, struct sl_slice bytes)
{
    if (bytes.len != sizeof(w->tickets)) {
        return SL_EPROTO;
    }
    memcpy(&w->tickets, bytes.ptr, bytes.len);
    return SL_OK;
}

/* Descriptors that stay open are taken out of `fds`. */
static enum sl_err hear(struct worker *w, const struct sl_message *message,
                        struct sl_channel_fds *fds)
{
    enum sl_err rc = SL_OK;
    switch (message->type) {
    case SL_MESSAGE_BUNDLE:
        rc = hear_bundle(w, message, fds->fds);
        break;
    case SL_MESSAGE_METRICS:
        rc = hear_metrics(w, fds->fds[0]);
        break;
    case SL_MESSAGE_HEALTH:
        rc = hear_health(w, fds->fds[0]);
        break;
    case SL_MESSAGE_LISTENER:
        rc = hear_listener(w, message, fds->fds[0]);
        fds->count = rc == SL_OK ? 0 : fds->count;
        break;
    case SL_MESSAGE_KEYS:
        rc = sl_key_client_use(&w->keys, fds->fds[0]);
        fds->count = rc == SL_OK ? 0 : fds->count;
        break;
    case SL_MESSAGE_TICKET_KEYS:
        rc = hear_tickets(w, message->bytes);
        break;
    case SL_MESSAGE_NAME:
        rc = sl_worker_names_hear(&w->names, message->bytes, w->snapshot);
        break;
    case SL_MESSAGE_START:
        if (w->metrics == NULL) {
            return SL_EPROTO;
        }
        hear_start(w);
        break;
    case SL_MESSAGE_DRAIN:
        w->phase = SL_PHASE_DRAINING;
        sl_acceptor_close(&w->acceptor, true);
        sl_checker_clear(&w->checker);
        drain_check(w);
        break;
    default: /* STOP: the table lets nothing else through */
        hear_stop(w);
        break;
    }
    return rc;
}

static void on_channel_ready(struct sl_watch *watch, uint32_t events)
{
    struct worker *w = SL_CONTAINER_OF(watch, struct worker, channel);
    uint8_t bytes[SL_MESSAGE_MAX];
    SL_UNUSED(events);
    while (!w->loop.is_stopped) {
        struct sl_wbuf in = sl_wbuf_of(bytes, sizeof(bytes));
        struct sl_channel_fds fds = { 0 };
        enum sl_err rc = sl_channel_recv(watch->fd, &in, &fds);
        if (rc == SL_AGAIN) {
            return;
        }
        struct sl_message message;
        if (rc == SL_OK) {
            rc = sl_message_parse(sl_wbuf_slice(&in), fds.count, SL_MESSAGE_TO_WORKER, w->phase,
                                  &message);
            rc = rc == SL_OK ? hear(w, &message, &fds) : rc;
            sl_channel_fds_close(&fds);
        }
        explicit_bzero(bytes, sizeof(bytes));
        if (rc == SL_EOF || rc == SL_ERESET) { /* the supervisor is gone, and so are we */
            kill_all(w);
            sl_loop_stop(&w->loop);
        } else if (rc != SL_OK) {
            fail(w, sl_err_name(rc));
        }
    }
}

static void publish_servers(struct worker *w)
{
    struct sl_servers *servers = &w->servers;
    sl_metrics_add(&w->metrics->upstream_failures_count, servers->failures_count);
    sl_metrics_add(&w->metrics->upstream_retries_count, servers->retries_count);
    sl_metrics_add(&w->metrics->upstream_ejections_count, servers->ejections_count);
    sl_metrics_add(&w->metrics->checks_count, w->checker.checks_count);
    sl_metrics_add(&w->metrics->checks_failed_count, w->checker.failed_count);
    w->checker.checks_count = w->checker.failed_count = 0;
    servers->failures_count = servers->retries_count = servers->ejections_count = 0;
}

/* Once per turn, so that the numbers of the slab are never far behind. */
static void publish(struct worker *w)
{
    if (w->metrics != NULL) {
        const uint64_t accepted_count = w->acceptor.accepted_count;
        w->acceptor.accepted_count = 0;
        sl_metrics_add(&w->metrics->accepted_count, accepted_count);
        sl_metrics_add(&w->metrics->active_count,
                       w->env.conns_count - sl_metrics_get(&w->metrics->active_count));
        sl_metrics_add(&w->metrics->log_dropped_count, w->log.dropped_count);
        w->log.dropped_count = 0;
        publish_servers(w);
    }
}

static void on_keys_rubbish(struct sl_key_client *client)
{
    fail(SL_CONTAINER_OF(client, struct worker, keys),
         "the process of the private keys sent what it must not");
}

static void worker_fini(struct worker *w)
{
    sl_refusals_fini(&w->refusals);
    sl_log_fini(&w->log);
    publish(w);
    sl_worker_names_fini(&w->names);
    sl_acceptor_close(&w->acceptor, false);
    sl_checker_clear(&w->checker);
    sl_rate_destroy(w->acceptor.rate);
    sl_loop_fini(&w->loop); /* reaps what kill_all has ended */
    sl_scratch_fini(&w->scratch);
    sl_snapshot_destroy(w->snapshot);
    sl_arena_fini(&w->findings_arena);
    sl_blob_fini(&w->files);
    sl_key_client_fini(&w->keys);
    sl_ticket_keys_wipe(&w->tickets);
    sl_shared_unmap(w->metrics, SL_METRICS_SLAB_BYTES);
    sl_shared_unmap(w->health, SL_HEALTH_BYTES);
    sl_socket_close(&w->channel.fd);
    sl_socket_close(&w->log.fd);
    free(w->early);
    free(w);
}

int sl_worker_main(void)
{
    int log_fd = -1;
    struct worker *w = calloc(1, sizeof(*w));
    if (w == NULL || sl_process_open_log(&log_fd) != SL_OK) {
        free(w);
        return SL_EXIT_FAILED;
    }
    sl_process_set_name("sluice-worker");
    sl_process_hide_memory();
    /* a terminal's ^C goes to all of us: what to do about it is the supervisor's word */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGQUIT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGUSR1, SIG_IGN);
    (void)signal(SIGUSR2, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    enum sl_err rc = sl_loop_init(&w->loop);
    sl_log_init(&w->log, log_fd, SL_LOG_TEXT, &w->loop);
    sl_servers_init(&w->servers, sl_clock_unix_ms() * SL_MS_PER_S + (uint64_t)getpid());
    w->servers.on_event = on_server_event;
    sl_checker_init(&w->checker, &w->loop, &w->scratch, &w->servers);
    sl_arena_init(&w->findings_arena, 0);
    sl_findings_init(&w->findings, &w->findings_arena);
    sl_list_init(&w->env.conns);
    sl_list_init(&w->acceptor.listeners);
    sl_worker_names_init(&w->names);
    sl_timer_init(&w->acceptor.retry, NULL);
    w->channel = (struct sl_watch){ .fd = SL_PROCESS_CHANNEL_FD, .on_ready = on_channel_ready };
    rc = rc == SL_OK ? sl_loop_add(&w->loop, &w->channel, SL_WATCH_INPUT) : rc;
    rc = rc == SL_OK ? sl_key_client_init(&w->keys, &w->loop) : rc;
    w->keys.on_rubbish = on_keys_rubbish;
    while (rc == SL_OK && !w->loop.is_stopped) {
        rc = sl_loop_turn(&w->loop, SL_LOOP_WAIT_MAX_MS);
        publish(w);
    }
    int status = rc == SL_OK ? w->exit_status : SL_EXIT_FAILED;
    worker_fini(w);
    return status;
}
