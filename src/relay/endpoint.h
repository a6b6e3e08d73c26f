/* SPDX-License-Identifier: Apache-2.0 */
/** @file One end of a connection, seen by a flow as plaintext bytes with a clean or a hard end.
 *
 * An endpoint may stand on another one (TLS on TCP), and may be replaced by another while the
 * connection lives.
 */
#pragma once
#include "relay/scratch.h"

struct sl_ep;

struct sl_ep_ops {
    /**
     * @return SL_OK     `ret_bytes` is valid until the next call with this scratch; it may be empty
     *                   when work was done without a byte to show for it
     *         SL_AGAIN  nothing now
     *         SL_EOF    the clean end
     *         SL_ERESET, SL_ETRUNC, SL_ETLS (scratch->diag), SL_ENOMEM: the end of the endpoint
     */
    enum sl_err (*read)(struct sl_ep *ep, struct sl_scratch *scratch, struct sl_slice *ret_bytes);

    /**
     * Takes all of `bytes`. What the network refuses is kept, so write only when nothing is
     * pending.
     * @return SL_OK (all is on its way), SL_AGAIN (some is pending), SL_ERESET, SL_ETLS, SL_ENOMEM,
     *         SL_ENOSPC (too much is pending)
     */
    enum sl_err (*write)(struct sl_ep *ep, struct sl_scratch *scratch, struct sl_slice bytes);

    /** Sends what is pending. SL_OK (nothing is left), SL_AGAIN, SL_ERESET. */
    enum sl_err (*flush)(struct sl_ep *ep);

    /** Ends the direction that is written: pending bytes, close_notify, FIN. Call it again while
     * SL_AGAIN. SL_OK, SL_AGAIN, SL_ERESET, SL_ENOMEM. */
    enum sl_err (*shut)(struct sl_ep *ep, struct sl_scratch *scratch);

    size_t (*pending)(const struct sl_ep *ep); /* bytes kept */
    bool (*is_reset)(const struct sl_ep *ep);  /* the peer has reset the connection */
};

struct sl_ep {
    const struct sl_ep_ops *ops;
};

SL_CHECKED enum sl_err sl_ep_read(struct sl_ep *ep, struct sl_scratch *scratch,
                                  struct sl_slice *ret_bytes);
SL_CHECKED enum sl_err sl_ep_write(struct sl_ep *ep, struct sl_scratch *scratch,
                                   struct sl_slice bytes);
SL_CHECKED enum sl_err sl_ep_flush(struct sl_ep *ep);
SL_CHECKED enum sl_err sl_ep_shut(struct sl_ep *ep, struct sl_scratch *scratch);
size_t sl_ep_pending(const struct sl_ep *ep);
bool sl_ep_is_reset(const struct sl_ep *ep);
