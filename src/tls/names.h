/* SPDX-License-Identifier: Apache-2.0 */
/** @file Which names of a policy's lists the TLS library knows. */
#pragma once
#include "conf/policy.h"

enum sl_tls_list { SL_TLS_SUITES, SL_TLS_CIPHERS, SL_TLS_GROUPS, SL_TLS_SIGNATURES };

/** The list of that kind in a policy; never NULL. */
const char *sl_tls_list_of(const struct sl_policy *policy, enum sl_tls_list list);

/**
 * Appends those of `names` (with colons between them) that the library has, or those that it lacks.
 * @param between  stands between two of them
 * @return SL_OK, SL_ENOSPC, SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_tls_names_put(enum sl_tls_list list, const char *names, bool is_known,
                                        const char *between, struct sl_wbuf *out);
