/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/socket.h"
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void set_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

void sl_socket_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

void sl_socket_reset(int *fd)
{
    if (*fd >= 0) {
        const struct linger now = { .l_onoff = 1, .l_linger = 0 };
        (void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        sl_socket_close(fd);
    }
}

static enum sl_err connect_error(int error)
{
    switch (error) {
    case 0:
        return SL_OK;
    case ECONNREFUSED:
    case ENOENT: /* a Unix socket that is not there */
    case ECONNRESET:
        return SL_EREFUSED;
    case ETIMEDOUT:
        return SL_ETIMEDOUT;
    case EAGAIN: /* a Unix socket's queue is full */
        return SL_ENOSPC;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return SL_EMFILE;
    default:
        return SL_EUNREACH;
    }
}

static int open_stream(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

void sl_socket_set_nodelay(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

/* True when the file is a socket that refuses connections: left behind by a process that is gone.
 */
static bool is_stale_socket(const struct sl_addr *addr)
{
    struct stat st;
    if (lstat(addr->sa.un.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        return false;
    }
    int fd = -1;
    enum sl_err rc = sl_socket_connect(addr, &fd);
    sl_socket_close(&fd);
    return rc == SL_EREFUSED;
}

static int bind_unix(int fd, const struct sl_addr *addr)
{
    int rc = bind(fd, &addr->sa.any, addr->len);
    if (rc != 0 && errno == EADDRINUSE && is_stale_socket(addr)) {
        (void)unlink(addr->sa.un.sun_path);
        rc = bind(fd, &addr->sa.any, addr->len);
    }
    return rc;
}

static int bind_ip(int fd, const struct sl_addr *addr, bool is_shared)
{
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(fd, SOL_SOCKET, SO_REUSEPORT, is_shared ? 1 : 0);
    if (addr->sa.any.sa_family == AF_INET6) {
        bool is_wildcard = memcmp(&addr->sa.in6.sin6_addr, &in6addr_any, sizeof(in6addr_any)) == 0;
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_wildcard ? 0 : 1);
    }
    return bind(fd, &addr->sa.any, addr->len);
}

/* A socket that is bound: `is_shared` with the other workers' and ready to listen, or only a trial.
 */
static enum sl_err open_bound(const struct sl_addr *addr, bool is_shared, struct sl_diag *diag,
                              int *ret_fd)
{
    char text[SL_ADDR_TEXT_MAX];
    sl_addr_format(addr, text);
    int fd = open_stream(addr->sa.any.sa_family);
    if (fd < 0) {
        enum sl_err rc = errno == EMFILE || errno == ENFILE ? SL_EMFILE : SL_ESYS;
        sl_diag_set(diag, "cannot open a socket for %s: %s", text, strerror(errno));
        return rc;
    }
    if (!sl_addr_is_unix(addr)) {
        sl_socket_set_nodelay(fd); /* what is accepted inherits it */
    }
    int rc = sl_addr_is_unix(addr) ? bind_unix(fd, addr) : bind_ip(fd, addr, is_shared);
    /* a trial must not listen: a client could come */
    if (rc != 0 || (is_shared && listen(fd, SL_LISTEN_BACKLOG_COUNT) != 0)) {
        sl_diag_set(diag, "cannot listen on %s: %s", text, strerror(errno));
        sl_socket_close(&fd);
        return SL_ESYS;
    }
    *ret_fd = fd;
    return SL_OK;
}

enum sl_err sl_socket_listen(const struct sl_addr *addr, struct sl_diag *diag, int *ret_fd)
{
    return open_bound(addr, true, diag, ret_fd);
}

enum sl_err sl_socket_probe(const struct sl_addr *addr, struct sl_diag *diag)
{
    int fd = -1;
    enum sl_err rc = open_bound(addr, false, diag, &fd);
    sl_socket_close(&fd);
    return rc;
}

enum sl_err sl_socket_local(int fd, struct sl_addr *ret_addr)
{
    struct sl_addr addr = { .len = sizeof(addr.sa) };
    if (getsockname(fd, &addr.sa.any, &addr.len) != 0) {
        return SL_ESYS;
    }
    *ret_addr = sl_addr_from_sockaddr(&addr.sa.any, addr.len);
    return SL_OK;
}

enum sl_err sl_socket_accept(int listen_fd, int *ret_fd, struct sl_addr *ret_peer)
{
    struct sl_addr peer = { .len = sizeof(peer.sa) };
    int fd = accept4(listen_fd, &peer.sa.any, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        *ret_fd = fd;
        *ret_peer = sl_addr_from_sockaddr(&peer.sa.any, peer.len);
        return SL_OK;
    }
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return SL_EMFILE;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EFAULT:
    case EOPNOTSUPP:
        return SL_ESYS;
    default:
        /* EAGAIN: none waits. The rest is about one connection that is gone already
         * (accept(2), "Error handling"): the next event brings the next one. */
        return SL_AGAIN;
    }
}

void sl_socket_tune(int fd, const struct sl_socket_tuning *tuning)
{
    if (tuning->keepalive_idle_s > 0) {
        set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)tuning->keepalive_idle_s);
        set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)tuning->keepalive_interval_s);
        set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, (int)tuning->keepalive_count);
    }
    if (tuning->user_timeout_ms > 0) {
        set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)tuning->user_timeout_ms);
    }
}

