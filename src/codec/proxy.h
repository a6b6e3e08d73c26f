/* SPDX-License-Identifier: Apache-2.0 */
/** @file PROXY protocol headers of either version (the specification of HAProxy Technologies).
 * Pure. */
#pragma once
#include "codec/proxy_v2.h"

enum { SL_PROXY_LOCAL_MAX = 16 }; /* bytes of sl_proxy_emit_local */

enum sl_proxy_version { SL_PROXY_OFF, SL_PROXY_V1, SL_PROXY_V2 };

/**
 * Takes a header of either version off the front of `in`, as sl_proxy_v2_cut does.
 * @return as sl_proxy_v2_cut, and SL_ENOENT: it begins as neither
 */
SL_CHECKED enum sl_err sl_proxy_cut(struct sl_slice *in, struct sl_proxy_v2 *ret_header);

/** How many bytes a header that begins so has at most; of version 2 before its length has come, the
 * bytes up to that. More than `begin` has, when sl_proxy_cut wants more. */
size_t sl_proxy_bound(struct sl_slice begin);

/**
 * Appends the header of a connection of our own, such as a health check: LOCAL, in version 1
 * UNKNOWN, for SL_PROXY_OFF nothing.
 * @return SL_OK, SL_ENOSPC (SL_PROXY_LOCAL_MAX bytes of room are enough)
 */
SL_CHECKED enum sl_err sl_proxy_emit_local(enum sl_proxy_version version, struct sl_wbuf *out);
