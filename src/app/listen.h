/* SPDX-License-Identifier: Apache-2.0 */
/** @file The listening sockets of a configuration: bound once, kept open for as long as we run. */
#pragma once
#include "conf/conf.h"
#include "sys/activate.h"

/** One listen URL: a socket per worker, or one for all. */
struct sl_listen {
    uint16_t service_index, listen_index;
    char text[SL_URL_MAX]; /* the URL with the port that it got */
    const char *unix_path; /* to be removed at the end; NULL for none */
    bool is_shared;        /* a Unix socket, or one that was passed: the first is everybody's */
    int passed_fd;         /* the number with which a service manager passed it; -1: our own */
    int *fds;              /* [worker] */
};

struct sl_listens {
    struct sl_listen *list;
    size_t count;
    uint32_t workers_count;
};

/**
 * Takes what was passed over, and binds everything else. Call sl_listens_close in any case.
 * @return SL_OK, SL_ESYS or SL_EMFILE (diag), SL_EINVAL (diag: what was passed is not what the
 * configuration wants), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_listens_open(const struct sl_conf *conf, uint32_t workers_count,
                                       struct sl_activated *activated, struct sl_diag *diag,
                                       struct sl_listens *listens);

/** The addresses that a listen URL may stand for, the first that can be bound is taken: all
 * addresses are [::], which takes IPv4 too, and 0.0.0.0 where the kernel has no IPv6.
 * @return SL_OK, SL_ENOENT (there is no second), and as sl_addr_from_ip and sl_addr_from_path */
SL_CHECKED enum sl_err sl_listen_addr(const struct sl_url *url, bool is_second,
                                      struct sl_addr *ret_addr);

/** Closes all sockets and removes the files of Unix sockets that are our own. */
void sl_listens_close(struct sl_listens *listens);

/** The socket for one worker; not the caller's to close. */
int sl_listen_fd(const struct sl_listen *listen, uint32_t worker_index);
