/* SPDX-License-Identifier: Apache-2.0 */
#include "app/demo_port.h"
#include "base/addr.h"
#include "sys/socket.h"
#include <errno.h>
#include <string.h>

enum { TRIES_COUNT = 16 }; /* ports of the kernel's choice */

/*
 * A socket with an address and nothing else; -1 and errno when it cannot be had. With `is_shared`
 * the listeners can be bound beside it, as all of them set SO_REUSEPORT; without, it also fails
 * when another program listens there that sets SO_REUSEPORT.
 */
static int bind_loopback(bool is_ipv6, uint16_t port, bool is_shared)
{
    static const int ON = 1;
    struct sl_addr addr;
    if (sl_addr_from_ip(sl_slice_cstr(is_ipv6 ? "::1" : "127.0.0.1"), port, &addr) != SL_OK) {
        return -1;
    }
    int fd = socket(addr.sa.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    /* connections of an earlier run that linger in TIME_WAIT do not count */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &ON, sizeof(ON));
    if (is_shared) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &ON, sizeof(ON));
    }
    if (bind(fd, &addr.sa.any, addr.len) != 0) {
        int error = errno;
        sl_socket_close(&fd);
        errno = error;
    }
    return fd;
}

static bool is_free(bool is_ipv6, uint16_t port)
{
    int fd = bind_loopback(is_ipv6, port, false);
    bool is_bound = fd >= 0;
    sl_socket_close(&fd);
    return is_bound;
}

/*
 * Two demos of one user could both bind the port, for their listeners set SO_REUSEPORT. A name in
 * the abstract namespace is had by one only, lives in the network namespace as ports do, and is
 * gone with its process.
 */
static int claim(void)
{
    static const char NAME[] = "\0sluice-demo-8443";
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    memcpy(addr.sun_path, NAME, sizeof(NAME) - 1);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(NAME) - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&addr, len) != 0) {
        sl_socket_close(&fd);
    }
    return fd;
}

static bool open_usual(bool has_ipv6, struct sl_demo_port *ret_port)
{
    int claim_fd = claim();
    if (claim_fd < 0) {
        return false;
    }
    if (!is_free(false, SL_DEMO_PORT) || (has_ipv6 && !is_free(true, SL_DEMO_PORT))) {
        sl_socket_close(&claim_fd);
        return false;
    }
    *ret_port = (struct sl_demo_port){
        .port = SL_DEMO_PORT, .has_ipv6 = has_ipv6, .claim_fd = claim_fd, .hold_fd = -1
    };
    return true;
}

/* A port of the kernel's choice, which is one that nobody has. */
static enum sl_err open_any(struct sl_demo_port *ret_port)
{
    int hold_fd = bind_loopback(false, 0, true);
    struct sl_addr addr;
    if (hold_fd < 0) {
        return errno == EMFILE || errno == ENFILE ? SL_EMFILE : SL_ESYS;
    }
    if (sl_socket_local(hold_fd, &addr) != SL_OK) {
        sl_socket_close(&hold_fd);
        return SL_ESYS;
    }
    const uint16_t port = sl_addr_port(&addr);
    *ret_port = (struct sl_demo_port){
        .port = port, .has_ipv6 = is_free(true, port), .claim_fd = -1, .hold_fd = hold_fd
    };
    return SL_OK;
}

enum sl_err sl_demo_port_open(struct sl_demo_port *ret_port)
{
    const bool has_ipv6 = is_free(true, 0);
    if (open_usual(has_ipv6, ret_port)) {
        return SL_OK;
    }
    struct sl_demo_port port;
    enum sl_err rc = open_any(&port);
    /* a browser may ask [::1] first, and should not find somebody else there */
    for (int i = 1; rc == SL_OK && port.has_ipv6 != has_ipv6 && i < TRIES_COUNT; i++) {
        sl_demo_port_close(&port);
        rc = open_any(&port);
    }
    if (rc == SL_OK) {
        *ret_port = port;
    }
    return rc;
}

void sl_demo_port_close(struct sl_demo_port *port)
{
    sl_socket_close(&port->claim_fd);
    sl_socket_close(&port->hold_fd);
}
