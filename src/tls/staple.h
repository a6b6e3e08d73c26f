/* SPDX-License-Identifier: Apache-2.0 */
/** @file A stapled OCSP response (RFC 6960, RFC 6066 8): checked here before anyone gets it. */
#pragma once
#include "base/diag.h"
#include "codec/certificate_entry.h"

enum { SL_STAPLE_FILE_MAX = 2 * SL_STAPLE_MAX }; /* bytes: PEM is a third longer than DER */

/**
 * Reads the response in `file` (DER, or a PEM block "OCSP RESPONSE") and checks that it is one for
 * the certificate: it is successful, signed by the issuer or by a responder that the issuer has
 * delegated to, names this certificate, says good, and `now_s` lies in its time.
 *
 * @param ders   the chain, leaf first. The issuer's certificate must be in it or in the response
 * @param now_s  Unix time
 * @param ret_entry  `der` is appended to `out` (room: SL_STAPLE_MAX)
 * @return SL_OK, SL_EINVAL (diag: what is wrong), SL_ERANGE (too large, diag), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_tls_staple_check(struct sl_slice file, const struct sl_slice *ders,
                                           size_t ders_count, int64_t now_s, struct sl_diag *diag,
                                           struct sl_wbuf *out, struct sl_staple_entry *ret_entry);
