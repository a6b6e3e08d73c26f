/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/staple.h"
#include "codec/pem.h"
#include "tls/error.h"
#include "tls/own.h"
#include "tls/session_impl.h"
#include "tls/staple_impl.h"
#include "tls/x509.h"
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <time.h>

/* One response while it is checked. Owned. */
struct checked {
    OCSP_RESPONSE *response;
    OCSP_BASICRESP *basic;
    STACK_OF(X509) * chain; /* leaf first */
    X509 *issuer;           /* of the leaf; in `chain` or `basic` */
    X509_STORE *store;      /* the issuer alone */
};

static void checked_fini(struct checked *c)
{
    OCSP_RESPONSE_free(c->response);
    OCSP_BASICRESP_free(c->basic);
    sk_X509_pop_free(c->chain, X509_free);
    X509_STORE_free(c->store);
    ERR_clear_error();
}

static enum sl_err refuse(struct sl_diag *diag, const char *text)
{
    sl_diag_set(diag, "%s", text);
    return SL_EINVAL;
}

/* The DER of the file, appended to `out`. */
static enum sl_err der_read(struct sl_slice file, struct sl_diag *diag, struct sl_wbuf *out)
{
    enum { TAG_SEQUENCE = 0x30 };
    struct sl_pem_block block;
    enum sl_err rc;
    if (file.len > 0 && file.ptr[0] == TAG_SEQUENCE) {
        rc = sl_wbuf_put(out, file);
    } else {
        while ((rc = sl_pem_next(&file, &block)) == SL_OK &&
               !sl_slice_eq(block.label, SL_SLICE("OCSP RESPONSE"))) {
        }
        if (rc != SL_OK) {
            return refuse(diag, "there is no OCSP response in it, neither DER nor PEM");
        }
        rc = sl_pem_decode(&block, out);
    }
    if (rc == SL_ENOSPC) {
        sl_diag_set(diag, "the OCSP response is larger than %d bytes", SL_STAPLE_MAX);
        return SL_ERANGE;
    }
    return rc == SL_OK ? SL_OK : refuse(diag, "the OCSP response is not base64");
}

static enum sl_err response_read(struct checked *c, struct sl_slice der, struct sl_diag *diag)
{
    const unsigned char *at = der.ptr;
    c->response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
    if (c->response == NULL || at != der.ptr + der.len) {
        return refuse(diag, "it is no OCSP response");
    }
    const int status = OCSP_response_status(c->response);
    if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        sl_diag_set(diag, "the responder gave no answer: %s", OCSP_response_status_str(status));
        return SL_EINVAL;
    }
    c->basic = OCSP_response_get1_basic(c->response);
    return c->basic == NULL ? refuse(diag, "it is no basic OCSP response") : SL_OK;
}

static bool is_issuer(X509 *issuer, X509 *leaf)
{
    return X509_check_issued(issuer, leaf) == X509_V_OK &&
           X509_verify(leaf, X509_get0_pubkey(issuer)) == 1;
}

static X509 *issuer_in(const STACK_OF(X509) * certs, X509 *leaf)
{
    for (int i = 0; i < sk_X509_num(certs); i++) {
        if (is_issuer(sk_X509_value(certs, i), leaf)) {
            return sk_X509_value(certs, i);
        }
    }
    return NULL;
}

static enum sl_err issuer_find(struct checked *c, const struct sl_slice *ders, size_t ders_count,
                               struct sl_diag *diag)
{
    c->chain = sk_X509_new_null();
    enum sl_err rc = c->chain == NULL ? SL_ENOMEM : SL_OK;
    for (size_t i = 0; rc == SL_OK && i < ders_count; i++) {
        rc = sl_x509_add_der(c->chain, ders[i], "chain", diag);
    }
    if (rc != SL_OK) {
        return rc;
    }
    X509 *leaf = sk_X509_value(c->chain, 0);
    c->issuer = issuer_in(c->chain, leaf);
    if (c->issuer == NULL) { /* whose signature the leaf has is its issuer, wherever it stands */
        c->issuer = issuer_in(OCSP_resp_get0_certs(c->basic), leaf);
    }
    return c->issuer == NULL ? refuse(diag, "it cannot be checked: the issuer's certificate is not "
                                            "in the chain")
                             : SL_OK;
}

/* RFC 6960 4.2.2.2: signed by the issuer, or by who has its certificate for that from the issuer.
 */
static enum sl_err signature_check(struct checked *c, int64_t now_s, struct sl_diag *diag)
{
    c->store = X509_STORE_new();
    if (c->store == NULL || X509_STORE_add_cert(c->store, c->issuer) != 1) {
        return SL_ENOMEM;
    }
    X509_VERIFY_PARAM *param = X509_STORE_get0_param(c->store);
    (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
    if (OCSP_basic_verify(c->basic, c->chain, c->store, OCSP_NOEXPLICIT) != 1) {
        return sl_tls_error_take(SL_EINVAL, "it is not signed by the issuer, nor for it", diag);
    }
    return SL_OK;
}

/* The digest that the answer names its certificate by; 0 for one that is not taken. */
static int digest_of(OCSP_CERTID *id)
{
    static const int DIGESTS[] = { NID_sha1, NID_sha256, NID_sha384, NID_sha512 };
    ASN1_OBJECT *algorithm = NULL;
    if (OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, id) != 1) {
        return 0;
    }
    for (size_t i = 0; i < SL_COUNT(DIGESTS); i++) {
        if (OBJ_obj2nid(algorithm) == DIGESTS[i]) {
            return DIGESTS[i];
        }
    }
    return 0;
}

