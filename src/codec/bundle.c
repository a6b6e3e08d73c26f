/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/bundle.h"
#include "base/reader.h"
#include <string.h>

enum { VERSION = 1 };
enum { HEAD_BYTES = 20 };
enum { OFFSET_BYTES = 4 };
enum { ENTRY_HEAD_BYTES = 7 };

static const struct sl_slice MAGIC = SL_SLICE_INIT("SLBUNDLE");

static int compare(const struct sl_bundle_entry *a, const struct sl_bundle_entry *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    size_t common = SL_MIN(a->name.len, b->name.len);
    int order = common == 0 ? 0 : memcmp(a->name.ptr, b->name.ptr, common);
    if (order != 0 || a->name.len == b->name.len) {
        return order;
    }
    return a->name.len < b->name.len ? -1 : 1;
}

static void swap(struct sl_bundle_entry *a, struct sl_bundle_entry *b)
{
    struct sl_bundle_entry kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_down(struct sl_bundle_entry *entries, size_t root, size_t count)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && compare(&entries[child], &entries[child + 1]) < 0) {
            child++;
        }
        if (compare(&entries[root], &entries[child]) >= 0) {
            return;
        }
        swap(&entries[root], &entries[child]);
        root = child;
    }
}

/* A heap sort, since qsort of the C library may take memory. */
static void sort(struct sl_bundle_entry *entries, size_t count)
{
    for (size_t root = count / 2; root > 0; root--) {
        sift_down(entries, root - 1, count);
    }
    for (size_t end = count; end > 1; end--) {
        swap(&entries[0], &entries[end - 1]);
        sift_down(entries, 0, end - 1);
    }
}

static size_t entry_bytes(const struct sl_bundle_entry *entry)
{
    return ENTRY_HEAD_BYTES + entry->name.len + entry->bytes.len;
}

/* Limits and order of `entries`, and the bytes that they take. */
static enum sl_err measure(const struct sl_bundle_entry *entries, size_t count, size_t *ret_bytes)
{
    if (count > SL_BUNDLE_ENTRIES_MAX) {
        return SL_ERANGE;
    }
    size_t total = HEAD_BYTES + count * OFFSET_BYTES;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].name.len > SL_BUNDLE_NAME_MAX || entries[i].bytes.len > SL_BUNDLE_MAX) {
            return SL_ERANGE;
        }
        if (i > 0 && compare(&entries[i - 1], &entries[i]) >= 0) {
            return SL_EINVAL;
        }
        total += entry_bytes(&entries[i]);
        if (total > SL_BUNDLE_MAX) {
            return SL_ERANGE;
        }
    }
    *ret_bytes = total;
    return SL_OK;
}

enum sl_err sl_bundle_prepare(struct sl_bundle_entry *entries, size_t entries_count,
                              size_t *ret_size_bytes)
{
    sort(entries, entries_count);
    return measure(entries, entries_count, ret_size_bytes);
}

static enum sl_err put_head(struct sl_wbuf *out, size_t count, size_t total)
{
    enum sl_err rc = sl_wbuf_put(out, MAGIC);
    rc = rc == SL_OK ? sl_wbuf_put_u16(out, VERSION) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u16(out, 0) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u32(out, (uint32_t)count) : rc;
    return rc == SL_OK ? sl_wbuf_put_u32(out, (uint32_t)total) : rc;
}

static enum sl_err put_entry(struct sl_wbuf *out, const struct sl_bundle_entry *entry)
{
    enum sl_err rc = sl_wbuf_put_u8(out, entry->kind);
    rc = rc == SL_OK ? sl_wbuf_put_u16(out, (uint16_t)entry->name.len) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u32(out, (uint32_t)entry->bytes.len) : rc;
    rc = rc == SL_OK ? sl_wbuf_put(out, entry->name) : rc;
    return rc == SL_OK ? sl_wbuf_put(out, entry->bytes) : rc;
}

