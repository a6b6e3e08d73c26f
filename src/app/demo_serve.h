/* SPDX-License-Identifier: Apache-2.0 */
/** @file The process that serves the demo's page in plaintext. */
#pragma once
#include "base/diag.h"
#include <sys/types.h>

#define SL_DEMO_SERVE_ROLE "demo-page" /* of sl_process_spawn */

/** Such a process as who started it sees it. Zeroed is none. */
struct sl_demo_server {
    pid_t pid;
    int channel_fd; /* it ends when this is closed */
    uint16_t port;  /* that it listens on, on 127.0.0.1 */
};

/** Starts one; it accepts already. SL_OK, SL_EMFILE, SL_ENOMEM, SL_ESYS (diag). */
SL_CHECKED enum sl_err sl_demo_server_start(struct sl_diag *diag,
                                            struct sl_demo_server *ret_server);

/** Ends it and waits until it is gone. */
void sl_demo_server_stop(struct sl_demo_server *server);

/** What such a process does. Gives the exit status. */
int sl_demo_serve_main(void);
