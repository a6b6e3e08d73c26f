/* SPDX-License-Identifier: Apache-2.0 */
#include "app/listen.h"
#include "app/passed.h"
#include "net/upstream.h"
#include "sys/socket.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum sl_err sl_listen_addr(const struct sl_url *url, bool is_second, struct sl_addr *ret_addr)
{
    if (url->scheme == SL_SCHEME_UNIX) {
        return is_second ? SL_ENOENT : sl_addr_from_path(url->path, ret_addr);
    }
    if (url->host.len > 0) {
        return is_second ? SL_ENOENT : sl_addr_from_ip(url->host, url->port, ret_addr);
    }
    return sl_addr_from_ip(sl_slice_cstr(is_second ? "0.0.0.0" : "::"), url->port, ret_addr);
}

static const struct sl_conf_url *url_of(const struct sl_conf *conf, const struct sl_listen *listen)
{
    return &conf->services[listen->service_index].listens[listen->listen_index];
}

/* Ours is nobody else's; what it overlaps, the kernel says when it is bound. */
static bool has_port(const struct sl_listens *ours, uint16_t port)
{
    for (size_t i = 0; ours != NULL && i < ours->count; i++) {
        if (sl_addr_port(&ours->list[i].addr) == port) {
            return true;
        }
    }
    return false;
}

/* It was passed over, or is kept. */
static bool is_open(const struct sl_listen *listen)
{
    return listen->fds[0] >= 0;
}

/* Nobody else may listen where we are going to. All are tried before the first is bound, for ours
 * may overlap: [::] and 0.0.0.0 of one port. */
static enum sl_err probe_all(const struct sl_conf *conf, const struct sl_listens *listens,
                             const struct sl_listens *ours, struct sl_diag *diag)
{
    for (size_t i = 0; i < listens->count; i++) {
        const struct sl_listen *listen = &listens->list[i];
        const struct sl_url *url = &url_of(conf, listen)->url;
        struct sl_addr addr;
        struct sl_diag found = { 0 };
        if (is_open(listen) || has_port(ours, url->port) || url->scheme == SL_SCHEME_UNIX ||
            url->port == 0 || sl_listen_addr(url, false, &addr) != SL_OK) {
            continue;
        }
        if (sl_socket_probe(&addr, &found) == SL_ESYS && errno == EADDRINUSE) {
            *diag = found;
            return SL_ESYS;
        }
    }
    return SL_OK;
}

static enum sl_err bind_first(const struct sl_url *url, struct sl_diag *diag, int *ret_fd,
                              struct sl_addr *ret_addr)
{
    enum sl_err rc = SL_ESYS;
    for (unsigned i = 0; i < 2; i++) {
        struct sl_addr addr;
        if (sl_listen_addr(url, i == 1, &addr) != SL_OK) {
            break;
        }
        struct sl_diag last = { 0 };
        rc = sl_socket_listen(&addr, &last, ret_fd);
        if (rc == SL_OK) {
            return sl_socket_local(*ret_fd, ret_addr);
        }
        if (i == 0) {
            *diag = last;
        }
    }
    return rc;
}

static void set_text(struct sl_listen *listen, const struct sl_url *url, const struct sl_addr *addr)
{
    char text[SL_ADDR_TEXT_MAX];
    sl_addr_format(addr, text);
    bool is_unix = url->scheme == SL_SCHEME_UNIX;
    (void)snprintf(listen->text, sizeof(listen->text), "%s%s%s",
                   is_unix ? "" : sl_scheme_name(url->scheme), is_unix ? "" : "://", text);
}

static enum sl_err listen_open(struct sl_listen *listen, const struct sl_conf_url *conf,
                               uint32_t sockets_count, struct sl_diag *diag)
{
    bool is_passed = listen->passed_fd >= 0;
    enum sl_err rc = is_open(listen) ? sl_socket_local(listen->fds[0], &listen->addr)
                                     : bind_first(&conf->url, diag, &listen->fds[0], &listen->addr);
    if (rc != SL_OK) {
        return rc;
    }
    set_text(listen, &conf->url, &listen->addr);
    if (conf->url.scheme == SL_SCHEME_UNIX && !is_passed) {
        listen->unix_path = (const char *)conf->url.path.ptr;
        listen->is_shared = true;
    }
    for (uint32_t i = 1;
         rc == SL_OK && i < sockets_count && listen->kept == NULL && !listen->is_shared; i++) {
        if (listen->fds[i] < 0) {
            rc = sl_socket_listen(&listen->addr, diag, &listen->fds[i]);
        }
    }
    return rc;
}

