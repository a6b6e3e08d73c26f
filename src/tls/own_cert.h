/* SPDX-License-Identifier: Apache-2.0 */
/** @file Which of our certificates an upstream is shown that asks for one.
 *
 * It is the first, in the order of the configuration, that fits the CertificateRequest:
 *
 * - its key can make a signature that the request allows (RFC 5246 7.4.4, RFC 8446 4.3.2), and in
 *   TLS 1.2 is of a type that it names;
 * - when the request names authorities, one of them has issued a certificate of its chain (RFC
 *   5246 7.4.6, RFC 8446 4.4.2.3). A request without names leaves the choice to us.
 *
 * Before one whose chain has a signature that the request does not name goes one whose chain has
 * none. When none fits, none is shown.
 *
 * One that stands alone is not chosen: it is shown whatever authorities are named, since lists of
 * them come cut short (Schannel's end at 16 KiB) and without the intermediates that upstreams know.
 */
#pragma once
#include "conf/policy.h"
#include "tls/context.h"

/** References the certificates; after the policy. SL_OK, SL_EINVAL (diag: the policy does not allow
 * one of them), SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tls_own_install(struct sl_tls_ctx *ctx, const struct sl_tls_own *owns,
                                          size_t owns_count, struct sl_diag *diag);
void sl_tls_own_fini(struct sl_tls_ctx *ctx);

/** Whether a policy allows it. SL_OK, SL_EINVAL (diag: why not), SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tls_own_check(const struct sl_tls_own *own,
                                        const struct sl_policy *policy, struct sl_diag *diag);

/** False (diag: why) when no upstream that keeps to the RFCs would ever take the one at `index`,
 * or one before it is always shown in its place. */
bool sl_tls_own_is_useful(const struct sl_tls_own *owns, size_t index,
                          const struct sl_policy *policy, struct sl_diag *diag);
