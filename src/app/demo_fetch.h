/* SPDX-License-Identifier: Apache-2.0 */
/** @file A client that blocks: one HTTPS request to this machine, verified. */
#pragma once
#include "app/demo_page.h"
#include "base/diag.h"

enum { SL_DEMO_FETCH_BYTES_MAX = 64 * 1024 }; /* of an answer, its head included */

struct sl_demo_fetch {
    const char *ca_path; /* who may have signed the certificate */
    const char *name;    /* that it has to be for; sent as SNI */
    const char *path;    /* "/json" */
    uint16_t port;       /* on 127.0.0.1 */
    uint64_t end_ms;     /* on the monotonic clock: not later than then */
};

struct sl_demo_fetched {
    struct sl_demo_facts facts; /* what we negotiated ourselves */
    struct sl_slice body;       /* in the caller's buffer */
};

/**
 * Fetches into `buf`, whole: an answer that ends without close_notify or with another status than
 * 200 is a failure.
 * @return SL_OK; else the diag says what failed: SL_EVERIFY, SL_ETLS, SL_ETRUNC, SL_EPROTO,
 * SL_ENOSPC, SL_ETIMEDOUT, SL_EREFUSED, SL_ERESET, SL_ENOMEM, SL_ESYS
 */
SL_CHECKED enum sl_err sl_demo_fetch(const struct sl_demo_fetch *fetch, struct sl_wbuf *buf,
                                     struct sl_diag *diag, struct sl_demo_fetched *ret_fetched);
