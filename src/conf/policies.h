/* SPDX-License-Identifier: Apache-2.0 */
/** @file The policies that a user writes: each extends another, its own or a built-in one. */
#pragma once
#include "conf/read.h"

/**
 * Makes the policies of `confs`, in any order, into `read->policies`; what is wrong with one
 * becomes a finding, and it is then as the one that it extends.
 */
void sl_policies_build(struct sl_read *read, const struct sl_conf_policy *confs, size_t count);

/** The policy of that name, the user's or a built-in one, or NULL. */
const struct sl_policy *sl_policies_find(const struct sl_read *read, struct sl_slice name);
