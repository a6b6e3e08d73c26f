/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/cert_der.h"
#include "tls/certificate.h"
#include "tls/error.h"
#include "tls/own.h"
#include "tls/x509.h"
#include <openssl/err.h>
#include <openssl/pem.h>

/* NULL when it is none. */
static X509 *parse(struct sl_slice der)
{
    const unsigned char *at = der.ptr;
    if (der.len == 0 || der.len > SL_TLS_PEM_MAX) {
        return NULL;
    }
    X509 *x509 = d2i_X509(NULL, &at, (long)der.len);
    ERR_clear_error();
    if (x509 != NULL && at != der.ptr + der.len) {
        X509_free(x509);
        return NULL;
    }
    return x509;
}

/* Takes over `bytes`, which a function of the library has made; `len` is what it has returned. */
static enum sl_err put_made(unsigned char *bytes, int len, struct sl_wbuf *out)
{
    ERR_clear_error();
    if (len <= 0) {
        return SL_ENOMEM;
    }
    enum sl_err rc = sl_wbuf_put(out, sl_slice_of(bytes, (size_t)len));
    OPENSSL_free(bytes);
    return rc;
}

enum sl_err sl_cert_der_put_pem(struct sl_slice der, struct sl_wbuf *out)
{
    SL_CLEANUP(sl_own_x509) X509 *x509 = parse(der);
    SL_CLEANUP(sl_own_bio) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (x509 == NULL) {
        return SL_EINVAL;
    }
    if (bio == NULL || PEM_write_bio_X509(bio, x509) != 1) {
        return sl_tls_error_take(SL_ENOMEM, NULL, NULL);
    }
    long len = BIO_get_mem_data(bio, &text);
    return sl_wbuf_put(out, sl_slice_of(text, (size_t)len));
}

enum sl_err sl_cert_der_put_issuer(struct sl_slice der, struct sl_wbuf *out)
{
    SL_CLEANUP(sl_own_x509) X509 *x509 = parse(der);
    unsigned char *bytes = NULL;
    if (x509 == NULL) {
        return SL_EINVAL;
    }
    const X509_NAME *issuer = X509_get_issuer_name(x509);
    if (X509_NAME_cmp(issuer, X509_get_subject_name(x509)) == 0) {
        return SL_ENOENT;
    }
    int len = i2d_X509_NAME(issuer, &bytes);
    return put_made(bytes, len, out);
}

static enum sl_err put_public(const X509 *x509, struct sl_wbuf *out)
{
    unsigned char *bytes = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &bytes);
    return put_made(bytes, len, out);
}

enum sl_err sl_cert_der_put_public(struct sl_slice der, struct sl_wbuf *out)
{
    SL_CLEANUP(sl_own_x509) X509 *x509 = parse(der);
    return x509 == NULL ? SL_EINVAL : put_public(x509, out);
}

enum sl_err sl_cert_pem_put_public(struct sl_slice pem, struct sl_wbuf *out)
{
    SL_CLEANUP(sl_own_chain) STACK_OF(X509) *chain = NULL;
    enum sl_err rc = sl_x509_load(pem, "chain", SL_TLS_CHAIN_MAX, NULL, &chain);
    return rc == SL_OK ? put_public(sk_X509_value(chain, 0), out) : SL_EINVAL;
}
