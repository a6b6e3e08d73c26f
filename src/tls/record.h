/* SPDX-License-Identifier: Apache-2.0 */
/** @file Records of TLS 1.3 under a key (RFC 8446 5): cut out of a stream, opened, sealed, without
 * copying what is in them. Inside tls/ only.
 */
#pragma once
#include "tls/record_keys.h"

enum {
    SL_RECORD_HEADER_LEN = 5,          /* bytes */
    SL_RECORD_PLAIN_MAX = 16384,       /* RFC 8446 5.1 */
    SL_RECORD_SEALED_MAX = 16384 + 256 /* behind the header: RFC 8446 5.2 */
};

/** Content types (RFC 8446 B.1). */
enum sl_record_type {
    SL_RECORD_CHANGE_CIPHER_SPEC = 20,
    SL_RECORD_ALERT = 21,
    SL_RECORD_HANDSHAKE = 22,
    SL_RECORD_DATA = 23,
};

/** The beginning of a record whose end has not come. Zeroed is empty and valid. */
struct sl_record_rest {
    uint8_t *ptr;
    size_t len, cap; /* bytes; at most a record */
};

/** Frees what is kept: when the record that began with it has been worked on. */
void sl_record_rest_drop(struct sl_record_rest *rest);

/** A whole record with its header, in two pieces, of which either may be empty. */
struct sl_record_pieces {
    struct sl_slice first, second;
};

/**
 * Cuts the next record off `rest` and `in`. The first piece stands in `rest`: sl_record_rest_drop
 * behind its use, and before the next call.
 * @param ret_alert  set with SL_EPROTO: what to answer (RFC 8446 6.2)
 * @return SL_OK, SL_AGAIN (all of `in` is taken and kept), SL_ENOMEM
 *         SL_EPROTO  a header that cannot be one of an established connection
 */
SL_CHECKED enum sl_err sl_record_cut(struct sl_record_rest *rest, struct sl_slice *in,
                                     struct sl_record_pieces *ret_record, uint8_t *ret_alert);

/** Bytes of room that sl_record_open needs for a record. */
size_t sl_record_room(const struct sl_record_pieces *record);

/**
 * Decrypts a record to `to`, which has sl_record_room, and takes the padding off. What is at `to`
 * after a failure means nothing.
 * @param ret_type  one of enum sl_record_type, or another number
 * @return SL_OK, SL_ETLS (the library fails), SL_ENOMEM
 *         SL_EPROTO  it is not what the peer has sealed, or breaks RFC 8446 5.2 or 5.4: `ret_alert`
 */
SL_CHECKED enum sl_err sl_record_open(struct sl_record_way *way,
                                      const struct sl_record_pieces *record, uint8_t *to,
                                      uint8_t *ret_type, size_t *ret_len, uint8_t *ret_alert);

/** Appends a record of `plain`, at most SL_RECORD_PLAIN_MAX bytes. SL_OK, SL_ENOSPC (nothing is
 * written, no number is used), SL_ETLS, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_record_seal(struct sl_record_way *way, enum sl_record_type type,
                                      struct sl_slice plain, struct sl_wbuf *out);
