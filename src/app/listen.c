/* SPDX-License-Identifier: Apache-2.0 */
#include "app/listen.h"
#include "sys/socket.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The addresses that a URL may stand for, the first that can be bound is taken: all addresses are
 * [::], which takes IPv4 too, and 0.0.0.0 where the kernel has no IPv6. */
static enum sl_err listen_addr(const struct sl_url *url, bool is_second, struct sl_addr *ret_addr)
{
    if (url->scheme == SL_SCHEME_UNIX) {
        return is_second ? SL_ENOENT : sl_addr_from_path(url->path, ret_addr);
    }
    if (url->host.len > 0) {
        return is_second ? SL_ENOENT : sl_addr_from_ip(url->host, url->port, ret_addr);
    }
    return sl_addr_from_ip(sl_slice_cstr(is_second ? "0.0.0.0" : "::"), url->port, ret_addr);
}

/* Nobody else may listen where we are going to. All are tried before the first is bound, for ours
 * may overlap: [::] and 0.0.0.0 of one port. */
static enum sl_err probe_all(const struct sl_conf *conf, struct sl_diag *diag)
{
    for (size_t i = 0; i < conf->services_count; i++) {
        for (size_t j = 0; j < conf->services[i].listens_count; j++) {
            const struct sl_url *url = &conf->services[i].listens[j].url;
            struct sl_addr addr;
            struct sl_diag found = { 0 };
            if (url->scheme == SL_SCHEME_UNIX || url->port == 0 ||
                listen_addr(url, false, &addr) != SL_OK) {
                continue;
            }
            if (sl_socket_probe(&addr, &found) == SL_ESYS && errno == EADDRINUSE) {
                *diag = found;
                return SL_ESYS;
            }
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
        if (listen_addr(url, i == 1, &addr) != SL_OK) {
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
                               uint32_t workers_count, struct sl_diag *diag)
{
    struct sl_addr addr;
    enum sl_err rc = bind_first(&conf->url, diag, &listen->fds[0], &addr);
    if (rc != SL_OK) {
        return rc;
    }
    set_text(listen, &conf->url, &addr);
    if (conf->url.scheme == SL_SCHEME_UNIX) {
        listen->unix_path = (const char *)conf->url.path.ptr;
        return SL_OK;
    }
    for (uint32_t i = 1; i < workers_count; i++) {
        rc = sl_socket_listen(&addr, diag, &listen->fds[i]);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
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

enum sl_err sl_listens_open(const struct sl_conf *conf, uint32_t workers_count,
                            struct sl_diag *diag, struct sl_listens *listens)
{
    *listens = (struct sl_listens){ .workers_count = workers_count };
    enum sl_err probed = probe_all(conf, diag);
    if (probed != SL_OK) {
        return probed;
    }
    listens->list = calloc(listens_count(conf) + 1, sizeof(*listens->list));
    if (listens->list == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; i < conf->services_count; i++) {
        for (size_t j = 0; j < conf->services[i].listens_count; j++) {
            struct sl_listen *listen = &listens->list[listens->count];
            listen->service_index = (uint16_t)i;
            listen->listen_index = (uint16_t)j;
            listen->fds = fds_create(workers_count);
            if (listen->fds == NULL) {
                return SL_ENOMEM;
            }
            listens->count++;
            enum sl_err rc =
                listen_open(listen, &conf->services[i].listens[j], workers_count, diag);
            if (rc != SL_OK) {
                return rc;
            }
        }
    }
    return SL_OK;
}

void sl_listens_close(struct sl_listens *listens)
{
    for (size_t i = 0; i < listens->count; i++) {
        struct sl_listen *listen = &listens->list[i];
        for (uint32_t worker = 0; worker < listens->workers_count; worker++) {
            sl_socket_close(&listen->fds[worker]);
        }
        if (listen->unix_path != NULL) {
            (void)unlink(listen->unix_path);
        }
        free(listen->fds);
    }
    free(listens->list);
    *listens = (struct sl_listens){ 0 };
}

int sl_listen_fd(const struct sl_listen *listen, uint32_t worker_index)
{
    return listen->fds[listen->unix_path != NULL ? 0 : worker_index];
}
