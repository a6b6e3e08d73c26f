/* SPDX-License-Identifier: Apache-2.0 */
/** @file A certificate for this machine alone, and the private CA that signed it. No file is
 * touched. */
#pragma once
#include "base/diag.h"
#include "base/slice.h"

enum {
    SL_TLS_MINT_PEM_MAX = 4096, /* bytes that each of the three texts has room in */
    SL_TLS_MINT_LEAF_DAYS = 397,
    SL_TLS_MINT_CA_DAYS = 3650,
    SL_TLS_MINT_BACKDATED_S = 3600, /* both begin so long ago, for clocks that differ */
};

/** PEM texts in memory of the caller. */
struct sl_tls_minted {
    struct sl_wbuf ca, chain, key;
};

/**
 * Makes a CA named `ca_name` and a certificate for localhost, 127.0.0.1 and ::1 that it signs, both
 * ECDSA P-256, and appends them with the key of the latter. The CA's own key is thrown away with
 * that: nobody who reads the files later can sign another name with a CA that a browser was told
 * to trust.
 * @return SL_OK, SL_ENOSPC (nothing was appended), SL_ENOMEM, SL_ETLS (diag)
 */
SL_CHECKED enum sl_err sl_tls_mint_localhost(const char *ca_name, int64_t now_s,
                                             struct sl_diag *diag, struct sl_tls_minted *minted);

/**
 * Whether such texts, perhaps damaged or old, still serve: they are read whole, the key belongs to
 * the certificate, `ca` verifies it for all three names, and all that at `now_s` and `margin_s`
 * later.
 * @return SL_OK, SL_EINVAL or SL_ERANGE (diag: why they do not), SL_EVERIFY (diag), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_tls_mint_check(struct sl_slice ca, struct sl_slice chain,
                                         struct sl_slice key, int64_t now_s, int64_t margin_s,
                                         struct sl_diag *diag);
