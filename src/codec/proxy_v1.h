/* SPDX-License-Identifier: Apache-2.0 */
/** @file PROXY protocol version 1, a line of text (the specification of HAProxy Technologies, 2.1).
 * Pure. */
#pragma once
#include "base/addr.h"
#include "base/slice.h"

enum { SL_PROXY_V1_MAX = 107 }; /* bytes of the longest line, CRLF included */

/**
 * Appends the line, or nothing. Addresses that are not both IPv4 or both IPv6 become UNKNOWN.
 * @return SL_OK, SL_ENOSPC (less than SL_PROXY_V1_MAX bytes of room may be too few)
 */
SL_CHECKED enum sl_err sl_proxy_v1_emit(const struct sl_addr *source,
                                        const struct sl_addr *destination, struct sl_wbuf *out);

/**
 * Takes a line off the front of `in`. UNKNOWN, whatever stands behind it, gives no addresses
 * (len 0). Nothing is read beyond the line.
 * @return SL_OK, SL_AGAIN (`in` untouched, more bytes wanted), SL_EPROTO (no such line, not as it
 * is specified to the letter, or none within SL_PROXY_V1_MAX bytes)
 */
SL_CHECKED enum sl_err sl_proxy_v1_cut(struct sl_slice *in, struct sl_addr *ret_source,
                                       struct sl_addr *ret_destination);
