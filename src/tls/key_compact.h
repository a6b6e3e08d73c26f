/* SPDX-License-Identifier: Apache-2.0 */
/** @file A private key on one of NIST's curves as its bare numbers: a tenth of the memory of
 * libcrypto's object, and made in a twentieth of the time. Inside tls/ only.
 */
#pragma once
#include "base/slice.h"
#include <openssl/evp.h>

struct sl_key_compact;

/**
 * Takes the first private key of `pem`; whether it is one, sl_key_compact_check tells.
 * @return SL_OK, SL_EINVAL (none, or one of another kind or form: sl_key_load may read it),
 *         SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_key_compact_create(struct sl_slice pem, struct sl_key_compact **ret_key);
void sl_key_compact_destroy(struct sl_key_compact *key); /* NULL is allowed; wipes */

/** Whether the two halves belong together. SL_OK, SL_EINVAL, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_key_compact_check(const struct sl_key_compact *key);

/** libcrypto's object of it; the caller frees it. SL_OK, SL_EINVAL, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_key_compact_build(const struct sl_key_compact *key, EVP_PKEY **ret_key);

/** Appends the SubjectPublicKeyInfo. SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_key_compact_public(const struct sl_key_compact *key, struct sl_wbuf *out);
