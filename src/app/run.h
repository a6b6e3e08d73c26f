/* SPDX-License-Identifier: Apache-2.0 */
/** @file Running a loaded configuration: the supervisor's whole life. */
#pragma once
#include "app/cli.h"
#include "app/listen.h"
#include "app/load.h"

struct sl_run {
    struct sl_load *load;          /* a reload puts another in its place */
    const struct sl_cli *cli;      /* where a reload loads from; NULL: there is none */
    const char *ready_file;        /* NULL for none */
    struct sl_activated activated; /* what a service manager has opened; taken over */
    /** Told once, when every listener accepts; NULL for nobody. Must not block. */
    void (*on_ready)(struct sl_run *run, const struct sl_listens *listens);
};

/** Runs until told to stop by a signal. Gives the exit status. */
int sl_run(struct sl_run *run);
