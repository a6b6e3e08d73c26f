/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/der.h"
#include "codec/pem.h"
#include "tls/crl_impl.h"
#include "tls/error.h"
#include "tls/own.h"
#include "tls/x509.h"
#include <openssl/err.h>

static void crls_cleanup(struct sl_tls_crls **crls)
{
    sl_tls_crls_unref(*crls);
}

static void crl_cleanup(X509_CRL **crl)
{
    X509_CRL_free(*crl);
}

static bool is_crl(const struct sl_pem_block *block)
{
    return sl_slice_eq(block->label, SL_SLICE("X509 CRL"));
}

enum sl_err sl_tls_crls_take(struct sl_slice file, struct sl_diag *diag, struct sl_wbuf *out)
{
    const size_t before = out->len;
    struct sl_reader reader = sl_reader_of(file);
    struct sl_pem_block block;
    if (sl_der_is_next(&reader, SL_DER_SEQUENCE)) {
        const struct sl_der der = sl_der_next(&reader);
        if (!sl_reader_is_done(&reader)) {
            sl_diag_set(diag, "it is neither PEM nor one CRL in DER");
            return SL_EINVAL;
        }
        return sl_wbuf_put(out, der.whole);
    }
    enum sl_err rc;
    while ((rc = sl_pem_next(&file, &block)) == SL_OK) {
        rc = is_crl(&block) ? sl_pem_decode(&block, out) : SL_OK;
        if (rc != SL_OK) {
            break;
        }
    }
    if (rc == SL_EOF && out->len > before) {
        return SL_OK;
    }
    out->len = before;
    sl_diag_set(diag, rc == SL_EOF ? "there is no CRL in it" : "it is damaged");
    return rc == SL_ENOSPC ? SL_ENOSPC : SL_EINVAL;
}

static enum sl_err crl_add(struct sl_tls_crls *crls, struct sl_slice der, struct sl_diag *diag)
{
    const unsigned char *at = der.ptr;
    SL_CLEANUP(crl_cleanup) X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    char issuer[SL_DIAG_MAX / 2];
    int64_t until_s;
    if (crl == NULL || at != der.ptr + der.len) {
        return sl_tls_error_take(SL_EINVAL, "it is not a CRL", diag);
    }
    sl_x509_name_text(X509_CRL_get_issuer(crl), issuer, sizeof(issuer));
    if (!sl_x509_time_s(X509_CRL_get0_nextUpdate(crl), &until_s)) {
        sl_diag_set(diag, "the CRL of %s has no nextUpdate (RFC 5280 5.1.2.5)", issuer);
        return SL_EINVAL;
    }
    if (sk_X509_CRL_push(crls->all, crl) <= 0) {
        return sl_tls_error_take(SL_ENOMEM, NULL, diag);
    }
    (void)SL_STEAL(crl);
    crls->until_s = SL_MIN(crls->until_s, until_s);
    return SL_OK;
}

static enum sl_err ders_add(struct sl_tls_crls *crls, struct sl_slice ders, struct sl_diag *diag)
{
    struct sl_reader reader = sl_reader_of(ders);
    enum sl_err rc = SL_OK;
    do {
        const struct sl_der der = sl_der_next(&reader);
        if (reader.failed) {
            sl_diag_set(diag, "it is not a CRL");
            return SL_EINVAL;
        }
        rc = crl_add(crls, der.whole, diag);
    } while (rc == SL_OK && reader.in.len > 0);
    return rc;
}

enum sl_err sl_tls_crls_create(const struct sl_slice *ders, size_t ders_count, struct sl_diag *diag,
                               struct sl_tls_crls **ret_crls)
{
    SL_CLEANUP(crls_cleanup) struct sl_tls_crls *crls = calloc(1, sizeof(*crls));
    SL_CLEANUP(sl_own_digest) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (crls == NULL || digest == NULL) {
        return SL_ENOMEM;
    }
    crls->refs_count = 1;
    crls->until_s = INT64_MAX;
    ERR_clear_error();
    crls->all = sk_X509_CRL_new_null();
    bool is_ok = crls->all != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; is_ok && i < ders_count; i++) {
        enum sl_err rc = ders_add(crls, ders[i], diag);
        if (rc != SL_OK) {
            return rc;
        }
        is_ok = EVP_DigestUpdate(digest, ders[i].ptr, ders[i].len) == 1;
    }
    is_ok = is_ok && EVP_DigestFinal_ex(digest, crls->digest, NULL) == 1;
    ERR_clear_error();
    if (!is_ok) {
        return SL_ENOMEM;
    }
    *ret_crls = SL_STEAL(crls);
    return SL_OK;
}

struct sl_tls_crls *sl_tls_crls_ref(struct sl_tls_crls *crls)
{
    if (crls != NULL) {
        crls->refs_count++;
    }
    return crls;
}

void sl_tls_crls_unref(struct sl_tls_crls *crls)
{
    if (crls == NULL || --crls->refs_count != 0) {
        return;
    }
    sk_X509_CRL_pop_free(crls->all, X509_CRL_free);
    free(crls);
}

int64_t sl_tls_crls_until_s(const struct sl_tls_crls *crls)
{
    return crls->until_s;
}
