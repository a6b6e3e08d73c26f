/* SPDX-License-Identifier: Apache-2.0 */
/** @file The worker processes as the supervisor sees them: started, configured, watched, restarted.
 */
#pragma once
#include "app/agent_child.h"
#include "app/keeper.h"
#include "app/listen.h"
#include "app/restart.h"
#include "codec/message.h"
#include "net/metrics.h"
#include "svc/log.h"
#include "sys/file.h"
#include "tls/tickets.h"
#include <sys/types.h>

enum { SL_WORKERS_MAX_COUNT = 1024 };

enum {
    SL_START_MAX_MS = 120 * 1000, /* a worker that is not ready by then is ended */
};

/** What has become of a configuration that a worker was offered. */
enum sl_child_offer {
    SL_OFFER_NONE,
    SL_OFFER_MADE,
    SL_OFFER_ACCEPTED, /* it is built */
    SL_OFFER_REFUSED,
    SL_OFFER_TAKEN, /* it is to be used */
};

enum sl_child_state { SL_CHILD_GONE, SL_CHILD_STARTING, SL_CHILD_RUNNING, SL_CHILD_DRAINING };

/** Numbers of configurations. Zeroed is empty. */
struct sl_editions {
    uint32_t *list;
    size_t count, cap;
};

/** SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_editions_add(struct sl_editions *editions, uint32_t edition);
void sl_editions_fini(struct sl_editions *editions);

struct sl_children;

struct sl_child {
    struct sl_children *children;
    uint32_t index;
    bool is_leaving; /* there are fewer workers now: it is not started again */
    enum sl_child_state state;
    pid_t pid;
    struct sl_watch channel; /* owns our end */
    struct sl_timer restart;
    bool is_stopping;        /* was told to end now: its time to drain was over */
    struct sl_timer overdue; /* while it starts, and while it leaves */
    uint32_t deaths_count;   /* in a row */
    uint64_t begin_ms;
    int metrics_fd;
    struct sl_metrics *metrics; /* lives on over restarts */
    uint32_t edition;           /* that new connections begin with */
    struct sl_editions held;    /* that connections stand on */
    enum sl_child_offer offer;
    uint32_t offered_edition;
    char refusal[SL_MESSAGE_FAILED_MAX]; /* of the offer */
    char failure[SL_MESSAGE_FAILED_MAX]; /* what a worker said before it ended; "" for nothing */
};

/** What the workers are made from; all of it outlives them. */
struct sl_children_source {
    struct sl_loop *loop;
    struct sl_log *log;
    const char *log_to; /* what it is open for (app/log_place.h) */
    const struct sl_listens *listens;
    const struct sl_ticket_keys *tickets;
    struct sl_keeper *keeper;
    const struct sl_agent_child *agent;
    int files_fd;     /* a sealed bundle */
    uint32_t edition; /* its number */
    int health_fd;    /* memory that all workers share (net/health.h) */
    uint32_t count;   /* of the workers that are to be there */
};

/** A configuration that is to replace the one of the source. */
struct sl_children_offer {
    const struct sl_listens *listens;
    int files_fd;
    uint32_t edition;
    uint32_t count; /* of workers */
};

struct sl_children {
    struct sl_children_source source;
    struct sl_child *list;
    uint32_t made_count; /* in the list; some may be leaving, or gone for good */
    bool is_ending;      /* nobody is restarted any more */
    uint64_t left_count; /* connections that draining workers cut off */
    /** Told when a worker has become ready or has ended, and of what becomes of an offer. */
    void (*on_change)(struct sl_children *children, struct sl_child *child);
};

/** Makes room for the workers; none is started. SL_OK, SL_ENOMEM, SL_EMFILE. */
SL_CHECKED enum sl_err
sl_children_init(struct sl_children *children, const struct sl_children_source *source,
                 void (*on_change)(struct sl_children *children, struct sl_child *child));
void sl_children_fini(struct sl_children *children);

/** Starts them all. SL_OK, SL_ENOMEM, SL_ESYS, SL_EMFILE. */
SL_CHECKED enum sl_err sl_children_start(struct sl_children *children);

/** A child process has ended: when it was a worker it is restarted, unless we are ending. */
void sl_children_ended(struct sl_children *children, pid_t pid, int status);

/** The one of that rank among those that are to be there; NULL for none. */
struct sl_child *sl_children_find(const struct sl_children *children, uint32_t rank);

/**
 * From now on there are so many: more are started, or those of the highest ranks drain for at most
 * `drain_ms` and end.
 * @return SL_OK, SL_ENOMEM, SL_EMFILE, SL_ESYS: there are as many as could be started
 */
SL_CHECKED enum sl_err sl_children_resize(struct sl_children *children, uint32_t count,
                                          uint64_t drain_ms);

/** Lets a worker that runs build a configuration. SL_OK; else the worker is ended. */
SL_CHECKED enum sl_err sl_child_offer(struct sl_child *child,
                                      const struct sl_children_offer *offer);

/** Lets all that have built it use it, or forget it. */
void sl_children_decide(struct sl_children *children, bool is_commit);

/** Adds the configurations that connections may still stand on, some of them twice. SL_OK,
 * SL_ENOMEM. */
SL_CHECKED enum sl_err sl_children_editions(const struct sl_children *children,
                                            struct sl_editions *editions);

/** Sends to all that live what has no body. */
void sl_children_tell(struct sl_children *children, enum sl_message_type type);

/** Sends the ticket keys to all that live. */
void sl_children_send_tickets(struct sl_children *children);

/** Lets all that live write to where the source's log writes now. */
void sl_children_send_log(struct sl_children *children);

/** Tells all that live what a name stands for now. */
void sl_children_send_name(struct sl_children *children, const struct sl_agent_name *name);

/** Gives all that live a new channel to the private keys. */
void sl_children_send_keys(struct sl_children *children);

/** Ends one worker, by its index; it is restarted. */
void sl_children_kill_one(struct sl_children *children, uint32_t index);

void sl_children_kill(struct sl_children *children);

/** How many are in a state. */
size_t sl_children_count(const struct sl_children *children, enum sl_child_state state);
