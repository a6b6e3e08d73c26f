/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a configuration bounds in one worker: its share of what holds for all of them. */
#pragma once
#include "net/listener.h"
#include "net/snapshot.h"

/** How many workers the configuration asks for, on this machine. */
uint32_t sl_limits_workers_count(const struct sl_conf *conf);

/**
 * Sets the bounds of the acceptor, but the number of connections, and of the memory that
 * connections hold, and leaves in the snapshot this worker's share. `acceptor->rate` is made anew
 * where it is not there or of another size; free it with sl_rate_destroy.
 * @return SL_OK, SL_ENOMEM, SL_ESYS (no random numbers)
 */
SL_CHECKED enum sl_err sl_limits_use(struct sl_snapshot *snapshot, const struct sl_portion *portion,
                                     struct sl_acceptor *acceptor);
