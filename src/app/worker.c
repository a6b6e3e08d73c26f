/* SPDX-License-Identifier: Apache-2.0 */
#include "app/worker.h"
#include "app/cli.h"
#include "app/confine.h"
#include "app/limits.h"
#include "app/log_place.h"
#include "app/worker_impl.h"
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
    FDS_IN_LISTENER = 2, /* the next configuration brings its own before the old ones are closed */
    BUILD_PIECE_MS = 2,  /* of the next configuration at once */
};

static void fail(struct worker *w, const char *what)
{
    const struct sl_message message = { .type = SL_MESSAGE_FAILED, .bytes = sl_slice_cstr(what) };
    sl_worker_say(w, &message);
    w->exit_status = SL_EXIT_FAILED;
    sl_loop_stop(&w->loop);
}

/* As many as the descriptors allow: what is told here is not found out in the middle of a connect.
 */
static size_t conns_max_count(const struct worker *w, const struct sl_edition *edition,
                              enum sl_accept_pause *ret_reason)
{
    uint64_t checks_count = sl_list_is_empty(&w->checker.checks) ? 0 : SL_CHECKS_MAX_COUNT;
    uint64_t taken_count =
        FDS_RESERVE_COUNT + FDS_IN_LISTENER * edition->sources_count + checks_count;
    uint64_t room_count =
        w->fds_count > taken_count ? (w->fds_count - taken_count) / FDS_IN_CONNECTION : 0;
    uint64_t wanted_count =
        sl_portion_of(&w->portion, edition->snapshot->conf->limits.connections_count);
    bool is_wanted = wanted_count != 0 && wanted_count <= room_count;
    *ret_reason = is_wanted ? SL_ACCEPT_CONNECTIONS_LIMIT : SL_ACCEPT_NO_DESCRIPTORS;
    return (size_t)(is_wanted ? wanted_count : SL_MAX(room_count, UINT64_C(1)));
}

static enum sl_err start_checks(struct worker *w, const struct sl_edition *edition)
{
    enum sl_err rc = SL_OK;
    for (size_t i = 0; rc == SL_OK && i < edition->snapshot->conf->services_count; i++) {
        const struct sl_service *service = &edition->snapshot->services[i];
        rc = sl_checker_add(&w->checker, &service->target);
        for (size_t j = 0; rc == SL_OK && j < service->conf->routes_count; j++) {
            rc = sl_checker_add(&w->checker, &service->routes[j].target);
        }
    }
    return rc;
}

/* From now on connections begin with it. SL_ENOMEM: all is as before. */
static enum sl_err use(struct worker *w, struct sl_edition *edition)
{
    const uint32_t workers_count = sl_limits_workers_count(edition->snapshot->conf);
    w->portion = (struct sl_portion){ .index = w->index % workers_count, .count = workers_count };
    enum sl_err rc = sl_limits_use(edition->snapshot, &w->portion, &w->acceptor);
    rc = rc == SL_OK ? sl_acceptor_replace(&w->acceptor, edition->sources, edition->sources_count)
                     : rc;
    if (rc != SL_OK) {
        return rc;
    }
    sl_checker_clear(&w->checker);
    rc = start_checks(w, edition);
    if (rc != SL_OK) {
        return rc;
    }
    sl_worker_names_use(&w->names, edition->snapshot);
    w->log.format = edition->snapshot->conf->log_format;
    w->log.level = edition->snapshot->conf->log_level;
    w->acceptor.bounds.conns_max_count = conns_max_count(w, edition, &w->acceptor.max_reason);
    sl_list_append(&w->editions, &edition->node);
    w->current = edition;
    sl_acceptor_resume(&w->acceptor);
    return SL_OK;
}

static enum sl_err build_begin(struct worker *w)
{
    const struct sl_snapshot_source source = { .keys = &w->keys.service,
                                               .servers = &w->servers,
                                               .tallies = &w->tallies,
                                               .health = w->health,
                                               .tickets = &w->tickets };
    return w->coming == NULL || w->coming->builder != NULL || w->coming->snapshot != NULL
               ? SL_EPROTO
               : sl_edition_begin(w->coming, &source);
}

