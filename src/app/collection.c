/* SPDX-License-Identifier: Apache-2.0 */
#include "app/collection.h"
#include <stdlib.h>
#include <string.h>

void sl_collection_fini(struct sl_collection *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct sl_blob blob = { .ptr = (uint8_t *)(uintptr_t)c->entries[i].bytes.ptr,
                                .len = c->entries[i].bytes.len };
        sl_blob_fini(&blob);
    }
    free(c->entries);
    *c = (struct sl_collection){ 0 };
}

bool sl_collection_has(const struct sl_collection *c, uint8_t kind, struct sl_slice name)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->entries[i].kind == kind && sl_slice_eq(c->entries[i].name, name)) {
            return true;
        }
    }
    return false;
}

enum sl_err sl_collection_add(struct sl_collection *c, uint8_t kind, struct sl_slice name,
                              struct sl_blob *blob)
{
    if (c->count == c->cap) {
        size_t cap = c->cap == 0 ? 16 : c->cap * 2;
        struct sl_bundle_entry *grown = realloc(c->entries, cap * sizeof(*grown));
        if (grown == NULL) {
            return SL_ENOMEM;
        }
        c->entries = grown;
        c->cap = cap;
    }
    c->entries[c->count++] =
        (struct sl_bundle_entry){ .kind = kind, .name = name, .bytes = sl_blob_slice(blob) };
    blob->ptr = NULL;
    return SL_OK;
}

enum sl_err sl_collection_add_copy(struct sl_collection *c, uint8_t kind, struct sl_slice name,
                                   struct sl_slice bytes)
{
    SL_CLEANUP(sl_blob_fini)
    struct sl_blob blob = { .ptr = malloc(bytes.len + 1), .len = bytes.len };
    if (blob.ptr == NULL) {
        return SL_ENOMEM;
    }
    if (bytes.len > 0) {
        memcpy(blob.ptr, bytes.ptr, bytes.len);
    }
    return sl_collection_add(c, kind, name, &blob);
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
