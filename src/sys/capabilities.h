/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a process may do beyond its user (capabilities(7)), as sets: bit n is number n. */
#pragma once
#include "base/slice.h"

#define SL_CAPABILITY(number) (UINT64_C(1) << (number))

/** The permitted set; empty when the kernel does not tell. */
uint64_t sl_capabilities_permitted(void);

/** Uses only these, of those that are permitted, from now on; the others can come back. SL_OK,
 * SL_ESYS. */
SL_CHECKED enum sl_err sl_capabilities_use(uint64_t used);

/** Gives up all others for whatever this process runs later (the bounding set). That wants
 * CAP_SETPCAP: without it, nothing happens. */
void sl_capabilities_bound(uint64_t kept);

/** Gives up all others for good: permitted, effective, inheritable and ambient. SL_OK, SL_ESYS
 * (some are still there). */
SL_CHECKED enum sl_err sl_capabilities_keep(uint64_t kept);

/** Appends names as "setuid, setgid", numbers where there is none; nothing for the empty set.
 * SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_capabilities_put(uint64_t set, struct sl_wbuf *out);
