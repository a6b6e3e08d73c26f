/* SPDX-License-Identifier: Apache-2.0 */
#include "app/load_impl.h"
#include "codec/certificate_der.h"
#include "codec/pem.h"
#include "tls/certificate.h"
#include <stdlib.h>
#include <string.h>

enum sl_err sl_load_damaged(struct sl_loader *l, const struct sl_conf_file *file)
{
    sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos,
                    "%s is damaged: a BEGIN line has no matching END line", file->path);
    return SL_EINVAL;
}

/* Only the certificates of a file, in its own place: it may hold private keys as well. */
static enum sl_err certificates_keep(struct sl_loader *l, const struct sl_conf_file *file,
                                     struct sl_blob *pem)
{
    uint8_t *to = malloc(pem->len + 1);
    if (to == NULL) {
        return SL_ENOMEM;
    }
    struct sl_wbuf out = sl_wbuf_of(to, pem->len);
    const bool is_sound = sl_pem_certificates(sl_blob_slice(pem), &out) == SL_OK;
    sl_blob_fini(pem); /* wiped */
    *pem = (struct sl_blob){ .ptr = to, .len = out.len };
    return is_sound ? SL_OK : sl_load_damaged(l, file);
}

enum sl_err sl_load_der(struct sl_loader *l, struct sl_slice der, uint32_t *ret_number)
{
    if (sl_map_find(&l->ders, der, ret_number) == SL_OK) {
        return SL_OK;
    }
    const uint32_t number = l->ders_count;
    const struct sl_number_name name = sl_number_name_of(number);
    if (l->ders_count == l->der_bytes_cap) {
        size_t cap = l->der_bytes_cap == 0 ? 64 : l->der_bytes_cap * 2;
        struct sl_slice *grown = realloc(l->der_bytes, cap * sizeof(*grown));
        if (grown == NULL) {
            return SL_ENOMEM;
        }
        l->der_bytes = grown;
        l->der_bytes_cap = cap;
    }
    enum sl_err rc = sl_collection_add(&l->files, SL_BUNDLE_DER,
                                       sl_slice_of(name.bytes, sizeof(name.bytes)), der);
    rc = rc == SL_OK ? sl_map_add(&l->ders, sl_collection_last(&l->files), number) : rc;
    if (rc == SL_OK) {
        l->der_bytes[l->ders_count++] = sl_collection_last(&l->files);
        *ret_number = number;
    }
    return rc;
}

/* One certificate of a chain; SL_EINVAL: libcrypto is to look at it. */
static enum sl_err block_read(struct sl_loader *l, const struct sl_pem_block *block,
                              struct sl_load_chain *chain, uint8_t *memory, size_t size)
{
    struct sl_wbuf out = sl_wbuf_of(memory, size);
    struct sl_certificate_der certificate;
    enum sl_err rc = chain->ders_count < SL_CHAIN_DERS_MAX ? SL_OK : SL_EINVAL;
    rc = rc == SL_OK ? sl_pem_decode(block, &out) : rc;
    rc = rc == SL_OK ? sl_certificate_der_parse(sl_wbuf_slice(&out), &certificate) : rc;
    if (rc != SL_OK) {
        return SL_EINVAL;
    }
    rc = sl_load_der(l, certificate.whole, &chain->ders[chain->ders_count]);
    chain->ders_count += rc == SL_OK;
    return rc;
}

static enum sl_err chain_read(struct sl_loader *l, struct sl_slice pem, struct sl_load_chain *chain)
{
    struct sl_pem_block block;
    const size_t size = pem.len + 1; /* more than any block of it decodes to */
    uint8_t *memory = malloc(size);
    enum sl_err rc = memory == NULL ? SL_ENOMEM : SL_OK;
    while (rc == SL_OK && (rc = sl_pem_next(&pem, &block)) == SL_OK) {
        if (sl_pem_is_certificate(&block)) {
            rc = block_read(l, &block, chain, memory, size);
        }
    }
    free(memory);
    if (rc == SL_EOF) {
        return chain->ders_count == 0 ? SL_EINVAL : SL_OK;
    }
    return rc;
}

/* What is on a token was asked for before; what could not be had was said then. */
static enum sl_err token_chain_find(const struct sl_loader *l, const struct sl_conf_file *file,
                                    struct sl_slice *ret_pem)
{
    uint32_t number;
    if (sl_map_find(&l->token_chains, sl_slice_cstr(file->path), &number) != SL_OK) {
        return SL_EINVAL;
    }
    *ret_pem = l->chain_texts[number];
    return SL_OK;
}

static enum sl_err chain_add(struct sl_loader *l, const struct sl_conf_file *file,
                             struct sl_load_chain *chain)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob blob = { 0 };
    struct sl_slice pem = { 0 };
    enum sl_err rc;
    if (sl_load_is_on_token(file)) {
        rc = token_chain_find(l, file, &pem);
    } else {
        rc = sl_load_file(l, file, SL_TLS_PEM_MAX, &blob);
        rc = rc == SL_OK ? certificates_keep(l, file, &blob) : rc;
        pem = sl_blob_slice(&blob);
    }
    if (rc != SL_OK) {
        chain->is_failed = true;
        return rc;
    }
    rc = chain_read(l, pem, chain);
    if (rc != SL_EINVAL) {
        return rc;
    }
    char *kept = sl_arena_strdup(&l->arena, pem);
    chain->ders_count = 0;
    chain->pem = sl_slice_of(kept, pem.len);
    return kept == NULL ? SL_ENOMEM : SL_OK;
}

static enum sl_err place_add(struct sl_loader *l, const struct sl_load_place *place)
{
    if (l->places_count == l->places_cap) {
        size_t cap = l->places_cap == 0 ? 16 : l->places_cap * 2;
        struct sl_load_place *grown = realloc(l->places, cap * sizeof(*grown));
        if (grown == NULL) {
            return SL_ENOMEM;
        }
        l->places = grown;
        l->places_cap = cap;
    }
    l->places[l->places_count++] = *place;
    return SL_OK;
}

enum sl_err sl_load_chain(struct sl_loader *l, const struct sl_load_place *place)
{
    const struct sl_conf_file *file = &place->conf->chain;
    const struct sl_slice name = sl_slice_cstr(file->path);
    struct sl_load_place added = *place;
    enum sl_err rc = SL_OK;
    if (sl_map_find(&l->key_names, sl_slice_cstr(sl_load_key_file(place->conf)->path),
                    &added.key) != SL_OK) {
        return SL_EINVAL; /* cannot be: all were noted before */
    }
    rc = sl_load_staple_note(l, &added);
    if (rc != SL_OK) {
        return rc;
    }
    if (sl_map_find(&l->chain_names, name, &added.chain) != SL_OK) {
        added.chain = (uint32_t)l->chains_count++;
        rc = sl_map_add(&l->chain_names, name, added.chain);
        if (rc != SL_OK) {
            return rc;
        }
        rc = chain_add(l, file, &l->chains[added.chain]);
    }
    enum sl_err placed = place_add(l, &added);
    return rc == SL_OK ? placed : rc;
}
