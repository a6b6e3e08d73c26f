/* SPDX-License-Identifier: Apache-2.0 */
/** @file Certificates whose public key is, from the first, a key that another process signs with.
 *
 * libcrypto decodes the key of a certificate whether it is wanted or not, and looks through all
 * decoders of a library context for one that can. So these are read in a context of their own, in
 * which there is one decoder, which only takes the point out. Inside tls/ only.
 */
#pragma once
#include "tls/key_provider_impl.h"
#include <openssl/x509.h>

struct sl_key_leaves;

/** NULL when there is no memory. What it has read must be gone before it is destroyed. */
struct sl_key_leaves *sl_key_leaves_create(void);
void sl_key_leaves_destroy(struct sl_key_leaves *leaves); /* NULL is allowed */

/** Those of the provider, which last as long as the process. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_key_leaves_get(struct sl_key_leaves **ret_leaves);

/**
 * Reads a certificate with a key on one of NIST's curves. Whether its point lies on the curve is
 * found out only where the point is used: whoever made the certificate's entry has seen to it.
 * @param service  NULL: a key that cannot sign
 * @return SL_OK, SL_EINVAL (none, or its key is of another kind or form)
 */
SL_CHECKED enum sl_err sl_key_leaf_read(struct sl_key_leaves *leaves, struct sl_slice der,
                                        uint32_t key_index, struct sl_key_service *service,
                                        X509 **ret_leaf);
