/* SPDX-License-Identifier: Apache-2.0 */
/** @file How a peer's certificate is verified. Inside tls/ only. */
#pragma once
#include "tls/context_impl.h"

/** Verifies clients against `conf->clients` and sends them its names. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tls_verify_clients(struct sl_tls_ctx *ctx,
                                             const struct sl_tls_server_conf *conf);

/** Verifies the chain of upstreams against `conf->store`, and their name or IP address. SL_OK,
 * SL_EINVAL (diag), SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tls_verify_upstream(struct sl_tls_ctx *ctx,
                                              const struct sl_tls_client_conf *conf,
                                              struct sl_diag *diag);
