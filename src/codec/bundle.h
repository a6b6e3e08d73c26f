/* SPDX-License-Identifier: Apache-2.0 */
/** @file A container of named blobs: what the supervisor seals into a memfd for its workers.
 *
 * All numbers are in network byte order:
 *
 *     magic "SLBUNDLE"  u16 version 1  u16 zero  u32 entries count  u32 bytes in all
 *     u32 offset of each entry, from the start
 *     entries, back to back: u8 kind, u16 length of the name, u32 length of the bytes, name, bytes
 *
 * Entries stand in rising order of kind, then of name (bytewise, a shorter name first), none twice.
 * One set of entries therefore has exactly one encoding, and a reader finds one without an index
 * of its own. Pure: the memory is the caller's on both sides.
 */
#pragma once
#include "base/slice.h"

enum { SL_BUNDLE_MAX = 1 << 30 };         /* bytes of a whole bundle */
enum { SL_BUNDLE_NAME_MAX = 4096 };       /* bytes of a name: a path fits */
enum { SL_BUNDLE_ENTRIES_MAX = 1 << 22 }; /* entries in one bundle */

/** One blob. What `kind` means is the users' affair; name and bytes may be empty. */
struct sl_bundle_entry {
    uint8_t kind;
    struct sl_slice name, bytes;
};

/**
 * First pass of writing: sorts `entries` in place and says how many bytes sl_bundle_emit writes.
 * @return SL_OK, SL_ERANGE (over one of the limits above), SL_EINVAL (a kind and name twice)
 */
SL_CHECKED enum sl_err sl_bundle_prepare(struct sl_bundle_entry *entries, size_t entries_count,
                                         size_t *ret_size_bytes);

/**
 * Second pass: appends the bundle of the `entries` that sl_bundle_prepare has sorted.
 * @return SL_OK, SL_ENOSPC (nothing written), SL_ERANGE and SL_EINVAL as sl_bundle_prepare
 */
SL_CHECKED enum sl_err sl_bundle_emit(const struct sl_bundle_entry *entries, size_t entries_count,
                                      struct sl_wbuf *out);

/** A view of a checked bundle; the bytes must stay as they were when it was opened. */
struct sl_bundle {
    struct sl_slice whole;
    uint32_t entries_count;
};

/**
 * Checks all of `whole` once: after it nothing below can fail on what the bundle holds.
 * @return SL_OK, SL_EINVAL (not a bundle, cut off, bytes behind it, out of order, over a limit)
 */
SL_CHECKED enum sl_err sl_bundle_open(struct sl_slice whole, struct sl_bundle *ret_bundle);

/** The bytes of one entry, a view; a binary search. SL_OK or SL_ENOENT. */
SL_CHECKED enum sl_err sl_bundle_find(const struct sl_bundle *bundle, uint8_t kind,
                                      struct sl_slice name, struct sl_slice *ret_bytes);

/** The entry at `*cursor`, which is 0 for the first one and moves on by one. SL_OK or SL_EOF. */
SL_CHECKED enum sl_err sl_bundle_next(const struct sl_bundle *bundle, uint32_t *cursor,
                                      struct sl_bundle_entry *ret_entry);
