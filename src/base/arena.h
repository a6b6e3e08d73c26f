/* SPDX-License-Identifier: Apache-2.0 */
/** @file Memory that is taken piece by piece and given back all at once. */
#pragma once
#include "base/slice.h"

struct sl_arena_block;

/** Zeroed is empty and valid. */
struct sl_arena {
    struct sl_arena_block *blocks;
    size_t used_bytes;  /* in all blocks */
    size_t limit_bytes; /* 0: no limit */
};

/** `limit_bytes` bounds what the arena may hold; 0 for no bound. */
void sl_arena_init(struct sl_arena *arena, size_t limit_bytes);

/** Frees everything taken from `arena`, which can be used again. NULL is allowed. */
void sl_arena_fini(struct sl_arena *arena);

/** `size` zeroed bytes, aligned for any type; NULL when there is no memory or past the limit. */
void *sl_arena_alloc(struct sl_arena *arena, size_t size);

/** `count` zeroed objects of `size` bytes; NULL also when the product overflows. */
void *sl_arena_calloc(struct sl_arena *arena, size_t count, size_t size);

/** A copy of `bytes` with a NUL behind it, which is not counted; NULL when there is no memory. */
char *sl_arena_strdup(struct sl_arena *arena, struct sl_slice bytes);
