/* SPDX-License-Identifier: Apache-2.0 */
#include "app/load_impl.h"
#include "codec/certificate_der.h"
#include "sys/clock.h"
#include "tls/staple.h"
#include <stdlib.h>

enum { STALE_SOON_S = 24 * 3600 }; /* when `check` begins to warn */

enum sl_err sl_load_staple_note(struct sl_loader *l, struct sl_load_place *place)
{
    const char *path = place->conf->ocsp.path;
    const struct sl_slice name = sl_slice_cstr(path);
    if (path == NULL || sl_map_find(&l->staple_names, name, &place->staple) == SL_OK) {
        return SL_OK;
    }
    place->staple = ++l->staples_count;
    return sl_map_add(&l->staple_names, name, place->staple);
}

/* RFC 7633 4.2.2: a client may refuse such a certificate without a response. */
static void tell_of_none(struct sl_loader *l, const struct sl_load_place *place,
                         const struct sl_load_chain *chain)
{
    const struct sl_conf_file *file = &place->conf->chain;
    struct sl_certificate_der leaf;
    if (place->side == SL_SHELF_CLIENTS &&
        sl_certificate_der_parse(l->der_bytes[chain->ders[0]], &leaf) == SL_OK &&
        leaf.is_must_staple) {
        sl_findings_add(&l->load->findings, SL_FINDING_WARNING, file->pos,
                        "the certificate %s demands a stapled OCSP response (must-staple), and "
                        "there is no 'ocsp': clients may refuse it",
                        file->path);
    }
}

static enum sl_err staple_check(struct sl_loader *l, const struct sl_load_place *place,
                                const struct sl_load_chain *chain, struct sl_slice bytes,
                                struct sl_wbuf *der, struct sl_staple_entry *ret_entry)
{
    const struct sl_conf_file *file = &place->conf->ocsp;
    const int64_t now_s = (int64_t)(sl_clock_unix_ms() / SL_MS_PER_S);
    struct sl_slice ders[SL_CHAIN_DERS_MAX];
    struct sl_diag diag = { 0 };
    for (size_t i = 0; i < chain->ders_count; i++) {
        ders[i] = l->der_bytes[chain->ders[i]];
    }
    enum sl_err rc =
        sl_tls_staple_check(bytes, ders, chain->ders_count, now_s, &diag, der, ret_entry);
    if (rc != SL_OK && rc != SL_ENOMEM) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos, "%s: %s", file->path,
                        diag.text);
    }
    if (rc == SL_OK && ret_entry->until_s - now_s < STALE_SOON_S) {
        sl_findings_add(&l->load->findings, SL_FINDING_WARNING, file->pos,
                        "the OCSP response %s expires in %lld minutes", file->path,
                        (long long)((ret_entry->until_s - now_s) / 60));
    }
    return rc;
}

static enum sl_err staple_put(struct sl_loader *l, const struct sl_staple_entry *entry,
                              uint32_t number)
{
    const struct sl_number_name name = sl_number_name_of(number);
    uint8_t *bytes = malloc(SL_STAPLE_ENTRY_MAX);
    if (bytes == NULL) {
        return SL_ENOMEM;
    }
    struct sl_wbuf out = sl_wbuf_of(bytes, SL_STAPLE_ENTRY_MAX);
    enum sl_err rc = sl_staple_entry_emit(entry, &out);
    rc = rc == SL_OK
             ? sl_collection_add(&l->files, SL_BUNDLE_STAPLE,
                                 sl_slice_of(name.bytes, sizeof(name.bytes)), sl_wbuf_slice(&out))
             : rc;
    free(bytes);
    return rc;
}

/* For who is to tell of its end (app/staples.h). */
static enum sl_err staple_list(struct sl_loader *l, const struct sl_load_place *place,
                               int64_t until_s)
{
    struct sl_load_staple *staple = sl_arena_calloc(&l->load->arena, 1, sizeof(*staple));
    if (staple == NULL) {
        return SL_ENOMEM;
    }
    *staple = (struct sl_load_staple){ .path = place->conf->ocsp.path,
                                       .chain = place->conf->chain.path,
                                       .until_s = until_s };
    sl_list_append(&l->load->staples, &staple->node);
    return SL_OK;
}

enum sl_err sl_load_staple(struct sl_loader *l, const struct sl_load_place *place,
                           const struct sl_load_chain *chain, uint32_t number)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob bytes = { 0 };
    struct sl_staple_entry entry = { 0 };
    if (place->staple == 0) {
        tell_of_none(l, place, chain);
        return SL_OK;
    }
    struct sl_wbuf der = sl_wbuf_of(malloc(SL_STAPLE_MAX), SL_STAPLE_MAX);
    enum sl_err rc = der.ptr == NULL ? SL_ENOMEM : SL_OK;
    rc = rc == SL_OK ? sl_load_file(l, &place->conf->ocsp, SL_STAPLE_FILE_MAX, &bytes) : rc;
    rc = rc == SL_OK ? staple_check(l, place, chain, sl_blob_slice(&bytes), &der, &entry) : rc;
    rc = rc == SL_OK ? staple_put(l, &entry, number) : rc;
    rc = rc == SL_OK ? staple_list(l, place, entry.until_s) : rc;
    free(der.ptr);
    return rc;
}
