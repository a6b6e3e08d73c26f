/* SPDX-License-Identifier: Apache-2.0 */
/** @file Taking connections from the kernel, and not taking them when there is no room. */
#pragma once
#include "net/gate.h"
#include "relay/conn.h"

struct sl_listener;

/** Why connections wait in the kernel's queue. */
enum sl_accept_pause {
    SL_ACCEPT_RUNS,
    SL_ACCEPT_NO_DESCRIPTORS,
    SL_ACCEPT_CONNECTIONS_LIMIT,
    SL_ACCEPT_HANDSHAKES_LIMIT,
    SL_ACCEPT_MEMORY_LIMIT,
    SL_ACCEPT_PAUSES_COUNT
};

/** "no_descriptors", "connections_limit", … */
const char *sl_accept_pause_name(enum sl_accept_pause pause);

/** Whether accepting runs, and what its owner has told of it. */
struct sl_accept_state {
    enum sl_accept_pause paused;
    uint64_t told_ms; /* when it was last told of; 0: never */
    bool is_told;     /* and not yet of its end */
};

/** Shared by the listeners of one worker. */
struct sl_acceptor {
    struct sl_conn_env *env;
    struct sl_bounds bounds;         /* of all connections; conns_max_count is never 0 */
    enum sl_accept_pause max_reason; /* what the bound of connections is made of */
    struct sl_rate *rate;            /* NULL where no service has a rate */
    struct sl_list listeners;        /* of struct sl_listener */
    struct sl_accept_state state;    /* for all of them: what lacks, lacks to all */
    size_t paused_count;             /* of listeners, by bounds of their own */
    struct sl_timer retry;
    uint64_t accepted_count;
    /** Told when `paused` changes. @param listener  NULL: for all */
    void (*on_pause)(struct sl_acceptor *acceptor, struct sl_listener *listener);
    /** Told of each connection that was refused; NULL: nobody wants to know. */
    void (*on_refused)(struct sl_acceptor *acceptor, const struct sl_listener *listener,
                       enum sl_reason reason, const struct sl_addr *client);
};

/** A socket to take connections from. */
struct sl_accept_source {
    int fd; /* owned */
    struct sl_addr addr;
    const struct sl_conn_plan *plan;
    const char *text; /* the URL as it is bound */
};

struct sl_listener {
    struct sl_list node;
    struct sl_acceptor *acceptor;
    struct sl_watch watch; /* owns the descriptor */
    bool is_watched;
    struct sl_accept_state state; /* by what bounds its service */
    struct sl_reap reap;
    unsigned streak_count; /* turns in a row after which perhaps more were waiting */
    const struct sl_conn_plan *plan;
    const char *text; /* the URL as it is bound */
};

/** `conns_max_count` is the most connections at once, and `max_reason` what a pause at that is
 * called. */
void sl_acceptor_init(struct sl_acceptor *acceptor, struct sl_conn_env *env, size_t conns_max_count,
                      enum sl_accept_pause max_reason,
                      void (*on_pause)(struct sl_acceptor *acceptor, struct sl_listener *listener));

/** Closes and frees all listeners; first takes what already waits when `is_draining`. */
void sl_acceptor_close(struct sl_acceptor *acceptor, bool is_draining);

/** Takes over the listening socket `*fd` and sets it to -1; accepts from the next turn on. */
SL_CHECKED enum sl_err sl_acceptor_add(struct sl_acceptor *acceptor, int *fd,
                                       const struct sl_conn_plan *plan, const char *text);

/**
 * Listens on these, and no more on what was listened on before: the sockets are taken over and set
 * to -1. Of an address that is not there any more what already waits is taken first; of one that
 * stays the socket is the same, by another descriptor.
 * @return SL_OK, SL_ENOMEM (all is as before)
 */
SL_CHECKED enum sl_err sl_acceptor_replace(struct sl_acceptor *acceptor,
                                           struct sl_accept_source *sources, size_t count);

/** A connection is gone, or its handshake: there may be room again. */
void sl_acceptor_resume(struct sl_acceptor *acceptor);
