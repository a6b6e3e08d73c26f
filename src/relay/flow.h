/* SPDX-License-Identifier: Apache-2.0 */
/** @file One direction of a connection: from one endpoint to the other. */
#pragma once
#include "relay/endpoint.h"

enum sl_flow_state {
    SL_FLOW_OPEN,
    SL_FLOW_EOF_SEEN, /* the source has ended; the sink is still to be told */
    SL_FLOW_SHUT,     /* the sink has been told: this direction is over, cleanly */
    SL_FLOW_DEAD,     /* over, not cleanly */
};

struct sl_flow {
    struct sl_ep *from, *to;
    enum sl_flow_state state;
    enum sl_err error;    /* why it is DEAD */
    bool is_sink_error;   /* it came from `to` */
    bool is_active;       /* a byte moved in the last turn */
    uint64_t bytes_count; /* plaintext bytes taken from the source */
};

void sl_flow_init(struct sl_flow *flow, struct sl_ep *from, struct sl_ep *to);

/**
 * Moves what can be moved, at most about `budget_bytes`.
 * @return SL_OK     the budget is used up: call again next turn
 *         SL_AGAIN  waits for its source or its sink
 *         SL_EOF    SHUT
 *         else      DEAD, with flow->error
 */
SL_CHECKED enum sl_err sl_flow_turn(struct sl_flow *flow, struct sl_scratch *scratch,
                                    size_t budget_bytes);
