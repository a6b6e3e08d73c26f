/* SPDX-License-Identifier: Apache-2.0 */
/** @file What the configuration says of cages, carried out (sys/cage.h). */
#pragma once
#include "app/load.h"
#include "svc/log.h"
#include "sys/cage.h"

enum { SL_CONFINE_USER_BYTES = 4 * (2 + SL_CAGE_GROUPS_MAX) };

/**
 * Appends whom the workers become, for the bundle: u32 uid, u32 gid, u32 of each group. Nothing
 * when they become nobody else, which is when an ordinary user starts us, when it is root that they
 * shall be, and without a cage.
 * @return SL_OK, SL_ENOENT (there is no such user), SL_ENOSPC
 */
SL_CHECKED enum sl_err sl_confine_user_put(const struct sl_conf *conf, struct sl_wbuf *out);

/**
 * Tries the workers' cage and logs the event `cage`: what holds, and what this machine lacks.
 * @return SL_OK, SL_ENOENT (the configuration requires what is lacking: `diag`)
 */
SL_CHECKED enum sl_err sl_confine_announce(const struct sl_load *load, struct sl_log *log,
                                           struct sl_diag *diag);

/**
 * Enters the cage of `role`, if the configuration wants one; what is lacking is logged.
 * @param files  the bundle of the configuration
 * @return SL_OK, SL_ENOENT (the configuration requires what is lacking: `diag`)
 */
SL_CHECKED enum sl_err sl_confine_enter(const struct sl_conf *conf, struct sl_slice files,
                                        enum sl_cage_role role, struct sl_log *log,
                                        struct sl_diag *diag);
