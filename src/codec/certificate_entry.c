/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/certificate_entry.h"

struct sl_number_name sl_number_name_of(uint32_t number)
{
    return (struct sl_number_name){ { (uint8_t)(number >> 24), (uint8_t)(number >> 16),
                                      (uint8_t)(number >> 8), (uint8_t)number } };
}

enum sl_err sl_certificate_entry_emit(const struct sl_certificate_entry *entry, struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_put_u32(out, entry->key_index);
    rc = rc == SL_OK ? sl_wbuf_put_u8(out, (uint8_t)entry->kind) : rc;
    for (size_t i = 0; rc == SL_OK && i < entry->ders_count; i++) {
        rc = sl_wbuf_put_u32(out, entry->ders[i]);
    }
    return rc;
}

enum sl_err sl_staple_entry_emit(const struct sl_staple_entry *entry, struct sl_wbuf *out)
{
    const uint64_t until_s = (uint64_t)entry->until_s;
    enum sl_err rc = sl_wbuf_put_u32(out, (uint32_t)(until_s >> 32));
    rc = rc == SL_OK ? sl_wbuf_put_u32(out, (uint32_t)until_s) : rc;
    return rc == SL_OK ? sl_wbuf_put(out, entry->der) : rc;
}

enum sl_err sl_shelf_entry_emit(const struct sl_shelf_entry *entry, struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_put_u32(out, entry->count);
    rc = rc == SL_OK ? sl_wbuf_put_u32(out, entry->first) : rc;
    return rc == SL_OK ? sl_wbuf_put(out, entry->name) : rc;
}

enum sl_err sl_shelf_name_emit(uint32_t service, enum sl_shelf_side side, struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_put_u32(out, service);
    return rc == SL_OK ? sl_wbuf_put_u8(out, (uint8_t)side) : rc;
}

enum sl_err sl_candidate_emit(uint32_t certificate, enum sl_key_kind kind, struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_put_u32(out, certificate);
    return rc == SL_OK ? sl_wbuf_put_u8(out, (uint8_t)kind) : rc;
}

