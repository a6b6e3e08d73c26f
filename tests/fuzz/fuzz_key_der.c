/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/key_der.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hold(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* What was written is one DER value, its length in the fewest bytes; nothing was written else. */
static void hold_value(enum sl_err rc, const struct sl_wbuf *out)
{
    if (rc != SL_OK) {
        hold((rc == SL_EINVAL || rc == SL_ENOSPC) && out->len == 0);
        return;
    }
    const uint8_t *at = out->ptr;
    hold(out->len >= 2 && at[0] == 0x30);
    size_t head = at[1] < 0x80 ? 2 : at[1] == 0x81 ? 3 : 4;
    size_t len = head == 2 ? at[1] : head == 3 ? at[2] : (size_t)at[2] << 8 | at[3];
    hold(head == 2 || (head == 3 && len >= 0x80) || (head == 4 && at[1] == 0x82 && len > 0xff));
    hold(out->len == head + len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[70000];
    if (size < 3) {
        return 0;
    }
    /* the first bytes: how much room there is, and where the second value begins */
    struct sl_slice b = sl_slice_of(data, size);
    const size_t cap = data[0] == 0xff ? sizeof(bytes) : data[0];
    const size_t split = data[1] | (size_t)data[2] << 8;
    (void)sl_slice_cut(&b, 3);
    const struct sl_slice a = sl_slice_cut(&b, split);
    struct sl_wbuf out = sl_wbuf_of(bytes, cap);
    hold_value(sl_key_der_ecdsa(a, &out), &out);
    out.len = 0;
    hold_value(sl_key_der_ec_public(a, b, &out), &out);
    out.len = 0;
    hold_value(sl_key_der_ed25519_public(a, &out), &out);
    out.len = 0;
    enum sl_err rc = sl_key_der_rsa_public(a, b, &out);
    hold_value(rc, &out);
    hold(rc != SL_OK || sl_key_der_is_rsa(sl_wbuf_slice(&out)));
    out.len = 0;
    rc = sl_key_der_digest_info(a, &out);
    if (a.len != 36) {
        hold_value(rc, &out);
    }
    (void)sl_key_der_is_rsa(a);
    hold(sl_key_der_order_bytes(a) <= 66);
    return 0;
}
