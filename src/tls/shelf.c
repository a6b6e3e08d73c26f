/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/shelf.h"
#include "base/list.h"
#include "tls/certificate_impl.h"
#include "tls/key_leaf.h"
#include "tls/own.h"
#include "tls/x509.h"
#include <openssl/err.h>
#include <stdlib.h>

enum { ISSUERS_COUNT = 64 }; /* certificates of CAs, which many chains share */

struct kept {
    struct sl_list node; /* the one that was used longest ago comes first */
    struct kept *next;   /* in its bucket */
    struct sl_tls_cert *cert;
    uint32_t number;
};

struct issuer {
    X509 *x509;
    uint32_t number;
};

struct sl_tls_shelf {
    uint32_t refs_count;
    const struct sl_bundle *bundle;
    struct sl_key_service *keys;
    struct sl_key_leaves *leaves; /* the provider's */
    struct kept **buckets;
    size_t buckets_count; /* a power of two */
    size_t kept_count, kept_max;
    struct sl_list used;
    struct issuer issuers[ISSUERS_COUNT]; /* by the low bits of their numbers */
};

enum sl_err sl_tls_shelf_create(const struct sl_bundle *bundle, struct sl_key_service *keys,
                                size_t kept_count, struct sl_tls_shelf **ret_shelf)
{
    size_t buckets_count = 1;
    struct sl_key_leaves *leaves;
    enum sl_err rc = sl_key_leaves_get(&leaves);
    if (rc != SL_OK) {
        return rc;
    }
    while (buckets_count < kept_count) {
        buckets_count *= 2;
    }
    struct sl_tls_shelf *shelf = calloc(1, sizeof(*shelf));
    struct kept **buckets = calloc(buckets_count, sizeof(struct kept *));
    if (shelf == NULL || buckets == NULL) {
        free(shelf);
        free(buckets);
        return SL_ENOMEM;
    }
    *shelf = (struct sl_tls_shelf){ .refs_count = 1,
                                    .bundle = bundle,
                                    .keys = keys,
                                    .leaves = leaves,
                                    .buckets = buckets,
                                    .buckets_count = buckets_count,
                                    .kept_max = kept_count };
    sl_list_init(&shelf->used);
    *ret_shelf = shelf;
    return SL_OK;
}

struct sl_tls_shelf *sl_tls_shelf_ref(struct sl_tls_shelf *shelf)
{
    shelf->refs_count++;
    return shelf;
}

static struct kept **bucket_of(struct sl_tls_shelf *shelf, uint32_t number)
{
    return &shelf->buckets[number & (shelf->buckets_count - 1)];
}

static void kept_drop(struct sl_tls_shelf *shelf, struct kept *kept)
{
    struct kept **at = bucket_of(shelf, kept->number);
    while (*at != kept) {
        at = &(*at)->next;
    }
    *at = kept->next;
    sl_list_remove(&kept->node);
    sl_tls_cert_unref(kept->cert);
    free(kept);
    shelf->kept_count--;
}

static void kept_drop_first(struct sl_tls_shelf *shelf)
{
    struct sl_list *first = shelf->used.next;
    kept_drop(shelf, SL_CONTAINER_OF(first, struct kept, node));
}

void sl_tls_shelf_unref(struct sl_tls_shelf *shelf)
{
    if (shelf == NULL || --shelf->refs_count != 0) {
        return;
    }
    while (shelf->kept_count > 0) {
        kept_drop_first(shelf);
    }
    for (size_t i = 0; i < ISSUERS_COUNT; i++) {
        X509_free(shelf->issuers[i].x509);
    }
    free(shelf->buckets);
    free(shelf);
}

const struct sl_bundle *sl_tls_shelf_bundle(const struct sl_tls_shelf *shelf)
{
    return shelf->bundle;
}

static enum sl_err x509_add(struct sl_tls_shelf *shelf, STACK_OF(X509) * chain, uint32_t number)
{
    struct sl_slice der;
    enum sl_err rc = sl_certificate_der_find(shelf->bundle, number, &der);
    return rc == SL_OK ? sl_x509_add_der(chain, der, "chain", NULL) : rc;
}

