/* SPDX-License-Identifier: Apache-2.0 */
#include "app/load_impl.h"
#include "codec/certificate_der.h"
#include "sys/clock.h"
#include "tls/certificate.h"
#include "tls/context.h"
#include <stdlib.h>
#include <string.h>

enum { EXPIRES_SOON_S = 14 * 86400 }; /* when `check` begins to warn */
enum { CLASS_BYTES_MAX = 512, CHAIN_NAME_BYTES = 8 };

/* A DNS name that stands in a certificate of a service. */
struct name {
    struct sl_slice key; /* of its entry */
    uint32_t certificate;
    enum sl_key_kind kind;
    uint32_t order;
};

/* The names of a service while they are gathered. */
struct names {
    struct name *list;
    size_t count, cap;
};

/* What was found of one place. */
struct found {
    uint32_t number; /* of the certificate */
    enum sl_key_kind kind;
    struct sl_slice first_name;
};

static void names_fini(struct names *names)
{
    free(names->list);
}

static void cert_cleanup(struct sl_tls_cert **cert)
{
    sl_tls_cert_unref(*cert);
}

static enum sl_err names_add(struct sl_loader *l, struct names *names, uint32_t service,
                             struct sl_slice dns_name, struct found *found)
{
    uint8_t bytes[SL_SERVER_NAME_KEY_MAX];
    struct sl_wbuf key = sl_wbuf_of(bytes, sizeof(bytes));
    if (sl_server_name_emit(service, dns_name, &key) != SL_OK) {
        return SL_OK; /* no client can ask for it */
    }
    if (names->count == names->cap) {
        size_t cap = names->cap == 0 ? 64 : names->cap * 2;
        struct name *grown = realloc(names->list, cap * sizeof(*grown));
        if (grown == NULL) {
            return SL_ENOMEM;
        }
        names->list = grown;
        names->cap = cap;
    }
    const char *copy = sl_arena_strdup(&l->arena, sl_wbuf_slice(&key));
    if (copy == NULL) {
        return SL_ENOMEM;
    }
    names->list[names->count] = (struct name){ .key = sl_slice_of(copy, key.len),
                                               .certificate = found->number,
                                               .kind = found->kind,
                                               .order = (uint32_t)names->count };
    if (found->first_name.len == 0) {
        found->first_name = sl_slice_of(copy + 4, key.len - 4); /* behind the service */
    }
    names->count++;
    return SL_OK;
}