enum sl_err sl_bundle_emit(const struct sl_bundle_entry *entries, size_t entries_count,
                           struct sl_wbuf *out)
{
    size_t total = 0;
    enum sl_err rc = measure(entries, entries_count, &total);
    if (rc != SL_OK) {
        return rc;
    }
    if (total > sl_wbuf_room(out)) {
        return SL_ENOSPC; /* so none of the writes below can fail */
    }
    rc = put_head(out, entries_count, total);
    size_t at = HEAD_BYTES + entries_count * OFFSET_BYTES;
    for (size_t i = 0; i < entries_count && rc == SL_OK; i++) {
        rc = sl_wbuf_put_u32(out, (uint32_t)at);
        at += entry_bytes(&entries[i]);
    }
    for (size_t i = 0; i < entries_count && rc == SL_OK; i++) {
        rc = put_entry(out, &entries[i]);
    }
    return rc;
}

static uint32_t offset_at(const struct sl_bundle *bundle, uint32_t i)
{
    size_t at = HEAD_BYTES + (size_t)i * OFFSET_BYTES;
    struct sl_reader r = sl_reader_of(sl_slice_of(bundle->whole.ptr + at, OFFSET_BYTES));
    return sl_reader_u32(&r);
}

/* Reads one entry off the front of `r`. */
static struct sl_bundle_entry read_entry(struct sl_reader *r)
{
    struct sl_bundle_entry entry = { .kind = sl_reader_u8(r) };
    uint16_t name_bytes = sl_reader_u16(r);
    uint32_t bytes = sl_reader_u32(r);
    entry.name = sl_reader_bytes(r, name_bytes);
    entry.bytes = sl_reader_bytes(r, bytes);
    return entry;
}

static struct sl_bundle_entry entry_at(const struct sl_bundle *bundle, uint32_t i)
{
    size_t at = offset_at(bundle, i);
    struct sl_reader r = sl_reader_of(sl_slice_of(bundle->whole.ptr + at, bundle->whole.len - at));
    return read_entry(&r);
}

/* True when the entries fill `bundle` from behind the offsets to its end, as the offsets say. */
static bool are_entries_sound(const struct sl_bundle *bundle)
{
    struct sl_reader r = sl_reader_of(bundle->whole);
    (void)sl_reader_bytes(&r, HEAD_BYTES + (size_t)bundle->entries_count * OFFSET_BYTES);
    struct sl_bundle_entry previous = { 0 };
    for (uint32_t i = 0; i < bundle->entries_count && !r.failed; i++) {
        size_t at = bundle->whole.len - r.in.len;
        struct sl_bundle_entry entry = read_entry(&r);
        if (r.failed || offset_at(bundle, i) != at || entry.name.len > SL_BUNDLE_NAME_MAX ||
            (i > 0 && compare(&previous, &entry) >= 0)) {
            return false;
        }
        previous = entry;
    }
    return sl_reader_is_done(&r);
}

enum sl_err sl_bundle_open(struct sl_slice whole, struct sl_bundle *ret_bundle)
{
    struct sl_reader r = sl_reader_of(whole);
    bool is_ours = sl_slice_eq(sl_reader_bytes(&r, MAGIC.len), MAGIC);
    uint16_t version = sl_reader_u16(&r);
    uint16_t zero = sl_reader_u16(&r);
    struct sl_bundle bundle = { .whole = whole, .entries_count = sl_reader_u32(&r) };
    uint32_t total = sl_reader_u32(&r);
    if (r.failed || !is_ours || version != VERSION || zero != 0 || total != whole.len ||
        total > SL_BUNDLE_MAX || bundle.entries_count > SL_BUNDLE_ENTRIES_MAX) {
        return SL_EINVAL;
    }
    if (!are_entries_sound(&bundle)) {
        return SL_EINVAL;
    }
    *ret_bundle = bundle;
    return SL_OK;
}

enum sl_err sl_bundle_find(const struct sl_bundle *bundle, uint8_t kind, struct sl_slice name,
                           struct sl_slice *ret_bytes)
{
    const struct sl_bundle_entry wanted = { .kind = kind, .name = name };
    uint32_t low = 0;
    uint32_t high = bundle->entries_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct sl_bundle_entry entry = entry_at(bundle, middle);
        int order = compare(&wanted, &entry);
        if (order == 0) {
            *ret_bytes = entry.bytes;
            return SL_OK;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return SL_ENOENT;
}

enum sl_err sl_bundle_next(const struct sl_bundle *bundle, uint32_t *cursor,
                           struct sl_bundle_entry *ret_entry)
{
    if (*cursor >= bundle->entries_count) {
        return SL_EOF;
    }
    *ret_entry = entry_at(bundle, (*cursor)++);
    return SL_OK;
}
