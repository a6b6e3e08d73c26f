/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/own_cert.h"
#include "tls/certificate_impl.h"
#include "tls/error.h"
#include "tls/own.h"
#include "tls/policy_apply.h"
#include "tls/session_impl.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

/* How well one fits what the upstream asks for. */
enum fit { FIT_NOT, FIT_KEY, FIT_WHOLE };

/* RFC 8446 4.2.3: without a list for certificates, that for signatures holds for them as well. */
static bool has_shared_signature(SSL *ssl, const X509 *leaf)
{
    const int count = SSL_get_shared_sigalgs(ssl, 0, NULL, NULL, NULL, NULL, NULL);
    for (int i = 0; i < count; i++) {
        int nid = NID_undef;
        (void)SSL_get_shared_sigalgs(ssl, i, NULL, NULL, &nid, NULL, NULL);
        if (nid != NID_undef && nid == X509_get_signature_nid(leaf)) {
            return true;
        }
    }
    return false;
}

static enum fit fit_of(SSL *ssl, const struct sl_tls_cert *cert, bool is_alone)
{
    const int flags = SSL_check_chain(ssl, cert->leaf, X509_get0_pubkey(cert->leaf), cert->chain);
    /* before TLS 1.3 the first says only how the certificate is signed, and there are types */
    const bool is_13 = SSL_version(ssl) >= TLS1_3_VERSION;
    const int key = is_13 ? CERT_PKEY_EE_SIGNATURE : CERT_PKEY_SIGN | CERT_PKEY_CERT_TYPE;
    const int whole = CERT_PKEY_EE_SIGNATURE | CERT_PKEY_CA_SIGNATURE;
    if ((flags & key) != key || (!is_alone && (flags & CERT_PKEY_ISSUER_NAME) == 0)) {
        return FIT_NOT;
    }
    const bool is_whole =
        (flags & whole) == whole && (!is_13 || has_shared_signature(ssl, cert->leaf));
    return is_whole ? FIT_WHOLE : FIT_KEY;
}

/* libssl asks when it has read a CertificateRequest. */
static int choose(SSL *ssl, void *arg)
{
    SL_UNUSED(arg);
    struct sl_tls *tls = SSL_get_app_data(ssl);
    enum fit best = FIT_NOT;
    tls->is_cert_asked = true;
    tls->own = NULL;
    for (size_t i = 0; i < tls->ctx->owns_count && best != FIT_WHOLE; i++) {
        const enum fit fit = fit_of(ssl, tls->ctx->owns[i].cert, tls->ctx->owns_count == 1);
        if (fit > best) {
            best = fit;
            tls->own = &tls->ctx->owns[i];
        }
    }
    ERR_clear_error(); /* of those that do not fit */
    if (tls->own == NULL) {
        return 1; /* an empty Certificate */
    }
    const struct sl_tls_cert *cert = tls->own->cert;
    return SSL_use_cert_and_key(ssl, cert->leaf, cert->key, cert->chain, 1);
}

/* Each is tried, so that what the policy does not allow is known before it is asked for. */
static enum sl_err trial(SSL_CTX *ctx, const struct sl_tls_cert *cert, struct sl_diag *diag)
{
    SL_CLEANUP(sl_own_ssl) SSL *ssl = SSL_new(ctx);
    if (ssl == NULL) {
        return sl_tls_error_take(SL_ENOMEM, NULL, diag);
    }
    return SSL_use_cert_and_key(ssl, cert->leaf, cert->key, cert->chain, 1) == 1
               ? SL_OK
               : sl_tls_error_take(SL_EINVAL, "certificate", diag);
}

enum sl_err sl_tls_own_install(struct sl_tls_ctx *ctx, const struct sl_tls_own *owns,
                               size_t owns_count, struct sl_diag *diag)
{
    enum sl_err rc = SL_OK;
    SSL_CTX_set_cert_cb(ctx->ssl_ctx, choose, NULL);
    if (owns_count == 0) {
        return SL_OK; /* it is asked nevertheless: the log tells that */
    }
    ctx->owns = calloc(owns_count, sizeof(*ctx->owns));
    if (ctx->owns == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; rc == SL_OK && i < owns_count; i++) {
        rc = trial(ctx->ssl_ctx, owns[i].cert, diag);
        ctx->owns[i] =
            (struct sl_tls_own){ .cert = sl_tls_cert_ref(owns[i].cert), .label = owns[i].label };
        ctx->owns_count++;
    }
    return rc;
}