static int names_compare(const void *left, const void *right)
{
    const struct name *a = left, *b = right;
    const size_t common = SL_MIN(a->key.len, b->key.len);
    int order = memcmp(a->key.ptr, b->key.ptr, common);
    if (order == 0) {
        order = (a->key.len > b->key.len) - (a->key.len < b->key.len);
    }
    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

/* One entry for all that stand for one name. */
static enum sl_err names_put(struct sl_loader *l, struct names *names)
{
    enum sl_err rc = SL_OK;
    if (names->count > 0) {
        qsort(names->list, names->count, sizeof(*names->list), names_compare);
    }
    uint8_t *bytes = malloc(names->count * SL_CANDIDATE_BYTES + 1);
    if (bytes == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; rc == SL_OK && i < names->count;) {
        struct sl_wbuf out = sl_wbuf_of(bytes, names->count * SL_CANDIDATE_BYTES);
        const struct sl_slice key = names->list[i].key;
        for (; rc == SL_OK && i < names->count && sl_slice_eq(names->list[i].key, key); i++) {
            rc = sl_candidate_emit(names->list[i].certificate, names->list[i].kind, &out);
        }
        rc = rc == SL_OK
                 ? sl_collection_add(&l->files, SL_BUNDLE_SERVER_NAME, key, sl_wbuf_slice(&out))
                 : rc;
    }
    free(bytes);
    return rc;
}

static void tell_of_dates(struct sl_loader *l, const struct sl_conf_file *chain,
                          int64_t not_before_s, int64_t not_after_s)
{
    struct sl_findings *findings = &l->load->findings;
    const int64_t now_s = (int64_t)(sl_clock_unix_ms() / SL_MS_PER_S);
    if (not_after_s <= now_s) {
        sl_findings_add(findings, SL_FINDING_WARNING, chain->pos, "the certificate %s has expired",
                        chain->path);
    } else if (not_after_s - now_s <= EXPIRES_SOON_S) {
        sl_findings_add(findings, SL_FINDING_WARNING, chain->pos,
                        "the certificate %s expires in %lld days", chain->path,
                        (long long)((not_after_s - now_s) / 86400));
    }
    if (not_before_s > now_s) {
        sl_findings_add(findings, SL_FINDING_WARNING, chain->pos,
                        "the certificate %s is not valid yet", chain->path);
    }
}

/* Toward upstreams this is looked at with the others that they may be shown (tls/own_cert.h). */
static void tell_of_kind(struct sl_loader *l, const struct sl_load_place *place,
                         enum sl_key_kind kind)
{
    const struct sl_conf_file *chain = &place->conf->chain;
    if (place->side != SL_SHELF_CLIENTS) {
        return;
    }
    if (kind == SL_KIND_OTHER) {
        sl_findings_add(&l->load->findings, SL_FINDING_WARNING, chain->pos,
                        "the certificate %s has a key for which TLS 1.3 has no signature (RFC 8446 "
                        "4.2.3): no browser takes it",
                        chain->path);
    } else if (!sl_policy_signs(place->policy, kind)) {
        sl_findings_add(&l->load->findings, SL_FINDING_WARNING, chain->pos,
                        "no client can take the certificate %s: policy %s has no signature for "
                        "such a key",
                        chain->path, place->policy->name);
    }
}

/* The diag begins with what it is about: the chain or the key. */
static enum sl_err complain(struct sl_loader *l, const struct sl_conf_certificate *conf,
                            const struct sl_diag *diag, enum sl_err rc)
{
    bool is_key = sl_slice_starts(sl_slice_cstr(diag->text), SL_SLICE("key:"));
    const struct sl_conf_file *file = is_key ? sl_load_key_file(conf) : &conf->chain;
    if (rc != SL_ENOMEM) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos, "%s: %s", file->path,
                        diag->text);
    }
    return rc;
}

/* What the policy's verdict hangs on: certificates of one class get the same. */
static enum sl_err class_put(const struct sl_load_place *place, const struct sl_load_chain *chain,
                             const struct sl_certificate_der *leaf, uint32_t key_bits,
                             struct sl_wbuf *out)
{
    const bool is_client = place->side == SL_SHELF_UPSTREAMS;
    enum sl_err rc = sl_wbuf_put(out, sl_slice_of(&place->policy, sizeof(place->policy)));
    rc = rc == SL_OK ? sl_wbuf_put_u8(out, is_client) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u32(out, key_bits) : rc;
    rc = rc == SL_OK ? sl_wbuf_put(out, leaf->key_algorithm) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u8(out, 0) : rc;
    rc = rc == SL_OK ? sl_wbuf_put(out, leaf->signature_algorithm) : rc;
    return rc == SL_OK ? sl_wbuf_put(out, sl_slice_of(chain->ders + 1,
                                                      (chain->ders_count - 1) * sizeof(uint32_t)))
                       : rc;
}

static enum sl_err class_keep(struct sl_loader *l, struct sl_slice class)
{
    uint32_t place;
    if (class.len == 0 || sl_map_find(&l->classes, class, &place) == SL_OK) {
        return SL_OK;
    }
    const char *copy = sl_arena_strdup(&l->arena, class);
    return copy == NULL ? SL_ENOMEM : sl_map_add(&l->classes, sl_slice_of(copy, class.len), 0);
}

