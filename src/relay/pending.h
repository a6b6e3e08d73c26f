/* SPDX-License-Identifier: Apache-2.0 */
/** @file Bytes that a sink has refused for now. Memory is held only while there are some. */
#pragma once
#include "base/slice.h"

/** Zeroed is empty and valid. */
struct sl_pending {
    uint8_t *ptr;
    size_t head, len, cap; /* the bytes stand at ptr + head */
};

/** Appends a copy of `bytes`. SL_OK, SL_ENOSPC (it would hold more than `max_bytes`), SL_ENOMEM. */
SL_CHECKED enum sl_err sl_pending_put(struct sl_pending *pending, struct sl_slice bytes,
                                      size_t max_bytes);

struct sl_slice sl_pending_slice(const struct sl_pending *pending);

/** Takes `count` bytes off the front; the memory is freed with the last one. */
void sl_pending_cut(struct sl_pending *pending, size_t count);

void sl_pending_fini(struct sl_pending *pending);
