/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ep_peeked.h"

static struct sl_ep_peeked *peeked_of(struct sl_ep *ep)
{
    return SL_CONTAINER_OF(ep, struct sl_ep_peeked, ep);
}

static enum sl_err peeked_read(struct sl_ep *ep, struct sl_scratch *scratch,
                               struct sl_slice *ret_bytes)
{
    struct sl_ep_peeked *peeked = peeked_of(ep);
    if (peeked->given_bytes_count > 0) {
        sl_pending_cut(&peeked->bytes, peeked->given_bytes_count);
        peeked->given_bytes_count = 0;
    }
    if (peeked->bytes.len == 0) {
        return sl_ep_read(peeked->lower, scratch, ret_bytes);
    }
    struct sl_slice left = sl_pending_slice(&peeked->bytes);
    *ret_bytes = sl_slice_cut(&left, scratch->chunk_bytes); /* what a sink has room for */
    peeked->given_bytes_count = ret_bytes->len;
    return SL_OK;
}

static enum sl_err peeked_write(struct sl_ep *ep, struct sl_scratch *scratch, struct sl_slice bytes)
{
    return sl_ep_write(peeked_of(ep)->lower, scratch, bytes);
}

static enum sl_err peeked_flush(struct sl_ep *ep)
{
    return sl_ep_flush(peeked_of(ep)->lower);
}

static enum sl_err peeked_shut(struct sl_ep *ep, struct sl_scratch *scratch)
{
    return sl_ep_shut(peeked_of(ep)->lower, scratch);
}

static size_t peeked_pending(const struct sl_ep *ep)
{
    return sl_ep_pending(SL_CONST_CONTAINER_OF(ep, struct sl_ep_peeked, ep)->lower);
}

static bool peeked_is_reset(const struct sl_ep *ep)
{
    return sl_ep_is_reset(SL_CONST_CONTAINER_OF(ep, struct sl_ep_peeked, ep)->lower);
}

static const struct sl_ep_ops PEEKED_OPS = {
    .read = peeked_read,
    .write = peeked_write,
    .flush = peeked_flush,
    .shut = peeked_shut,
    .pending = peeked_pending,
    .is_reset = peeked_is_reset,
};

void sl_ep_peeked_init(struct sl_ep_peeked *ep, struct sl_ep *lower, struct sl_pending *bytes)
{
    *ep = (struct sl_ep_peeked){ .ep.ops = &PEEKED_OPS, .lower = lower, .bytes = *bytes };
    *bytes = (struct sl_pending){ 0 };
}

void sl_ep_peeked_fini(struct sl_ep_peeked *ep)
{
    sl_pending_fini(&ep->bytes);
    *ep = (struct sl_ep_peeked){ 0 };
}
