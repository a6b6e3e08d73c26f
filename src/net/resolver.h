/* SPDX-License-Identifier: Apache-2.0 */
/** @file Names to addresses by the system's resolver. Blocks: for the supervisor, at start, never
 * in a loop. */
#pragma once
#include "codec/addr_set.h"
#include "codec/url.h"

/**
 * The addresses of a connect URL, in the order to try: a path or a literal gives itself, a name
 * what the system's resolver says.
 * @return SL_OK, SL_ENOENT (diag: why the name has no address)
 */
SL_CHECKED enum sl_err sl_resolver_lookup(const struct sl_url *url, struct sl_addr_set *ret_set,
                                          struct sl_diag *diag);
