/* SPDX-License-Identifier: Apache-2.0 */
/** @file A configuration made ready to run, out of a bundle: nothing is read but its bytes.
 *
 * The supervisor and `check` build it to see whether it can be built, the workers to run it.
 */
#pragma once
#include "codec/bundle.h"
#include "codec/bundle_kind.h"
#include "conf/conf.h"
#include "net/gate.h"
#include "net/route.h"
#include "net/upstream.h"
#include "relay/conn.h"

struct sl_tallies;

struct sl_service {
    struct sl_conn_plan plan;
    const struct sl_conf_service *conf;
    struct sl_target target; /* of its own connect; with routes there may be none */
    struct sl_route *routes; /* as many, and in the order, as in `conf` */
    struct sl_gate gate;
};

struct sl_snapshot {
    struct sl_arena arena;
    const struct sl_conf *conf;
    struct sl_service *services; /* as many, and in the order, as in `conf` */
    struct sl_list named;        /* the upstreams whose host is a name */
    size_t conns_count;          /* connections that began with it and are still there */
};

/** What a snapshot is made of; all of it must outlive the snapshot. */
struct sl_snapshot_source {
    const struct sl_bundle *files;
    struct sl_key_service *keys; /* who signs; NULL: only to be tried */
    const struct sl_ticket_keys *tickets;
    struct sl_servers *servers;    /* where what is known of servers is kept; NULL as `keys` */
    struct sl_tallies *tallies;    /* where connections are counted; NULL as `keys` */
    struct sl_health_slot *health; /* what checks have found; NULL: there are none */
};

/**
 * @param findings  gets everything wrong or doubtful, with its place in the YAML text
 * @return SL_OK, SL_EINVAL (see the findings), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_snapshot_create(const struct sl_snapshot_source *source,
                                          struct sl_findings *findings,
                                          struct sl_snapshot **ret_snapshot);
/** The same in steps, for who has something else to do meanwhile; what it stands on outlives it. */
struct sl_snapshot_builder;

/** Begins one, which sl_snapshot_end is to follow. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_snapshot_begin(const struct sl_snapshot_source *source,
                                         struct sl_findings *findings,
                                         struct sl_snapshot_builder **ret_builder);

/** Builds the next service. SL_AGAIN, SL_OK (that was all). */
SL_CHECKED enum sl_err sl_snapshot_step(struct sl_snapshot_builder *builder);

/** Ends it, with a snapshot when it is whole and good. As sl_snapshot_create; NULL is allowed. */
SL_CHECKED enum sl_err sl_snapshot_end(struct sl_snapshot_builder *builder,
                                       struct sl_snapshot **ret_snapshot);

/** Leaves of every service's bounds this worker's part; before, they hold for all workers. */
void sl_snapshot_portion(struct sl_snapshot *snapshot, const struct sl_portion *portion);

void sl_snapshot_destroy(struct sl_snapshot *snapshot); /* NULL is allowed */

/** The way of a connection by the service's routes; NULL: it has none for it. */
const struct sl_conn_way *sl_service_way(const struct sl_service *service,
                                         const struct sl_hello *hello,
                                         const struct sl_addr *client);
/** Takes the addresses of a name for new connections, wherever it is connected to.
 * @param is_srv  they are of its SRV records */
void sl_snapshot_use(struct sl_snapshot *snapshot, struct sl_slice name, bool is_srv,
                     const struct sl_addr_set *set);

/** The service that `plan` is part of. */
const struct sl_service *sl_service_of(const struct sl_conn_plan *plan);