/* The kernel chooses the port when it connects, so that all servers share the range of ports. */
static enum sl_err bind_source(int fd, const struct sl_addr *addr,
                               const struct sl_socket_tuning *tuning)
{
    for (size_t i = 0; i < SL_COUNT(tuning->sources); i++) {
        const struct sl_addr *source = &tuning->sources[i];
        if (source->len > 0 && source->sa.any.sa_family == addr->sa.any.sa_family) {
            set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
            return bind(fd, &source->sa.any, source->len) == 0 ? SL_OK : SL_EUNREACH;
        }
    }
    return SL_OK;
}

enum sl_err sl_socket_connect(const struct sl_addr *addr, int *ret_fd)
{
    return sl_socket_connect_from(addr, NULL, ret_fd);
}

enum sl_err sl_socket_connect_from(const struct sl_addr *addr,
                                   const struct sl_socket_tuning *tuning, int *ret_fd)
{
    int fd = open_stream(addr->sa.any.sa_family);
    if (fd < 0) {
        return errno == EAFNOSUPPORT ? SL_EUNREACH : SL_EMFILE;
    }
    if (tuning != NULL && !sl_addr_is_unix(addr)) {
        sl_socket_tune(fd, tuning);
        if (bind_source(fd, addr, tuning) != SL_OK) {
            sl_socket_close(&fd);
            return SL_EUNREACH;
        }
    }
    if (connect(fd, &addr->sa.any, addr->len) == 0) {
        *ret_fd = fd;
        return SL_OK;
    }
    if (errno == EINPROGRESS) {
        *ret_fd = fd;
        return SL_AGAIN;
    }
    enum sl_err rc = connect_error(errno);
    sl_socket_close(&fd);
    return rc;
}

enum sl_err sl_socket_connect_result(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        return SL_ESYS;
    }
    return connect_error(error);
}

/* The kernel tells when a full or empty socket changes, but never when it has memory again. */
static enum sl_err transfer_error(int error)
{
    switch (error) {
    case EAGAIN:
        return SL_AGAIN;
    case ENOBUFS:
    case ENOMEM:
        return SL_ENOMEM;
    default:
        return SL_ERESET;
    }
}

static enum sl_err recv_with(int fd, void *buf, size_t cap, int flags, size_t *ret_len)
{
    ssize_t len;
    do {
        len = recv(fd, buf, cap, flags);
    } while (len < 0 && errno == EINTR);
    if (len > 0) {
        *ret_len = (size_t)len;
        return SL_OK;
    }
    if (len == 0) {
        return SL_EOF;
    }
    return transfer_error(errno);
}

enum sl_err sl_socket_recv(int fd, void *buf, size_t cap, size_t *ret_len)
{
    return recv_with(fd, buf, cap, 0, ret_len);
}

enum sl_err sl_socket_peek(int fd, void *buf, size_t cap, size_t *ret_len)
{
    return recv_with(fd, buf, cap, MSG_PEEK, ret_len);
}

static enum sl_err send_with(int fd, struct sl_slice bytes, int flags, size_t *ret_len)
{
    ssize_t len;
    do {
        len = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | flags);
    } while (len < 0 && errno == EINTR);
    if (len >= 0) {
        *ret_len = (size_t)len;
        return SL_OK;
    }
    return transfer_error(errno);
}

enum sl_err sl_socket_send(int fd, struct sl_slice bytes, size_t *ret_len)
{
    return send_with(fd, bytes, 0, ret_len);
}

enum sl_err sl_socket_send_more(int fd, struct sl_slice bytes, size_t *ret_len)
{
    return send_with(fd, bytes, MSG_MORE, ret_len);
}

size_t sl_socket_unsent(int fd)
{
    struct sl_addr local;
    int count = 0;
    if (sl_socket_local(fd, &local) != SL_OK || sl_addr_is_unix(&local) ||
        ioctl(fd, SIOCOUTQ, &count) != 0) {
        return 0;
    }
    return count > 0 ? (size_t)count : 0;
}

void sl_socket_shut_write(int fd)
{
    (void)shutdown(fd, SHUT_WR);
}