/* What only libcrypto can read: its chain as libcrypto understands it. */
static enum sl_err chain_take(struct sl_loader *l, const struct sl_tls_cert *cert,
                              struct sl_load_chain *chain)
{
    uint8_t *bytes = malloc(SL_TLS_PEM_MAX);
    enum sl_err rc = bytes == NULL ? SL_ENOMEM : SL_OK;
    while (rc == SL_OK && chain->ders_count < SL_CHAIN_DERS_MAX) {
        struct sl_wbuf out = sl_wbuf_of(bytes, SL_TLS_PEM_MAX);
        rc = sl_tls_cert_der(cert, chain->ders_count, &out);
        if (rc == SL_OK) {
            rc = sl_load_der(l, sl_wbuf_slice(&out), &chain->ders[chain->ders_count]);
            chain->ders_count += rc == SL_OK;
        }
    }
    free(bytes);
    return rc == SL_ENOENT ? SL_OK : rc;
}

static enum sl_err cert_make(struct sl_loader *l, const struct sl_load_place *place,
                             const struct sl_load_chain *chain, struct sl_diag *diag,
                             struct sl_tls_cert **ret_cert)
{
    const struct sl_tls_key key = { l->keys[place->key].public_der, l->keys[place->key].number,
                                    NULL };
    struct sl_slice ders[SL_CHAIN_DERS_MAX];
    for (size_t i = 0; i < chain->ders_count; i++) {
        ders[i] = l->der_bytes[chain->ders[i]];
    }
    return chain->ders_count == 0
               ? sl_tls_cert_create_apart(chain->pem, &key, diag, ret_cert)
               : sl_tls_cert_create_ders(ders, chain->ders_count, &key, diag, ret_cert);
}

/* The whole examination, by libcrypto. */
static enum sl_err examine(struct sl_loader *l, const struct sl_load_place *place,
                           struct sl_load_chain *chain, struct names *names, struct found *found)
{
    SL_CLEANUP(cert_cleanup) struct sl_tls_cert *cert = NULL;
    struct sl_tls_cert_info info;
    struct sl_certificate_der leaf;
    struct sl_diag diag = { 0 };
    uint8_t bytes[CLASS_BYTES_MAX];
    struct sl_wbuf class = sl_wbuf_of(bytes, sizeof(bytes));
    uint32_t known;
    enum sl_err rc = cert_make(l, place, chain, &diag, &cert);
    if (rc != SL_OK) {
        return complain(l, place->conf, &diag, rc);
    }
    rc = chain->ders_count == 0 ? chain_take(l, cert, chain) : SL_OK;
    if (rc != SL_OK) {
        return rc;
    }
    sl_tls_cert_info(cert, &info);
    tell_of_dates(l, &place->conf->chain, info.not_before_s, info.not_after_s);
    found->kind = sl_tls_cert_kind(cert);
    tell_of_kind(l, place, found->kind);
    const bool is_ec = sl_key_kind_is_ecdsa(found->kind);
    /* less is asked of one that signs itself: it is no example to others */
    if (info.is_self_signed ||
        sl_certificate_der_parse(l->der_bytes[chain->ders[0]], &leaf) != SL_OK ||
        class_put(place, chain, &leaf, is_ec ? 0 : info.key_bits, &class) != SL_OK) {
        class.len = 0;
    }
    if (place->side == SL_SHELF_CLIENTS &&
        (class.len == 0 || sl_map_find(&l->classes, sl_wbuf_slice(&class), &known) != SL_OK)) {
        rc = sl_tls_cert_check(cert, place->policy, &diag);
    }
    if (rc != SL_OK) {
        return complain(l, place->conf, &diag, rc);
    }
    rc = class_keep(l, sl_wbuf_slice(&class));
    for (size_t i = 0; rc == SL_OK && names != NULL && sl_tls_cert_name(cert, i) != NULL; i++) {
        rc = names_add(l, names, place->service, sl_slice_cstr(sl_tls_cert_name(cert, i)), found);
    }
    return rc;
}

