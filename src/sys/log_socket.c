/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/log_socket.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum sl_err sl_log_socket_again(int fd, const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    return connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0 ? SL_OK : SL_ESYS;
}

enum sl_err sl_log_socket_open(const char *path, struct sl_diag *diag, int *ret_fd)
{
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || sl_log_socket_again(fd, path) != SL_OK) {
        sl_diag_set(diag, "cannot send log lines to %s: %s", path, strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return SL_ESYS;
    }
    *ret_fd = fd;
    return SL_OK;
}
