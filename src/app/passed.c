/* SPDX-License-Identifier: Apache-2.0 */
#include "app/passed.h"
#include <stdio.h>
#include <string.h>

enum { WHO_MAX = 128 }; /* bytes of what a socket is called in a message; longer names are cut */

static bool is_service(const struct sl_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->services_count; i++) {
        if (strcmp(conf->services[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* sd_listen_fds_with_names(3) says "unknown" where there is no name, and a socket unit that has no
 * FileDescriptorName= gives its own. */
static bool is_chosen(const char *name)
{
    return name[0] != '\0' && strcmp(name, "unknown") != 0 &&
           !sl_slice_ends(sl_slice_cstr(name), SL_SLICE(".socket"));
}

static bool is_same(struct sl_addr want, const struct sl_addr *have)
{
    if (sl_addr_port(&want) == 0) {
        sl_addr_set_port(&want, sl_addr_port(have));
    }
    return sl_addr_is_same(&want, have);
}

static bool stands_at(const struct sl_url *url, const struct sl_addr *have)
{
    struct sl_addr want;
    for (unsigned i = 0; i < 2; i++) {
        if (sl_listen_addr(url, i == 1, &want) == SL_OK && is_same(want, have)) {
            return true;
        }
    }
    return false;
}

/* @param service  NULL: any */
static struct sl_listen *listen_find(const struct sl_conf *conf, struct sl_listens *listens,
                                     const char *service, const struct sl_addr *addr,
                                     bool *ret_is_taken)
{
    *ret_is_taken = false;
    for (size_t i = 0; i < listens->count; i++) {
        struct sl_listen *listen = &listens->list[i];
        const struct sl_conf_service *owner = &conf->services[listen->service_index];
        if ((service != NULL && strcmp(owner->name, service) != 0) ||
            !stands_at(&owner->listens[listen->listen_index].url, addr)) {
            continue;
        }
        if (listen->fds[0] < 0) {
            return listen;
        }
        *ret_is_taken = true;
    }
    return NULL;
}

static enum sl_err assign_one(const struct sl_conf *conf, struct sl_activate_socket *socket,
                              struct sl_listens *listens, struct sl_diag *diag)
{
    char who[WHO_MAX], addr[SL_ADDR_TEXT_MAX];
    bool is_named = is_service(conf, socket->name);
    bool is_taken = false;
    (void)snprintf(who, sizeof(who), "descriptor %d of the service manager%s%s%s", socket->number,
                   is_named ? " (service " : "", is_named ? socket->name : "", is_named ? ")" : "");
    if (!is_named && is_chosen(socket->name)) {
        sl_diag_set(diag, "%s is named \"%s\", and there is no such service", who, socket->name);
        return SL_EINVAL;
    }
    if (!socket->is_listening) {
        sl_diag_set(diag, "%s is no %s", who,
                    socket->is_stream ? "socket that listens" : "stream socket");
        return SL_EINVAL;
    }
    struct sl_listen *listen =
        listen_find(conf, listens, is_named ? socket->name : NULL, &socket->addr, &is_taken);
    if (listen == NULL) {
        sl_addr_format(&socket->addr, addr);
        sl_diag_set(diag, "%s listens on %s, %s", who, addr,
                    is_taken ? "as another one does" : "where no listen URL stands");
        return SL_EINVAL;
    }
    listen->fds[0] = socket->fd;
    listen->passed_fd = socket->number;
    listen->is_shared = true;
    socket->fd = -1;
    return SL_OK;
}

enum sl_err sl_passed_assign(const struct sl_conf *conf, struct sl_activated *activated,
                             struct sl_listens *listens, struct sl_diag *diag)
{
    enum sl_err rc = SL_OK;
    for (size_t i = 0; rc == SL_OK && i < activated->count; i++) {
        rc = assign_one(conf, &activated->list[i], listens, diag);
    }
    return rc;
}