static enum sl_err start(struct worker *w)
{
    if (w->coming == NULL) {
        return SL_EINVAL;
    }
    enum sl_err rc = sl_tls_random_use(NULL); /* first: contexts draw random numbers */
    rc = rc == SL_OK ? build_begin(w) : rc;
    if (rc == SL_OK) {
        do {
            rc = sl_edition_step(w->coming);
        } while (rc == SL_AGAIN);
    }
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_conf *conf = w->coming->snapshot->conf;
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
    w->fds_count = sl_process_raise_fds_limit(); /* its cage lets it ask only now */
    w->env =
        (struct sl_conn_env){ .loop = &w->loop, .scratch = &w->scratch, .hooks = &sl_worker_hooks };
    if (getrandom(&w->env.id_seed, sizeof(w->env.id_seed), 0) != sizeof(w->env.id_seed)) {
        return SL_ESYS;
    }
    sl_list_init(&w->env.conns);
    sl_acceptor_init(&w->acceptor, &w->env, 1, SL_ACCEPT_NO_DESCRIPTORS, sl_worker_on_pause);
    w->acceptor.on_refused = sl_worker_on_refused;
    sl_refusals_init(&w->refusals, &w->log, w->index);
    rc = use(w, w->coming);
    w->coming = rc == SL_OK ? NULL : w->coming;
    return rc;
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

static const char *why_of(const struct sl_edition *edition, enum sl_err rc)
{
    const char *finding = edition == NULL ? NULL : sl_edition_failure(edition);
    return finding != NULL ? finding : sl_err_name(rc);
}

static void hear_start(struct worker *w)
{
    enum sl_err rc = start(w);
    if (rc != SL_OK) {
        fail(w, why_of(w->coming, rc));
        return;
    }
    struct sl_diag diag = { 0 };
    if (sl_confine_enter(w->current->snapshot->conf, sl_blob_slice(&w->current->files), &w->log,
                         &diag) != SL_OK) {
        fail(w, diag.text);
        return;
    }
    w->phase = SL_PHASE_RUNNING;
    const struct sl_message ready = { .type = SL_MESSAGE_READY };
    sl_worker_say(w, &ready);
}

static void hear_stop(struct worker *w)
{
    const uint64_t left_count = w->env.conns_count;
    if (w->phase == SL_PHASE_DRAINING) {
        const struct sl_message message = { .type = SL_MESSAGE_DRAINED,
                                            .connections_count = left_count };
        sl_worker_say(w, &message);
    }
    kill_all(w);
    sl_loop_stop(&w->loop);
}

static void forget_coming(struct worker *w)
{
    sl_task_cancel(&w->building);
    sl_edition_destroy(SL_STEAL(w->coming));
}

static void tell_built(struct worker *w, enum sl_err rc)
{
    struct sl_message message = { .type = SL_MESSAGE_REFUSED };
    if (rc == SL_OK) {
        message =
            (struct sl_message){ .type = SL_MESSAGE_PREPARED, .edition.number = w->coming->number };
    } else {
        const struct sl_slice why = sl_slice_cstr(why_of(w->coming, rc));
        message.key.index = w->coming->number;
        message.key.bytes = sl_slice_of(why.ptr, SL_MIN(why.len, (size_t)SL_MESSAGE_FAILED_MAX));
    }
    sl_worker_say(w, &message);
    if (rc != SL_OK) {
        forget_coming(w);
    }
}

/* Beside what runs, which has its turn between one piece of it and the next. */
static void on_building(struct sl_task *task)
{
    struct worker *w = SL_CONTAINER_OF(task, struct worker, building);
    const uint64_t begin_ms = sl_clock_monotonic_ms();
    enum sl_err rc = SL_AGAIN;
    while (rc == SL_AGAIN && sl_clock_monotonic_ms() - begin_ms < BUILD_PIECE_MS) {
        rc = sl_edition_step(w->coming);
    }
    if (rc == SL_AGAIN) {
        sl_loop_defer(&w->loop, task);
    } else {
        tell_built(w, rc);
    }
}

static enum sl_err hear_prepare(struct worker *w)
{
    enum sl_err rc = build_begin(w);
    if (rc == SL_OK) {
        sl_loop_defer(&w->loop, &w->building);
    } else if (rc != SL_EPROTO) {
        tell_built(w, rc);
        rc = SL_OK;
    }
    return rc;
}

static enum sl_err hear_commit(struct worker *w)
{
    if (w->coming == NULL || w->coming->snapshot == NULL) {
        return SL_EPROTO;
    }
    enum sl_err rc = use(w, w->coming);
    if (rc != SL_OK) {
        return rc;
    }
    w->coming = NULL;
    const struct sl_message message = { .type = SL_MESSAGE_SWAPPED,
                                        .edition.number = w->current->number };
    sl_worker_say(w, &message);
    sl_worker_release_editions(w);
    return SL_OK;
}

static enum sl_err hear_bundle(struct worker *w, const struct sl_message *message, const int *fds)
{
    if (w->coming != NULL) {
        return SL_EPROTO;
    }
    w->index = message->edition.worker_index;
    if (w->current != NULL) { /* the bundle knows more than what was heard before it */
        sl_worker_names_fini(&w->names);
        sl_worker_names_init(&w->names);
    }
    return sl_edition_create(fds[0], message->edition.number, &w->coming);
}

static enum sl_err hear_listener(struct worker *w, const struct sl_message *message, int fd)
{
    return w->coming == NULL ? SL_EPROTO
                             : sl_edition_listen(w->coming, message->listener.service_index,
                                                 message->listener.listen_index, fd);
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

static void hear_log(struct worker *w, struct sl_slice bytes, int fd)
{
    char to[SL_LOG_PLACE_MAX];
    (void)snprintf(to, sizeof(to), "%.*s", (int)bytes.len - 1, (const char *)bytes.ptr + 1);
    int old_fd = sl_log_turn(&w->log, fd, bytes.ptr[0] != 0, to);
    sl_socket_close(&old_fd);
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
    case SL_MESSAGE_LOG:
        hear_log(w, message->bytes, fds->fds[0]);
        fds->count = 0;
        break;
    case SL_MESSAGE_TICKET_KEYS:
        rc = hear_tickets(w, message->bytes);
        break;
    case SL_MESSAGE_NAME:
        rc = sl_worker_names_hear(&w->names, message->bytes,
                                  w->current == NULL ? NULL : w->current->snapshot);
        break;
    case SL_MESSAGE_START:
        if (w->metrics == NULL) {
            return SL_EPROTO;
        }
        hear_start(w);
        break;
    case SL_MESSAGE_PREPARE:
        return hear_prepare(w);
    case SL_MESSAGE_COMMIT:
        return hear_commit(w);
    case SL_MESSAGE_ABORT:
        forget_coming(w);
        break;
    case SL_MESSAGE_DRAIN:
        forget_coming(w);
        w->phase = SL_PHASE_DRAINING;
        sl_acceptor_close(&w->acceptor, true);
        sl_checker_clear(&w->checker);
        sl_worker_drain_check(w);
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
    forget_coming(w);
    for (struct sl_list *node; (node = sl_list_shift(&w->editions)) != NULL;) {
        sl_edition_destroy(sl_worker_edition_of(node));
    }
    sl_key_client_fini(&w->keys);
    sl_ticket_keys_wipe(&w->tickets);
    sl_shared_unmap(w->metrics, SL_METRICS_SLAB_BYTES);
    sl_shared_unmap(w->health, SL_HEALTH_BYTES);
    sl_socket_close(&w->channel.fd);
    sl_socket_close(&w->log.fd);
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
    w->servers.on_event = sl_worker_on_server_event;
    sl_tallies_init(&w->tallies);
    sl_checker_init(&w->checker, &w->loop, &w->scratch, &w->servers);
    sl_list_init(&w->editions);
    sl_task_init(&w->building, on_building);
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
