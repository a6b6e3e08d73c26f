/* SPDX-License-Identifier: Apache-2.0 */
/** @file The choice of one server among several. Pure: chance is a parameter. */
#pragma once
#include "base/slice.h"
#include "conf/conf.h"

enum { SL_BALANCE_MAX = 64 };         /* servers in one choice */
enum { SL_BALANCE_WEIGHT_ONE = 256 }; /* a share of weight 1: shares can be parts of it */
#define SL_BALANCE_NONE SIZE_MAX

/** One server in a choice. */
struct sl_share {
    uint32_t weight;       /* in SL_BALANCE_WEIGHT_ONE; 0: not to be chosen */
    uint32_t active_count; /* connections that it has */
    uint64_t name_hash;    /* of what it is known by */
};

/**
 * Chooses one of `shares`.
 * @param turns   `count` numbers, zero or random at first, that the caller keeps for the next
 *                choice; only for ROUND_ROBIN and LEAST_CONNECTIONS
 * @param number  SOURCE_HASH: what stands for the client; RANDOM_OF_TWO: random
 * @return its index, or SL_BALANCE_NONE when all weights are 0
 */
size_t sl_balance_choose(enum sl_conf_balance balance, const struct sl_share *shares, size_t count,
                         int64_t *turns, uint64_t number);

/** A number for bytes, well mixed; not against somebody who chooses the bytes. */
uint64_t sl_balance_hash(struct sl_slice bytes);

/** The next random number after `*state`, which is any number at first. */
uint64_t sl_balance_random(uint64_t *state);

/**
 * The share of a server that came back `since_ms` ago: it grows to `weight` in `slow_start_ms`, and
 * is never 0 unless `weight` is.
 */
uint32_t sl_balance_share(uint32_t weight, uint64_t since_ms, uint32_t slow_start_ms);
