/* SPDX-License-Identifier: Apache-2.0 */
/** @file Names to addresses. Blocks: for the supervisor, at start, never in a loop. */
#pragma once
#include "net/upstream.h"

/**
 * The addresses of a connect URL, in the order to try: a path or a literal gives itself, a name
 * what the system's resolver says.
 * @param ret_addrs  room for SL_UPSTREAM_ADDRS_MAX
 * @return SL_OK, SL_ENOENT (diag: why the name has no address)
 */
SL_CHECKED enum sl_err sl_resolver_lookup(const struct sl_url *url, struct sl_addr *ret_addrs,
                                          size_t *ret_count, struct sl_diag *diag);
