/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/der.h"

enum { DEPTH_MAX = 16 };
enum { CONSTRUCTED = 0x20, LONG_TAG = 0x1f };
enum { LONG_FORM = 0x80, LENGTH_BYTES_MAX = 3 };

/* X.690 10.1: the definite form, in the fewest bytes. */
static size_t length_read(struct sl_reader *r)
{
    const uint8_t first = sl_reader_u8(r);
    if (first < LONG_FORM) {
        return first;
    }
    const unsigned bytes_count = first & ~(unsigned)LONG_FORM;
    size_t length = 0;
    if (bytes_count == 0 || bytes_count > LENGTH_BYTES_MAX) {
        r->failed = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes_count; i++) {
        length = length << 8 | sl_reader_u8(r);
    }
    const size_t least = bytes_count == 1 ? LONG_FORM : (size_t)1 << (8 * (bytes_count - 1));
    if (length < least) {
        r->failed = true;
    }
    return length;
}

struct sl_der sl_der_next(struct sl_reader *r)
{
    const struct sl_slice from = r->in;
    struct sl_der der = { .tag = sl_reader_u8(r) };
    if ((der.tag & LONG_TAG) == LONG_TAG) {
        r->failed = true;
    }
    der.contents = sl_reader_bytes(r, length_read(r));
    if (r->failed) {
        return (struct sl_der){ 0 };
    }
    der.whole = sl_slice_of(from.ptr, from.len - r->in.len);
    return der;
}

struct sl_slice sl_der_expect(struct sl_reader *r, unsigned tag)
{
    const struct sl_der der = sl_der_next(r);
    if (der.tag != tag) {
        r->failed = true;
    }
    return r->failed ? (struct sl_slice){ 0 } : der.contents;
}

bool sl_der_is_next(const struct sl_reader *r, unsigned tag)
{
    return !r->failed && r->in.len > 0 && r->in.ptr[0] == tag;
}

static bool is_sound_at(struct sl_slice bytes, unsigned depth)
{
    struct sl_reader r = sl_reader_of(bytes);
    while (!r.failed && r.in.len > 0) {
        const struct sl_der der = sl_der_next(&r);
        if (!r.failed && (der.tag & CONSTRUCTED) != 0 &&
            (depth == DEPTH_MAX || !is_sound_at(der.contents, depth + 1))) {
            return false;
        }
    }
    return !r.failed;
}

bool sl_der_is_sound(struct sl_slice bytes)
{
    return is_sound_at(bytes, 0);
}
