/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listener.h"
#include "sys/socket.h"
#include <stdlib.h>

enum { ACCEPTS_MAX_COUNT = 64 }; /* of one listener in one turn */
enum {
    SINGLE_TURNS_COUNT = 8
};                       /* in a row, before more than one is taken in a turn, or twice as many */
enum { RETRY_MS = 250 }; /* when nothing else says that there is room again */

static const struct pause_row {
    const char *name;
    enum sl_reason reason; /* of one that is refused for it */
} PAUSES[SL_ACCEPT_PAUSES_COUNT] = {
    [SL_ACCEPT_RUNS] = { "none", SL_REASON_DONE },
    [SL_ACCEPT_NO_DESCRIPTORS] = { "no_descriptors", SL_REASON_NO_DESCRIPTORS },
    [SL_ACCEPT_CONNECTIONS_LIMIT] = { "connections_limit", SL_REASON_CONNECTIONS_LIMIT },
    [SL_ACCEPT_HANDSHAKES_LIMIT] = { "handshakes_limit", SL_REASON_HANDSHAKES_LIMIT },
    [SL_ACCEPT_MEMORY_LIMIT] = { "memory_limit", SL_REASON_MEMORY_LIMIT },
};

const char *sl_accept_pause_name(enum sl_accept_pause pause)
{
    return PAUSES[pause].name;
}

/* What keeps all services from taking one more. */
static enum sl_accept_pause full_of_all(const struct sl_acceptor *acceptor)
{
    const struct sl_conn_env *env = acceptor->env;
    const struct sl_bounds *bounds = &acceptor->bounds;
    if (env->conns_count >= bounds->conns_max_count) {
        return acceptor->max_reason;
    }
    if (bounds->handshakes_max_count != 0 &&
        env->handshakes_count >= bounds->handshakes_max_count) {
        return SL_ACCEPT_HANDSHAKES_LIMIT;
    }
    return sl_scratch_is_over(env->scratch) ? SL_ACCEPT_MEMORY_LIMIT : SL_ACCEPT_RUNS;
}

/* What keeps this service from it. */
static enum sl_accept_pause full_of_service(const struct sl_listener *listener)
{
    const struct sl_gate *gate = listener->plan->gate;
    const struct sl_tally *tally = listener->plan->tally;
    if (gate == NULL || tally == NULL) {
        return SL_ACCEPT_RUNS;
    }
    if (gate->bounds.conns_max_count != 0 && tally->conns_count >= gate->bounds.conns_max_count) {
        return SL_ACCEPT_CONNECTIONS_LIMIT;
    }
    return gate->bounds.handshakes_max_count != 0 &&
                   tally->handshakes_count >= gate->bounds.handshakes_max_count
               ? SL_ACCEPT_HANDSHAKES_LIMIT
               : SL_ACCEPT_RUNS;
}

/* Watches the listener when both it and all are to accept. SL_OK when it is as it should be. */
static enum sl_err watch_update(struct sl_listener *listener)
{
    struct sl_loop *loop = listener->acceptor->env->loop;
    const bool is_wanted = listener->acceptor->state.paused == SL_ACCEPT_RUNS &&
                           listener->state.paused == SL_ACCEPT_RUNS;
    if (is_wanted == listener->is_watched) {
        return SL_OK;
    }
    if (!is_wanted) {
        sl_loop_remove(loop, &listener->watch);
        listener->is_watched = false;
        return SL_OK;
    }
    enum sl_err rc = sl_loop_add(loop, &listener->watch, SL_WATCH_SHARED);
    listener->is_watched = rc == SL_OK;
    return rc;
}

static enum sl_err watch_all(struct sl_acceptor *acceptor)
{
    enum sl_err result = SL_OK;
    for (struct sl_list *at = acceptor->listeners.next; at != &acceptor->listeners; at = at->next) {
        enum sl_err rc = watch_update(SL_CONTAINER_OF(at, struct sl_listener, node));
        result = result == SL_OK ? rc : result;
    }
    return result;
}