static enum sl_err issuer_add(struct sl_tls_shelf *shelf, STACK_OF(X509) * chain, uint32_t number)
{
    struct issuer *issuer = &shelf->issuers[number % ISSUERS_COUNT];
    if (issuer->x509 != NULL && issuer->number == number) {
        if (sk_X509_push(chain, issuer->x509) <= 0) {
            return SL_ENOMEM;
        }
        return X509_up_ref(issuer->x509) == 1 ? SL_OK : SL_ENOMEM;
    }
    enum sl_err rc = x509_add(shelf, chain, number);
    X509 *added = rc == SL_OK ? sk_X509_value(chain, sk_X509_num(chain) - 1) : NULL;
    if (added != NULL && X509_up_ref(added) == 1) {
        X509_free(issuer->x509);
        *issuer = (struct issuer){ .x509 = added, .number = number };
    }
    return rc;
}

static enum sl_err cert_build(struct sl_tls_shelf *shelf, uint32_t number,
                              struct sl_tls_cert **ret_cert)
{
    struct sl_certificate_entry entry;
    enum sl_err rc = sl_certificate_entry_find(shelf->bundle, number, &entry);
    if (rc != SL_OK) {
        return rc;
    }
    SL_CLEANUP(sl_own_chain) STACK_OF(X509) *chain = sk_X509_new_null();
    if (chain == NULL) {
        return SL_ENOMEM;
    }
    struct sl_tls_cert *cert = NULL;
    SL_CLEANUP(sl_own_x509) X509 *leaf = NULL;
    struct sl_slice der;
    rc = sl_certificate_der_find(shelf->bundle, entry.ders[0], &der);
    bool is_decoded =
        rc == SL_OK && sl_key_kind_is_ecdsa(entry.kind) &&
        sl_key_leaf_read(shelf->leaves, der, entry.key_index, shelf->keys, &leaf) == SL_OK;
    if (rc == SL_OK && !is_decoded) {
        rc = sl_x509_add_der(chain, der, "chain", NULL);
        leaf = sk_X509_shift(chain);
    }
    for (size_t i = 1; rc == SL_OK && i < entry.ders_count; i++) {
        rc = issuer_add(shelf, chain, entry.ders[i]);
    }
    if (rc == SL_OK) {
        rc = is_decoded ? sl_tls_cert_create_leaf(leaf, chain, entry.kind, shelf->keys, &cert)
                        : sl_tls_cert_create_shared(leaf, chain, entry.kind, entry.key_index,
                                                    shelf->keys, &cert);
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (sl_staple_entry_find(shelf->bundle, number, &cert->staple) != SL_OK) {
        cert->staple.der.len = 0; /* most have none */
    }
    *ret_cert = cert;
    return SL_OK;
}

static void kept_add(struct sl_tls_shelf *shelf, uint32_t number, struct sl_tls_cert *cert)
{
    if (shelf->kept_count == shelf->kept_max) {
        kept_drop_first(shelf);
    }
    struct kept *kept = calloc(1, sizeof(*kept));
    if (kept == NULL) {
        return; /* it serves this once */
    }
    struct kept **bucket = bucket_of(shelf, number);
    *kept = (struct kept){ .next = *bucket, .cert = sl_tls_cert_ref(cert), .number = number };
    *bucket = kept;
    sl_list_append(&shelf->used, &kept->node);
    shelf->kept_count++;
}

enum sl_err sl_tls_shelf_get(struct sl_tls_shelf *shelf, uint32_t number,
                             struct sl_tls_cert **ret_cert)
{
    struct kept *kept = *bucket_of(shelf, number);
    while (kept != NULL && kept->number != number) {
        kept = kept->next;
    }
    if (kept != NULL) {
        sl_list_remove(&kept->node);
        sl_list_append(&shelf->used, &kept->node);
        *ret_cert = sl_tls_cert_ref(kept->cert);
        return SL_OK;
    }
    struct sl_tls_cert *cert = NULL;
    enum sl_err rc = cert_build(shelf, number, &cert);
    ERR_clear_error();
    if (rc == SL_OK) {
        kept_add(shelf, number, cert);
        *ret_cert = cert;
    }
    return rc;
}
