/* SPDX-License-Identifier: Apache-2.0 */
/** @file A key is read whole or not at all, and its hexadecimal form says the same. */
#include "codec/psk_key.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t bytes[SL_PSK_KEY_MAX], again[SL_PSK_KEY_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    if (sl_psk_key_parse(sl_slice_of(data, size), &out) != SL_OK) {
        require(out.len == 0);
        return 0;
    }
    require(out.len >= SL_PSK_KEY_MIN && out.len <= SL_PSK_KEY_MAX);
    char hex[2 * SL_PSK_KEY_MAX + 1];
    for (size_t i = 0; i < out.len; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    }
    struct sl_wbuf same = sl_wbuf_of(again, sizeof(again));
    require(sl_psk_key_parse(sl_slice_of(hex, 2 * out.len), &same) == SL_OK);
    require(sl_slice_eq(sl_wbuf_slice(&out), sl_wbuf_slice(&same)));
    return 0;
}
