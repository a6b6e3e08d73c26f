/* SPDX-License-Identifier: Apache-2.0 */
/** @file What one worker knows of the servers while it runs, apart from any configuration: keyed by
 * service and URL, so that a new configuration finds again what the one before knew. */
#pragma once
#include "base/list.h"
#include "net/ejection.h"
#include "relay/reason.h"

enum { SL_SERVERS_BUCKETS = 1024 };

/** One server of one service; reference counted. */
struct sl_server {
    struct sl_list node;
    size_t refs_count;
    const char *service, *url; /* its own */
    uint64_t key_hash, url_hash;
    uint32_t active_count; /* connections of this worker that it has */
    struct sl_ejection ejection;
};

/** What has become of a server. */
struct sl_server_event {
    const struct sl_server *server;
    bool is_up;
    const char *reason; /* a word: of relay/reason.h, "answers" or "check" */
    const char *detail; /* NULL for none */
    uint64_t out_ms;    /* for how long it is left out; 0: until a check says otherwise */
};

/** All of a worker. */
struct sl_servers {
    struct sl_list buckets[SL_SERVERS_BUCKETS]; /* of struct sl_server, by the hash of their key */
    uint64_t random;                            /* the state of a generator */
    /** Told of what the log is to know. */
    void (*on_event)(struct sl_servers *servers, const struct sl_server_event *event);
    uint64_t failures_count, ejections_count, retries_count; /* for the counters */
};

/** @param seed  any number, another for each worker */
void sl_servers_init(struct sl_servers *servers, uint64_t seed);

/** The server of that name, which is made when it is not known yet. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_servers_take(struct sl_servers *servers, const char *service,
                                       const char *url, struct sl_server **ret_server);

struct sl_server *sl_server_ref(struct sl_server *server);
void sl_server_unref(struct sl_server *server); /* NULL is allowed */

/** A connection to it failed before the client's first byte, and why. */
void sl_servers_failed(struct sl_servers *servers, struct sl_server *server,
                       const struct sl_conf_ejection *rule, enum sl_reason reason, uint64_t now_ms);

/** A connection to it came about. */
void sl_servers_worked(struct sl_servers *servers, struct sl_server *server, uint64_t now_ms);