static bool is_about_us(const struct checked *c, const OCSP_SINGLERESP *single)
{
    OCSP_CERTID *id = OCSP_CERTID_dup(OCSP_SINGLERESP_get0_id(single)); /* to be read */
    const int digest = id == NULL ? 0 : digest_of(id);
    OCSP_CERTID *own = digest == 0 ? NULL
                                   : OCSP_cert_to_id(EVP_get_digestbynid(digest),
                                                     sk_X509_value(c->chain, 0), c->issuer);
    const bool is_same = own != NULL && OCSP_id_cmp(own, id) == 0;
    OCSP_CERTID_free(own);
    OCSP_CERTID_free(id);
    return is_same;
}

static enum sl_err single_check(OCSP_SINGLERESP *single, int64_t now_s, struct sl_diag *diag,
                                int64_t *ret_until_s)
{
    ASN1_GENERALIZEDTIME *revoked = NULL, *this_update = NULL, *next_update = NULL;
    int why = OCSP_REVOKED_STATUS_NOSTATUS;
    const int status = OCSP_single_get0_status(single, &why, &revoked, &this_update, &next_update);
    if (status == V_OCSP_CERTSTATUS_REVOKED) {
        const bool is_known = why != OCSP_REVOKED_STATUS_NOSTATUS;
        sl_diag_set(diag, "the certificate is revoked%s%s", is_known ? ": " : "",
                    is_known ? OCSP_crl_reason_str(why) : "");
        return SL_EINVAL;
    }
    if (status != V_OCSP_CERTSTATUS_GOOD) {
        return refuse(diag, "the responder does not know the certificate");
    }
    if (next_update == NULL) {
        return refuse(diag, "it has no nextUpdate: nobody could tell when it is stale");
    }
    int64_t since_s = 0, until_s = 0;
    if (!sl_x509_time_s(this_update, &since_s) || since_s > now_s) {
        return refuse(diag, "it is not valid yet: its thisUpdate is to come");
    }
    if (!sl_x509_time_s(next_update, &until_s) || until_s <= now_s) {
        return refuse(diag, "it has expired: its nextUpdate has passed");
    }
    *ret_until_s = until_s;
    return SL_OK;
}

/* Every answer about our certificate must be good; the first that ends ends the response. */
static enum sl_err singles_check(const struct checked *c, int64_t now_s, struct sl_diag *diag,
                                 int64_t *ret_until_s)
{
    int64_t until_s = INT64_MAX;
    for (int i = 0; i < OCSP_resp_count(c->basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(c->basic, i);
        int64_t this_until_s = INT64_MAX;
        enum sl_err rc =
            is_about_us(c, single) ? single_check(single, now_s, diag, &this_until_s) : SL_OK;
        if (rc != SL_OK) {
            return rc;
        }
        until_s = SL_MIN(until_s, this_until_s);
    }
    if (until_s == INT64_MAX) {
        return refuse(diag, "it is for another certificate");
    }
    *ret_until_s = until_s;
    return SL_OK;
}

enum sl_err sl_tls_staple_check(struct sl_slice file, const struct sl_slice *ders,
                                size_t ders_count, int64_t now_s, struct sl_diag *diag,
                                struct sl_wbuf *out, struct sl_staple_entry *ret_entry)
{
    SL_CLEANUP(checked_fini) struct checked c = { 0 };
    const size_t before = out->len;
    struct sl_slice der = { 0 };
    int64_t until_s = 0;
    ERR_clear_error();
    enum sl_err rc = der_read(file, diag, out);
    if (rc == SL_OK) {
        der = sl_slice_of(out->ptr + before, out->len - before);
        rc = der.len <= SL_STAPLE_MAX ? response_read(&c, der, diag) : SL_ERANGE;
    }
    rc = rc == SL_OK ? issuer_find(&c, ders, ders_count, diag) : rc;
    rc = rc == SL_OK ? signature_check(&c, now_s, diag) : rc;
    rc = rc == SL_OK ? singles_check(&c, now_s, diag, &until_s) : rc;
    if (rc == SL_OK) {
        *ret_entry = (struct sl_staple_entry){ .until_s = until_s, .der = der };
    }
    return rc;
}

/* libssl asks when the client wants one and gets a certificate. */
static int status_put(SSL *ssl, void *arg)
{
    SL_UNUSED(arg);
    const struct sl_tls *tls = SSL_get_app_data(ssl);
    const struct sl_tls_select *select = &tls->ctx->select;
    const uint32_t number = tls->has_cert ? tls->cert_number : sl_tls_select_first(select);
    struct sl_tls_cert *cert = NULL;
    if (tls->ctx->is_psk_only) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    if (sl_tls_select_get(select, number, &cert) != SL_OK) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    const struct sl_staple_entry staple = cert->staple; /* its bytes are the bundle's */
    sl_tls_cert_unref(cert);
    if (staple.der.len == 0 || staple.until_s <= (int64_t)time(NULL)) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    unsigned char *copy = OPENSSL_memdup(staple.der.ptr, staple.der.len);
    if (copy == NULL || SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)staple.der.len) != 1) {
        OPENSSL_free(copy);
        return SSL_TLSEXT_ERR_NOACK;
    }
    return SSL_TLSEXT_ERR_OK;
}

void sl_tls_staple_install(SSL_CTX *ctx)
{
    (void)SSL_CTX_set_tlsext_status_cb(ctx, status_put);
}
