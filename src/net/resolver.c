/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolver.h"
#include <netdb.h>
#include <string.h>

static bool has_addr(const struct sl_addr *addrs, size_t count, const struct sl_addr *addr)
{
    for (size_t i = 0; i < count; i++) {
        if (addrs[i].len == addr->len && memcmp(&addrs[i].sa, &addr->sa, addr->len) == 0) {
            return true;
        }
    }
    return false;
}

static enum sl_err lookup_name(const struct sl_url *url, struct sl_addr *ret_addrs,
                               size_t *ret_count, struct sl_diag *diag)
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
    size_t count = 0;
    for (struct addrinfo *at = list; at != NULL && count < SL_UPSTREAM_ADDRS_MAX;
         at = at->ai_next) {
        struct sl_addr addr = sl_addr_from_sockaddr(at->ai_addr, at->ai_addrlen);
        sl_addr_set_port(&addr, url->port);
        if (!has_addr(ret_addrs, count, &addr)) {
            ret_addrs[count++] = addr;
        }
    }
    freeaddrinfo(list);
    sl_upstream_interleave(ret_addrs, count);
    *ret_count = count;
    return SL_OK;
}

enum sl_err sl_resolver_lookup(const struct sl_url *url, struct sl_addr *ret_addrs,
                               size_t *ret_count, struct sl_diag *diag)
{
    enum sl_err rc;
    if (url->scheme == SL_SCHEME_UNIX) {
        rc = sl_addr_from_path(url->path, &ret_addrs[0]);
    } else if (url->is_ip) {
        rc = sl_addr_from_ip(url->host, url->port, &ret_addrs[0]);
    } else {
        return lookup_name(url, ret_addrs, ret_count, diag);
    }
    if (rc != SL_OK) {
        sl_diag_set(diag, "not an address that can be connected");
        return SL_ENOENT;
    }
    *ret_count = 1;
    return SL_OK;
}
