/* SPDX-License-Identifier: Apache-2.0 */
/** @file A ClientHello as it comes in: found whole in the bytes of a connection however records and
 * segments cut it, and read (RFC 8446 4.1.2, 5.1). Nothing is taken or changed: the bytes go on to
 * who speaks TLS. */
#pragma once
#include "codec/client_hello.h"

/** How far the bytes have been looked at. Zeroed is the begin. */
struct sl_hello_scan {
    size_t at;            /* where the record begins that is not whole yet */
    size_t message_bytes; /* of the handshake message, in the records before it */
    size_t whole_bytes;   /* of the handshake message, its header included; 0: not known */
    bool is_in_one;       /* one record has all of it */
};

/**
 * Looks on.
 * @param all  every byte since the begin of the connection: what was there at the last call, and
 *             what came since. A call costs as much as the records that are new
 * @return SL_OK     the ClientHello is whole
 *         SL_AGAIN  more wanted
 *         SL_EPROTO it is no ClientHello in records of TLS
 */
SL_CHECKED enum sl_err sl_hello_scan_step(struct sl_hello_scan *scan, struct sl_slice all);

/**
 * The message without its records, after SL_OK.
 * @param join  for one in several records: room for `scan->whole_bytes`; else it is not written to
 * @return SL_OK, SL_ENOSPC
 */
SL_CHECKED enum sl_err sl_hello_scan_message(const struct sl_hello_scan *scan, struct sl_slice all,
                                             struct sl_wbuf *join, struct sl_slice *ret_message);

/** What a ClientHello asks for; views into the message. */
struct sl_hello {
    struct sl_slice server_name; /* without a trailing dot; empty: none */
    struct sl_slice alpn;        /* as sl_hello_alpn gives it; empty: none */
    bool has_ech; /* an outer ClientHello of draft-ietf-tls-esni, or what looks like one:
                   * `server_name` is the outer one */
};

/**
 * Reads a whole message. Extensions and values that are not known, GREASE among them (RFC 8701),
 * are passed over.
 * @return SL_OK
 *         SL_EPROTO  not written as a ClientHello is, or an extension that is read stands in it
 *                    twice (RFC 8446 4.2)
 *         SL_EINVAL  its server_name is none (sl_hello_server_name)
 */
SL_CHECKED enum sl_err sl_hello_scan_parse(struct sl_slice message, struct sl_hello *ret_hello);

/** Appends a fatal alert in the clear (RFC 8446 6). SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_hello_scan_alert(struct sl_wbuf *out, uint8_t alert);
