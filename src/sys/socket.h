/* SPDX-License-Identifier: Apache-2.0 */
/** @file Stream sockets. Everything here is non-blocking and close-on-exec. */
#pragma once
#include "base/addr.h"
#include "base/diag.h"

enum { SL_LISTEN_BACKLOG_COUNT = 4096 }; /* the kernel lowers it to net.core.somaxconn */

/**
 * Binds and listens. A TCP socket takes SO_REUSEPORT, so that it can be bound once per worker, and
 * TCP_NODELAY, which accepted sockets inherit; an IPv6 wildcard takes IPv4 clients too. The file of
 * a Unix socket is made with mode 0666 as the umask allows; one that nobody listens on is replaced.
 * @return SL_OK, SL_EMFILE, SL_ESYS (diag: what and why)
 */
SL_CHECKED enum sl_err sl_socket_listen(const struct sl_addr *addr, struct sl_diag *diag,
                                        int *ret_fd);

/**
 * Tells whether anybody listens on a TCP address already. SO_REUSEPORT would let a second program
 * of the same user share it in silence, and take half of the connections.
 * @return SL_OK (it can be bound), SL_ESYS (diag), SL_EMFILE
 */
SL_CHECKED enum sl_err sl_socket_probe(const struct sl_addr *addr, struct sl_diag *diag);

/** The address that the socket is bound to. */
SL_CHECKED enum sl_err sl_socket_local(int fd, struct sl_addr *ret_addr);

/**
 * Takes one waiting connection.
 * @return SL_OK, SL_AGAIN (none waits), SL_EMFILE (descriptors or socket memory are used up: the
 *         connection keeps waiting), SL_ESYS
 */
SL_CHECKED enum sl_err sl_socket_accept(int listen_fd, int *ret_fd, struct sl_addr *ret_peer);

/** From here on what is sent goes out at once (TCP_NODELAY). Sockets that were accepted do that
 * already. */
void sl_socket_set_nodelay(int fd);

/**
 * Begins to connect.
 * @return SL_OK (connected), SL_AGAIN (`ret_fd` becomes writable, then sl_socket_connect_result),
 *         SL_EREFUSED, SL_EUNREACH, SL_ETIMEDOUT, SL_ENOSPC (a Unix listener's queue is full: try
 * again soon), SL_EMFILE, SL_ESYS
 */
SL_CHECKED enum sl_err sl_socket_connect(const struct sl_addr *addr, int *ret_fd);

/** What TCP sockets are set to beside what all are. Zeroed sets nothing. */
struct sl_socket_tuning {
    struct sl_addr sources[2];                       /* to connect from, by family; len 0: none */
    uint32_t keepalive_idle_s, keepalive_interval_s; /* 0: no keepalive */
    uint32_t keepalive_count;
    uint32_t user_timeout_ms; /* 0: the kernel's own */
};

/** As sl_socket_connect, of a socket that is set so; `tuning` may be NULL. A source that is not an
 * address of this machine is SL_EUNREACH. */
SL_CHECKED enum sl_err sl_socket_connect_from(const struct sl_addr *addr,
                                              const struct sl_socket_tuning *tuning, int *ret_fd);

/** Sets a TCP socket, or one that listens and what it accepts from then on; not its source. */
void sl_socket_tune(int fd, const struct sl_socket_tuning *tuning);

/** How a connect that was under way ended: as sl_socket_connect, never SL_AGAIN. */
SL_CHECKED enum sl_err sl_socket_connect_result(int fd);

/** Reads up to `cap` bytes. SL_OK (at least one), SL_AGAIN, SL_EOF (FIN), SL_ERESET, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_socket_recv(int fd, void *buf, size_t cap, size_t *ret_len);

/** As sl_socket_recv, and leaves what it gives for the next call. */
SL_CHECKED enum sl_err sl_socket_peek(int fd, void *buf, size_t cap, size_t *ret_len);

/** Writes what the kernel takes. SL_OK (some, in `ret_len`), SL_AGAIN, SL_ERESET, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_socket_send(int fd, struct sl_slice bytes, size_t *ret_len);

/** The same for what may go out together with the next bytes or the FIN, or after 200 ms (tcp(7)).
 */
SL_CHECKED enum sl_err sl_socket_send_more(int fd, struct sl_slice bytes, size_t *ret_len);

/** Bytes that a TCP peer has not acknowledged yet; 0 for a Unix socket, whose peer has them. */
size_t sl_socket_unsent(int fd);

void sl_socket_shut_write(int fd); /* FIN behind what was written */
void sl_socket_close(int *fd);     /* sets it to -1; -1 is allowed */

/** Closes with a TCP reset; what the kernel had not sent yet is thrown away. A Unix socket has no
 * reset: it is just closed. */
void sl_socket_reset(int *fd);
