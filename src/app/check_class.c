/* SPDX-License-Identifier: Apache-2.0 */
#include "app/check_class.h"
#include "base/map.h"
#include "codec/certificate_der.h"
#include "codec/certificate_entry.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIXED_BYTES = 32, CANDIDATE_BYTES = 8 };

void sl_check_name(const struct sl_bundle *files, uint32_t service,
                   char ret_name[static SL_CHECK_NAME_MAX])
{
    struct sl_shelf_entry entry;
    ret_name[0] = '\0';
    if (sl_shelf_entry_find(files, service, SL_SHELF_CLIENTS, &entry) != SL_OK) {
        return;
    }
    const bool is_wild = sl_slice_starts(entry.name, SL_SLICE("*."));
    if (is_wild) { /* any label will do */
        (void)sl_slice_cut(&entry.name, 1);
    }
    (void)snprintf(ret_name, SL_CHECK_NAME_MAX, "%s%.*s", is_wild ? "www" : "",
                   SL_SLICE_FMT(entry.name));
}

/* RSAPublicKey (RFC 8017 A.1.1): the bits of its modulus; 0 when it cannot be read. */
static uint32_t rsa_bits(struct sl_slice spki)
{
    struct sl_reader outer = sl_reader_of(spki);
    struct sl_reader info = sl_reader_of(sl_der_expect(&outer, SL_DER_SEQUENCE));
    (void)sl_der_expect(&info, SL_DER_SEQUENCE);
    struct sl_reader bits = sl_reader_of(sl_der_expect(&info, SL_DER_BIT_STRING));
    (void)sl_reader_u8(&bits);
    struct sl_reader key = sl_reader_of(sl_der_expect(&bits, SL_DER_SEQUENCE));
    struct sl_slice modulus = sl_der_expect(&key, SL_DER_INTEGER);
    while (modulus.len > 0 && modulus.ptr[0] == 0) {
        (void)sl_slice_cut(&modulus, 1);
    }
    if (key.failed || modulus.len == 0) {
        return 0;
    }
    uint32_t count = (uint32_t)modulus.len * 8;
    for (uint8_t first = modulus.ptr[0]; (first & 0x80) == 0; first = (uint8_t)(first << 1)) {
        count--;
    }
    return count;
}

/* What of a certificate has a part in a handshake; of one that is not known well, which it is. */
static enum sl_err candidate_put(const struct sl_bundle *files, uint32_t number,
                                 enum sl_key_kind kind, struct sl_wbuf *out)
{
    struct sl_certificate_entry entry;
    struct sl_certificate_der leaf;
    struct sl_slice der;
    uint32_t bits = 0;
    if (kind == SL_KIND_RSA && sl_certificate_entry_find(files, number, &entry) == SL_OK &&
        sl_certificate_der_find(files, entry.ders[0], &der) == SL_OK &&
        sl_certificate_der_parse(der, &leaf) == SL_OK) {
        bits = rsa_bits(leaf.spki);
    }
    const bool is_known = sl_key_kind_is_ecdsa(kind) || bits != 0;
    enum sl_err rc = sl_wbuf_put_u8(out, (uint8_t)kind);
    rc = rc == SL_OK ? sl_wbuf_put_u8(out, is_known) : rc;
    return rc == SL_OK ? sl_wbuf_put_u32(out, is_known ? bits : number) : rc;
}

static enum sl_err candidates_put(const struct sl_bundle *files, struct sl_slice candidates,
                                  struct sl_wbuf *out)
{
    enum sl_err rc = SL_OK;
    uint32_t number;
    enum sl_key_kind kind;
    while (rc == SL_OK && sl_candidate_next(&candidates, &number, &kind) == SL_OK) {
        rc = candidate_put(files, number, kind, out);
    }
    return rc == SL_OK ? sl_wbuf_put_u8(out, UINT8_MAX) : rc; /* no such kind */
}

