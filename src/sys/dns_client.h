/* SPDX-License-Identifier: Apache-2.0 */
/** @file Questions to name servers over the loop, which never block: c-ares asks, repeats, goes on
 * to the next server and to TCP; what comes back is read by codec/dns_answer.
 */
#pragma once
#include "codec/dns_answer.h"
#include "sys/loop.h"

enum { SL_DNS_SERVERS_TEXT_MAX = 1024 }; /* bytes of all servers together, NUL included */

struct sl_dns_client;

struct sl_dns_client_conf {
    const char *servers; /* "192.0.2.1:53,[2001:db8::1]:53"; "": those of /etc/resolv.conf */
    uint32_t timeout_ms; /* for one server to answer; it is asked twice, with more time */
};

/** One question, embedded in its owner, which outlives the client or the answer. */
struct sl_dns_query {
    enum sl_dns_type type;
    /**
     * Told once, perhaps before sl_dns_client_ask returns.
     * @param result  SL_OK, SL_ENOENT and SL_EDENIED as sl_dns_answer_parse; SL_ETIMEDOUT,
     * SL_EREFUSED (no server, or each fails or refuses), SL_EPROTO, SL_ENOMEM
     * @param answer  with SL_OK and SL_EDENIED
     */
    void (*done)(struct sl_dns_query *query, enum sl_err result,
                 const struct sl_dns_answer *answer);
};

/** Reads /etc/resolv.conf, once and for all. SL_OK, SL_EINVAL (`servers`, or nothing that can be
 * used in that file), SL_ENOMEM, SL_EMFILE. */
SL_CHECKED enum sl_err sl_dns_client_create(struct sl_loop *loop,
                                            const struct sl_dns_client_conf *conf,
                                            struct sl_dns_client **ret_client);

/** No query is told any more. NULL is allowed. */
void sl_dns_client_destroy(struct sl_dns_client *client);

/**
 * Asks.
 * @param may_search  the search list of /etc/resolv.conf holds for the name
 */
void sl_dns_client_ask(struct sl_dns_client *client, const char *name, bool may_search,
                       struct sl_dns_query *query);

/** Whether /etc/hosts has the name; reads that file. */
bool sl_dns_client_is_in_hosts(struct sl_dns_client *client, const char *name);
