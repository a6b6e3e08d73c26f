/* SPDX-License-Identifier: Apache-2.0 */
/** @file A policy put on an SSL_CTX. Inside tls/ only. */
#pragma once
#include "base/diag.h"
#include "conf/policy.h"
#include <openssl/ssl.h>

/** True when the library knows this suite, cipher, group, or signature algorithm. Sets it on `ctx`,
 * as a trial. */
bool sl_tls_knows_suite(SSL_CTX *ctx, struct sl_slice name);
bool sl_tls_knows_cipher(SSL_CTX *ctx, struct sl_slice name);
bool sl_tls_knows_group(SSL_CTX *ctx, struct sl_slice name);
bool sl_tls_knows_signature(SSL_CTX *ctx, struct sl_slice name);

/**
 * Versions, ciphers, groups, signature algorithms (those of each that the library knows), security
 * level and order of `policy`.
 * @return SL_OK, SL_EINVAL (diag: which part cannot be had), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_tls_policy_apply(SSL_CTX *ctx, const struct sl_policy *policy,
                                           bool is_server, struct sl_diag *diag);