/* Those for the name that is asked for, as it is or by a wildcard, and those of the default. */
static enum sl_err certificates_put(const struct sl_bundle *files, uint32_t service,
                                    struct sl_arena *arena, struct sl_wbuf *out)
{
    struct sl_shelf_entry entry;
    char name[SL_CHECK_NAME_MAX];
    struct sl_slice asked = { 0 }, own = { 0 }, kept = sl_wbuf_slice(out);
    if (sl_shelf_entry_find(files, service, SL_SHELF_CLIENTS, &entry) != SL_OK) {
        return SL_OK; /* keys alone */
    }
    sl_check_name(files, service, name);
    if (entry.name.len == 0 || sl_server_name_find(files, service, entry.name, &own) != SL_OK) {
        return sl_wbuf_put_u32(out, entry.first); /* nothing is alike by what it is */
    }
    if (sl_server_name_find(files, service, sl_slice_cstr(name), &asked) != SL_OK) {
        asked = (struct sl_slice){ 0 }; /* the wildcard's, which are the default's */
    }
    const size_t size = kept.len + asked.len / SL_CANDIDATE_BYTES * CANDIDATE_BYTES +
                        own.len / SL_CANDIDATE_BYTES * CANDIDATE_BYTES + 2;
    void *bytes = sl_arena_calloc(arena, 1, size);
    if (bytes == NULL) {
        return SL_ENOMEM;
    }
    memcpy(bytes, kept.ptr, kept.len);
    *out = sl_wbuf_of(bytes, size);
    out->len = kept.len;
    enum sl_err rc = candidates_put(files, asked, out);
    return rc == SL_OK ? candidates_put(files, own, out) : rc;
}

/* All that has a part in what clients get. */
static enum sl_err class_put(const struct sl_snapshot *snapshot, const struct sl_bundle *files,
                             uint32_t number, struct sl_arena *arena, struct sl_wbuf *out)
{
    const struct sl_service *service = &snapshot->services[number];
    const struct sl_conf_service *conf = service->conf;
    size_t size = FIXED_BYTES;
    for (size_t i = 0; i < conf->alpn_count; i++) {
        size += strlen(conf->alpn[i].text) + 1;
    }
    void *bytes = sl_arena_calloc(arena, 1, size);
    if (bytes == NULL) {
        return SL_ENOMEM;
    }
    *out = sl_wbuf_of(bytes, size);
    const uint8_t flags[] = { service->plan.client_tls != NULL,
                              service->plan.way.is_alpn_held,
                              conf->is_alpn_strict,
                              (uint8_t)conf->sni,
                              (uint8_t)conf->clients.verify,
                              conf->clients.psks_count > 0 };
    enum sl_err rc = sl_wbuf_put(out, sl_slice_of(&conf->policy, sizeof(conf->policy)));
    rc = rc == SL_OK ? sl_wbuf_put(out, sl_slice_of(flags, sizeof(flags))) : rc;
    /* one with routes is like no other */
    rc = rc == SL_OK ? sl_wbuf_put_u32(out, conf->routes_count > 0 ? number + 1 : 0) : rc;
    for (size_t i = 0; rc == SL_OK && i < conf->alpn_count; i++) {
        rc = sl_wbuf_put(out, sl_slice_of(conf->alpn[i].text, strlen(conf->alpn[i].text) + 1));
    }
    rc = rc == SL_OK ? sl_wbuf_put_u8(out, UINT8_MAX) : rc;
    return rc == SL_OK ? certificates_put(files, number, arena, out) : rc;
}

enum sl_err sl_check_classes_make(const struct sl_snapshot *snapshot, const struct sl_bundle *files,
                                  struct sl_arena *arena, struct sl_check_classes *classes)
{
    const size_t count = snapshot->conf->services_count;
    struct sl_map map = { 0 };
    *classes = (struct sl_check_classes){
        .of_service = sl_arena_calloc(arena, count, sizeof(*classes->of_service)),
        .first_services = sl_arena_calloc(arena, count, sizeof(*classes->first_services)),
    };
    enum sl_err rc =
        classes->of_service == NULL || classes->first_services == NULL ? SL_ENOMEM : SL_OK;
    for (size_t i = 0; rc == SL_OK && i < count; i++) {
        struct sl_wbuf class = { 0 };
        rc = class_put(snapshot, files, (uint32_t)i, arena, &class);
        if (rc != SL_OK ||
            sl_map_find(&map, sl_wbuf_slice(&class), &classes->of_service[i]) == SL_OK) {
            continue;
        }
        classes->of_service[i] = (uint32_t)classes->count;
        classes->first_services[classes->count] = (uint32_t)i;
        rc = sl_map_add(&map, sl_wbuf_slice(&class), (uint32_t)classes->count++);
    }
    sl_map_fini(&map);
    return rc == SL_OK ? SL_OK : SL_ENOMEM; /* every buffer was made to fit */
}
