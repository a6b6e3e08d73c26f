/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/channel.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* room for one more than is allowed, so that too many are seen instead of silently lost */
union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * (SL_CHANNEL_FDS_MAX + 1))];
};

enum sl_err sl_channel_pair(int ret_fds[static 2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret_fds) == 0
               ? SL_OK
               : SL_EMFILE;
}

void sl_channel_widen(int fd)
{
    const int bytes = 4 << 20; /* the system cuts it to what it allows */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

enum sl_err sl_channel_send(int fd, struct sl_slice datagram, const int *fds, size_t fds_count)
{
    union control control = { 0 };
    struct iovec iov = { .iov_base = (void *)(uintptr_t)datagram.ptr, .iov_len = datagram.len };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    if (fds_count > SL_CHANNEL_FDS_MAX) {
        return SL_ERANGE;
    }
    if (fds_count > 0) {
        size_t size = sizeof(int) * fds_count;
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(cmsg), fds, size);
    }
    ssize_t len;
    do {
        len = sendmsg(fd, &msg, MSG_NOSIGNAL);
    } while (len < 0 && errno == EINTR);
    if (len >= 0) {
        return SL_OK;
    }
    return errno == EAGAIN || errno == ENOBUFS ? SL_AGAIN : SL_ERESET;
}

static void take_fds(struct msghdr *msg, struct sl_channel_fds *ret_fds, bool *ret_is_too_many)
{
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL; cmsg = CMSG_NXTHDR(msg, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
            if (ret_fds->count < SL_CHANNEL_FDS_MAX) {
                ret_fds->fds[ret_fds->count++] = fd;
            } else {
                (void)close(fd);
                *ret_is_too_many = true;
            }
        }
    }
}

/* Both an end and an empty datagram are read as nothing. */
static bool is_ended(int fd)
{
    struct pollfd end = { .fd = fd, .events = POLLRDHUP };
    return poll(&end, 1, 0) != 0;
}

enum sl_err sl_channel_recv(int fd, struct sl_wbuf *buf, struct sl_channel_fds *ret_fds)
{
    union control control;
    struct iovec iov = { .iov_base = buf->ptr, .iov_len = buf->cap };
    struct msghdr msg = { .msg_iov = &iov,
                          .msg_iovlen = 1,
                          .msg_control = control.bytes,
                          .msg_controllen = sizeof(control.bytes) };
    ssize_t len;
    do {
        len = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    } while (len < 0 && errno == EINTR);
    if (len < 0) {
        return errno == EAGAIN ? SL_AGAIN : SL_ERESET;
    }
    struct sl_channel_fds fds = { 0 };
    bool is_too_many = (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    take_fds(&msg, &fds, &is_too_many);
    if (is_too_many) {
        sl_channel_fds_close(&fds);
        return SL_EPROTO;
    }
    if (len == 0) {
        sl_channel_fds_close(&fds);
        return is_ended(fd) ? SL_EOF : SL_EPROTO;
    }
    buf->len = (size_t)len;
    *ret_fds = fds;
    return SL_OK;
}

void sl_channel_fds_close(struct sl_channel_fds *fds)
{
    for (size_t i = 0; i < fds->count; i++) {
        (void)close(fds->fds[i]);
    }
    fds->count = 0;
}
