/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/der.h"
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
    const struct sl_slice in = sl_slice_of(data, size);
    struct sl_reader r = sl_reader_of(in);
    const uint8_t *at = data;
    bool is_sound = sl_der_is_sound(in);
    while (!r.failed && r.in.len > 0) {
        const struct sl_der der = sl_der_next(&r);
        if (r.failed) {
            require(der.whole.ptr == NULL && !is_sound);
            break;
        }
        require(der.whole.ptr == at && der.contents.ptr + der.contents.len == r.in.ptr);
        require(der.whole.len >= 2 + der.contents.len && der.tag == at[0]);
        at = r.in.ptr;
    }
    return 0;
}
