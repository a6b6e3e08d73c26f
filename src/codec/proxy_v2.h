/* SPDX-License-Identifier: Apache-2.0 */
/** @file PROXY protocol version 2 (the specification of HAProxy Technologies, 2020 and later). */
#pragma once
#include "base/addr.h"
#include "base/slice.h"

enum { SL_PROXY_V2_MAX = 2048 }; /* bytes of the longest header that is written or read */

/** One header. Slices that are empty are left out, or were not there. */
struct sl_proxy_v2 {
    struct sl_addr source, destination; /* both of one family; len 0 for UNKNOWN (UNSPEC) */
    struct sl_slice alpn, authority;    /* TLVs 0x01, 0x02 */
    bool is_tls;                        /* TLV 0x20, flag 0x01; what follows goes with it */
    bool has_client_cert;               /* flag 0x02 (this connection) or 0x04, and verify 0 */
    struct sl_slice version, common_name, cipher, group; /* 0x21, 0x22, 0x23, 0x26 */
    bool is_resumed; /* our own TLV 0xE0, one byte: whether the TLS session was resumed */
};

/**
 * Appends the header, or nothing. Without `is_tls` what goes with it is left out.
 * @return SL_OK, SL_ENOSPC, SL_ERANGE (over SL_PROXY_V2_MAX), SL_EINVAL (source and destination
 * are not of one family, or of none that the protocol knows)
 */
SL_CHECKED enum sl_err sl_proxy_v2_emit(const struct sl_proxy_v2 *header, struct sl_wbuf *out);

/**
 * Takes a header off the front of `in`; slices of `ret_header` point into what was taken. A LOCAL
 * header (a health check of the sender's own) is taken and gives the empty `ret_header`. TLVs that
 * are not named above are passed over; the checksum is not looked at.
 * @return SL_OK, SL_AGAIN (`in` untouched, more bytes wanted), SL_EPROTO (not such a header, over
 * SL_PROXY_V2_MAX, or a TLV named above comes twice)
 */
SL_CHECKED enum sl_err sl_proxy_v2_cut(struct sl_slice *in, struct sl_proxy_v2 *ret_header);
