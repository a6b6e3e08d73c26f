/* SPDX-License-Identifier: Apache-2.0 */
/** @file URIs of objects on PKCS#11 tokens (RFC 7512), as far as it takes to find mistakes early
 * and to see what stands on one token. What they mean is p11-kit's affair. Pure.
 */
#pragma once
#include "base/diag.h"
#include "base/slice.h"

enum { SL_TOKEN_URI_MAX = 2048 }; /* bytes of one */

/** Whether `text` is meant to be one: "pkcs11:" is at its begin. */
bool sl_token_uri_is(struct sl_slice text);

/**
 * Whether it is well formed and names an object by its name or id, with no PIN within.
 * @return SL_OK, SL_EINVAL (diag), SL_ERANGE (too long; diag)
 */
SL_CHECKED enum sl_err sl_token_uri_check(struct sl_slice uri, struct sl_diag *diag);

/* Both take what sl_token_uri_check has found good. */

/** Appends the URI of the token alone: what of `uri` names no object and no PIN. SL_OK, SL_ENOSPC.
 */
SL_CHECKED enum sl_err sl_token_uri_put_token(struct sl_slice uri, struct sl_wbuf *out);

/** Appends the path of its pin-source. SL_OK, SL_ENOENT (it has none), SL_ENOSPC. */
SL_CHECKED enum sl_err sl_token_uri_put_pin(struct sl_slice uri, struct sl_wbuf *out);