static size_t listens_count(const struct sl_conf *conf)
{
    size_t count = 0;
    for (size_t i = 0; i < conf->services_count; i++) {
        count += conf->services[i].listens_count;
    }
    return count;
}

static int *fds_create(uint32_t count)
{
    int *fds = malloc(count * sizeof(*fds));
    for (uint32_t i = 0; fds != NULL && i < count; i++) {
        fds[i] = -1;
    }
    return fds;
}

/* One for each listen URL, without a socket. */
static enum sl_err list_create(const struct sl_conf *conf, struct sl_listens *listens)
{
    listens->list = calloc(listens_count(conf) + 1, sizeof(*listens->list));
    if (listens->list == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; i < conf->services_count; i++) {
        for (size_t j = 0; j < conf->services[i].listens_count; j++) {
            struct sl_listen *listen = &listens->list[listens->count];
            *listen = (struct sl_listen){ .service_index = (uint16_t)i,
                                          .listen_index = (uint16_t)j,
                                          .passed_fd = -1,
                                          .fds = fds_create(listens->sockets_count) };
            if (listen->fds == NULL) {
                return SL_ENOMEM;
            }
            listens->count++;
        }
    }
    return SL_OK;
}

/* What the kernel accepts later is set as the socket that listens is. */
static void listen_tune(const struct sl_conf *conf, const struct sl_listen *listen,
                        uint32_t sockets_count)
{
    const struct sl_conf_service *service = &conf->services[listen->service_index];
    struct sl_socket_tuning tuning = { 0 };
    sl_upstream_tune(&service->keepalive, service->user_timeout_ms, &tuning);
    for (uint32_t i = 0; i < sockets_count; i++) {
        if (listen->fds[i] >= 0 && url_of(conf, listen)->url.scheme != SL_SCHEME_UNIX) {
            sl_socket_tune(listen->fds[i], &tuning);
        }
    }
}

enum sl_err sl_listens_open(const struct sl_conf *conf, uint32_t workers_count,
                            struct sl_activated *activated, struct sl_diag *diag,
                            struct sl_listens *listens)
{
    *listens = (struct sl_listens){ .sockets_count = workers_count };
    enum sl_err rc = list_create(conf, listens);
    rc = rc == SL_OK ? sl_passed_assign(conf, activated, listens, diag) : rc;
    rc = rc == SL_OK ? probe_all(conf, listens, NULL, diag) : rc;
    for (size_t i = 0; rc == SL_OK && i < listens->count; i++) {
        struct sl_listen *listen = &listens->list[i];
        rc = listen_open(listen, url_of(conf, listen), workers_count, diag);
        listen_tune(conf, listen, workers_count);
    }
    return rc;
}

static bool stands_at(const struct sl_url *url, const struct sl_addr *bound)
{
    struct sl_addr addr;
    for (unsigned i = 0; i < 2; i++) {
        if (sl_listen_addr(url, i == 1, &addr) == SL_OK && sl_addr_is_same(&addr, bound)) {
            return true;
        }
    }
    return false;
}

/* One that got its port from the kernel is the same when it is written the same. */
static bool is_same_text(const struct sl_conf *conf, const struct sl_listen *listen,
                         const struct sl_conf *old_conf, const struct sl_listen *old)
{
    return strcmp(url_of(conf, listen)->text, url_of(old_conf, old)->text) == 0 &&
           strcmp(conf->services[listen->service_index].name,
                  old_conf->services[old->service_index].name) == 0;
}

/* Whether the sockets are another's already. */
static bool is_kept(const struct sl_listens *listens, const struct sl_listen *old)
{
    bool is = false;
    for (size_t i = 0; !is && i < listens->count; i++) {
        is = listens->list[i].kept == old;
    }
    return is;
}

