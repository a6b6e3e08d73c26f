/* SPDX-License-Identifier: Apache-2.0 */
/** @file What names stand for by now, as a worker has heard: its bundle may be behind. A bundle
 * that comes later knows more than all that was heard before it: begin anew with
 * sl_worker_names_fini and sl_worker_names_init then. */
#pragma once
#include "net/snapshot.h"

struct sl_worker_names {
    struct sl_list list;
};

void sl_worker_names_init(struct sl_worker_names *names);
void sl_worker_names_fini(struct sl_worker_names *names);

/**
 * Takes the body of a message NAME.
 * @param snapshot  NULL when there is none yet
 * @return SL_OK, SL_EPROTO, SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_worker_names_hear(struct sl_worker_names *names, struct sl_slice body,
                                            struct sl_snapshot *snapshot);

/** Gives a new snapshot all that has been heard. */
void sl_worker_names_use(const struct sl_worker_names *names, struct sl_snapshot *snapshot);
