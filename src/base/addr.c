/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum sl_err sl_addr_from_ip(struct sl_slice host, uint16_t port, struct sl_addr *ret_addr)
{
    char text[INET6_ADDRSTRLEN];
    if (host.len == 0 || host.len >= sizeof(text) || sl_slice_find(host, 0) != host.len) {
        return SL_EINVAL;
    }
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    struct sl_addr addr = { 0 };
    if (inet_pton(AF_INET, text, &addr.sa.in.sin_addr) == 1) {
        addr.sa.in.sin_family = AF_INET;
        addr.len = sizeof(addr.sa.in);
    } else if (inet_pton(AF_INET6, text, &addr.sa.in6.sin6_addr) == 1) {
        addr.sa.in6.sin6_family = AF_INET6;
        addr.len = sizeof(addr.sa.in6);
    } else {
        return SL_EINVAL;
    }
    sl_addr_set_port(&addr, port);
    *ret_addr = addr;
    return SL_OK;
}

enum sl_err sl_addr_from_path(struct sl_slice path, struct sl_addr *ret_addr)
{
    struct sl_addr addr = { 0 };
    if (path.len == 0 || path.len >= sizeof(addr.sa.un.sun_path) ||
        sl_slice_find(path, 0) != path.len) {
        return SL_ERANGE;
    }
    addr.sa.un.sun_family = AF_UNIX;
    memcpy(addr.sa.un.sun_path, path.ptr, path.len);
    addr.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
    *ret_addr = addr;
    return SL_OK;
}

static void unmap(struct sl_addr *addr)
{
    if (addr->len < sizeof(addr->sa.in6) || addr->sa.any.sa_family != AF_INET6 ||
        !IN6_IS_ADDR_V4MAPPED(&addr->sa.in6.sin6_addr)) {
        return;
    }
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = addr->sa.in6.sin6_port };
    memcpy(&in.sin_addr, &addr->sa.in6.sin6_addr.s6_addr[12], sizeof(in.sin_addr));
    *addr = (struct sl_addr){ .sa.in = in, .len = sizeof(in) };
}

struct sl_addr sl_addr_from_sockaddr(const struct sockaddr *sa, socklen_t len)
{
    struct sl_addr addr = { 0 };
    addr.len = SL_MIN(len, (socklen_t)sizeof(addr.sa));
    if (addr.len > 0) {
        memcpy(&addr.sa, sa, addr.len);
    }
    unmap(&addr);
    return addr;
}

bool sl_addr_is_unix(const struct sl_addr *addr)
{
    return addr->len > 0 && addr->sa.any.sa_family == AF_UNIX;
}

uint16_t sl_addr_port(const struct sl_addr *addr)
{
    if (addr->len > 0 && addr->sa.any.sa_family == AF_INET) {
        return ntohs(addr->sa.in.sin_port);
    }
    if (addr->len > 0 && addr->sa.any.sa_family == AF_INET6) {
        return ntohs(addr->sa.in6.sin6_port);
    }
    return 0;
}

void sl_addr_set_port(struct sl_addr *addr, uint16_t port)
{
    if (addr->sa.any.sa_family == AF_INET) {
        addr->sa.in.sin_port = htons(port);
    } else if (addr->sa.any.sa_family == AF_INET6) {
        addr->sa.in6.sin6_port = htons(port);
    }
}

void sl_addr_format(const struct sl_addr *addr, char ret_text[static SL_ADDR_TEXT_MAX])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    int family = addr->len > 0 ? addr->sa.any.sa_family : AF_UNSPEC;
    switch (family) {
    case AF_INET:
        inet_ntop(AF_INET, &addr->sa.in.sin_addr, ip, sizeof(ip));
        (void)snprintf(ret_text, SL_ADDR_TEXT_MAX, "%s:%u", ip, sl_addr_port(addr));
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &addr->sa.in6.sin6_addr, ip, sizeof(ip));
        (void)snprintf(ret_text, SL_ADDR_TEXT_MAX, "[%s]:%u", ip, sl_addr_port(addr));
        break;
    case AF_UNIX: {
        size_t head = offsetof(struct sockaddr_un, sun_path);
        size_t len = addr->len > head ? strnlen(addr->sa.un.sun_path, addr->len - head) : 0;
        (void)snprintf(ret_text, SL_ADDR_TEXT_MAX, "unix:%.*s", (int)len, addr->sa.un.sun_path);
        break;
    }
    default:
        (void)snprintf(ret_text, SL_ADDR_TEXT_MAX, "-");
        break;
    }
}

bool sl_addr_is_same(const struct sl_addr *one, const struct sl_addr *other)
{
    if (one->len != other->len || one->len == 0) {
        return one->len == other->len;
    }
    if (one->sa.any.sa_family != other->sa.any.sa_family) {
        return false;
    }
    switch (one->sa.any.sa_family) {
    case AF_INET:
        return one->sa.in.sin_port == other->sa.in.sin_port &&
               one->sa.in.sin_addr.s_addr == other->sa.in.sin_addr.s_addr;
    case AF_INET6:
        return one->sa.in6.sin6_port == other->sa.in6.sin6_port &&
               one->sa.in6.sin6_scope_id == other->sa.in6.sin6_scope_id &&
               memcmp(&one->sa.in6.sin6_addr, &other->sa.in6.sin6_addr,
                      sizeof(one->sa.in6.sin6_addr)) == 0;
    default:
        return memcmp(&one->sa, &other->sa, one->len) == 0;
    }
}
