/* SPDX-License-Identifier: Apache-2.0 */
/** @file How a peer's certificate is verified. Inside tls/ only. */
#pragma once
#include "tls/context_impl.h"

/** Verifies clients against `store` and sends them its names. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tls_verify_clients(SSL_CTX *ctx, enum sl_tls_verify verify,
                                             const struct sl_tls_store *store);

/** Verifies the chain of upstreams against `store`, and their name or IP address. SL_OK,
 * SL_EINVAL (diag), SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tls_verify_upstream(struct sl_tls_ctx *ctx,
                                              const struct sl_tls_store *store,
                                              struct sl_diag *diag);
