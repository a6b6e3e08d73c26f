/* SPDX-License-Identifier: Apache-2.0 */
/** @file Sockets that a service manager has opened for us (sd_listen_fds(3)). */
#pragma once
#include "base/addr.h"
#include "base/diag.h"

enum { SL_ACTIVATE_FD_FIRST = 3 };   /* the protocol's: the descriptors begin there */
enum { SL_ACTIVATE_FDS_MAX = 4096 }; /* descriptors at once */

/** What the service manager has put into the environment; NULL for what is not there. */
struct sl_activate_env {
    const char *pid;   /* LISTEN_PID: whom they are meant for */
    const char *fds;   /* LISTEN_FDS: how many */
    const char *names; /* LISTEN_FDNAMES: ':' between them */
    int first_fd;      /* SL_ACTIVATE_FD_FIRST */
};

/** One descriptor that was passed. */
struct sl_activate_socket {
    int fd;         /* -1 when somebody has taken it over */
    int number;     /* what `fd` was, to be named */
    char *name;     /* "" when nobody has given it one */
    bool is_stream; /* it is a socket that connections can be accepted from, */
    bool is_listening;
    struct sl_addr addr; /* and stands there */
};

/** Zeroed is valid and empty. */
struct sl_activated {
    struct sl_activate_socket *list;
    size_t count;
};

/**
 * Looks at the descriptors that were passed, and makes them non-blocking and close-on-exec. Close
 * those that nobody takes by sl_activate_fini. To be called before anything else opens a file.
 * @return SL_OK (none when they are meant for another process), SL_EINVAL (the environment is not
 * what the protocol wants: `diag`), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_activate_init(const struct sl_activate_env *env, struct sl_diag *diag,
                                        struct sl_activated *ret_activated);
void sl_activate_fini(struct sl_activated *activated);
