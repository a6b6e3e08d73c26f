/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reader.h"

struct sl_reader sl_reader_of(struct sl_slice in)
{
    return (struct sl_reader){ .in = in, .failed = false };
}

struct sl_slice sl_reader_bytes(struct sl_reader *r, size_t len)
{
    if (r->failed || len > r->in.len) {
        r->failed = true;
        return sl_slice_of(NULL, 0);
    }
    return sl_slice_cut(&r->in, len);
}

static uint32_t read_number(struct sl_reader *r, size_t len)
{
    struct sl_slice bytes = sl_reader_bytes(r, len);
    uint32_t value = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        value = value << 8 | bytes.ptr[i];
    }
    return value;
}

uint8_t sl_reader_u8(struct sl_reader *r)
{
    return (uint8_t)read_number(r, 1);
}

uint16_t sl_reader_u16(struct sl_reader *r)
{
    return (uint16_t)read_number(r, 2);
}

uint32_t sl_reader_u24(struct sl_reader *r)
{
    return read_number(r, 3);
}

uint32_t sl_reader_u32(struct sl_reader *r)
{
    return read_number(r, 4);
}

struct sl_slice sl_reader_vec8(struct sl_reader *r)
{
    return sl_reader_bytes(r, sl_reader_u8(r));
}

struct sl_slice sl_reader_vec16(struct sl_reader *r)
{
    return sl_reader_bytes(r, sl_reader_u16(r));
}

bool sl_reader_is_done(const struct sl_reader *r)
{
    return !r->failed && r->in.len == 0;
}
