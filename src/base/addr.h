/* SPDX-License-Identifier: Apache-2.0 */
/** @file Socket addresses: IPv4, IPv6 and Unix, as one value. */
#pragma once
#include "base/slice.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

/** The longest text of an address, NUL included: "unix:" and a path. */
enum { SL_ADDR_TEXT_MAX = 128 };

struct sl_addr {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } sa;
    socklen_t len; /* bytes of `sa` in use; 0 for no address */
};

/**
 * Reads an IPv4 or IPv6 literal (no brackets, no zone).
 * @return SL_OK, or SL_EINVAL when `host` is not such a literal (it may be a name).
 */
SL_CHECKED enum sl_err sl_addr_from_ip(struct sl_slice host, uint16_t port,
                                       struct sl_addr *ret_addr);

/** @return SL_OK, or SL_ERANGE when the path is empty, longer than sun_path holds, or has a NUL. */
SL_CHECKED enum sl_err sl_addr_from_path(struct sl_slice path, struct sl_addr *ret_addr);

/** Takes the address that the kernel filled in; an IPv4 address within IPv6 (RFC 4291 2.5.5.2), as
 * a socket for both families gives it, becomes the IPv4 address that it is. */
struct sl_addr sl_addr_from_sockaddr(const struct sockaddr *sa, socklen_t len);

bool sl_addr_is_unix(const struct sl_addr *addr);

/** Whether both are the same address, port and path. */
bool sl_addr_is_same(const struct sl_addr *one, const struct sl_addr *other);

/** The port in host byte order; 0 for Unix addresses. */
uint16_t sl_addr_port(const struct sl_addr *addr);
void sl_addr_set_port(struct sl_addr *addr, uint16_t port);

/** "127.0.0.1:80", "[::1]:80", "unix:/path", "unix:" when unnamed, "-" for none. */
void sl_addr_format(const struct sl_addr *addr, char ret_text[static SL_ADDR_TEXT_MAX]);
