/* SPDX-License-Identifier: Apache-2.0 */
/** @file The certificates of a bundle as libcrypto's objects: built at first use, a bounded number
 * of them kept. What a session uses stays as long as it does.
 */
#pragma once
#include "tls/certificate.h"

struct sl_tls_shelf; /* reference counted */

/**
 * @param bundle      was checked by who made it; outlives the shelf
 * @param keys        who signs; outlives the shelf. NULL: nothing can
 * @param kept_count  objects that are kept; at least 1
 */
SL_CHECKED enum sl_err sl_tls_shelf_create(const struct sl_bundle *bundle,
                                           struct sl_key_service *keys, size_t kept_count,
                                           struct sl_tls_shelf **ret_shelf);
struct sl_tls_shelf *sl_tls_shelf_ref(struct sl_tls_shelf *shelf);
void sl_tls_shelf_unref(struct sl_tls_shelf *shelf); /* NULL is allowed */

/** A certificate by its number; the caller unrefs it. SL_OK, SL_ENOENT, SL_EINVAL, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tls_shelf_get(struct sl_tls_shelf *shelf, uint32_t number,
                                        struct sl_tls_cert **ret_cert);

const struct sl_bundle *sl_tls_shelf_bundle(const struct sl_tls_shelf *shelf);
