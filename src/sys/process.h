/* SPDX-License-Identifier: Apache-2.0 */
/** @file Children, signals and limits of this process. */
#pragma once
#include "base/slice.h"
#include <signal.h>
#include <sys/types.h>

/**
 * Starts this very program anew (by /proc/self/exe, so that an upgrade on disk changes nothing)
 * with `role` as its only argument and `channel_fd` as its descriptor SL_PROCESS_CHANNEL_FD. Beside
 * that and 0 to 2 it inherits nothing. It dies with its parent.
 * @return SL_OK, SL_ENOMEM, SL_ESYS
 */
SL_CHECKED enum sl_err sl_process_spawn(const char *role, int channel_fd, pid_t *ret_pid);

enum { SL_PROCESS_CHANNEL_FD = 3 };

/** Blocks `signals` (ended by 0): what comes waits for sl_process_signals. SL_OK, SL_ESYS. */
SL_CHECKED enum sl_err sl_process_hold_signals(const int *signals);

/** Blocks `signals` (ended by 0) and gives a descriptor that reads them (struct signalfd_siginfo).
 */
SL_CHECKED enum sl_err sl_process_signals(const int *signals, int *ret_fd);

/** The next signal that came in. SL_OK, SL_AGAIN. */
SL_CHECKED enum sl_err sl_process_signal_next(int fd, int *ret_signal);

/** Collects a child that has ended. SL_OK, SL_AGAIN (none has). */
SL_CHECKED enum sl_err sl_process_collect(pid_t *ret_pid, int *ret_status);

/** Opens /dev/null for each of 0 to 2 that is closed: else a socket would get its number, and what
 * is printed. */
void sl_process_fill_stdio(void);

/** The name that ps and top show, at most 15 bytes. */
void sl_process_set_name(const char *name);

/** No core file, and no reading of this process's memory by its own user: it may hold keys. */
void sl_process_hide_memory(void);

/** Whether that holds: a change of user makes the kernel decide anew. */
bool sl_process_is_hidden(void);

/** Cores that this process may use; at least 1. */
uint32_t sl_process_cores_count(void);

/** Raises the soft limit of descriptors to the hard one and gives it. */
uint64_t sl_process_raise_fds_limit(void);

/**
 * Opens what stderr stands for anew, non-blocking and appending, so that a log line never waits; a
 * socket or what cannot be opened is duplicated. SL_OK, SL_EMFILE.
 */
SL_CHECKED enum sl_err sl_process_open_log(int *ret_fd);

/** Whether a write to it may wait. */
bool sl_process_may_block(int fd);

/**
 * Writes without ever waiting: a pipe takes up to PIPE_BUF whole or not at all, a terminal perhaps
 * a part.
 * @param may_block  of sl_process_may_block: then it is asked for room first
 * @return SL_OK (`ret_len` bytes), SL_AGAIN (it would wait: nothing was written), SL_ESYS
 */
SL_CHECKED enum sl_err sl_process_log_write(int fd, bool may_block, struct sl_slice text,
                                            size_t *ret_len);
