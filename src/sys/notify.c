/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/notify.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { USEC_IN_MS = 1000 };

/* Half of what the manager waits, as sd_watchdog_enabled(3) recommends. */
static enum sl_err watchdog_of(const struct sl_notify_env *env, uint32_t *ret_ms)
{
    uint64_t usec = 0, pid = (uint64_t)getpid();
    enum sl_err rc = sl_slice_number(sl_slice_cstr(env->watchdog_usec), &usec);
    if (rc == SL_OK && env->watchdog_pid != NULL) {
        rc = sl_slice_number(sl_slice_cstr(env->watchdog_pid), &pid);
    }
    if (rc != SL_OK || usec == 0) {
        return SL_EINVAL;
    }
    uint64_t half_ms = SL_MAX(usec / 2 / USEC_IN_MS, UINT64_C(1));
    *ret_ms = pid == (uint64_t)getpid() ? (uint32_t)SL_MIN(half_ms, (uint64_t)UINT32_MAX) : 0;
    return SL_OK;
}

static enum sl_err address_of(const char *text, struct sockaddr_un *ret_addr, socklen_t *ret_len)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    size_t len = strlen(text);
    if ((text[0] != '/' && text[0] != '@') || len < 2 || len >= sizeof(addr.sun_path)) {
        return SL_EINVAL;
    }
    memcpy(addr.sun_path, text, len);
    bool is_abstract = text[0] == '@';
    if (is_abstract) {
        addr.sun_path[0] = '\0'; /* and no NUL behind: all bytes of the length are the name */
    }
    *ret_addr = addr;
    *ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (is_abstract ? 0 : 1));
    return SL_OK;
}

enum sl_err sl_notify_init(const struct sl_notify_env *env, struct sl_notify *ret_notify)
{
    struct sl_notify notify = { .fd = -1 };
    struct sockaddr_un addr;
    socklen_t len = 0;
    if (env->socket == NULL) {
        *ret_notify = notify;
        return SL_OK;
    }
    enum sl_err rc = address_of(env->socket, &addr, &len);
    if (rc == SL_OK && env->watchdog_usec != NULL) {
        rc = watchdog_of(env, &notify.watchdog_ms);
    }
    if (rc != SL_OK) {
        return rc;
    }
    notify.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (notify.fd < 0) {
        return SL_EMFILE;
    }
    if (connect(notify.fd, (const struct sockaddr *)&addr, len) != 0) {
        sl_notify_fini(&notify);
        return SL_EUNREACH;
    }
    *ret_notify = notify;
    return SL_OK;
}

void sl_notify_fini(struct sl_notify *notify)
{
    if (notify != NULL && notify->fd >= 0) {
        (void)close(notify->fd);
        notify->fd = -1;
    }
}

enum sl_err sl_notify_say(const struct sl_notify *notify, const char *text)
{
    if (notify->fd < 0) {
        return SL_OK;
    }
    if (send(notify->fd, text, strlen(text), MSG_NOSIGNAL) >= 0) {
        return SL_OK;
    }
    return errno == EAGAIN || errno == ENOBUFS ? SL_AGAIN : SL_ERESET;
}
