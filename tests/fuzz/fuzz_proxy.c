/* SPDX-License-Identifier: Apache-2.0 */
/** @file A header is read in every cut as in one piece, and never beyond its end. */
#include "codec/proxy.h"
#include "codec/proxy_v1.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_slice in = sl_slice_of(data, size);
    struct sl_proxy_v2 header;
    enum sl_err rc = sl_proxy_cut(&in, &header);
    const size_t taken = size - in.len;
    assert(rc == SL_OK || (taken == 0 && in.ptr == data));
    assert(rc != SL_AGAIN || size < SL_PROXY_V2_MAX);
    for (size_t len = 0; len < SL_MIN(size, (size_t)512); len++) {
        struct sl_slice part = sl_slice_of(data, len);
        const enum sl_err early = sl_proxy_cut(&part, &header);
        if (rc == SL_OK && len < taken) {
            assert(early == SL_AGAIN);
        }
        if (rc == SL_AGAIN) {
            assert(early == SL_AGAIN);
        }
        assert(early == SL_AGAIN || early == rc); /* what was refused stays refused */
    }
    return 0;
}