/* A certificate like one that libcrypto has examined, with its own key, needs no more. SL_ENOENT:
 * this is none. */
static enum sl_err recognize(struct sl_loader *l, const struct sl_load_place *place,
                             const struct sl_load_chain *chain, struct names *names,
                             struct found *found)
{
    struct sl_certificate_der leaf;
    struct sl_slice san, name;
    enum sl_ec_curve curve;
    uint8_t bytes[CLASS_BYTES_MAX];
    struct sl_wbuf class = sl_wbuf_of(bytes, sizeof(bytes));
    uint32_t known;
    if (chain->ders_count == 0 ||
        sl_certificate_der_parse(l->der_bytes[chain->ders[0]], &leaf) != SL_OK ||
        !sl_certificate_der_is_ecdsa(&leaf, &curve) ||
        !sl_slice_eq(leaf.spki, l->keys[place->key].public_der) ||
        class_put(place, chain, &leaf, 0, &class) != SL_OK ||
        sl_map_find(&l->classes, sl_wbuf_slice(&class), &known) != SL_OK) {
        return SL_ENOENT;
    }
    san = leaf.names;
    if (sl_certificate_der_name(&san, &name) != SL_OK) {
        return SL_ENOENT; /* the common name stands for it */
    }
    tell_of_dates(l, &place->conf->chain, leaf.not_before_s, leaf.not_after_s);
    found->kind = (enum sl_key_kind)(SL_KIND_ECDSA_P256 + curve);
    tell_of_kind(l, place, found->kind);
    enum sl_err rc = SL_OK;
    san = leaf.names;
    while (rc == SL_OK && names != NULL && sl_certificate_der_name(&san, &name) == SL_OK) {
        rc = names_add(l, names, place->service, name, found);
    }
    return rc;
}

