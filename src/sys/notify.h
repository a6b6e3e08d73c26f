/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a service manager wants to hear of us: systemd's notify and watchdog protocol
 *  (sd_notify(3), sd_watchdog_enabled(3)), over a datagram socket. */
#pragma once
#include "base/slice.h"

/** What the service manager has put into the environment; NULL for what is not there. */
struct sl_notify_env {
    const char *socket;        /* NOTIFY_SOCKET: a path, or '@' and an abstract name */
    const char *watchdog_usec; /* WATCHDOG_USEC */
    const char *watchdog_pid;  /* WATCHDOG_PID: whom the watchdog is meant for */
};

struct sl_notify {
    int fd;               /* -1: nobody wants to know */
    uint32_t watchdog_ms; /* how often to say WATCHDOG=1; 0: never */
};

/**
 * Opens the way to the service manager. Close it by sl_notify_fini.
 * @return SL_OK (also when there is none: `fd` is -1), SL_EINVAL (an address or number that is
 * none), SL_EUNREACH, SL_EMFILE
 */
SL_CHECKED enum sl_err sl_notify_init(const struct sl_notify_env *env,
                                      struct sl_notify *ret_notify);
void sl_notify_fini(struct sl_notify *notify);

/**
 * Says `text`: lines such as "READY=1". Never waits.
 * @return SL_OK (also when nobody listens), SL_AGAIN (it would wait), SL_ERESET
 */
SL_CHECKED enum sl_err sl_notify_say(const struct sl_notify *notify, const char *text);