enum sl_err sl_server_name_emit(uint32_t service, struct sl_slice name, struct sl_wbuf *out)
{
    if (name.len != 0 && name.ptr[name.len - 1] == '.') {
        name.len--;
    }
    if (name.len == 0 || name.len > SL_SERVER_NAME_MAX) {
        return SL_EINVAL;
    }
    struct sl_wbuf kept = *out;
    enum sl_err rc = sl_wbuf_put_u32(&kept, service);
    for (size_t i = 0; rc == SL_OK && i < name.len; i++) {
        const uint8_t c = name.ptr[i];
        if (c <= ' ' || c >= 0x7f) {
            return SL_EINVAL;
        }
        rc = sl_wbuf_put_u8(&kept, c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    if (rc == SL_OK) {
        *out = kept;
    }
    return rc;
}

enum sl_err sl_certificate_der_find(const struct sl_bundle *bundle, uint32_t number,
                                    struct sl_slice *ret_der)
{
    const struct sl_number_name name = sl_number_name_of(number);
    return sl_bundle_find(bundle, SL_BUNDLE_DER, sl_slice_of(name.bytes, sizeof(name.bytes)),
                          ret_der);
}

enum sl_err sl_certificate_entry_find(const struct sl_bundle *bundle, uint32_t number,
                                      struct sl_certificate_entry *ret_entry)
{
    const struct sl_number_name name = sl_number_name_of(number);
    struct sl_slice bytes;
    enum sl_err rc = sl_bundle_find(bundle, SL_BUNDLE_CERTIFICATE,
                                    sl_slice_of(name.bytes, sizeof(name.bytes)), &bytes);
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_reader r = sl_reader_of(bytes);
    struct sl_certificate_entry entry = { .key_index = sl_reader_u32(&r),
                                          .kind = (enum sl_key_kind)sl_reader_u8(&r) };
    while (r.in.len > 0 && !r.failed && entry.ders_count < SL_CHAIN_DERS_MAX) {
        entry.ders[entry.ders_count++] = sl_reader_u32(&r);
    }
    if (!sl_reader_is_done(&r) || entry.ders_count == 0 || entry.kind >= SL_KIND_COUNT) {
        return SL_EINVAL;
    }
    *ret_entry = entry;
    return SL_OK;
}

enum sl_err sl_staple_entry_find(const struct sl_bundle *bundle, uint32_t number,
                                 struct sl_staple_entry *ret_entry)
{
    const struct sl_number_name name = sl_number_name_of(number);
    struct sl_slice bytes;
    enum sl_err rc = sl_bundle_find(bundle, SL_BUNDLE_STAPLE,
                                    sl_slice_of(name.bytes, sizeof(name.bytes)), &bytes);
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_reader r = sl_reader_of(bytes);
    const uint64_t high = sl_reader_u32(&r);
    const struct sl_staple_entry entry = { .until_s = (int64_t)(high << 32 | sl_reader_u32(&r)),
                                           .der = r.in };
    if (r.failed || entry.der.len == 0 || entry.der.len > SL_STAPLE_MAX) {
        return SL_EINVAL;
    }
    *ret_entry = entry;
    return SL_OK;
}

enum sl_err sl_shelf_entry_find(const struct sl_bundle *bundle, uint32_t service,
                                enum sl_shelf_side side, struct sl_shelf_entry *ret_entry)
{
    uint8_t name[8];
    struct sl_wbuf out = sl_wbuf_of(name, sizeof(name));
    struct sl_slice bytes;
    enum sl_err rc = sl_shelf_name_emit(service, side, &out);
    rc = rc == SL_OK ? sl_bundle_find(bundle, SL_BUNDLE_SHELF, sl_wbuf_slice(&out), &bytes) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_reader r = sl_reader_of(bytes);
    const struct sl_shelf_entry entry = { .count = sl_reader_u32(&r),
                                          .first = sl_reader_u32(&r),
                                          .name = r.in };
    if (r.failed || entry.count == 0 || entry.name.len > SL_SERVER_NAME_MAX) {
        return SL_EINVAL;
    }
    *ret_entry = entry;
    return SL_OK;
}

enum sl_err sl_server_name_find(const struct sl_bundle *bundle, uint32_t service,
                                struct sl_slice name, struct sl_slice *ret_candidates)
{
    uint8_t bytes[SL_SERVER_NAME_KEY_MAX];
    struct sl_wbuf key = sl_wbuf_of(bytes, sizeof(bytes));
    if (sl_server_name_emit(service, name, &key) != SL_OK) {
        return SL_ENOENT;
    }
    return sl_bundle_find(bundle, SL_BUNDLE_SERVER_NAME, sl_wbuf_slice(&key), ret_candidates);
}

enum sl_err sl_own_find(const struct sl_bundle *bundle, uint32_t service,
                        struct sl_slice *ret_candidates)
{
    const struct sl_number_name name = sl_number_name_of(service);
    return sl_bundle_find(bundle, SL_BUNDLE_OWN, sl_slice_of(name.bytes, sizeof(name.bytes)),
                          ret_candidates);
}

enum sl_err sl_candidate_next(struct sl_slice *candidates, uint32_t *ret_certificate,
                              enum sl_key_kind *ret_kind)
{
    if (candidates->len < SL_CANDIDATE_BYTES) {
        return SL_EOF;
    }
    struct sl_reader r = sl_reader_of(sl_slice_cut(candidates, SL_CANDIDATE_BYTES));
    *ret_certificate = sl_reader_u32(&r);
    *ret_kind = (enum sl_key_kind)sl_reader_u8(&r);
    return *ret_kind < SL_KIND_COUNT ? SL_OK : SL_EOF;
}
