/* SPDX-License-Identifier: Apache-2.0 */
/** @file The server that a connection goes to next, by what is known of all of them. */
#pragma once
#include "net/balance.h"
#include "net/server.h"
#include "net/upstream.h"

/**
 * Chooses among the upstreams of `target` that are not in `tried`, a mask of indices. First those
 * that are up, of them first those that are no backups; then, for want of others, those that are
 * not up. What has the weight 0 is never chosen.
 * @param client  for SL_BALANCE_SOURCE_HASH: its IP address, the port does not count
 * @return its index, or SL_BALANCE_NONE
 */
size_t sl_target_choose(const struct sl_target *target, uint64_t tried,
                        const struct sl_addr *client, uint64_t now_ms);

/** How many connections may still be tried, `tried_count` having been. */
size_t sl_target_tries_left(const struct sl_target *target, size_t tried_count);