static void set_paused(struct sl_acceptor *acceptor, enum sl_accept_pause paused)
{
    struct sl_loop *loop = acceptor->env->loop;
    if (acceptor->state.paused == paused) {
        return;
    }
    acceptor->state.paused = paused;
    if (watch_all(acceptor) != SL_OK) {
        /* the kernel has no memory for it: as before, and later again */
        acceptor->state.paused = SL_ACCEPT_NO_DESCRIPTORS;
        (void)watch_all(acceptor);
        sl_loop_timer(loop, &acceptor->retry, RETRY_MS);
        return;
    }
    if (paused == SL_ACCEPT_NO_DESCRIPTORS || paused == SL_ACCEPT_MEMORY_LIMIT) {
        sl_loop_timer(loop, &acceptor->retry, RETRY_MS);
    }
    acceptor->on_pause(acceptor, NULL);
}

static void set_listener_paused(struct sl_listener *listener, enum sl_accept_pause paused)
{
    struct sl_acceptor *acceptor = listener->acceptor;
    if (listener->state.paused == paused) {
        return;
    }
    acceptor->paused_count -= listener->state.paused != SL_ACCEPT_RUNS;
    acceptor->paused_count += paused != SL_ACCEPT_RUNS;
    listener->state.paused = paused;
    if (watch_update(listener) != SL_OK) {
        set_paused(acceptor, SL_ACCEPT_NO_DESCRIPTORS);
    }
    acceptor->on_pause(acceptor, listener);
}

/* Listeners of services that have room again. */
static void resume_listeners(struct sl_acceptor *acceptor)
{
    struct sl_list *at = acceptor->listeners.next;
    for (; acceptor->paused_count > 0 && at != &acceptor->listeners; at = at->next) {
        struct sl_listener *listener = SL_CONTAINER_OF(at, struct sl_listener, node);
        if (listener->state.paused != SL_ACCEPT_RUNS &&
            full_of_service(listener) == SL_ACCEPT_RUNS) {
            set_listener_paused(listener, SL_ACCEPT_RUNS);
        }
    }
}

void sl_acceptor_resume(struct sl_acceptor *acceptor)
{
    if (acceptor->paused_count > 0) {
        resume_listeners(acceptor);
    }
    if (acceptor->state.paused == SL_ACCEPT_RUNS) {
        return;
    }
    const enum sl_accept_pause why = full_of_all(acceptor); /* perhaps another reason by now */
    if (why == SL_ACCEPT_RUNS) {
        sl_timer_cancel(&acceptor->retry);
    }
    set_paused(acceptor, why);
}

static void on_retry(struct sl_timer *timer)
{
    struct sl_acceptor *acceptor = SL_CONTAINER_OF(timer, struct sl_acceptor, retry);
    sl_acceptor_resume(acceptor);
    if (acceptor->state.paused != SL_ACCEPT_RUNS) {
        sl_loop_timer(acceptor->env->loop, timer, RETRY_MS);
    }
}

/* Takes one connection out of the kernel. SL_OK, SL_AGAIN (none waits), else accepting pauses. */
static enum sl_err take(struct sl_listener *listener, int *ret_fd, struct sl_addr *ret_peer)
{
    enum sl_err rc = sl_socket_accept(listener->watch.fd, ret_fd, ret_peer);
    if (rc == SL_EMFILE) {
        set_paused(listener->acceptor, SL_ACCEPT_NO_DESCRIPTORS);
        return rc;
    }
    if (rc != SL_OK) {
        return SL_AGAIN;
    }
    listener->acceptor->accepted_count++;
    return SL_OK;
}

static void refuse(const struct sl_listener *listener, int *fd, enum sl_reason reason,
                   const struct sl_addr *peer)
{
    struct sl_acceptor *acceptor = listener->acceptor;
    sl_socket_reset(fd);
    if (acceptor->on_refused != NULL) {
        acceptor->on_refused(acceptor, listener, reason, peer);
    }
}

