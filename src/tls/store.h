/* SPDX-License-Identifier: Apache-2.0 */
/** @file The CA certificates that a peer's certificate is verified against. */
#pragma once
#include "base/diag.h"
#include "base/slice.h"

struct sl_tls_store; /* reference counted */

/** Reads every certificate of `pem`; at least one is wanted. SL_OK, SL_EINVAL, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tls_store_create(struct sl_slice pem, struct sl_diag *diag,
                                           struct sl_tls_store **ret_store);
struct sl_tls_store *sl_tls_store_ref(struct sl_tls_store *store);
void sl_tls_store_unref(struct sl_tls_store *store); /* NULL is allowed */

/** Where the system keeps its CA file, by OpenSSL's own rules (SSL_CERT_FILE, then its default). */
const char *sl_tls_store_system_path(void);
