/* SPDX-License-Identifier: Apache-2.0 */
/** @file The event loop: epoll, timers, work put off to the next turn, and the reaper.
 *
 * A descriptor is registered once, edge-triggered for both directions, and never modified: who owns
 * it remembers what it may still read and write. Nothing that an event can point at is freed within
 * a turn: it is handed to the reaper, which runs after the last event of the turn.
 */
#pragma once
#include "base/err.h"
#include "sys/wheel.h"
#include <sys/epoll.h>

/** A watched descriptor, embedded in its owner. */
struct sl_watch {
    int fd; /* -1 when none; its owner closes it, which also ends the watch */
    void (*on_ready)(struct sl_watch *watch, uint32_t events); /* EPOLLIN, … */
};

/** Work for the next turn, embedded in its owner. */
struct sl_task {
    struct sl_list node;
    void (*run)(struct sl_task *task);
};

/** Memory that is freed after this turn. */
struct sl_reap {
    struct sl_list node;
    void (*destroy)(struct sl_reap *reap);
};

enum sl_watch_mode {
    SL_WATCH_STREAM, /* both directions, edge-triggered */
    SL_WATCH_INPUT,  /* input, for as long as there is some */
    SL_WATCH_SHARED, /* as INPUT; of several processes that watch one socket few are woken */
};

enum { SL_LOOP_EVENTS_MAX = 256 }; /* handled in one turn */
enum { SL_LOOP_WAIT_MAX_MS = 60 * 1000 };

struct sl_loop {
    int epoll_fd;
    bool is_stopped;
    uint64_t now_ms; /* monotonic, as of the begin of the turn */
    struct sl_wheel wheel;
    struct sl_list tasks, dead;
};

SL_CHECKED enum sl_err sl_loop_init(struct sl_loop *loop);

/** Runs the reaper a last time; what is still watched is its owner's. */
void sl_loop_fini(struct sl_loop *loop);

/** Watches `watch->fd`. SL_OK, SL_ENOMEM, SL_ESYS. */
SL_CHECKED enum sl_err sl_loop_add(struct sl_loop *loop, struct sl_watch *watch,
                                   enum sl_watch_mode mode);

/** Ends a watch whose descriptor stays open. */
void sl_loop_remove(struct sl_loop *loop, struct sl_watch *watch);

void sl_loop_timer(struct sl_loop *loop, struct sl_timer *timer, uint64_t in_ms);

void sl_task_init(struct sl_task *task, void (*run)(struct sl_task *task));
void sl_loop_defer(struct sl_loop *loop,
                   struct sl_task *task); /* once, however often it is asked */
void sl_task_cancel(struct sl_task *task);

/** Frees `reap`'s owner after this turn. */
void sl_loop_reap(struct sl_loop *loop, struct sl_reap *reap,
                  void (*destroy)(struct sl_reap *reap));

/** One turn: waits, at most `wait_max_ms`, then handles events, timers, tasks, and reaps. */
SL_CHECKED enum sl_err sl_loop_turn(struct sl_loop *loop, uint64_t wait_max_ms);

/** Turns until sl_loop_stop. SL_OK, or SL_ESYS. */
SL_CHECKED enum sl_err sl_loop_run(struct sl_loop *loop);
void sl_loop_stop(struct sl_loop *loop);
