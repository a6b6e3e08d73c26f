/* SPDX-License-Identifier: Apache-2.0 */
/** @file Certificate revocation lists (RFC 5280 5) that a peer's chain is looked up in. */
#pragma once
#include "base/diag.h"
#include "base/slice.h"

struct sl_tls_crls; /* reference counted */

/**
 * Appends the lists that a file holds, one of DER or any number of PEM, as DER back to back (room:
 * `file.len`). Nothing else of the file is taken.
 * @return SL_OK, SL_EINVAL (diag: there is none in it, or it is damaged), SL_ENOSPC
 */
SL_CHECKED enum sl_err sl_tls_crls_take(struct sl_slice file, struct sl_diag *diag,
                                        struct sl_wbuf *out);

/**
 * Reads lists, in each of `ders` at least one and then more back to back.
 * @return SL_OK, SL_EINVAL (diag: which one, and what is wrong), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_tls_crls_create(const struct sl_slice *ders, size_t ders_count,
                                          struct sl_diag *diag, struct sl_tls_crls **ret_crls);
struct sl_tls_crls *sl_tls_crls_ref(struct sl_tls_crls *crls); /* NULL is allowed */
void sl_tls_crls_unref(struct sl_tls_crls *crls);              /* NULL is allowed */

/** The first nextUpdate of them all, in Unix time. */
int64_t sl_tls_crls_until_s(const struct sl_tls_crls *crls);
