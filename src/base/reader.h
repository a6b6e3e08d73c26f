/* SPDX-License-Identifier: Apache-2.0 */
/** @file A reader of wire formats with a sticky error: read everything, then ask once. */
#pragma once
#include "base/slice.h"

/**
 * Reads from the front of `in`. A read past the end sets `failed` and gives zeroes or empty
 * slices from then on, so a parser checks once, at its end.
 */
struct sl_reader {
    struct sl_slice in; /* what is left */
    bool failed;
};

struct sl_reader sl_reader_of(struct sl_slice in);

/** Unsigned integers in network byte order. */
uint8_t sl_reader_u8(struct sl_reader *r);
uint16_t sl_reader_u16(struct sl_reader *r);
uint32_t sl_reader_u24(struct sl_reader *r);
uint32_t sl_reader_u32(struct sl_reader *r);

/** The next `len` bytes, a view into the input. */
struct sl_slice sl_reader_bytes(struct sl_reader *r, size_t len);

/** A vector with its length before it, in one byte or two (RFC 8446 3.4). */
struct sl_slice sl_reader_vec8(struct sl_reader *r);
struct sl_slice sl_reader_vec16(struct sl_reader *r);

/** True when nothing failed and nothing is left. */
bool sl_reader_is_done(const struct sl_reader *r);
