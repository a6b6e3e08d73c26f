/* SPDX-License-Identifier: Apache-2.0 */
/** @file Taking connections from the kernel, and not taking them when there is no room. */
#pragma once
#include "relay/conn.h"

struct sl_listener;

/** Why connections wait in the kernel's queue. */
enum sl_accept_pause { SL_ACCEPT_RUNS, SL_ACCEPT_NO_DESCRIPTORS, SL_ACCEPT_CONNECTIONS_LIMIT };

/** Shared by the listeners of one worker. */
struct sl_acceptor {
    struct sl_conn_env *env;
    size_t conns_max_count;
    enum sl_accept_pause max_reason; /* what the bound is made of */
    struct sl_list listeners;        /* of struct sl_listener */
    enum sl_accept_pause paused;     /* for all of them: what lacks, lacks to all */
    struct sl_timer retry;
    uint64_t accepted_count;
    /** Told when `paused` changes. */
    void (*on_pause)(struct sl_acceptor *acceptor);
};

struct sl_listener {
    struct sl_list node;
    struct sl_acceptor *acceptor;
    struct sl_watch watch; /* owns the descriptor */
    struct sl_reap reap;
    unsigned streak_count; /* turns in a row after which perhaps more were waiting */
    const struct sl_conn_plan *plan;
    const char *text; /* the URL as it is bound */
};

/** `conns_max_count` is the most connections at once, and `max_reason` what a pause at that is
 * called. */
void sl_acceptor_init(struct sl_acceptor *acceptor, struct sl_conn_env *env, size_t conns_max_count,
                      enum sl_accept_pause max_reason,
                      void (*on_pause)(struct sl_acceptor *acceptor));

/** Closes and frees all listeners; first takes what already waits when `is_draining`. */
void sl_acceptor_close(struct sl_acceptor *acceptor, bool is_draining);

/** Takes over the listening socket `*fd` and sets it to -1; accepts from the next turn on. */
SL_CHECKED enum sl_err sl_acceptor_add(struct sl_acceptor *acceptor, int *fd,
                                       const struct sl_conn_plan *plan, const char *text);

/** A connection is gone: there may be room again. */
void sl_acceptor_resume(struct sl_acceptor *acceptor);
