/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/error.h"
#include "tls/own.h"
#include "tls/store_impl.h"
#include "tls/x509.h"
#include <limits.h>
#include <openssl/err.h>

static void store_cleanup(struct sl_tls_store **store)
{
    sl_tls_store_unref(*store);
}

static bool digest_certs(struct sl_tls_store *store)
{
    SL_CLEANUP(sl_own_digest) EVP_MD_CTX *all = EVP_MD_CTX_new();
    bool is_ok = all != NULL && EVP_DigestInit_ex(all, EVP_sha256(), NULL) == 1;
    for (int i = 0; is_ok && i < sk_X509_num(store->certs); i++) {
        uint8_t one[EVP_MAX_MD_SIZE];
        unsigned len = 0;
        is_ok = X509_digest(sk_X509_value(store->certs, i), EVP_sha256(), one, &len) == 1 &&
                EVP_DigestUpdate(all, one, len) == 1;
    }
    return is_ok && EVP_DigestFinal_ex(all, store->digest, NULL) == 1;
}

static bool certs_add(struct sl_tls_store *store)
{
    for (int i = 0; i < sk_X509_num(store->certs); i++) {
        if (X509_STORE_add_cert(store->x509, sk_X509_value(store->certs, i)) != 1) {
            return false;
        }
    }
    return true;
}

enum sl_err sl_tls_store_create(struct sl_slice pem, struct sl_diag *diag,
                                struct sl_tls_store **ret_store)
{
    SL_CLEANUP(store_cleanup) struct sl_tls_store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return SL_ENOMEM;
    }
    store->refs_count = 1;
    ERR_clear_error();
    enum sl_err rc = sl_x509_load(pem, "CA file", INT_MAX, diag, &store->certs);
    if (rc != SL_OK) {
        return rc;
    }
    store->x509 = X509_STORE_new();
    if (store->x509 == NULL || !certs_add(store) || !digest_certs(store)) {
        return sl_tls_error_take(SL_EINVAL, "CA file", diag);
    }
    ERR_clear_error();
    *ret_store = SL_STEAL(store);
    return SL_OK;
}

struct sl_tls_store *sl_tls_store_ref(struct sl_tls_store *store)
{
    store->refs_count++;
    return store;
}

void sl_tls_store_unref(struct sl_tls_store *store)
{
    if (store == NULL || --store->refs_count != 0) {
        return;
    }
    X509_STORE_free(store->x509);
    sk_X509_pop_free(store->certs, X509_free);
    free(store);
}

const char *sl_tls_store_system_path(void)
{
    const char *set = secure_getenv(X509_get_default_cert_file_env());
    return set != NULL && set[0] != '\0' ? set : X509_get_default_cert_file();
}
