/* SPDX-License-Identifier: Apache-2.0 */
/** @file How often each of many sources may do something: a token bucket for each, in a table of
 * fixed size. Pure: time is the caller's.
 *
 * A slot is 16 bytes: 65,536 sources are 1 MiB. Where a source stands follows from a keyed hash, so
 * that nobody can choose whom he displaces. A new source takes, of the eight slots where it may
 * stand, the one whose bucket is fullest, and goes on with that bucket as it is: a bucket that has
 * been emptied stays, and who comes back after having been displaced gains nothing by it. Only when
 * more sources than the table holds are over their rate at once, others share their buckets.
 */
#pragma once
#include "base/siphash.h"

struct sl_rate;

/** What a source may do; as a bucket that holds `burst_count` and gets one each `interval_ns`. */
struct sl_rate_limit {
    uint64_t interval_ns; /* 0: no limit */
    uint64_t burst_count; /* at least 1 */
};

/** Room for at least so many sources. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_rate_create(size_t sources_count, const struct sl_siphash_key *key,
                                      struct sl_rate **ret_rate);
void sl_rate_destroy(struct sl_rate *rate); /* NULL is allowed */

/** What sl_rate_create was told. */
size_t sl_rate_sources_count(const struct sl_rate *rate);

/** How many slots there are, a power of two. */
size_t sl_rate_slots_count(const struct sl_rate *rate);

/**
 * Takes one from the bucket of `source`, bytes that name it.
 * @param now_ns  a clock that never goes back, and is never 0
 * @return whether there was one
 */
bool sl_rate_take(struct sl_rate *rate, const struct sl_rate_limit *limit, struct sl_slice source,
                  uint64_t now_ns);
