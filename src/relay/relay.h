/* SPDX-License-Identifier: Apache-2.0 */
/** @file Two flows between two endpoints, and how both end. */
#pragma once
#include "relay/flow.h"

enum sl_side { SL_SIDE_NONE, SL_SIDE_CLIENT, SL_SIDE_UPSTREAM };

/** "client", "upstream"; NULL for none. */
const char *sl_side_name(enum sl_side side);

struct sl_relay {
    struct sl_flow to_upstream, to_client;
    enum sl_side ended_by; /* when a turn gave an error: whose end it was */
};

void sl_relay_init(struct sl_relay *relay, struct sl_ep *client, struct sl_ep *upstream);

/**
 * Runs both flows, each within `budget_bytes`.
 * @return SL_OK     there is more to do: call again next turn
 *         SL_AGAIN  both wait
 *         SL_EOF    both directions have ended cleanly
 *         SL_ERESET, SL_ETRUNC, SL_ETLS, SL_ENOMEM: over; `ended_by` says who
 */
SL_CHECKED enum sl_err sl_relay_turn(struct sl_relay *relay, struct sl_scratch *scratch,
                                     size_t budget_bytes);

/** True when one direction has ended cleanly and the other has not. */
bool sl_relay_is_half_closed(const struct sl_relay *relay);

/** True when a byte moved in the last turn. */
bool sl_relay_is_active(const struct sl_relay *relay);
