/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a worker is made of. For app/worker.c and app/worker_hooks.c alone. */
#pragma once
#include "app/edition.h"
#include "app/key_client.h"
#include "app/worker_names.h"
#include "codec/message.h"
#include "net/checker.h"
#include "net/health.h"
#include "net/listener.h"
#include "net/metrics.h"
#include "net/server.h"
#include "net/tally.h"
#include "svc/refusals.h"

struct worker {
    struct sl_loop loop;
    struct sl_log log;
    struct sl_watch channel;
    enum sl_message_phase phase;
    uint32_t index;
    struct sl_list editions;    /* those that are built, the oldest first; the last is `current` */
    struct sl_edition *current; /* new connections begin with it; NULL before START */
    struct sl_task building;    /* of `coming` */
    struct sl_edition *coming;  /* is to replace it; NULL for none */
    struct sl_key_client keys;
    struct sl_ticket_keys tickets;
    struct sl_metrics *metrics;
    struct sl_servers servers;
    struct sl_tallies tallies;
    struct sl_health_slot *health; /* shared by all workers */
    struct sl_checker checker;     /* of servers */
    struct sl_worker_names names;
    struct sl_scratch scratch;
    struct sl_conn_env env;
    struct sl_acceptor acceptor;
    struct sl_refusals refusals;
    struct sl_portion portion; /* of what holds for all workers */
    uint64_t fds_count;        /* that it may have */
    int exit_status;
};

static inline struct sl_edition *sl_worker_edition_of(struct sl_list *node)
{
    return SL_CONTAINER_OF(node, struct sl_edition, node);
}

/** Sends a message to the supervisor; without one the worker stops. */
void sl_worker_say(struct worker *w, const struct sl_message *message);

/** When draining, says so and stops once the last connection is gone. */
void sl_worker_drain_check(struct worker *w);

/** Frees configurations that nothing stands on any more; the supervisor keeps the keys of those
 * that are left. */
void sl_worker_release_editions(struct worker *w);

/** What connections, servers and listeners tell of. */
extern const struct sl_conn_hooks sl_worker_hooks;
void sl_worker_on_server_event(struct sl_servers *servers, const struct sl_server_event *event);
void sl_worker_on_pause(struct sl_acceptor *acceptor, struct sl_listener *listener);
void sl_worker_on_refused(struct sl_acceptor *acceptor, const struct sl_listener *listener,
                          enum sl_reason reason, const struct sl_addr *client);
