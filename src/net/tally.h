/* SPDX-License-Identifier: Apache-2.0 */
/** @file How many connections each service has, apart from any configuration: keyed by the name of
 * the service, so that those of before a reload count as well. */
#pragma once
#include "base/list.h"
#include "relay/conn.h"

enum { SL_TALLIES_BUCKETS = 1024 };

/** All of a worker. */
struct sl_tallies {
    struct sl_list buckets[SL_TALLIES_BUCKETS];
};

void sl_tallies_init(struct sl_tallies *tallies);

/** That of a service, which is made when there is none; then sl_tally_unref. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tallies_take(struct sl_tallies *tallies, const char *service,
                                       struct sl_tally **ret_tally);

void sl_tally_unref(struct sl_tally *tally); /* NULL is allowed */
