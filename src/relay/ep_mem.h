/* SPDX-License-Identifier: Apache-2.0 */
/** @file Endpoint over memory: what it gives and what it takes is set by hand, with no socket. */
#pragma once
#include "relay/endpoint.h"
#include "relay/pending.h"

struct sl_ep_mem {
    struct sl_ep ep;
    struct sl_pending in;    /* what the flow will read */
    enum sl_err in_end;      /* what a read gives behind it: SL_AGAIN, SL_EOF, SL_ERESET, … */
    size_t in_step_bytes;    /* the most that one read gives; 0: no bound */
    struct sl_pending taken; /* what the flow has written and the "network" has taken */
    size_t take_bytes;       /* what the "network" still takes; SIZE_MAX: everything */
    struct sl_pending out;   /* what waits for it */
    bool is_shut, is_reset;
};

void sl_ep_mem_init(struct sl_ep_mem *mem);
void sl_ep_mem_fini(struct sl_ep_mem *mem);

/** Appends to what will be read. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_ep_mem_feed(struct sl_ep_mem *mem, struct sl_slice bytes);
