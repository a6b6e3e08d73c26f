/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ec_key.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

static bool is_within(struct sl_slice part, struct sl_slice whole)
{
    return part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sl_slice in = sl_slice_of(data, size);
    for (int is_pkcs8 = 0; is_pkcs8 < 2; is_pkcs8++) {
        struct sl_ec_key key;
        if (sl_ec_key_parse(in, is_pkcs8 == 1, &key) == SL_OK) {
            require(is_within(key.scalar, in) && is_within(key.point, in));
            require(key.scalar.len <= SL_EC_SCALAR_MAX && key.point.len <= SL_EC_POINT_MAX);
            require(key.point.len == 1 + 2 * key.scalar.len);
        }
    }
    enum sl_ec_curve curve;
    struct sl_slice point;
    if (sl_ec_public_parse(in, &curve, &point) == SL_OK) {
        uint8_t bytes[SL_EC_PUBLIC_MAX];
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        require(sl_ec_public_emit(curve, point, &out) == SL_OK);
        require(sl_slice_eq(sl_wbuf_slice(&out), in)); /* DER has one form */
    }
    return 0;
}
