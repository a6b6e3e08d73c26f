/* SPDX-License-Identifier: Apache-2.0 */
/** @file `sluice demo --once`: the demo in a child process, tried by this one. */
#pragma once
#include "base/diag.h"

/** All of it together takes less than 20 s, whatever hangs. */
enum {
    SL_DEMO_ONCE_TRY_MS = 14 * 1000, /* to become ready and to answer */
    SL_DEMO_ONCE_STOP_MS = 4 * 1000, /* to end; then it is killed */
};

struct sl_demo_once;

/** The demo that is tried, embedded in its owner. */
struct sl_demo_once {
    /** Runs the demo until it is told to end by TERM, and gives the exit status. It is called in
     * the child. */
    int (*serve)(struct sl_demo_once *once);
    const char *ca_path;
    uint16_t port;
    int ready_fd; /* set in the child */
};

/** To be called in the child when its listeners accept. */
void sl_demo_once_ready(struct sl_demo_once *once);

/**
 * Runs the demo in a child, fetches /json, prints it, ends the child, and says on stderr what went
 * wrong, if anything.
 * @return SL_EXIT_DONE when the answer says what was negotiated, else SL_EXIT_FAILED. The child
 * returns from here as well: with the status of `serve`
 */
int sl_demo_once_run(struct sl_demo_once *once);
