/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/select.h"
#include <stdlib.h>
#include <string.h>

enum sl_err sl_tls_select_init(struct sl_tls_select *select, struct sl_tls_cert *const *certs,
                               size_t certs_count)
{
    struct sl_tls_cert **copy = calloc(certs_count, sizeof(struct sl_tls_cert *));
    if (copy == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; i < certs_count; i++) {
        copy[i] = sl_tls_cert_ref(certs[i]);
    }
    *select = (struct sl_tls_select){ .certs = copy, .certs_count = certs_count };
    return SL_OK;
}

enum sl_err sl_tls_select_init_shelf(struct sl_tls_select *select, struct sl_tls_shelf *shelf,
                                     uint32_t service)
{
    struct sl_shelf_entry entry;
    enum sl_err rc =
        sl_shelf_entry_find(sl_tls_shelf_bundle(shelf), service, SL_SHELF_CLIENTS, &entry);
    if (rc == SL_OK) {
        *select = (struct sl_tls_select){ .shelf = sl_tls_shelf_ref(shelf),
                                          .service = service,
                                          .entry = entry };
    }
    return rc;
}

void sl_tls_select_fini(struct sl_tls_select *select)
{
    for (size_t i = 0; i < select->certs_count; i++) {
        sl_tls_cert_unref(select->certs[i]);
    }
    free(select->certs);
    sl_tls_shelf_unref(select->shelf);
    *select = (struct sl_tls_select){ 0 };
}

uint32_t sl_tls_select_first(const struct sl_tls_select *select)
{
    return select->shelf == NULL ? 0 : select->entry.first;
}

bool sl_tls_select_is_one(const struct sl_tls_select *select)
{
    return select->shelf == NULL ? select->certs_count == 1 : select->entry.count == 1;
}

enum sl_err sl_tls_select_get(const struct sl_tls_select *select, uint32_t number,
                              struct sl_tls_cert **ret_cert)
{
    if (select->shelf != NULL) {
        return sl_tls_shelf_get(select->shelf, number, ret_cert);
    }
    *ret_cert = sl_tls_cert_ref(select->certs[number]);
    return SL_OK;
}

/* 0 is best; the kinds that the client cannot use come last. */
static unsigned kind_rank(enum sl_key_kind kind, const struct sl_hello_signatures *kinds)
{
    enum { UNUSABLE = 4 };
    switch (kind) {
    case SL_KIND_ECDSA_P256:
    case SL_KIND_ECDSA_P384:
    case SL_KIND_ECDSA_P521:
        return (kinds->ecdsa_curves & 1 << (kind - SL_KIND_ECDSA_P256)) != 0 ? 0 : UNUSABLE;
    case SL_KIND_RSA:
        return kinds->has_rsa ? 1 : UNUSABLE;
    case SL_KIND_EDDSA:
        return kinds->has_eddsa ? 2 : UNUSABLE;
    default:
        return 3; /* known only to the library */
    }
}

/* The best of what was seen; the first among equals. */
struct best {
    const struct sl_hello_signatures *kinds;
    uint32_t number;
    unsigned rank;
    bool is_found;
};

static void best_see(struct best *best, uint32_t number, enum sl_key_kind kind)
{
    const unsigned rank = kind_rank(kind, best->kinds);
    if (!best->is_found || rank < best->rank) {
        best->number = number;
        best->rank = rank;
        best->is_found = true;
    }
}

static void see_at_hand(const struct sl_tls_select *select, struct sl_slice name, struct best *best)
{
    for (size_t i = 0; i < select->certs_count; i++) {
        const struct sl_tls_cert *cert = select->certs[i];
        for (size_t k = 0; k < cert->names_count; k++) {
            if (sl_slice_eq_nocase(sl_slice_cstr(cert->names[k]), name)) {
                best_see(best, (uint32_t)i, cert->kind);
                break;
            }
        }
    }
}

/* The best of the certificates for exactly `name`, as configured among equals. */
static bool find_named(const struct sl_tls_select *select, struct sl_slice name,
                       const struct sl_hello_signatures *kinds, uint32_t *ret_number)
{
    struct best best = { .kinds = kinds };
    struct sl_slice candidates;
    if (select->shelf == NULL) {
        see_at_hand(select, name, &best);
    } else if (sl_server_name_find(sl_tls_shelf_bundle(select->shelf), select->service, name,
                                   &candidates) == SL_OK) {
        uint32_t number;
        enum sl_key_kind kind;
        while (sl_candidate_next(&candidates, &number, &kind) == SL_OK) {
            best_see(&best, number, kind);
        }
    }
    if (best.is_found) {
        *ret_number = best.number;
    }
    return best.is_found;
}

static uint32_t find_default(const struct sl_tls_select *select,
                             const struct sl_hello_signatures *kinds)
{
    struct sl_slice name = select->entry.name;
    uint32_t number = sl_tls_select_first(select);
    if (select->shelf == NULL) {
        name = sl_slice_cstr(sl_tls_cert_name(select->certs[0], 0));
    }
    if (name.len != 0) {
        (void)find_named(select, name, kinds, &number);
    }
    return number;
}

/* Exactly one label, the leftmost, stands for the wildcard (RFC 9525 6.3). */
static bool find_wildcard(const struct sl_tls_select *select, struct sl_slice name,
                          const struct sl_hello_signatures *kinds, uint32_t *ret_number)
{
    uint8_t wildcard[SL_SERVER_NAME_MAX];
    const size_t dot = sl_slice_find(name, '.');
    if (dot == name.len) {
        return false;
    }
    wildcard[0] = '*';
    memcpy(wildcard + 1, name.ptr + dot, name.len - dot);
    return find_named(select, sl_slice_of(wildcard, name.len - dot + 1), kinds, ret_number);
}

/* Any certificate for that name. */
static bool find_any(const struct sl_tls_select *select, struct sl_slice name,
                     const struct sl_hello_signatures *kinds, uint32_t *ret_number)
{
    return sl_hello_is_dns_name(name) && (find_named(select, name, kinds, ret_number) ||
                                          find_wildcard(select, name, kinds, ret_number));
}

bool sl_tls_select_has(const struct sl_tls_select *select, struct sl_slice server_name)
{
    static const struct sl_hello_signatures ANY = { .ecdsa_curves = SL_HELLO_CURVES_ALL };
    uint32_t number;
    return find_any(select, server_name, &ANY, &number);
}

uint32_t sl_tls_select_find(const struct sl_tls_select *select, struct sl_slice server_name,
                            const struct sl_hello_signatures *kinds)
{
    uint32_t number;
    return find_any(select, server_name, kinds, &number) ? number : find_default(select, kinds);
}
