/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a worker is sent: all that it needs to begin, and later what has changed of it. Each
 * waits a while for a worker that is slow to read, and then gives SL_AGAIN; else SL_OK, and what
 * sys/channel.h says of one that is gone. */
#pragma once
#include "app/children.h"

/** One message with its descriptors, which stay the caller's. SL_ENOSPC: it is too long. */
SL_CHECKED enum sl_err sl_child_send(struct sl_child *child, const struct sl_message *message,
                                     const int *fds);

SL_CHECKED enum sl_err sl_child_send_tickets(struct sl_child *child);
SL_CHECKED enum sl_err sl_child_send_log(struct sl_child *child);

/** A channel to the keys; SL_OK as well while there is none, for the worker waits for the next. */
SL_CHECKED enum sl_err sl_child_send_keys(struct sl_child *child);

/** Its share of the sockets, as one of so many workers. */
SL_CHECKED enum sl_err sl_child_send_listeners(struct sl_child *child,
                                               const struct sl_listens *listens,
                                               uint32_t workers_count);
SL_CHECKED enum sl_err sl_child_send_name(struct sl_child *child, const struct sl_agent_name *name);

/** Everything, for one that has just been started. */
SL_CHECKED enum sl_err sl_child_configure(struct sl_child *child);
