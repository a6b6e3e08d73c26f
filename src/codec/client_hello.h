/* SPDX-License-Identifier: Apache-2.0 */
/** @file What can be read of a ClientHello without a TLS library (RFC 8446 4.1.2, RFC 6066, RFC
 * 7301). */
#pragma once
#include "base/reader.h"
#include "codec/ec_key.h"

/** What the first bytes of a connection look like. */
enum sl_first_bytes {
    SL_FIRST_MORE,  /* too few bytes to say */
    SL_FIRST_TLS,   /* a TLS handshake record */
    SL_FIRST_SSLV2, /* an SSL 2.0 ClientHello (RFC 5246 E.2) */
    SL_FIRST_HTTP,
    SL_FIRST_SSH,
    SL_FIRST_PROXY, /* a PROXY protocol header, v1 or v2 */
    SL_FIRST_OTHER,
};

enum { SL_FIRST_BYTES_MAX = 12 }; /* bytes after which the answer is never SL_FIRST_MORE */

enum sl_first_bytes sl_first_bytes_classify(struct sl_slice in);

/** "TLS", "HTTP", "SSH", "a PROXY header", "SSLv2", "neither TLS nor another known protocol". */
const char *sl_first_bytes_name(enum sl_first_bytes what);

/**
 * The body of the server_name extension: its host_name, trailing dot removed (RFC 6066 3).
 * @return SL_OK, SL_ENOENT (no host_name in it), SL_EPROTO (not written as an extension is),
 * SL_EINVAL (well formed, but two host names, over 255 bytes, or not of visible ASCII)
 */
SL_CHECKED enum sl_err sl_hello_server_name(struct sl_slice body, struct sl_slice *ret_name);

/** True for what a certificate's DNS name can stand for: labels of 1 to 63 bytes, 253 in all (RFC
 * 1035 2.3.4), no trailing dot; no IP literal (RFC 6066 3), and no wildcard. */
bool sl_hello_is_dns_name(struct sl_slice name);

/** The body of the ALPN extension: the list of protocols, checked, still as on the wire (RFC
 * 7301 3.1). */
SL_CHECKED enum sl_err sl_hello_alpn(struct sl_slice body, struct sl_slice *ret_list);

/** Takes the next protocol off a list that sl_hello_alpn gave. SL_OK, SL_EOF. */
SL_CHECKED enum sl_err sl_alpn_next(struct sl_slice *list, struct sl_slice *ret_protocol);

/** The body of pre_shared_key: its identities, checked, still as on the wire (RFC 8446 4.2.11).
 * SL_OK, SL_EPROTO. */
SL_CHECKED enum sl_err sl_hello_psks(struct sl_slice body, struct sl_slice *ret_identities);

/** Takes the next identity, be it a ticket or external, off what sl_hello_psks gave. SL_OK, SL_EOF.
 */
SL_CHECKED enum sl_err sl_psk_next(struct sl_slice *identities, struct sl_slice *ret_identity);

enum { SL_HELLO_CURVES_ALL = 7 }; /* a bit for each of enum sl_ec_curve */

/** What kinds of certificate the body of signature_algorithms allows (RFC 8446 4.2.3). */
struct sl_hello_signatures {
    bool has_ecdsa, has_rsa, has_eddsa;
    uint8_t ecdsa_curves; /* bits `1 << SL_EC_P256` and so on: where ECDSA may be, in TLS 1.3 */
};
SL_CHECKED enum sl_err sl_hello_signatures(struct sl_slice body,
                                           struct sl_hello_signatures *ret_kinds);
