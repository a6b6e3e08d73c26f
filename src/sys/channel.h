/* SPDX-License-Identifier: Apache-2.0 */
/** @file Datagrams with descriptors between the supervisor and its children (SOCK_SEQPACKET). */
#pragma once
#include "base/slice.h"
#include "codec/message.h"

enum { SL_CHANNEL_FDS_MAX = SL_MESSAGE_FDS_MAX }; /* descriptors in one datagram */

/** Descriptors that came with a datagram; the receiver owns them. */
struct sl_channel_fds {
    int fds[SL_CHANNEL_FDS_MAX];
    size_t count;
};

/** A pair of connected ends, non-blocking and close-on-exec. SL_OK, SL_EMFILE. */
SL_CHECKED enum sl_err sl_channel_pair(int ret_fds[static 2]);

/** Lets as much wait in what is sent by `fd` as the system allows. */
void sl_channel_widen(int fd);

/** Sends one datagram. SL_OK, SL_AGAIN (the other does not read), SL_ERESET (it is gone). */
SL_CHECKED enum sl_err sl_channel_send(int fd, struct sl_slice datagram, const int *fds,
                                       size_t fds_count);

/**
 * Receives one datagram into `buf`.
 * @return SL_OK, SL_AGAIN, SL_EOF (the other end is closed), SL_EPROTO (empty, larger than
 *         `buf`, or too many descriptors: all were closed), SL_ERESET
 */
SL_CHECKED enum sl_err sl_channel_recv(int fd, struct sl_wbuf *buf, struct sl_channel_fds *ret_fds);

void sl_channel_fds_close(struct sl_channel_fds *fds);
