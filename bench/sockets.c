/* SPDX-License-Identifier: Apache-2.0 */
#include "sockets.h"
#include "die.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG_COUNT = 4096 };

static int make_socket(void)
{
    static const int ON = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &ON, sizeof(ON)) != 0) {
        bench_die("a socket");
    }
    return fd;
}

static struct sockaddr_in local_address(uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

int bench_listen(uint16_t *ret_port)
{
    int fd = make_socket();
    struct sockaddr_in address = local_address(0);
    socklen_t len = sizeof(address);
    if (bind(fd, (const struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG_COUNT) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        bench_die("listening");
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

int bench_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && errno != EAGAIN && errno != ECONNABORTED) {
        bench_die("accepting");
    }
    return fd;
}

int bench_connect(uint16_t port)
{
    int fd = make_socket();
    struct sockaddr_in address = local_address(port);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 &&
        errno != EINPROGRESS) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

void bench_watch(int epoll, int fd, void *owner)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                 .data.ptr = owner };
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        bench_die("epoll");
    }
}

void bench_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}
