/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/flow.h"

void sl_flow_init(struct sl_flow *flow, struct sl_ep *from, struct sl_ep *to)
{
    *flow = (struct sl_flow){ .from = from, .to = to, .state = SL_FLOW_OPEN };
}

static enum sl_err die(struct sl_flow *flow, enum sl_err error, bool is_sink_error)
{
    flow->state = SL_FLOW_DEAD;
    flow->error = error;
    flow->is_sink_error = is_sink_error;
    return error;
}

/* SL_OK when the sink takes more. */
static enum sl_err flush_sink(struct sl_flow *flow)
{
    size_t before = sl_ep_pending(flow->to);
    if (before == 0) {
        return SL_OK;
    }
    enum sl_err rc = sl_ep_flush(flow->to);
    flow->is_active = flow->is_active || sl_ep_pending(flow->to) < before;
    return rc == SL_OK || rc == SL_AGAIN ? rc : die(flow, rc, true);
}

static enum sl_err shut_sink(struct sl_flow *flow, struct sl_scratch *scratch)
{
    enum sl_err rc = sl_ep_shut(flow->to, scratch);
    if (rc == SL_OK) {
        flow->state = SL_FLOW_SHUT;
        return SL_EOF;
    }
    return rc == SL_AGAIN ? rc : die(flow, rc, true);
}

/* Moves one chunk. */
static enum sl_err move(struct sl_flow *flow, struct sl_scratch *scratch, size_t *ret_len)
{
    struct sl_slice bytes = { 0 };
    enum sl_err rc = sl_ep_read(flow->from, scratch, &bytes);
    if (rc == SL_EOF) {
        flow->state = SL_FLOW_EOF_SEEN;
        flow->is_active = true;
        return SL_OK;
    }
    if (rc != SL_OK) {
        return rc == SL_AGAIN ? rc : die(flow, rc, false);
    }
    flow->is_active = true;
    flow->bytes_count += bytes.len;
    *ret_len = bytes.len;
    if (bytes.len == 0) {
        return SL_OK;
    }
    rc = sl_ep_write(flow->to, scratch, bytes);
    return rc == SL_OK || rc == SL_AGAIN ? rc : die(flow, rc, true);
}

enum sl_err sl_flow_turn(struct sl_flow *flow, struct sl_scratch *scratch, size_t budget_bytes)
{
    /* even a read that brings no byte costs: a peer that sends empty records must not hold the loop
     */
    const size_t least_cost_bytes = scratch->chunk_bytes / 8 + 1;
    size_t spent_bytes = 0;
    flow->is_active = false;
    while (flow->state == SL_FLOW_OPEN || flow->state == SL_FLOW_EOF_SEEN) {
        enum sl_err rc = flush_sink(flow);
        if (rc != SL_OK) {
            return rc;
        }
        if (flow->state == SL_FLOW_EOF_SEEN) {
            return shut_sink(flow, scratch);
        }
        if (spent_bytes >= budget_bytes) {
            return SL_OK;
        }
        size_t len = 0;
        scratch->recv_bytes = 0;
        rc = move(flow, scratch, &len);
        if (rc != SL_OK) {
            return rc;
        }
        spent_bytes += SL_MAX(SL_MAX(len, scratch->recv_bytes), least_cost_bytes);
    }
    return flow->state == SL_FLOW_SHUT ? SL_EOF : flow->error;
}
