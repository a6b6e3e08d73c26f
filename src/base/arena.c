/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 4000 }; /* a little under a page, with malloc's header */

struct sl_arena_block {
    struct sl_arena_block *next;
    size_t used, cap; /* bytes of data */
    alignas(max_align_t) uint8_t data[];
};

void sl_arena_init(struct sl_arena *arena, size_t limit_bytes)
{
    *arena = (struct sl_arena){ .limit_bytes = limit_bytes };
}

void sl_arena_fini(struct sl_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    while (arena->blocks != NULL) {
        struct sl_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
    arena->used_bytes = 0;
}

static struct sl_arena_block *block_add(struct sl_arena *arena, size_t size)
{
    size_t cap = SL_MAX(size, (size_t)BLOCK_BYTES - sizeof(struct sl_arena_block));
    struct sl_arena_block *block = calloc(1, sizeof(*block) + cap);
    if (block == NULL) {
        return NULL;
    }
    block->cap = cap;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *sl_arena_alloc(struct sl_arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size_t rounded = (size + align - 1) / align * align;
    if (arena->limit_bytes != 0 && rounded > arena->limit_bytes - arena->used_bytes) {
        return NULL;
    }
    struct sl_arena_block *block = arena->blocks;
    if (block == NULL || rounded > block->cap - block->used) {
        block = block_add(arena, rounded);
        if (block == NULL) {
            return NULL;
        }
    }
    void *ptr = block->data + block->used;
    block->used += rounded;
    arena->used_bytes += rounded;
    return ptr;
}

void *sl_arena_calloc(struct sl_arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    return sl_arena_alloc(arena, total);
}

char *sl_arena_strdup(struct sl_arena *arena, struct sl_slice bytes)
{
    char *copy = sl_arena_alloc(arena, bytes.len + 1);
    if (copy != NULL && bytes.len > 0) {
        memcpy(copy, bytes.ptr, bytes.len);
    }
    return copy;
}