void sl_tls_own_fini(struct sl_tls_ctx *ctx)
{
    for (size_t i = 0; i < ctx->owns_count; i++) {
        sl_tls_cert_unref(ctx->owns[i].cert);
    }
    free(ctx->owns);
}

static void ssl_ctx_cleanup(SSL_CTX **ctx)
{
    SSL_CTX_free(*ctx);
}

enum sl_err sl_tls_own_check(const struct sl_tls_own *own, const struct sl_policy *policy,
                             struct sl_diag *diag)
{
    SL_CLEANUP(ssl_ctx_cleanup) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL) {
        return SL_ENOMEM;
    }
    enum sl_err rc = sl_tls_policy_apply(ctx, policy, false, diag);
    char what[SL_DIAG_MAX];
    struct sl_diag why = { "" };
    rc = rc == SL_OK ? trial(ctx, own->cert, &why) : rc;
    if (rc == SL_EINVAL && why.text[0] != '\0') {
        (void)snprintf(what, sizeof(what), "policy %s: %s", policy->name, why.text);
        sl_diag_set(diag, "%s", what);
    }
    ERR_clear_error();
    return rc;
}

/* The keys of the two make the same kinds of signatures. */
static bool has_same_key_kind(const struct sl_tls_cert *a, const struct sl_tls_cert *b)
{
    static const char *const APART[] = { "RSA-PSS", "ED25519" };
    bool is_same = a->kind == b->kind;
    for (size_t i = 0; i < SL_COUNT(APART); i++) {
        is_same = is_same && EVP_PKEY_is_a(a->key, APART[i]) == EVP_PKEY_is_a(b->key, APART[i]);
    }
    return is_same && a->kind != SL_KIND_OTHER;
}

static X509 *link_of(const struct sl_tls_cert *cert, int i)
{
    return i == 0 ? cert->leaf : sk_X509_value(cert->chain, i - 1);
}

static bool has_issuer(const struct sl_tls_cert *cert, const X509_NAME *issuer)
{
    for (int i = 0; i <= sk_X509_num(cert->chain); i++) {
        if (X509_NAME_cmp(X509_get_issuer_name(link_of(cert, i)), issuer) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_signature(const struct sl_tls_cert *cert, int nid)
{
    for (int i = 0; i <= sk_X509_num(cert->chain); i++) {
        if (X509_get_signature_nid(link_of(cert, i)) == nid) {
            return true;
        }
    }
    return false;
}

/* Every request that `after` fits, `before` fits as well. */
static bool is_always_before(const struct sl_tls_cert *before, const struct sl_tls_cert *after)
{
    bool is_so = has_same_key_kind(before, after);
    for (int i = 0; is_so && i <= sk_X509_num(after->chain); i++) {
        is_so = has_issuer(before, X509_get_issuer_name(link_of(after, i)));
    }
    for (int i = 0; is_so && i <= sk_X509_num(before->chain); i++) {
        is_so = has_signature(after, X509_get_signature_nid(link_of(before, i)));
    }
    return is_so;
}

bool sl_tls_own_is_useful(const struct sl_tls_own *owns, size_t index,
                          const struct sl_policy *policy, struct sl_diag *diag)
{
    const struct sl_tls_cert *cert = owns[index].cert;
    if ((X509_get_extended_key_usage(cert->leaf) & XKU_SSL_CLIENT) == 0) {
        sl_diag_set(diag, "upstreams will refuse it: its extended key usage lacks clientAuth");
        return false;
    }
    if ((X509_get_key_usage(cert->leaf) & KU_DIGITAL_SIGNATURE) == 0) {
        sl_diag_set(diag, "upstreams will refuse it: its key usage lacks digitalSignature");
        return false;
    }
    if (!sl_policy_signs(policy, cert->kind)) {
        sl_diag_set(diag, "it is never shown: policy %s has no signature for such a key",
                    policy->name);
        return false;
    }
    for (size_t i = 0; i < index; i++) {
        if (is_always_before(owns[i].cert, cert)) {
            sl_diag_set(diag, "it is never shown: %s fits whatever it fits, and stands before it",
                        owns[i].label);
            return false;
        }
    }
    return true;
}
