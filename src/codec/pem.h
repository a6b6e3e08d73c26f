/* SPDX-License-Identifier: Apache-2.0 */
/** @file The blocks of a PEM file (RFC 7468). */
#pragma once
#include "base/slice.h"

struct sl_pem_block {
    struct sl_slice label; /* "CERTIFICATE", "PRIVATE KEY", … */
    struct sl_slice whole; /* from "-----BEGIN" to the end of the END line, newline included */
};

/**
 * Cuts `in` behind its next block; text between blocks is passed over.
 * @return SL_OK, SL_EOF (no more blocks), SL_EINVAL (a BEGIN without its END, or another BEGIN
 * before it)
 */
SL_CHECKED enum sl_err sl_pem_next(struct sl_slice *in, struct sl_pem_block *ret_block);

/** True for every label that ends in "PRIVATE KEY". */
bool sl_pem_is_private(const struct sl_pem_block *block);

/** True for "CERTIFICATE" and OpenSSL's two other labels of one. */
bool sl_pem_is_certificate(const struct sl_pem_block *block);

/** Copies to `out` (room: `in.len`) the certificates of `in` and nothing else. SL_OK, SL_EINVAL,
 * SL_ENOSPC. */
SL_CHECKED enum sl_err sl_pem_certificates(struct sl_slice in, struct sl_wbuf *out);

/**
 * Appends what the block encodes (room: three quarters of it).
 * @return SL_OK, SL_EINVAL (no base64, or with headers, as encrypted keys of old have them),
 *         SL_ENOSPC
 */
SL_CHECKED enum sl_err sl_pem_decode(const struct sl_pem_block *block, struct sl_wbuf *out);

/**
 * Appends what base64 (RFC 4648 4, padded) encodes, with white space anywhere.
 * @return SL_OK, SL_EINVAL, SL_ENOSPC; the last two may have written a part
 */
SL_CHECKED enum sl_err sl_base64_decode(struct sl_slice text, struct sl_wbuf *out);
