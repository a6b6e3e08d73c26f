/* SPDX-License-Identifier: Apache-2.0 */
/** @file A loopback port for the demo that nobody else has. */
#pragma once
#include "base/err.h"
#include <stdbool.h>

enum { SL_DEMO_PORT = 8443 }; /* when it is free */

/** A port that is kept for us; zeroed is not valid. */
struct sl_demo_port {
    uint16_t port;
    bool has_ipv6; /* free on [::1] as well, and there is such an address */
    int claim_fd;  /* keeps other demos off SL_DEMO_PORT; -1 when it is another port */
    int hold_fd;   /* keeps the kernel from giving another port away; -1 when it is SL_DEMO_PORT */
};

/** SL_OK, SL_EMFILE, SL_ESYS (no port is free). Call sl_demo_port_close afterwards. */
SL_CHECKED enum sl_err sl_demo_port_open(struct sl_demo_port *ret_port);
void sl_demo_port_close(struct sl_demo_port *port);
