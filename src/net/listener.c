/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listener.h"
#include "sys/socket.h"
#include <stdlib.h>

enum { ACCEPTS_MAX_COUNT = 64 }; /* of one listener in one turn */
enum {
    SINGLE_TURNS_COUNT = 8
};                       /* in a row, before more than one is taken in a turn, or twice as many */
enum { RETRY_MS = 250 }; /* when nothing else says that there is room again */

/* Watches all listeners, or none; SL_OK when all are as is wanted. */
static enum sl_err watch_all(struct sl_acceptor *acceptor, bool is_watched)
{
    struct sl_loop *loop = acceptor->env->loop;
    enum sl_err rc = SL_OK;
    for (struct sl_list *at = acceptor->listeners.next; at != &acceptor->listeners; at = at->next) {
        struct sl_listener *listener = SL_CONTAINER_OF(at, struct sl_listener, node);
        if (!is_watched) {
            sl_loop_remove(loop, &listener->watch);
        } else if (rc == SL_OK) {
            rc = sl_loop_add(loop, &listener->watch, SL_WATCH_SHARED);
        }
    }
    return rc;
}

static void set_paused(struct sl_acceptor *acceptor, enum sl_accept_pause paused)
{
    struct sl_loop *loop = acceptor->env->loop;
    if (acceptor->paused == paused) {
        return;
    }
    acceptor->paused = paused;
    if (watch_all(acceptor, paused == SL_ACCEPT_RUNS) != SL_OK) {
        /* the kernel has no memory for it: as before, and later again */
        (void)watch_all(acceptor, false);
        acceptor->paused = SL_ACCEPT_NO_DESCRIPTORS;
        sl_loop_timer(loop, &acceptor->retry, RETRY_MS);
        return;
    }
    if (paused == SL_ACCEPT_NO_DESCRIPTORS) {
        sl_loop_timer(loop, &acceptor->retry, RETRY_MS);
    }
    acceptor->on_pause(acceptor);
}

void sl_acceptor_resume(struct sl_acceptor *acceptor)
{
    if (acceptor->paused != SL_ACCEPT_RUNS &&
        acceptor->env->conns_count < acceptor->conns_max_count) {
        sl_timer_cancel(&acceptor->retry);
        set_paused(acceptor, SL_ACCEPT_RUNS);
    }
}

static void on_retry(struct sl_timer *timer)
{
    sl_acceptor_resume(SL_CONTAINER_OF(timer, struct sl_acceptor, retry));
}

/* Takes one connection. SL_OK, SL_AGAIN (none waits), else accepting is to pause. */
static enum sl_err accept_one(struct sl_listener *listener)
{
    struct sl_acceptor *acceptor = listener->acceptor;
    if (acceptor->env->conns_count >= acceptor->conns_max_count) {
        set_paused(acceptor, acceptor->max_reason);
        return SL_ERANGE;
    }
    int fd = -1;
    struct sl_addr peer;
    enum sl_err rc = sl_socket_accept(listener->watch.fd, &fd, &peer);
    if (rc == SL_EMFILE) {
        set_paused(acceptor, SL_ACCEPT_NO_DESCRIPTORS);
        return rc;
    }
    if (rc != SL_OK) {
        return SL_AGAIN;
    }
    acceptor->accepted_count++;
    rc = sl_conn_start(acceptor->env, listener->plan, &fd, &peer, listener->text);
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

static void on_listener_ready(struct sl_watch *watch, uint32_t events)
{
    struct sl_listener *listener = SL_CONTAINER_OF(watch, struct sl_listener, watch);
    SL_UNUSED(events);
    if (listener->acceptor->paused != SL_ACCEPT_RUNS) {
        return;
    }
    /* at the bound it is left to the next event, which comes only when somebody waits */
    const struct sl_acceptor *acceptor = listener->acceptor;
    const unsigned burst_count = burst_max_count(listener);
    for (unsigned i = 0; i < burst_count; i++) {
        bool is_full = acceptor->env->conns_count >= acceptor->conns_max_count;
        if ((is_full && i > 0) || accept_one(listener) != SL_OK) {
            listener->streak_count = 0;
            return;
        }
    }
    listener->streak_count++;
}

void sl_acceptor_init(struct sl_acceptor *acceptor, struct sl_conn_env *env, size_t conns_max_count,
                      enum sl_accept_pause max_reason,
                      void (*on_pause)(struct sl_acceptor *acceptor))
{
    *acceptor = (struct sl_acceptor){ .env = env,
                                      .conns_max_count = conns_max_count,
                                      .max_reason = max_reason,
                                      .on_pause = on_pause };
    sl_list_init(&acceptor->listeners);
    sl_timer_init(&acceptor->retry, on_retry);
}

enum sl_err sl_acceptor_add(struct sl_acceptor *acceptor, int *fd, const struct sl_conn_plan *plan,
                            const char *text)
{
    struct sl_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL) {
        return SL_ENOMEM;
    }
    *listener = (struct sl_listener){ .acceptor = acceptor,
                                      .watch = { .fd = *fd, .on_ready = on_listener_ready },
                                      .plan = plan,
                                      .text = text };
    /* a Unix socket, and one of a service manager, serve all workers */
    enum sl_err rc = sl_loop_add(acceptor->env->loop, &listener->watch, SL_WATCH_SHARED);
    if (rc != SL_OK) {
        free(listener);
        return rc;
    }
    *fd = -1;
    sl_list_append(&acceptor->listeners, &listener->node);
    return SL_OK;
}

static void listener_free(struct sl_reap *reap)
{
    free(SL_CONTAINER_OF(reap, struct sl_listener, reap));
}

void sl_acceptor_close(struct sl_acceptor *acceptor, bool is_draining)
{
    for (;;) {
        struct sl_list *node = sl_list_shift(&acceptor->listeners);
        if (node == NULL) {
            break;
        }
        struct sl_listener *listener = SL_CONTAINER_OF(node, struct sl_listener, node);
        for (unsigned i = 0; is_draining && i < SL_LISTEN_BACKLOG_COUNT; i++) {
            if (accept_one(listener) != SL_OK) {
                break;
            }
        }
        /* the supervisor holds the same socket open, so that closing alone does not end the watch;
         * and an event of this turn may still point at it */
        sl_loop_remove(acceptor->env->loop, &listener->watch);
        sl_socket_close(&listener->watch.fd);
        sl_loop_reap(acceptor->env->loop, &listener->reap, listener_free);
    }
    sl_timer_cancel(&acceptor->retry);
}
