/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file What the load generator asks of the backend: a line of 100 bytes, behind which come
 * `upload_bytes` of the pattern of `seed`. The backend answers with `response_bytes` of the same
 * pattern, or of that of `seed` + 1 when what it received was wrong.
 */
#pragma once
#include "base/def.h"
#include <stdbool.h>

enum { BENCH_REQUEST_BYTES = 100 };

struct bench_request {
    uint64_t seed, upload_bytes, response_bytes;
};

void bench_request_write(const struct bench_request *request, uint8_t out[BENCH_REQUEST_BYTES]);

/** False when `in` is not a line that bench_request_write makes. */
bool bench_request_read(const uint8_t in[BENCH_REQUEST_BYTES], struct bench_request *ret_request);
