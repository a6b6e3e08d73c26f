/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a policy may not offer. */
#pragma once
#include "conf/policy.h"

/**
 * Whether `policy` offers what `floor` does not: an older version, a weaker security level, or a
 * suite, cipher, group, signature algorithm or kind of certificate that the floor lacks.
 * @param out  says the first of them: "offers TLS 1.0", "offers the cipher AES128-SHA"; a text that
 *             does not fit is cut
 */
bool sl_floor_is_above(const struct sl_policy *floor, const struct sl_policy *policy,
                       struct sl_wbuf *out);

/**
 * What of a policy is known to be weak: a version below TLS 1.2, a cipher without forward secrecy,
 * without authentication or encryption, or with a broken primitive.
 * @return true, and `out` says the first of them, cut to fit
 */
bool sl_floor_is_weak(const struct sl_policy *policy, struct sl_wbuf *out);
