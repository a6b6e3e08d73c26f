/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ep_tcp.h"
#include "sys/socket.h"
#include <stdlib.h>

static struct sl_ep_tcp *tcp_of(struct sl_ep *ep)
{
    return SL_CONTAINER_OF(ep, struct sl_ep_tcp, ep);
}

static const struct sl_ep_tcp *const_tcp_of(const struct sl_ep *ep)
{
    return SL_CONST_CONTAINER_OF(ep, struct sl_ep_tcp, ep);
}

static enum sl_err tcp_read(struct sl_ep *ep, struct sl_scratch *scratch,
                            struct sl_slice *ret_bytes)
{
    struct sl_ep_tcp *tcp = tcp_of(ep);
    if (!tcp->is_readable) {
        return SL_AGAIN;
    }
    size_t len = 0;
    const size_t max_bytes = sl_scratch_recv_max(scratch);
    enum sl_err rc = sl_socket_recv(tcp->watch.fd, scratch->recv, max_bytes, &len);
    switch (rc) {
    case SL_OK:
        /* a short read has emptied the socket: what comes later brings a new edge, a FIN or a
         * reset that is there already does not */
        tcp->is_readable =
            len == max_bytes || tcp->is_unix || tcp->has_fin || tcp->has_urgent || tcp->is_reset;
        scratch->recv_bytes = len;
        *ret_bytes = sl_slice_of(scratch->recv, len);
        return SL_OK;
    case SL_AGAIN:
        tcp->is_readable = false;
        return SL_AGAIN;
    case SL_EOF:
        /* a send that has failed takes the error with it, and the kernel then reads like a FIN */
        return tcp->is_reset ? SL_ERESET : SL_EOF;
    default:
        tcp->is_reset = rc == SL_ERESET;
        return rc;
    }
}

/* Sends from the front of `bytes` until the kernel refuses. */
static enum sl_err send_some(struct sl_ep_tcp *tcp, struct sl_slice *bytes, bool has_more)
{
    while (bytes->len > 0) {
        if (!tcp->is_writable) {
            return SL_AGAIN;
        }
        if (tcp->has_nagle && tcp->has_sent) { /* the first bytes wait for nothing: a call saved */
            sl_socket_set_nodelay(tcp->watch.fd);
            tcp->has_nagle = false;
        }
        size_t len = 0;
        enum sl_err rc = has_more ? sl_socket_send_more(tcp->watch.fd, *bytes, &len)
                                  : sl_socket_send(tcp->watch.fd, *bytes, &len);
        if (rc == SL_AGAIN) {
            tcp->is_writable = false;
        } else if (rc != SL_OK) {
            tcp->is_reset = rc == SL_ERESET;
            tcp->is_readable = true; /* what came before the reset can still be read */
            return rc;
        }
        (void)sl_slice_cut(bytes, len);
        tcp->has_sent = true;
    }
    return SL_OK;
}

/* Tells who counts what all connections hold. */
static void count_held(struct sl_ep_tcp *tcp)
{
    if (tcp->held_bytes != NULL) {
        *tcp->held_bytes = *tcp->held_bytes - tcp->counted_bytes + tcp->out.cap;
        tcp->counted_bytes = tcp->out.cap;
    }
}

static enum sl_err tcp_flush(struct sl_ep *ep)
{
    struct sl_ep_tcp *tcp = tcp_of(ep);
    struct sl_slice bytes = sl_pending_slice(&tcp->out);
    size_t before = bytes.len;
    if (before == 0) {
        return SL_OK;
    }
    enum sl_err rc = send_some(tcp, &bytes, false);
    sl_pending_cut(&tcp->out, before - bytes.len);
    count_held(tcp);
    return rc;
}

static enum sl_err tcp_write(struct sl_ep *ep, struct sl_scratch *scratch, struct sl_slice bytes)
{
    struct sl_ep_tcp *tcp = tcp_of(ep);
    enum sl_err rc = tcp_flush(ep);
    if (rc == SL_OK) {
        rc = send_some(tcp, &bytes, scratch->has_more);
    }
    if (rc != SL_AGAIN) {
        return rc;
    }
    rc = sl_pending_put(&tcp->out, bytes, tcp->pending_max_bytes);
    count_held(tcp);
    return rc == SL_OK ? SL_AGAIN : rc;
}

static enum sl_err tcp_shut(struct sl_ep *ep, struct sl_scratch *scratch)
{
    struct sl_ep_tcp *tcp = tcp_of(ep);
    enum sl_err rc = tcp_flush(ep);
    if (rc == SL_OK && !tcp->is_shut) {
        if (!scratch->is_closing) {
            sl_socket_shut_write(tcp->watch.fd);
        }
        tcp->is_shut = true;
    }
    return rc;
}

static size_t tcp_pending(const struct sl_ep *ep)
{
    return const_tcp_of(ep)->out.len;
}

static bool tcp_is_reset(const struct sl_ep *ep)
{
    return const_tcp_of(ep)->is_reset;
}

static const struct sl_ep_ops TCP_OPS = {
    .read = tcp_read,
    .write = tcp_write,
    .flush = tcp_flush,
    .shut = tcp_shut,
    .pending = tcp_pending,
    .is_reset = tcp_is_reset,
};

static void on_watch_ready(struct sl_watch *watch, uint32_t events)
{
    struct sl_ep_tcp *tcp = SL_CONTAINER_OF(watch, struct sl_ep_tcp, watch);
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0) {
        tcp->is_readable = true;
    }
    if ((events & (EPOLLOUT | EPOLLERR)) != 0) {
        tcp->is_writable = true;
    }
    tcp->has_urgent = tcp->has_urgent || (events & EPOLLPRI) != 0;
    tcp->has_fin = tcp->has_fin || (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
    tcp->is_reset = tcp->is_reset || (events & EPOLLERR) != 0;
    tcp->owner->on_ready(tcp->owner, tcp);
}

enum sl_err sl_ep_tcp_create(struct sl_loop *loop, int *fd, size_t pending_max_bytes,
                             struct sl_ep_owner *owner, struct sl_ep_tcp **ret_tcp)
{
    struct sl_ep_tcp *tcp = calloc(1, sizeof(*tcp));
    if (tcp == NULL) {
        return SL_ENOMEM;
    }
    *tcp = (struct sl_ep_tcp){ .ep.ops = &TCP_OPS,
                               .loop = loop,
                               .watch = { .fd = *fd, .on_ready = on_watch_ready },
                               .owner = owner,
                               .pending_max_bytes = pending_max_bytes };
    sl_list_init(&tcp->reap.node);
    enum sl_err rc = sl_loop_add(loop, &tcp->watch, SL_WATCH_STREAM);
    if (rc != SL_OK) {
        free(tcp);
        return rc;
    }
    *fd = -1;
    *ret_tcp = tcp;
    return SL_OK;
}

static void tcp_free(struct sl_reap *reap)
{
    struct sl_ep_tcp *tcp = SL_CONTAINER_OF(reap, struct sl_ep_tcp, reap);
    sl_pending_fini(&tcp->out);
    count_held(tcp);
    free(tcp);
}

void sl_ep_tcp_destroy(struct sl_ep_tcp *tcp)
{
    if (tcp != NULL) {
        sl_socket_close(&tcp->watch.fd);
        sl_loop_reap(tcp->loop, &tcp->reap, tcp_free);
    }
}

void sl_ep_tcp_reset(struct sl_ep_tcp *tcp)
{
    if (tcp != NULL) {
        sl_socket_reset(&tcp->watch.fd);
        sl_ep_tcp_destroy(tcp);
    }
}
