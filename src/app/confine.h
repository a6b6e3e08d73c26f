/* SPDX-License-Identifier: Apache-2.0 */
/** @file What the configuration says of cages, carried out (sys/cage.h). */
#pragma once
#include "app/load.h"
#include "svc/log.h"
#include "sys/cage.h"

enum { SL_CONFINE_USER_BYTES = 4 * (2 + SL_CAGE_GROUPS_MAX) };
enum { SL_CONFINE_KEYS_BYTES = 1 + SL_CONFINE_USER_BYTES };

/**
 * Appends whom the workers become, for the bundle: u32 uid, u32 gid, u32 of each group. Nothing
 * when they become nobody else, which is when an ordinary user starts us, when it is root that they
 * shall be, and without a cage.
 * @return SL_OK, SL_ENOENT (there is no such user), SL_ENOSPC
 */
SL_CHECKED enum sl_err sl_confine_user_put(const struct sl_conf *conf, struct sl_wbuf *out);

/**
 * Tries the cages of the workers, of `keys` and of the agent, and logs the event `cage`: what
 * holds, and what this machine lacks.
 * @return SL_OK, SL_ENOENT (the configuration requires what is lacking: `diag`), and as
 * sl_bundle_open
 */
SL_CHECKED enum sl_err sl_confine_announce(const struct sl_load *load, struct sl_log *log,
                                           struct sl_diag *diag);

/**
 * Appends the cage of `keys`, which has no configuration: a byte of flags, then as
 * sl_confine_user_put.
 * @param may_lack  whatever the configuration requires: it is found out later
 * @return SL_OK, SL_ENOSPC. Without such a user none is appended: that is a finding elsewhere.
 */
SL_CHECKED enum sl_err sl_confine_keys_put(const struct sl_conf *conf, bool may_lack,
                                           struct sl_wbuf *out);

/** As sl_confine_keys_put, for processes of tokens, which become `pkcs11.user`. SL_ENOENT: there is
 * no such user. */
SL_CHECKED enum sl_err sl_confine_token_put(const struct sl_conf *conf, bool may_lack,
                                            struct sl_wbuf *out);
SL_CHECKED enum sl_err sl_confine_token_enter(struct sl_slice rules);

/**
 * Enters that cage.
 * @param ret_lacks  what is lacking, though the build has it; set with SL_ENOENT as well
 * @return SL_OK, SL_ENOENT (what is required is lacking), SL_EPROTO (`rules` are none)
 */
SL_CHECKED enum sl_err sl_confine_keys_enter(struct sl_slice rules, unsigned *ret_lacks);

/** The same with the agent's, which sl_confine_keys_put has written too. */
SL_CHECKED enum sl_err sl_confine_agent_enter(struct sl_slice rules, unsigned *ret_lacks);

/** Logs the event `cage_incomplete`. */
void sl_confine_log_lacks(struct sl_log *log, pid_t pid, unsigned lacks);

/**
 * Enters the workers' cage, if the configuration wants one; what is lacking is logged.
 * @param files  the bundle of the configuration
 * @return SL_OK, SL_ENOENT (the configuration requires what is lacking: `diag`), and as
 * sl_bundle_open
 */
SL_CHECKED enum sl_err sl_confine_enter(const struct sl_conf *conf, struct sl_slice files,
                                        struct sl_log *log, struct sl_diag *diag);