static enum sl_err entry_put(struct sl_loader *l, const struct sl_load_place *place,
                             const struct sl_load_chain *chain, const struct found *found)
{
    struct sl_certificate_entry entry = { .key_index = l->keys[place->key].number,
                                          .kind = found->kind,
                                          .ders_count = chain->ders_count };
    uint8_t bytes[SL_CERTIFICATE_ENTRY_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    const struct sl_number_name name = sl_number_name_of(found->number);
    memcpy(entry.ders, chain->ders, sizeof(entry.ders));
    enum sl_err rc = sl_certificate_entry_emit(&entry, &out);
    return rc == SL_OK
               ? sl_collection_add(&l->files, SL_BUNDLE_CERTIFICATE,
                                   sl_slice_of(name.bytes, sizeof(name.bytes)), sl_wbuf_slice(&out))
               : rc;
}

/* The number of the certificate that chain, key and response are; many services may have the same.
 */
static enum sl_err number_of(struct sl_loader *l, const struct sl_load_place *place,
                             uint32_t *ret_number, bool *ret_is_new)
{
    const uint32_t parts[] = { place->chain, place->key, place->staple };
    *ret_is_new = false;
    if (sl_map_find(&l->certificates, sl_slice_of(parts, sizeof(parts)), ret_number) == SL_OK) {
        return SL_OK;
    }
    const char *copy = sl_arena_strdup(&l->arena, sl_slice_of(parts, sizeof(parts)));
    *ret_is_new = true;
    *ret_number = l->certificates_count;
    if (copy == NULL) {
        return SL_ENOMEM;
    }
    enum sl_err rc =
        sl_map_add(&l->certificates, sl_slice_of(copy, sizeof(parts)), l->certificates_count);
    l->certificates_count += rc == SL_OK;
    return rc;
}

static enum sl_err place_finish(struct sl_loader *l, const struct sl_load_place *place,
                                struct names *names, struct found *ret_found)
{
    struct sl_load_chain *chain = &l->chains[place->chain];
    struct found found = { 0 };
    bool is_new;
    sl_load_step(l);
    if (chain->is_failed || l->keys[place->key].public_der.len == 0) {
        return SL_EINVAL; /* which was said */
    }
    enum sl_err rc = number_of(l, place, &found.number, &is_new);
    rc = rc == SL_OK ? recognize(l, place, chain, names, &found) : rc;
    rc = rc == SL_ENOENT ? examine(l, place, chain, names, &found) : rc;
    rc = rc == SL_OK && is_new ? entry_put(l, place, chain, &found) : rc;
    rc = rc == SL_OK && is_new ? sl_load_staple(l, place, chain, found.number) : rc;
    if (rc == SL_OK) {
        *ret_found = found;
    }
    return rc;
}

/* Those that a service has for its upstreams. */
static enum sl_err own_finish(struct sl_loader *l, const struct sl_load_place *places, size_t count)
{
    const struct sl_number_name name = sl_number_name_of(places[0].service);
    uint8_t *bytes = malloc(count * SL_CANDIDATE_BYTES);
    struct sl_wbuf out = sl_wbuf_of(bytes, count * SL_CANDIDATE_BYTES);
    enum sl_err result = bytes == NULL ? SL_ENOMEM : SL_OK;
    for (size_t i = 0; bytes != NULL && i < count; i++) {
        struct found found = { 0 };
        enum sl_err rc = place_finish(l, &places[i], NULL, &found);
        rc = rc == SL_OK ? sl_candidate_emit(found.number, found.kind, &out) : rc;
        sl_load_note(&result, rc);
    }
    if (result == SL_OK) {
        result =
            sl_collection_add(&l->files, SL_BUNDLE_OWN, sl_slice_of(name.bytes, sizeof(name.bytes)),
                              sl_wbuf_slice(&out));
    }
    free(bytes);
    return result;
}

/* Those that a service has for its clients. */
static enum sl_err shelf_finish(struct sl_loader *l, const struct sl_load_place *places,
                                size_t count)
{
    SL_CLEANUP(names_fini) struct names names = { 0 };
    struct sl_shelf_entry entry = { .count = (uint32_t)count };
    enum sl_err result = SL_OK;
    for (size_t i = 0; i < count; i++) {
        struct found found = { 0 };
        enum sl_err rc = place_finish(l, &places[i], &names, &found);
        sl_load_note(&result, rc);
        if (rc == SL_OK && i == 0) {
            entry.first = found.number;
            entry.name = found.first_name;
        }
    }
    uint8_t name_bytes[8], bytes[SL_SHELF_ENTRY_MAX];
    struct sl_wbuf name = sl_wbuf_of(name_bytes, sizeof(name_bytes));
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_shelf_name_emit(places[0].service, SL_SHELF_CLIENTS, &name);
    rc = rc == SL_OK ? sl_shelf_entry_emit(&entry, &out) : rc;
    if (result == SL_OK) { /* a shelf is whole, or not there */
        result = rc == SL_OK ? sl_collection_add(&l->files, SL_BUNDLE_SHELF, sl_wbuf_slice(&name),
                                                 sl_wbuf_slice(&out))
                             : rc;
        sl_load_note(&result, names_put(l, &names));
    }
    return result;
}

/* The places of one service and side stand together. */
enum sl_err sl_load_certificates(struct sl_loader *l)
{
    enum sl_err result = SL_OK;
    for (size_t i = 0; i < l->places_count;) {
        const struct sl_load_place *first = &l->places[i];
        size_t count = 1;
        while (i + count < l->places_count && first[count].service == first->service &&
               first[count].side == first->side) {
            count++;
        }
        sl_load_note(&result, first->side == SL_SHELF_CLIENTS ? shelf_finish(l, first, count)
                                                              : own_finish(l, first, count));
        i += count;
    }
    return result;
}
