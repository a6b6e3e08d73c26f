/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void bench_request_write(const struct bench_request *request, uint8_t out[BENCH_REQUEST_BYTES])
{
    char line[BENCH_REQUEST_BYTES + 1];
    int len = snprintf(line, sizeof(line), "bench %020" PRIu64 " %020" PRIu64 " %020" PRIu64 " ",
                       request->seed, request->upload_bytes, request->response_bytes);
    memset(line + len, '.', sizeof(line) - (size_t)len);
    line[BENCH_REQUEST_BYTES - 1] = '\n';
    memcpy(out, line, BENCH_REQUEST_BYTES);
}

bool bench_request_read(const uint8_t in[BENCH_REQUEST_BYTES], struct bench_request *ret_request)
{
    char line[BENCH_REQUEST_BYTES + 1];
    memcpy(line, in, BENCH_REQUEST_BYTES);
    line[BENCH_REQUEST_BYTES] = '\0';
    struct bench_request request;
    if (sscanf(line, "bench %" SCNu64 " %" SCNu64 " %" SCNu64, &request.seed, &request.upload_bytes,
               &request.response_bytes) != 3) {
        return false;
    }
    uint8_t again[BENCH_REQUEST_BYTES];
    bench_request_write(&request, again);
    if (memcmp(in, again, sizeof(again)) != 0) {
        return false;
    }
    *ret_request = request;
    return true;
}
