/* SPDX-License-Identifier: Apache-2.0 */
/** @file Where a service connects to: one upstream per connect URL, with its addresses. */
#pragma once
#include "base/arena.h"
#include "base/list.h"
#include "codec/addr_set.h"
#include "codec/url.h"
#include "conf/conf.h"
#include "sys/socket.h"
#include "tls/context.h"

struct sl_health_slot;
struct sl_server;
struct sl_servers;

struct sl_upstream {
    const char *text;              /* the URL */
    struct sl_tls_ctx *tls;        /* NULL: plaintext; referenced */
    struct sl_addr *addrs;         /* room for SL_UPSTREAM_ADDRS_MAX; in the order of sl_addr_set */
    struct sl_addr_rank *ranks;    /* of each */
    size_t addrs_count;            /* 0: its name is not resolved */
    struct sl_list named;          /* in the snapshot's list, when its host is a name */
    uint32_t weight;               /* its share; 0 takes no new connections */
    bool is_backup;                /* only when no other is up */
    struct sl_tls_ctx *check_tls;  /* of its checks, when these do a handshake; NULL: they do not */
    struct sl_server *server;      /* what this worker knows of it; referenced; NULL: nothing */
    struct sl_health_slot *health; /* what checks have found; NULL: there are none */
};

/** Where connections go: the upstreams that may be connected to, and how one is chosen. */
struct sl_target {
    struct sl_upstream *upstreams;
    size_t upstreams_count; /* at most SL_BALANCE_MAX; 0: of a service that has routes alone */
    enum sl_conf_balance balance;
    uint32_t tries_count; /* servers that one connection tries; 0: all */
    uint32_t slow_start_ms;
    const struct sl_conf_ejection *ejection; /* when it is known what servers do */
    const struct sl_conf_health *health;     /* NULL: servers are not checked */
    const struct sl_socket_tuning *tuning;   /* NULL: sockets are as the kernel makes them */
    enum sl_proxy_version proxy_out;         /* a check begins with a PROXY header, too */
    struct sl_servers *servers;              /* NULL: nothing is remembered */
    int64_t *turns;                          /* of sl_balance_choose; NULL: none are needed */
};

/** What keepalive and user_timeout of a configuration are for a socket. */
void sl_upstream_tune(const struct sl_conf_keepalive *keepalive, uint32_t user_timeout_ms,
                      struct sl_socket_tuning *tuning);

/** Its URL, a view of `text`. */
struct sl_url sl_upstream_url(const struct sl_upstream *upstream);

/** Takes the addresses for new connections; those without a port get the URL's. */
void sl_upstream_use(struct sl_upstream *upstream, const struct sl_addr_set *set);
