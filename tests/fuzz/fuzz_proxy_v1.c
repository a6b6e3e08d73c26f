/* SPDX-License-Identifier: Apache-2.0 */
/** @file A line that is read can be written again, and reads the same. */
#include "codec/proxy_v1.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_slice in = sl_slice_of(data, size);
    struct sl_addr source, destination, source_again, destination_again;
    enum sl_err rc = sl_proxy_v1_cut(&in, &source, &destination);
    if (rc != SL_OK) {
        assert(rc == SL_AGAIN || rc == SL_EPROTO);
        assert(in.ptr == data && in.len == size);
        assert(rc != SL_AGAIN || size < SL_PROXY_V1_MAX);
        return 0;
    }
    assert(size - in.len <= SL_PROXY_V1_MAX && data[size - in.len - 1] == '\n');
    uint8_t bytes[SL_PROXY_V1_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    rc = sl_proxy_v1_emit(&source, &destination, &out);
    assert(rc == SL_OK);
    struct sl_slice again = sl_wbuf_slice(&out);
    rc = sl_proxy_v1_cut(&again, &source_again, &destination_again);
    assert(rc == SL_OK && again.len == 0);
    assert(source.len == source_again.len && destination.len == destination_again.len);
    assert(memcmp(&source.sa, &source_again.sa, source.len) == 0);
    assert(memcmp(&destination.sa, &destination_again.sa, destination.len) == 0);
    return 0;
}