/* Takes one connection. SL_OK, SL_AGAIN (none waits), else accepting is to pause. */
static enum sl_err accept_one(struct sl_listener *listener)
{
    struct sl_acceptor *acceptor = listener->acceptor;
    const struct sl_conn_plan *plan = listener->plan;
    const enum sl_accept_pause of_all = full_of_all(acceptor);
    /* a descriptor that is not there cannot be reset either */
    if (of_all != SL_ACCEPT_RUNS &&
        (of_all == SL_ACCEPT_NO_DESCRIPTORS || !acceptor->bounds.is_refusing)) {
        set_paused(acceptor, of_all);
        return SL_ERANGE;
    }
    const enum sl_accept_pause of_service = full_of_service(listener);
    if (of_service != SL_ACCEPT_RUNS && !plan->gate->bounds.is_refusing) {
        set_listener_paused(listener, of_service);
        return SL_ERANGE;
    }
    int fd = -1;
    struct sl_addr peer;
    enum sl_err rc = take(listener, &fd, &peer);
    if (rc != SL_OK) {
        return rc;
    }
    /* for whom it is made, a header is going to tell: then that one is asked for (hook admit) */
    const bool is_known = !sl_proxy_in_is_wanted(&plan->proxy_in, &peer);
    enum sl_reason reason =
        plan->gate != NULL && is_known
            ? sl_gate_admit(plan->gate, acceptor->rate, &peer, acceptor->env->loop->now_ms)
            : SL_REASON_DONE;
    if (reason == SL_REASON_DONE) {
        reason = PAUSES[of_all != SL_ACCEPT_RUNS ? of_all : of_service].reason;
    }
    if (reason != SL_REASON_DONE) {
        refuse(listener, &fd, reason, &peer);
        return SL_OK;
    }
    rc = sl_conn_start(acceptor->env, plan, &fd, &peer, listener->text);
    if (rc != SL_OK) {
        sl_socket_reset(&fd);
        set_paused(acceptor, SL_ACCEPT_NO_DESCRIPTORS);
    }
    return rc;
}

/* One a turn as long as they come one by one, since to find none costs as much as a turn; when many
 * have waited for a while, more and more. */
static unsigned burst_max_count(const struct sl_listener *listener)
{
    const unsigned doublings = SL_MIN(listener->streak_count / SINGLE_TURNS_COUNT, 16U);
    return SL_MIN(1U << doublings, (unsigned)ACCEPTS_MAX_COUNT);
}

/* Whether the next one would have to wait. */
static bool is_full(const struct sl_listener *listener)
{
    const struct sl_acceptor *acceptor = listener->acceptor;
    const enum sl_accept_pause of_all = full_of_all(acceptor);
    const enum sl_accept_pause of_service = full_of_service(listener);
    return (of_all != SL_ACCEPT_RUNS &&
            (of_all == SL_ACCEPT_NO_DESCRIPTORS || !acceptor->bounds.is_refusing)) ||
           (of_service != SL_ACCEPT_RUNS && !listener->plan->gate->bounds.is_refusing);
}

static void on_listener_ready(struct sl_watch *watch, uint32_t events)
{
    struct sl_listener *listener = SL_CONTAINER_OF(watch, struct sl_listener, watch);
    SL_UNUSED(events);
    if (!listener->is_watched) { /* paused in this turn */
        return;
    }
    /* at the bound it is left to the next event, which comes only when somebody waits */
    const unsigned burst_count = burst_max_count(listener);
    for (unsigned i = 0; i < burst_count; i++) {
        if ((i > 0 && is_full(listener)) || accept_one(listener) != SL_OK) {
            listener->streak_count = 0;
            return;
        }
    }
    listener->streak_count++;
}

void sl_acceptor_init(struct sl_acceptor *acceptor, struct sl_conn_env *env, size_t conns_max_count,
                      enum sl_accept_pause max_reason,
                      void (*on_pause)(struct sl_acceptor *acceptor, struct sl_listener *listener))
{
    *acceptor = (struct sl_acceptor){ .env = env,
                                      .bounds.conns_max_count = conns_max_count,
                                      .max_reason = max_reason,
                                      .on_pause = on_pause };
    sl_list_init(&acceptor->listeners);
    sl_timer_init(&acceptor->retry, on_retry);
}

/* One that is not watched yet. NULL without memory. */
static struct sl_listener *listener_make(struct sl_acceptor *acceptor, int fd,
                                         const struct sl_conn_plan *plan, const char *text)
{
    struct sl_listener *listener = calloc(1, sizeof(*listener));
    if (listener != NULL) {
        *listener = (struct sl_listener){ .acceptor = acceptor,
                                          .watch = { .fd = fd, .on_ready = on_listener_ready },
                                          .plan = plan,
                                          .text = text };
        sl_list_init(&listener->node);
    }
    return listener;
}

