/* SPDX-License-Identifier: Apache-2.0 */
/** @file PROXY protocol version 2 (the specification of HAProxy Technologies, 2.2). Pure. */
#pragma once
#include "base/addr.h"
#include "codec/proxy_tlv.h"

enum { SL_PROXY_V2_MAX = 16384 }; /* bytes of the longest header that is written or read */

/** One header. Slices that are empty are left out, or were not there. */
struct sl_proxy_v2 {
    bool is_local; /* the sender's own connection, such as a health check: nothing else is said */
    struct sl_addr source, destination;         /* both of one family; len 0 for UNKNOWN (UNSPEC) */
    struct sl_slice alpn, authority, unique_id; /* TLVs 0x01, 0x02, 0x05 */
    bool is_tls;                                /* TLV 0x20, flag 0x01; what follows goes with it */
    bool has_client_cert; /* flag 0x02 (this connection) or 0x04 (the session) */
    bool is_verified;     /* verify is 0: there is one, and it was accepted */
    struct sl_slice version, common_name, cipher, sig_alg; /* 0x21 to 0x24 */
    struct sl_slice key_alg, group, sig_scheme;            /* 0x25 to 0x27 */
    struct sl_slice client_cert;                           /* 0x28, DER */
    bool is_resumed;     /* the TLS session; written: the certificate is not of this connection */
    bool has_resumption; /* our own TLV 0xE0, one byte, which says the same */

    /* for writing alone */
    bool has_checksum;      /* TLV 0x03 */
    struct sl_slice passed; /* TLVs to append as they stand: checked, and none of the above */
    /* of reading alone */
    struct sl_slice tlvs; /* all of them, checked by sl_proxy_tlvs_check */
};

/**
 * Appends the header, or nothing. Without `is_tls` what goes with it is left out. A LOCAL header
 * has neither addresses nor TLVs.
 * @return SL_OK, SL_ENOSPC, SL_ERANGE (over SL_PROXY_V2_MAX), SL_EINVAL (source and destination
 * are not of one family, or of none that the protocol knows)
 */
SL_CHECKED enum sl_err sl_proxy_v2_emit(const struct sl_proxy_v2 *header, struct sl_wbuf *out);

/**
 * Takes a header off the front of `in`, once it has come whole; slices of `ret_header` point into
 * what was taken. Of a LOCAL header nothing but that is looked at.
 * @return SL_OK; SL_AGAIN: more bytes wanted; SL_EPROTO: no such header, or a malformed one: bad
 * lengths, an unknown family, a type of TLV twice, a unique id over SL_PROXY_UNIQUE_ID_MAX;
 * SL_ERANGE: over SL_PROXY_V2_MAX; SL_EVERIFY: its checksum is wrong. `in` is untouched then.
 */
SL_CHECKED enum sl_err sl_proxy_v2_cut(struct sl_slice *in, struct sl_proxy_v2 *ret_header);
