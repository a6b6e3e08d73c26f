/* SPDX-License-Identifier: Apache-2.0 */
#include "app/collection.h"
#include <stdlib.h>
#include <string.h>

void sl_collection_fini(struct sl_collection *c)
{
    sl_map_fini(&c->names);
    free(c->entries);
    sl_arena_fini(&c->arena);
    *c = (struct sl_collection){ 0 };
}

static enum sl_err grow(struct sl_collection *c)
{
    if (c->count < c->cap) {
        return SL_OK;
    }
    size_t cap = c->cap == 0 ? 16 : c->cap * 2;
    struct sl_bundle_entry *grown = realloc(c->entries, cap * sizeof(*grown));
    if (grown == NULL) {
        return SL_ENOMEM;
    }
    c->entries = grown;
    c->cap = cap;
    return SL_OK;
}

enum sl_err sl_collection_add(struct sl_collection *c, uint8_t kind, struct sl_slice name,
                              struct sl_slice bytes)
{
    /* the kind before the name: so that both are one key */
    uint8_t *copy = sl_arena_alloc(&c->arena, 1 + name.len + bytes.len);
    if (copy == NULL || grow(c) != SL_OK) {
        return SL_ENOMEM;
    }
    copy[0] = kind;
    if (name.len > 0) {
        memcpy(copy + 1, name.ptr, name.len);
    }
    if (bytes.len > 0) {
        memcpy(copy + 1 + name.len, bytes.ptr, bytes.len);
    }
    c->entries[c->count++] =
        (struct sl_bundle_entry){ .kind = kind,
                                  .name = sl_slice_of(copy + 1, name.len),
                                  .bytes = sl_slice_of(copy + 1 + name.len, bytes.len) };
    return SL_OK;
}

enum sl_err sl_collection_add_named(struct sl_collection *c, uint8_t kind, struct sl_slice name,
                                    struct sl_slice bytes)
{
    enum sl_err rc = sl_collection_add(c, kind, name, bytes);
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_slice stored = c->entries[c->count - 1].name;
    return sl_map_add(&c->names, sl_slice_of(stored.ptr - 1, stored.len + 1), (uint32_t)c->count);
}

bool sl_collection_has(const struct sl_collection *c, uint8_t kind, struct sl_slice name)
{
    uint8_t key[1 + SL_BUNDLE_NAME_MAX] = { kind };
    uint32_t place;
    if (name.len > SL_BUNDLE_NAME_MAX) {
        return false; /* nor can it be added */
    }
    if (name.len > 0) {
        memcpy(key + 1, name.ptr, name.len);
    }
    return sl_map_find(&c->names, sl_slice_of(key, 1 + name.len), &place) == SL_OK;
}

struct sl_slice sl_collection_last(const struct sl_collection *c)
{
    return c->entries[c->count - 1].bytes;
}

enum sl_err sl_collection_bundle(struct sl_collection *c, struct sl_blob *ret_blob)
{
    size_t size = 0;
    enum sl_err rc = sl_bundle_prepare(c->entries, c->count, &size);
    if (rc != SL_OK) {
        return rc;
    }
    SL_CLEANUP(sl_blob_fini) struct sl_blob blob = { .ptr = malloc(size), .len = size };
    if (blob.ptr == NULL) {
        return SL_ENOMEM;
    }
    struct sl_wbuf out = sl_wbuf_of(blob.ptr, size);
    rc = sl_bundle_emit(c->entries, c->count, &out);
    if (rc == SL_OK) {
        *ret_blob = blob;
        blob.ptr = NULL;
    }
    return rc;
}
