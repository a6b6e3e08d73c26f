/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/select.h"
#include <stdlib.h>
#include <string.h>

enum { DNS_NAME_MAX = 255 }; /* bytes */

struct sl_tls_select_name {
    const char *name;  /* of the certificate, which is referenced */
    size_t cert_index; /* in certs */
};

static int names_compare(const void *left, const void *right)
{
    const struct sl_tls_select_name *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    if (order != 0) {
        return order;
    }
    return (a->cert_index > b->cert_index) - (a->cert_index < b->cert_index);
}

enum sl_err sl_tls_select_init(struct sl_tls_select *select, struct sl_tls_cert *const *certs,
                               size_t certs_count)
{
    size_t names_count = 0;
    for (size_t i = 0; i < certs_count; i++) {
        names_count += certs[i]->names_count;
    }
    struct sl_tls_cert **copy = calloc(certs_count, sizeof(struct sl_tls_cert *));
    struct sl_tls_select_name *names = calloc(names_count + 1, sizeof(*names));
    if (copy == NULL || names == NULL) {
        free(copy);
        free(names);
        return SL_ENOMEM;
    }
    struct sl_tls_select_name *next = names;
    for (size_t i = 0; i < certs_count; i++) {
        copy[i] = sl_tls_cert_ref(certs[i]);
        for (size_t k = 0; k < copy[i]->names_count; k++) {
            *next++ = (struct sl_tls_select_name){ .name = copy[i]->names[k], .cert_index = i };
        }
    }
    qsort(names, names_count, sizeof(*names), names_compare);
    *select = (struct sl_tls_select){
        .certs = copy,
        .certs_count = certs_count,
        .names = names,
        .names_count = names_count,
    };
    return SL_OK;
}

void sl_tls_select_fini(struct sl_tls_select *select)
{
    for (size_t i = 0; i < select->certs_count; i++) {
        sl_tls_cert_unref(select->certs[i]);
    }
    free(select->certs);
    free(select->names);
    *select = (struct sl_tls_select){ 0 };
}

/* The first entry that is not below `name`. */
static size_t lower_bound(const struct sl_tls_select *select, const char *name)
{
    size_t low = 0, high = select->names_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(select->names[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* 0 is best; the kinds that the client cannot use come last. */
static unsigned kind_rank(const struct sl_tls_cert *cert, const struct sl_hello_signatures *kinds)
{
    enum { UNUSABLE = 4 };
    switch (cert->kind) {
    case SL_TLS_KEY_ECDSA:
        return kinds->has_ecdsa ? 0 : UNUSABLE;
    case SL_TLS_KEY_RSA:
        return kinds->has_rsa ? 1 : UNUSABLE;
    case SL_TLS_KEY_EDDSA:
        return kinds->has_eddsa ? 2 : UNUSABLE;
    case SL_TLS_KEY_OTHER:
        break;
    }
    return 3; /* known only to the library */
}

/* The best of the certificates for exactly `name`, as configured among equals; NULL for none. */
static const struct sl_tls_cert *find_named(const struct sl_tls_select *select, const char *name,
                                            const struct sl_hello_signatures *kinds)
{
    const struct sl_tls_cert *best = NULL;
    size_t i = lower_bound(select, name);
    for (; i < select->names_count && strcmp(select->names[i].name, name) == 0; i++) {
        const struct sl_tls_cert *cert = select->certs[select->names[i].cert_index];
        if (best == NULL || kind_rank(cert, kinds) < kind_rank(best, kinds)) {
            best = cert;
        }
    }
    return best;
}

static const struct sl_tls_cert *find_default(const struct sl_tls_select *select,
                                              const struct sl_hello_signatures *kinds)
{
    const struct sl_tls_cert *first = select->certs[0];
    return first->names_count == 0 ? first : find_named(select, first->names[0], kinds);
}

const struct sl_tls_cert *sl_tls_select_find(const struct sl_tls_select *select,
                                             struct sl_slice server_name,
                                             const struct sl_hello_signatures *kinds)
{
    if (server_name.len != 0 && server_name.ptr[server_name.len - 1] == '.') {
        server_name.len--;
    }
    if (server_name.len == 0 || server_name.len > DNS_NAME_MAX) {
        return find_default(select, kinds);
    }
    char name[DNS_NAME_MAX + 1] = "";
    for (size_t i = 0; i < server_name.len; i++) {
        char c = (char)server_name.ptr[i];
        name[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    const struct sl_tls_cert *cert = find_named(select, name, kinds);
    char *dot = strchr(name, '.');
    if (cert == NULL && dot != NULL && dot != name) {
        dot[-1] = '*';
        cert = find_named(select, dot - 1, kinds);
    }
    return cert != NULL ? cert : find_default(select, kinds);
}
