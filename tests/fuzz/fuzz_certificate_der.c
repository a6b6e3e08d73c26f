/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/certificate_der.h"
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
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sl_slice in = sl_slice_of(data, size);
    struct sl_certificate_der c;
    if (sl_certificate_der_parse(in, &c) != SL_OK) {
        return 0;
    }
    require(c.whole.ptr == data && c.whole.len <= size && sl_der_is_sound(c.whole));
    require(is_within(c.spki, c.whole) && is_within(c.key_algorithm, c.spki));
    require(is_within(c.signature_algorithm, c.whole) && is_within(c.names, c.whole));
    struct sl_slice names = c.names, name;
    while (sl_certificate_der_name(&names, &name) == SL_OK) {
        require(is_within(name, c.names) && is_within(names, c.names));
    }
    enum sl_ec_curve curve;
    (void)sl_certificate_der_is_ecdsa(&c, &curve);
    return 0;
}