static struct sl_listen *old_find(const struct sl_conf *conf, const struct sl_listens *listens,
                                  const struct sl_listen *listen, const struct sl_conf *old_conf,
                                  struct sl_listens *old)
{
    const struct sl_url *url = &url_of(conf, listen)->url;
    const bool is_chosen = url->scheme != SL_SCHEME_UNIX && url->port == 0;
    for (size_t i = 0; i < old->count; i++) {
        const bool fits = is_chosen ? is_same_text(conf, listen, old_conf, &old->list[i])
                                    : stands_at(url, &old->list[i].addr);
        if (fits && !is_kept(listens, &old->list[i])) {
            return &old->list[i];
        }
    }
    return NULL;
}

static void keep(struct sl_listen *listen, struct sl_listen *old, uint32_t fds_count)
{
    listen->kept = old;
    listen->passed_fd = old->passed_fd;
    listen->is_shared = old->is_shared;
    for (uint32_t i = 0; i < fds_count; i++) {
        listen->fds[i] = old->fds[i];
    }
}

enum sl_err sl_listens_renew(const struct sl_conf *conf, const struct sl_conf *old_conf,
                             uint32_t workers_count, struct sl_listens *old, struct sl_diag *diag,
                             struct sl_listens *listens)
{
    const uint32_t sockets_count = SL_MAX(old->sockets_count, workers_count);
    *listens = (struct sl_listens){ .sockets_count = sockets_count };
    enum sl_err rc = list_create(conf, listens);
    for (size_t i = 0; rc == SL_OK && i < listens->count; i++) {
        struct sl_listen *found = old_find(conf, listens, &listens->list[i], old_conf, old);
        if (found != NULL) {
            keep(&listens->list[i], found, old->sockets_count);
        }
    }
    rc = rc == SL_OK ? probe_all(conf, listens, old, diag) : rc;
    for (size_t i = 0; rc == SL_OK && i < listens->count; i++) {
        struct sl_listen *listen = &listens->list[i];
        rc = listen_open(listen, url_of(conf, listen), sockets_count, diag);
        if (listen->kept == NULL) {
            listen_tune(conf, listen, sockets_count);
        }
    }
    if (rc != SL_OK) {
        sl_listens_disown(listens);
    }
    return rc;
}

static void let_go(struct sl_listen *listen, uint32_t fds_count)
{
    for (uint32_t i = 0; i < fds_count; i++) {
        listen->fds[i] = -1;
    }
    listen->unix_path = NULL;
}

void sl_listens_adopt(const struct sl_conf *conf, struct sl_listens *old,
                      struct sl_listens *listens)
{
    for (size_t i = 0; i < listens->count; i++) {
        struct sl_listen *listen = &listens->list[i];
        if (listen->kept != NULL) {
            let_go(listen->kept, old->sockets_count);
            listen->kept = NULL;
            listen_tune(conf, listen, listens->sockets_count);
        }
    }
    sl_listens_close(old);
    *old = *listens;
    *listens = (struct sl_listens){ 0 };
}

void sl_listens_disown(struct sl_listens *listens)
{
    for (size_t i = 0; i < listens->count; i++) {
        if (listens->list[i].kept != NULL) {
            let_go(&listens->list[i], listens->sockets_count);
        }
    }
    sl_listens_close(listens);
}

void sl_listens_close(struct sl_listens *listens)
{
    for (size_t i = 0; i < listens->count; i++) {
        struct sl_listen *listen = &listens->list[i];
        for (uint32_t at = 0; listen->fds != NULL && at < listens->sockets_count; at++) {
            sl_socket_close(&listen->fds[at]);
        }
        if (listen->unix_path != NULL) {
            (void)unlink(listen->unix_path);
        }
        free(listen->fds);
    }
    free(listens->list);
    *listens = (struct sl_listens){ 0 };
}

enum sl_err sl_listens_fill(struct sl_listens *listens, struct sl_diag *diag)
{
    enum sl_err result = SL_OK;
    for (size_t i = 0; i < listens->count; i++) {
        struct sl_listen *listen = &listens->list[i];
        for (uint32_t at = 0; !listen->is_shared && at < listens->sockets_count; at++) {
            enum sl_err rc = SL_OK;
            if (listen->fds[at] < 0) {
                rc = sl_socket_listen(&listen->addr, diag, &listen->fds[at]);
            }
            result = result == SL_OK ? rc : result;
        }
    }
    return result;
}

int sl_listen_fd(const struct sl_listen *listen, uint32_t at)
{
    return listen->is_shared && at > 0 ? -1 : listen->fds[at];
}
