/* SPDX-License-Identifier: Apache-2.0 */
/** @file The rights of the supervisor: what its configuration needs once every socket is bound. */
#pragma once
#include "app/listen.h"
#include "app/run.h"

/**
 * Gives up every capability but those that are needed later, for good and for its children too:
 *  - CAP_SETPCAP, CAP_SETUID, CAP_SETGID for the cages of children that root starts,
 *  - CAP_KILL where they become somebody else,
 *  - CAP_IPC_LOCK for `keys` of root where the limit of locked memory cannot be lifted,
 *  - CAP_DAC_READ_SEARCH when a key file cannot be opened again without it,
 *  - CAP_DAC_OVERRIDE when the program cannot be run, or a file of our own not be made or removed,
 *    without it.
 * None are given up with `cage: {mode: off}`. Call it when everything is bound.
 * @return SL_OK, SL_ESYS (the kernel does not let go of them)
 */
SL_CHECKED enum sl_err sl_rights_limit(const struct sl_run *run, const struct sl_listens *listens);
