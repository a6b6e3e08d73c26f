/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/relay.h"

const char *sl_side_name(enum sl_side side)
{
    switch (side) {
    case SL_SIDE_CLIENT:
        return "client";
    case SL_SIDE_UPSTREAM:
        return "upstream";
    default:
        return NULL;
    }
}

void sl_relay_init(struct sl_relay *relay, struct sl_ep *client, struct sl_ep *upstream)
{
    *relay = (struct sl_relay){ .ended_by = SL_SIDE_NONE };
    sl_flow_init(&relay->to_upstream, client, upstream);
    sl_flow_init(&relay->to_client, upstream, client);
}

bool sl_relay_is_active(const struct sl_relay *relay)
{
    return relay->to_upstream.is_active || relay->to_client.is_active;
}

bool sl_relay_is_half_closed(const struct sl_relay *relay)
{
    return (relay->to_upstream.state == SL_FLOW_SHUT) != (relay->to_client.state == SL_FLOW_SHUT);
}

/*
 * Looks at one side: `from` is the flow that reads it, `to` the one that writes it. SL_OK when it
 * lives.
 *
 * A reset ends everything, but what the peer sent before it is still in the socket and is passed on
 * first, as the kernel would: so while `from` can move it is let alone, and ends by itself.
 */
static enum sl_err side_check(const struct sl_flow *from, const struct sl_flow *to)
{
    if (from->state == SL_FLOW_DEAD && !from->is_sink_error) {
        return from->error;
    }
    if (to->state == SL_FLOW_DEAD && to->is_sink_error && to->error != SL_ERESET) {
        return to->error;
    }
    if (!sl_ep_is_reset(from->from)) {
        return SL_OK;
    }
    switch (from->state) {
    case SL_FLOW_OPEN:
        return sl_ep_pending(from->to) > 0 ? SL_ERESET : SL_OK;
    case SL_FLOW_EOF_SEEN: /* what it had to say was whole: that is still delivered */
        return SL_OK;
    default:
        return SL_ERESET;
    }
}

/* The second flow to end ends the connection: its sink is closed next. */
static enum sl_err flow_turn(struct sl_flow *flow, const struct sl_flow *other,
                             struct sl_scratch *scratch, size_t budget_bytes)
{
    scratch->is_closing = other->state == SL_FLOW_SHUT;
    enum sl_err rc = sl_flow_turn(flow, scratch, budget_bytes);
    scratch->is_closing = false;
    return rc;
}

enum sl_err sl_relay_turn(struct sl_relay *relay, struct sl_scratch *scratch, size_t budget_bytes)
{
    enum sl_err up = flow_turn(&relay->to_upstream, &relay->to_client, scratch, budget_bytes);
    bool was_stuck = sl_ep_pending(relay->to_upstream.to) > 0;
    enum sl_err down = flow_turn(&relay->to_client, &relay->to_upstream, scratch, budget_bytes);
    if (relay->to_client.state == SL_FLOW_DEAD && relay->to_client.is_sink_error &&
        relay->to_upstream.state == SL_FLOW_OPEN) {
        /* the client's reset was found by writing to it: read what it had sent before */
        up = sl_flow_turn(&relay->to_upstream, scratch, budget_bytes);
    }
    if (up == SL_EOF && down == SL_EOF) {
        return SL_EOF;
    }
    enum sl_err rc = side_check(&relay->to_upstream, &relay->to_client);
    if (rc != SL_OK) {
        relay->ended_by = SL_SIDE_CLIENT;
        return rc;
    }
    rc = side_check(&relay->to_client, &relay->to_upstream);
    if (rc != SL_OK) {
        relay->ended_by = SL_SIDE_UPSTREAM;
        return rc;
    }
    /* what `down` has read may let `up` go on: the rest of a message of TLS */
    const struct sl_flow *flow = &relay->to_upstream;
    bool is_freed = up == SL_AGAIN && relay->to_client.is_active &&
                    (was_stuck || flow->state == SL_FLOW_EOF_SEEN) && sl_ep_pending(flow->to) == 0;
    return up == SL_OK || down == SL_OK || is_freed ? SL_OK : SL_AGAIN;
}
