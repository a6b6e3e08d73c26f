/* SPDX-License-Identifier: Apache-2.0 */
/** @file The listening sockets of a configuration: bound once, kept open for as long as we run. */
#pragma once
#include "conf/conf.h"
#include "sys/activate.h"

/** One listen URL: a socket per worker, or one for all. */
struct sl_listen {
    uint16_t service_index, listen_index;
    char text[SL_URL_MAX];  /* the URL with the port that it got */
    struct sl_addr addr;    /* where it is bound */
    const char *unix_path;  /* to be removed at the end; NULL for none */
    bool is_shared;         /* a Unix socket, or one that was passed: the first is everybody's */
    int passed_fd;          /* the number with which a service manager passed it; -1: our own */
    int *fds;               /* [sockets_count] of the list; -1 where there is none */
    struct sl_listen *kept; /* whose sockets these are until sl_listens_adopt; NULL: its own */
};

struct sl_listens {
    struct sl_listen *list;
    size_t count;
    uint32_t sockets_count; /* of each, that is not shared: never less than there are workers */
};

/**
 * Takes what was passed over, and binds everything else. Call sl_listens_close in any case.
 * @return SL_OK, SL_ESYS or SL_EMFILE (diag), SL_EINVAL (diag: what was passed is not what the
 * configuration wants), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_listens_open(const struct sl_conf *conf, uint32_t workers_count,
                                       struct sl_activated *activated, struct sl_diag *diag,
                                       struct sl_listens *listens);

/**
 * What another configuration wants: sockets of addresses that stay are shared with `old`, the
 * others are bound. Then sl_listens_adopt, or sl_listens_disown.
 * @param old_conf  what `old` was opened for
 * @return as sl_listens_open, and after a failure nothing is left
 */
SL_CHECKED enum sl_err sl_listens_renew(const struct sl_conf *conf, const struct sl_conf *old_conf,
                                        uint32_t workers_count, struct sl_listens *old,
                                        struct sl_diag *diag, struct sl_listens *listens);

/** `*old` becomes `*listens`, which is of `conf`; what only the old one had is closed. */
void sl_listens_adopt(const struct sl_conf *conf, struct sl_listens *old,
                      struct sl_listens *listens);

/** Binds what more workers want of addresses that were kept: for the kernel gives such a socket
 * connections from then on. SL_OK, SL_ESYS or SL_EMFILE (diag): the others are there. */
SL_CHECKED enum sl_err sl_listens_fill(struct sl_listens *listens, struct sl_diag *diag);

/** Closes what only the new one has. */
void sl_listens_disown(struct sl_listens *listens);

/** The addresses that a listen URL may stand for, the first that can be bound is taken: all
 * addresses are [::], which takes IPv4 too, and 0.0.0.0 where the kernel has no IPv6.
 * @return SL_OK, SL_ENOENT (there is no second), and as sl_addr_from_ip and sl_addr_from_path */
SL_CHECKED enum sl_err sl_listen_addr(const struct sl_url *url, bool is_second,
                                      struct sl_addr *ret_addr);

/** Closes all sockets and removes the files of Unix sockets that are our own. */
void sl_listens_close(struct sl_listens *listens);

/** A socket of one listen URL, -1 for none; not the caller's to close. One that is shared has only
 * the first. */
int sl_listen_fd(const struct sl_listen *listen, uint32_t at);
