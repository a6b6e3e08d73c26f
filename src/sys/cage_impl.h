/* SPDX-License-Identifier: Apache-2.0 */
/** @file Inside of sys/cage: the parts that need a file of their own. */
#pragma once
#include "sys/cage.h"

/** The version of Landlock's interface in this kernel; 0: it has none, or it is not turned on. */
unsigned sl_cage_landlock_abi(void);

/** Forbids every file, as far as `abi` reaches. Wants no_new_privs. SL_OK, SL_ENOENT. */
SL_CHECKED enum sl_err sl_cage_landlock(unsigned abi);

/** True when this build knows libseccomp. */
bool sl_cage_has_seccomp(void);

/** Denies what reaches into the kernel or other processes, and allows all else. As below. */
SL_CHECKED enum sl_err sl_cage_seccomp_token(void);

/** Allows the role's system calls only, which is not SL_CAGE_TOKEN's. Wants no_new_privs. SL_OK,
 * SL_ENOENT, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_cage_seccomp(enum sl_cage_role role, bool is_killing);
