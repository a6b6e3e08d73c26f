/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern.h"
#include <string.h>

void bench_pattern_init(struct bench_pattern *pattern)
{
    uint64_t state = UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < BENCH_PERIOD_BYTES; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        pattern->bytes[i] = (uint8_t)(state >> 32);
    }
    for (size_t i = BENCH_PERIOD_BYTES; i < sizeof(pattern->bytes); i++) {
        pattern->bytes[i] = pattern->bytes[i - BENCH_PERIOD_BYTES];
    }
}

const uint8_t *bench_pattern_at(const struct bench_pattern *pattern, uint64_t seed, uint64_t offset)
{
    return pattern->bytes + (seed + offset) % BENCH_PERIOD_BYTES;
}

size_t bench_pattern_wrong(const struct bench_pattern *pattern, uint64_t seed, uint64_t offset,
                           const uint8_t *bytes, size_t len)
{
    const uint8_t *expected = bench_pattern_at(pattern, seed, offset);
    if (memcmp(expected, bytes, len) == 0) {
        return 0;
    }
    size_t wrong_count = 0;
    for (size_t i = 0; i < len; i++) {
        wrong_count += expected[i] != bytes[i];
    }
    return wrong_count;
}
