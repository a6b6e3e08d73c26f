/* SPDX-License-Identifier: Apache-2.0 */
/** @file Looking after servers without a client: connects to each, does a TLS handshake where that
 * is wanted, and notes in the memory of all workers (net/health.h) what came of it. Of all workers
 * only one does a check that is due.
 */
#pragma once
#include "net/server.h"
#include "net/upstream.h"
#include "relay/scratch.h"
#include "sys/loop.h"

enum { SL_CHECKS_MAX_COUNT = 64 }; /* under way at once in one worker; others are late then */

struct sl_checker {
    struct sl_loop *loop;
    struct sl_scratch *scratch;
    struct sl_servers *servers; /* is told when one goes up or down */
    struct sl_list checks;
    size_t busy_count;
    uint64_t checks_count, failed_count; /* for the counters */
};

void sl_checker_init(struct sl_checker *checker, struct sl_loop *loop, struct sl_scratch *scratch,
                     struct sl_servers *servers);

/** Checks the servers of a target from now on, if it wants that; it outlives the checks. SL_OK,
 * SL_ENOMEM. */
SL_CHECKED enum sl_err sl_checker_add(struct sl_checker *checker, const struct sl_target *target);

/** Ends all checks, those under way without a word. */
void sl_checker_clear(struct sl_checker *checker);
