/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolver.h"
#include <netdb.h>
#include <string.h>

static bool has_addr(const struct sl_addr_set *set, const struct sl_addr *addr)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->addrs[i].len == addr->len &&
            memcmp(&set->addrs[i].sa, &addr->sa, addr->len) == 0) {
            return true;
        }
    }
    return false;
}

static enum sl_err lookup_name(const struct sl_url *url, struct sl_addr_set *ret_set,
                               struct sl_diag *diag)
{
    char host[NI_MAXHOST];
    if (url->host.len >= sizeof(host)) {
        return SL_ENOENT;
    }
    memcpy(host, url->host.ptr, url->host.len);
    host[url->host.len] = '\0';
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    int error = getaddrinfo(host, NULL, &hints, &list);
    if (error != 0) {
        sl_diag_set(diag, "%s does not resolve: %s", host, gai_strerror(error));
        return SL_ENOENT;
    }
    struct sl_addr_set set = { 0 };
    for (struct addrinfo *at = list; at != NULL && set.count < SL_UPSTREAM_ADDRS_MAX;
         at = at->ai_next) {
        struct sl_addr addr = sl_addr_from_sockaddr(at->ai_addr, at->ai_addrlen);
        sl_addr_set_port(&addr, url->port);
        if (!has_addr(&set, &addr)) {
            set.addrs[set.count++] = addr;
        }
    }
    freeaddrinfo(list);
    *ret_set = set;
    return SL_OK;
}

enum sl_err sl_resolver_lookup(const struct sl_url *url, struct sl_addr_set *ret_set,
                               struct sl_diag *diag)
{
    struct sl_addr_set set = { .count = 1 };
    enum sl_err rc;
    if (url->scheme == SL_SCHEME_UNIX) {
        rc = sl_addr_from_path(url->path, &set.addrs[0]);
    } else if (url->is_ip) {
        rc = sl_addr_from_ip(url->host, url->port, &set.addrs[0]);
    } else {
        return lookup_name(url, ret_set, diag);
    }
    if (rc != SL_OK) {
        sl_diag_set(diag, "not an address that can be connected");
        return SL_ENOENT;
    }
    *ret_set = set;
    return SL_OK;
}
