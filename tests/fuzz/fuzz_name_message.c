/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/name_message.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each body has exactly one encoding. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sl_slice in = sl_slice_of(data, size);
    uint8_t bytes[8192];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_name_addrs addrs;
    struct sl_name_found found;
    if (sl_name_addrs_parse(in, &addrs) == SL_OK) {
        enum sl_err rc = sl_name_addrs_emit(&addrs, &out);
        assert(rc == SL_OK && sl_slice_eq(sl_wbuf_slice(&out), in));
        SL_UNUSED(rc);
    }
    out.len = 0;
    if (sl_name_found_parse(in, &found) == SL_OK) {
        enum sl_err rc = sl_name_found_emit(&found, &out);
        assert(rc == SL_OK && sl_slice_eq(sl_wbuf_slice(&out), in));
        assert((found.set.count > 0) == (found.result == SL_NAME_FOUND));
        SL_UNUSED(rc);
    }
    return 0;
}
