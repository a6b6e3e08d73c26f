/* SPDX-License-Identifier: Apache-2.0 */
/** @file The bytes that the benchmark sends: byte `n` of a stream depends on n and a seed only. */
#pragma once
#include "base/def.h"
#include <stdbool.h>

/** The period of the pattern: prime, so that no record or buffer size hides a lost piece. */
enum { BENCH_PERIOD_BYTES = 65521 };

/** The most bytes that one call gives or compares. */
enum { BENCH_PIECE_BYTES = 131072 };

/** The pattern, a period and a piece long, so that each piece of it is in one place. */
struct bench_pattern {
    uint8_t bytes[BENCH_PERIOD_BYTES + BENCH_PIECE_BYTES];
};

void bench_pattern_init(struct bench_pattern *pattern);

/** BENCH_PIECE_BYTES of the stream of `seed` that begin at its byte `offset`. */
const uint8_t *bench_pattern_at(const struct bench_pattern *pattern, uint64_t seed,
                                uint64_t offset);

/** How many of the `len` bytes (at most BENCH_PIECE_BYTES) differ from the stream at `offset`. */
size_t bench_pattern_wrong(const struct bench_pattern *pattern, uint64_t seed, uint64_t offset,
                           const uint8_t *bytes, size_t len);