enum sl_err sl_acceptor_add(struct sl_acceptor *acceptor, int *fd, const struct sl_conn_plan *plan,
                            const char *text)
{
    struct sl_listener *listener = listener_make(acceptor, *fd, plan, text);
    if (listener == NULL) {
        return SL_ENOMEM;
    }
    /* a Unix socket, and one of a service manager, serve all workers */
    enum sl_err rc = sl_loop_add(acceptor->env->loop, &listener->watch, SL_WATCH_SHARED);
    if (rc != SL_OK) {
        free(listener);
        return rc;
    }
    *fd = -1;
    listener->is_watched = true;
    sl_list_append(&acceptor->listeners, &listener->node);
    return SL_OK;
}

static void listener_free(struct sl_reap *reap)
{
    free(SL_CONTAINER_OF(reap, struct sl_listener, reap));
}

/* Of one that is in no list any more. */
static void listener_close(struct sl_listener *listener, bool is_draining)
{
    struct sl_loop *loop = listener->acceptor->env->loop;
    for (unsigned i = 0; is_draining && i < SL_LISTEN_BACKLOG_COUNT; i++) {
        if (accept_one(listener) != SL_OK) {
            break;
        }
    }
    listener->acceptor->paused_count -= listener->state.paused != SL_ACCEPT_RUNS;
    /* the supervisor holds the same socket open, so that closing alone does not end the watch;
     * and an event of this turn may still point at it */
    if (listener->is_watched) {
        sl_loop_remove(loop, &listener->watch);
    }
    sl_socket_close(&listener->watch.fd);
    sl_loop_reap(loop, &listener->reap, listener_free);
}

void sl_acceptor_close(struct sl_acceptor *acceptor, bool is_draining)
{
    struct sl_list *node;
    while ((node = sl_list_shift(&acceptor->listeners)) != NULL) {
        listener_close(SL_CONTAINER_OF(node, struct sl_listener, node), is_draining);
    }
    sl_timer_cancel(&acceptor->retry);
}

static bool is_among(const struct sl_listener *listener, const struct sl_accept_source *sources,
                     size_t count)
{
    struct sl_addr addr;
    bool is_there = sl_socket_local(listener->watch.fd, &addr) != SL_OK;
    for (size_t i = 0; !is_there && i < count; i++) {
        is_there = sl_addr_is_same(&addr, &sources[i].addr);
    }
    return is_there;
}

static void list_move(struct sl_list *from, struct sl_list *to)
{
    struct sl_list *node;
    while ((node = sl_list_shift(from)) != NULL) {
        sl_list_append(to, node);
    }
}

/* All of them, or none. */
static enum sl_err make_all(struct sl_acceptor *acceptor, const struct sl_accept_source *sources,
                            size_t count, struct sl_list *made)
{
    for (size_t i = 0; i < count; i++) {
        const struct sl_accept_source *source = &sources[i];
        struct sl_listener *listener =
            listener_make(acceptor, source->fd, source->plan, source->text);
        if (listener == NULL) {
            struct sl_list *node;
            while ((node = sl_list_shift(made)) != NULL) {
                free(SL_CONTAINER_OF(node, struct sl_listener, node));
            }
            return SL_ENOMEM;
        }
        sl_list_append(made, &listener->node);
    }
    return SL_OK;
}

enum sl_err sl_acceptor_replace(struct sl_acceptor *acceptor, struct sl_accept_source *sources,
                                size_t count)
{
    struct sl_list made, old;
    sl_list_init(&made);
    sl_list_init(&old);
    enum sl_err rc = make_all(acceptor, sources, count, &made);
    if (rc != SL_OK) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        sources[i].fd = -1;
    }
    list_move(&acceptor->listeners, &old);
    list_move(&made, &acceptor->listeners);
    if (watch_all(acceptor) != SL_OK) {
        set_paused(acceptor, SL_ACCEPT_NO_DESCRIPTORS); /* and later again */
    }
    struct sl_list *node;
    while ((node = sl_list_shift(&old)) != NULL) {
        struct sl_listener *listener = SL_CONTAINER_OF(node, struct sl_listener, node);
        listener_close(listener, !is_among(listener, sources, count));
    }
    return SL_OK;
}
