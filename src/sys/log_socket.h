/* SPDX-License-Identifier: Apache-2.0 */
/** @file The socket of a daemon that takes log lines, one a datagram. */
#pragma once
#include "base/diag.h"

/** A socket of our own, non-blocking, that sends to it. SL_OK, SL_ESYS (diag). */
SL_CHECKED enum sl_err sl_log_socket_open(const char *path, struct sl_diag *diag, int *ret_fd);

/** Lets it send to the daemon that is there now: in all processes that have it. SL_OK, SL_ESYS. */
SL_CHECKED enum sl_err sl_log_socket_again(int fd, const char *path);
