/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/bundle.h"
#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One set of entries has exactly one encoding. */
static void assert_round_trip(struct sl_bundle_entry *entries, size_t entries_count,
                              struct sl_slice whole)
{
    size_t needed = 0;
    enum sl_err rc = sl_bundle_prepare(entries, entries_count, &needed);
    assert(rc == SL_OK && needed == whole.len);
    struct sl_wbuf out = sl_wbuf_of(malloc(needed), needed);
    assert(out.ptr != NULL);
    rc = sl_bundle_emit(entries, entries_count, &out);
    assert(rc == SL_OK && sl_slice_eq(sl_wbuf_slice(&out), whole));
    free(out.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_slice whole = sl_slice_of(data, size);
    struct sl_bundle bundle;
    enum sl_err rc = sl_bundle_open(whole, &bundle);
    if (rc != SL_OK) {
        assert(rc == SL_EINVAL);
        return 0;
    }
    struct sl_bundle_entry *entries =
        calloc((size_t)bundle.entries_count + 1, sizeof(struct sl_bundle_entry));
    assert(entries != NULL);
    uint32_t cursor = 0;
    while (sl_bundle_next(&bundle, &cursor, &entries[cursor]) == SL_OK) {
        const struct sl_bundle_entry *entry = &entries[cursor - 1];
        struct sl_slice found;
        rc = sl_bundle_find(&bundle, entry->kind, entry->name, &found);
        assert(rc == SL_OK && found.ptr == entry->bytes.ptr && found.len == entry->bytes.len);
        assert(found.ptr >= data && found.ptr + found.len <= data + size);
    }
    assert(cursor == bundle.entries_count);
    assert_round_trip(entries, bundle.entries_count, whole);
    free(entries);
    return 0;
}
