/* SPDX-License-Identifier: Apache-2.0 */
/** @file Connecting to one server: the addresses of its name, a new one every
 * SL_CONNECT_STAGGER_MS until one answers (RFC 8305, Happy Eyeballs).
 */
#pragma once
#include "net/upstream.h"
#include "relay/ep_tcp.h"
#include "relay/reason.h"

enum { SL_CONNECT_STAGGER_MS = 250 };   /* RFC 8305 8: Connection Attempt Delay */
enum { SL_CONNECT_PRIORITY_MS = 2000 }; /* the same before one of SRV's next priority */

struct sl_race {
    struct sl_ep_owner owner; /* of the attempts */
    struct sl_loop *loop;
    size_t pending_max_bytes;
    const struct sl_socket_tuning *tuning;
    struct sl_timer stagger, deadline;
    size_t addrs_count, begun_count, open_count;
    struct sl_addr *addrs;                             /* its own: others may come meanwhile */
    uint16_t priorities[SL_UPSTREAM_ADDRS_MAX];        /* of each */
    struct sl_ep_tcp *attempts[SL_UPSTREAM_ADDRS_MAX]; /* [i] for addrs[i]; NULL: not open */
    enum sl_err last_error;                            /* how the last one failed, */
    size_t last_at;                                    /* and which it was */
    /** It has ended: `tcp`, which is the called one's, is connected to addrs[at], or is NULL. Not
     * called from within sl_race_begin. */
    void (*on_end)(struct sl_race *race, struct sl_ep_tcp *tcp, size_t at);
};

/** The fields up to `tuning` and on_end are the caller's to set; the rest is zero. `addrs` has room
 * for those of `upstream`, which are copied in the order to try, and for one at least.
 * @param dice  as of sl_addr_set_order */
void sl_race_init(struct sl_race *race, const struct sl_upstream *upstream, uint64_t dice,
                  struct sl_addr *addrs);

/**
 * Begins.
 * @return SL_OK (`ret_tcp` is connected to addrs[ret_at]), SL_AGAIN (on_end tells), else it has
 * failed (see last_error)
 */
SL_CHECKED enum sl_err sl_race_begin(struct sl_race *race, uint64_t within_ms,
                                     struct sl_ep_tcp **ret_tcp, size_t *ret_at);

/** Ends it without a word. */
void sl_race_cancel(struct sl_race *race);

/** The word for how it failed. */
enum sl_reason sl_race_reason(enum sl_err error);
