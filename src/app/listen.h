/* SPDX-License-Identifier: Apache-2.0 */
/** @file The listening sockets of a configuration: bound once, kept open for as long as we run. */
#pragma once
#include "conf/conf.h"

/** One listen URL: a socket per worker. */
struct sl_listen {
    uint16_t service_index, listen_index;
    char text[SL_URL_MAX]; /* the URL with the port that it got */
    const char *unix_path; /* to be removed at the end; NULL for TCP */
    int *fds;              /* [worker]; of a Unix socket the first one only, which all share */
};

struct sl_listens {
    struct sl_listen *list;
    size_t count;
    uint32_t workers_count;
};

/** Binds everything. SL_OK, SL_ESYS or SL_EMFILE (diag), SL_ENOMEM. Call sl_listens_close in any
 * case. */
SL_CHECKED enum sl_err sl_listens_open(const struct sl_conf *conf, uint32_t workers_count,
                                       struct sl_diag *diag, struct sl_listens *listens);

/** Closes all sockets and removes the files of Unix sockets. */
void sl_listens_close(struct sl_listens *listens);

/** The socket for one worker; not the caller's to close. */
int sl_listen_fd(const struct sl_listen *listen, uint32_t worker_index);
