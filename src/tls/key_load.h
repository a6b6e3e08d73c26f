/* SPDX-License-Identifier: Apache-2.0 */
/** @file The private key of a PEM file. Inside tls/ only. */
#pragma once
#include "base/diag.h"
#include "base/slice.h"
#include <openssl/evp.h>

/** The first private key of `pem`.
 * @param passphrase  that it is encrypted with; its `ptr` is NULL for a key that is not
 * @return SL_OK, SL_EINVAL (diag), SL_ENOMEM */
SL_CHECKED enum sl_err sl_key_load(struct sl_slice pem, struct sl_slice passphrase,
                                   struct sl_diag *diag, EVP_PKEY **ret_key);
