/* SPDX-License-Identifier: Apache-2.0 */
/** @file Endpoint over a stream socket (TCP or Unix). */
#pragma once
#include "relay/endpoint.h"
#include "relay/pending.h"
#include "sys/loop.h"

struct sl_ep_tcp;

/** Who is told that something may be read or written; embedded in the owner. */
struct sl_ep_owner {
    void (*on_ready)(struct sl_ep_owner *owner, struct sl_ep_tcp *tcp);
};

struct sl_ep_tcp {
    struct sl_ep ep;
    struct sl_loop *loop;
    struct sl_watch watch; /* owns the descriptor */
    struct sl_reap reap;
    struct sl_ep_owner *owner;
    struct sl_pending out;
    size_t pending_max_bytes;
    size_t *held_bytes;   /* of all connections together, kept up to date; NULL: nobody counts */
    size_t counted_bytes; /* of `out`, in it */
    /* Edges that were seen and not used up. */
    bool is_readable, is_writable;
    bool has_nagle; /* TCP_NODELAY is not set yet, and wanted before the second send */
    bool has_sent;
    bool is_unix;    /* a short read says nothing there: one also ends at passed descriptors */
    bool has_fin;    /* EPOLLRDHUP: read on after a short read */
    bool has_urgent; /* EPOLLPRI was seen: recv stops short at urgent data (tcp(7)), read on too */
    bool is_reset;   /* for good */
    bool is_shut;    /* FIN was sent */
};

/**
 * Takes over the non-blocking socket `*fd`, sets it to -1 and watches it.
 * @return SL_OK, SL_ENOMEM, SL_ESYS (`*fd` is still the caller's)
 */
SL_CHECKED enum sl_err sl_ep_tcp_create(struct sl_loop *loop, int *fd, size_t pending_max_bytes,
                                        struct sl_ep_owner *owner, struct sl_ep_tcp **ret_tcp);

/** Closes the socket at once; the memory is freed after this turn. NULL is allowed. */
void sl_ep_tcp_destroy(struct sl_ep_tcp *tcp);

/** As sl_ep_tcp_destroy, with a TCP reset to the peer. */
void sl_ep_tcp_reset(struct sl_ep_tcp *tcp);
