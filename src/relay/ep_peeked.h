/* SPDX-License-Identifier: Apache-2.0 */
/** @file Endpoint that gives again what was read of another one before, then what comes after it.
 */
#pragma once
#include "relay/endpoint.h"
#include "relay/pending.h"

/** Zeroed is valid and not in use. */
struct sl_ep_peeked {
    struct sl_ep ep;
    struct sl_ep *lower;      /* not owned */
    struct sl_pending bytes;  /* to be given */
    size_t given_bytes_count; /* of them, by the last read: they stay valid to the next */
};

/** Takes over `*bytes` and leaves it empty. `lower` must live longer. */
void sl_ep_peeked_init(struct sl_ep_peeked *ep, struct sl_ep *lower, struct sl_pending *bytes);
void sl_ep_peeked_fini(struct sl_ep_peeked *ep);
