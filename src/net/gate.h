/* SPDX-License-Identifier: Apache-2.0 */
/** @file Whether a new connection of a service is let in: by who comes, how often, how many are
 * there. */
#pragma once
#include "base/prefix.h"
#include "conf/conf.h"
#include "net/rate.h"
#include "relay/reason.h"

/** How many at once; 0: no bound. */
struct sl_bounds {
    uint64_t conns_max_count;
    uint64_t handshakes_max_count; /* whose client is not done with its handshake */
    bool is_refusing;              /* more are reset; else they wait in the kernel */
};

/** What a service asks of who comes. The lists are the configuration's. */
struct sl_gate {
    /** Names the service to the table of rates, which all share; its place in the configuration is
     * another after a reload. */
    uint64_t service_hash;
    const struct sl_conf_from *from;
    struct sl_bounds bounds;
    struct sl_rate_limit rate;
    unsigned ipv4_bits_count, ipv6_bits_count; /* of an address, that are one source */
};

/** One of so many workers, which divide what holds for all of them. `count` 0: nobody divides. */
struct sl_portion {
    uint32_t index, count;
};

/** A worker's part of a bound, at least 1; all parts together are the bound, or one for each worker
 * where that is more. 0 stays 0. */
uint64_t sl_portion_of(const struct sl_portion *portion, uint64_t total_count);

/** What the configuration says of the service, for this worker. */
struct sl_gate sl_gate_of(const struct sl_conf *conf, uint32_t service_index,
                          const struct sl_portion *portion);

/**
 * Whether this client is let in: to be asked once for each connection, as soon as it is known for
 * whom it is made, which is when it is accepted unless a header tells of another address.
 * @param rate    NULL where nobody limits the rate
 * @param now_ms  monotonic
 * @return SL_REASON_DONE: it is; SL_REASON_ADDRESS_DENIED, SL_REASON_RATE_LIMIT
 */
enum sl_reason sl_gate_admit(const struct sl_gate *gate, struct sl_rate *rate,
                             const struct sl_addr *client, uint64_t now_ms);
