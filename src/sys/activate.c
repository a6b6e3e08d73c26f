/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/activate.h"
#include "sys/socket.h"
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int option_of(int fd, int name)
{
    int value = 0;
    socklen_t len = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

/* As those that we open ourselves (sys/socket.h). */
static enum sl_err prepare(struct sl_activate_socket *socket)
{
    const int on = 1;
    int flags = fcntl(socket->fd, F_GETFL);
    if (flags < 0 || fcntl(socket->fd, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(socket->fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        return SL_EINVAL;
    }
    socket->is_stream = option_of(socket->fd, SO_TYPE) == SOCK_STREAM &&
                        sl_socket_local(socket->fd, &socket->addr) == SL_OK;
    socket->is_listening = socket->is_stream && option_of(socket->fd, SO_ACCEPTCONN) == 1;
    if (socket->is_stream && !sl_addr_is_unix(&socket->addr)) {
        (void)setsockopt(socket->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    return SL_OK;
}

static enum sl_err counted(const struct sl_activate_env *env, struct sl_diag *diag,
                           size_t *ret_count)
{
    uint64_t pid = 0, count = 0;
    if (sl_slice_number(sl_slice_cstr(env->pid), &pid) != SL_OK ||
        sl_slice_number(sl_slice_cstr(env->fds), &count) != SL_OK || count > SL_ACTIVATE_FDS_MAX) {
        sl_diag_set(diag, "LISTEN_PID=%s, LISTEN_FDS=%s: no process, or no number up to %d",
                    env->pid, env->fds, SL_ACTIVATE_FDS_MAX);
        return SL_EINVAL;
    }
    *ret_count = pid == (uint64_t)getpid() ? (size_t)count : 0;
    return SL_OK;
}

/* Without any names all are "". */
static enum sl_err name_all(const char *names, struct sl_activated *activated, struct sl_diag *diag)
{
    struct sl_slice rest = sl_slice_cstr(names);
    size_t colons_count = 0;
    for (size_t i = 0; i < rest.len; i++) {
        colons_count += rest.ptr[i] == ':';
    }
    if (names != NULL && colons_count + 1 != activated->count) {
        sl_diag_set(diag, "LISTEN_FDNAMES=%s names %zu descriptors, LISTEN_FDS %zu", names,
                    colons_count + 1, activated->count);
        return SL_EINVAL;
    }
    for (size_t i = 0; i < activated->count; i++) {
        struct sl_slice name = sl_slice_cut(&rest, sl_slice_find(rest, ':'));
        (void)sl_slice_cut(&rest, 1);
        activated->list[i].name = strndup(name.len == 0 ? "" : (const char *)name.ptr, name.len);
        if (activated->list[i].name == NULL) {
            return SL_ENOMEM;
        }
    }
    return SL_OK;
}

enum sl_err sl_activate_init(const struct sl_activate_env *env, struct sl_diag *diag,
                             struct sl_activated *ret_activated)
{
    SL_CLEANUP(sl_activate_fini) struct sl_activated activated = { 0 };
    size_t count = 0;
    enum sl_err rc = env->pid == NULL || env->fds == NULL ? SL_OK : counted(env, diag, &count);
    if (rc != SL_OK || count == 0) {
        if (rc == SL_OK) {
            *ret_activated = (struct sl_activated){ 0 };
        }
        return rc;
    }
    activated.list = calloc(count, sizeof(*activated.list));
    if (activated.list == NULL) {
        return SL_ENOMEM;
    }
    for (; activated.count < count; activated.count++) {
        struct sl_activate_socket *socket = &activated.list[activated.count];
        socket->fd = socket->number = env->first_fd + (int)activated.count;
        if (prepare(socket) != SL_OK) {
            sl_diag_set(diag, "LISTEN_FDS=%s: descriptor %d is not open", env->fds, socket->fd);
            return SL_EINVAL;
        }
    }
    rc = name_all(env->names, &activated, diag);
    if (rc == SL_OK) {
        *ret_activated = activated;
        activated = (struct sl_activated){ 0 };
    }
    return rc;
}

void sl_activate_fini(struct sl_activated *activated)
{
    for (size_t i = 0; i < activated->count; i++) {
        sl_socket_close(&activated->list[i].fd);
        free(activated->list[i].name);
    }
    free(activated->list);
    *activated = (struct sl_activated){ 0 };
}
