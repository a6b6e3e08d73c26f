/* SPDX-License-Identifier: Apache-2.0 */
/** @file The worker's buffers, which every connection uses in turn and none keeps. */
#pragma once
#include "base/diag.h"
#include "base/slice.h"

enum {
    /* What libssl may hold of a record that had not come whole, above what is received at once. */
    SL_SCRATCH_PLAIN_EXTRA = 32 * 1024,
    /* Received at once when connections hold too much already. */
    SL_SCRATCH_SPARING_BYTES = 16 * 1024,
};

/** Valid from one call into an endpoint to the next call into any endpoint of its kind. */
struct sl_scratch {
    size_t chunk_bytes; /* the most that is received at once */
    uint8_t *recv;      /* chunk_bytes: as it came from the network */
    size_t recv_bytes; /* of the last receive: what it costs to work on, however little comes out */
    struct sl_wbuf plain;  /* decrypted */
    struct sl_wbuf seal;   /* encrypted, and what TLS itself has to say */
    bool has_more;         /* what is written need not go out before what comes next */
    bool is_closing;       /* what is shut is closed next, which says the same to the peer */
    struct sl_diag diag;   /* the words that belong to the last error */
    size_t held_bytes;     /* that connections hold because a sink has refused them */
    size_t held_max_bytes; /* from there on little is received at once; 0: no bound */
};

/** Whether connections hold as much as they may. */
bool sl_scratch_is_over(const struct sl_scratch *scratch);

/** The most to receive at once: what may become bytes to hold. */
size_t sl_scratch_recv_max(const struct sl_scratch *scratch);

/** SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_scratch_init(struct sl_scratch *scratch, size_t chunk_bytes);
void sl_scratch_fini(struct sl_scratch *scratch);

/** The most that one direction of one connection can leave pending. */
size_t sl_scratch_pending_max(const struct sl_scratch *scratch);
