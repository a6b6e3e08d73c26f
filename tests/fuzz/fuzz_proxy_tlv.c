/* SPDX-License-Identifier: Apache-2.0 */
/** @file TLVs that are checked can be copied whole, and are found; names are read or refused. */
#include "codec/proxy_tlv.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[1 << 20];
    const struct sl_slice tlvs = sl_slice_of(data, size);
    struct sl_proxy_types types;
    uint8_t type = 0;
    const enum sl_err named = sl_proxy_tlv_from_text(tlvs, &type);
    assert(named == SL_OK ? type != 0 : type == 0);
    if (sl_proxy_tlvs_check(tlvs, &types) != SL_OK || size > sizeof(bytes)) {
        return 0;
    }
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_proxy_tlvs_copy(tlvs, &types, &out);
    assert(rc == SL_OK && sl_slice_eq(sl_wbuf_slice(&out), tlvs));
    for (unsigned i = 0; i < SL_PROXY_TLV_COUNT; i++) {
        const bool is_found = sl_proxy_tlvs_find(tlvs, (uint8_t)i).ptr != NULL;
        assert(is_found == sl_proxy_types_have(&types, (uint8_t)i));
    }
    return 0;
}
