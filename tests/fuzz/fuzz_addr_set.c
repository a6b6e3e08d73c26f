/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/addr_set.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A set has one encoding, and an order of all its places. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_addr_set set;
    uint8_t bytes[SL_ADDR_SET_BYTES_MAX], order[SL_UPSTREAM_ADDRS_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    if (sl_addr_set_parse(sl_slice_of(data, size), &set) != SL_OK) {
        return 0;
    }
    enum sl_err rc = sl_addr_set_emit(&set, &out);
    assert(rc == SL_OK && sl_slice_eq(sl_wbuf_slice(&out), sl_slice_of(data, size)));
    SL_UNUSED(rc);
    sl_addr_set_order(set.addrs, set.ranks, set.count, size, order);
    unsigned places = 0;
    for (size_t i = 0; i < set.count; i++) {
        places |= 1U << order[i];
    }
    assert(places == (1U << set.count) - 1);
    return 0;
}
