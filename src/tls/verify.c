/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/verify.h"
#include "tls/error.h"
#include "tls/session_impl.h"
#include "tls/x509.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

/* Says why a certificate was not accepted, while the place in the chain is still known. */
static int verified(int is_ok, X509_STORE_CTX *verify)
{
    if (is_ok == 1) {
        return 1;
    }
    SSL *ssl = X509_STORE_CTX_get_ex_data(verify, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct sl_tls *tls = ssl == NULL ? NULL : SSL_get_app_data(ssl);
    if (tls == NULL) {
        return 0;
    }
    int error = X509_STORE_CTX_get_error(verify);
    bool is_name = error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
    const X509 *cert = X509_STORE_CTX_get_current_cert(verify);
    char subject[SL_TLS_NAME_MAX / 2];
    sl_x509_name_text(cert == NULL ? NULL : X509_get_subject_name(cert), subject, sizeof(subject));
    tls->verdict = SL_EVERIFY;
    sl_diag_set(tls->diag, "%s%s%s (depth %d, %s)", X509_verify_cert_error_string(error),
                is_name ? ": wanted " : "", is_name ? tls->ctx->name : "",
                X509_STORE_CTX_get_error_depth(verify), subject);
    return 0;
}

/* A CA file says what is trusted, be it a root or not. */
static void anchors_set(SSL_CTX *ctx, const struct sl_tls_store *store)
{
    SSL_CTX_set1_cert_store(ctx, store->x509);
    (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
}

enum sl_err sl_tls_verify_clients(SSL_CTX *ctx, enum sl_tls_verify verify,
                                  const struct sl_tls_store *store)
{
    int required = verify == SL_TLS_VERIFY_REQUIRE ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | required, verified);
    anchors_set(ctx, store);
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    bool is_ok = names != NULL;
    for (int i = 0; is_ok && i < sk_X509_num(store->certs); i++) {
        X509_NAME *name = X509_NAME_dup(X509_get_subject_name(sk_X509_value(store->certs, i)));
        is_ok = name != NULL && sk_X509_NAME_push(names, name) > 0;
        if (!is_ok) {
            X509_NAME_free(name);
        }
    }
    if (!is_ok) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        ERR_clear_error();
        return SL_ENOMEM;
    }
    SSL_CTX_set0_CA_list(ctx, names);
    return SL_OK;
}

enum sl_err sl_tls_verify_upstream(struct sl_tls_ctx *ctx, const struct sl_tls_store *store,
                                   struct sl_diag *diag)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx->ssl_ctx);
    SSL_CTX_set_verify(ctx->ssl_ctx, SSL_VERIFY_PEER, verified);
    anchors_set(ctx->ssl_ctx, store);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    int is_named = ctx->is_ip ? X509_VERIFY_PARAM_set1_ip_asc(param, ctx->name)
                              : X509_VERIFY_PARAM_set1_host(param, ctx->name, strlen(ctx->name));
    if (is_named != 1 || X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) != 1) {
        return sl_tls_error_take(SL_EINVAL, ctx->name, diag);
    }
    return SL_OK;
}
