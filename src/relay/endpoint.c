/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/endpoint.h"

enum sl_err sl_ep_read(struct sl_ep *ep, struct sl_scratch *scratch, struct sl_slice *ret_bytes)
{
    return ep->ops->read(ep, scratch, ret_bytes);
}

enum sl_err sl_ep_write(struct sl_ep *ep, struct sl_scratch *scratch, struct sl_slice bytes)
{
    return ep->ops->write(ep, scratch, bytes);
}

enum sl_err sl_ep_flush(struct sl_ep *ep)
{
    return ep->ops->flush(ep);
}

enum sl_err sl_ep_shut(struct sl_ep *ep, struct sl_scratch *scratch)
{
    return ep->ops->shut(ep, scratch);
}

size_t sl_ep_pending(const struct sl_ep *ep)
{
    return ep->ops->pending(ep);
}

bool sl_ep_is_reset(const struct sl_ep *ep)
{
    return ep->ops->is_reset(ep);
}
