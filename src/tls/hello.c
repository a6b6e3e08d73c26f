/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/hello.h"
#include "tls/error.h"
#include "tls/opening.h"
#include "tls/psk.h"
#include "tls/session_impl.h"
#include <stdlib.h>
#include <string.h>

/* The body of an extension of the ClientHello; false when the client did not send it. */
static bool extension(SSL *ssl, unsigned type, struct sl_slice *ret_body)
{
    const unsigned char *body = NULL;
    size_t len = 0;
    if (SSL_client_hello_get0_ext(ssl, type, &body, &len) != 1) {
        return false;
    }
    *ret_body = sl_slice_of(body, len);
    return true;
}

/* Ends the handshake: the client did not offer what the service insists on. */
static enum sl_err refuse(struct sl_tls *tls, enum sl_tls_refusal refusal, uint8_t alert,
                          const char *text)
{
    tls->refusal = refusal;
    tls->alert = alert;
    sl_diag_set(tls->diag, "%s", text);
    return SL_ETLS;
}

static enum sl_err server_name_read(SSL *ssl, struct sl_tls *tls)
{
    struct sl_slice body, name;
    if (tls->server_name != NULL || !extension(ssl, TLSEXT_TYPE_server_name, &body)) {
        return SL_OK;
    }
    enum sl_err rc = sl_hello_server_name(body, &name);
    if (rc == SL_OK) {
        tls->server_name = strndup((const char *)name.ptr, name.len);
        return tls->server_name == NULL ? SL_ENOMEM : SL_OK;
    }
    if (rc == SL_EPROTO) {
        sl_diag_set(tls->diag, "the client's server_name extension is malformed");
        return SL_EPROTO;
    }
    if (rc == SL_EINVAL) {
        sl_diag_set(tls->diag, "the client's server_name is not the name of one host");
        tls->alert = SSL_AD_ILLEGAL_PARAMETER;
        return SL_ETLS;
    }
    return SL_OK;
}

/* libssl takes an empty list for one without a version that it has. */
static enum sl_err versions_check(SSL *ssl, struct sl_tls *tls)
{
    struct sl_slice body;
    if (!extension(ssl, TLSEXT_TYPE_supported_versions, &body)) {
        return SL_OK;
    }
    struct sl_reader whole = sl_reader_of(body);
    const size_t len = sl_reader_vec8(&whole).len;
    if (!sl_reader_is_done(&whole) || len == 0 || len % 2 != 0) { /* RFC 8446 4.2.1 */
        sl_diag_set(tls->diag, "the client's supported_versions extension is malformed");
        return SL_EPROTO;
    }
    return SL_OK;
}

static bool offers_tls13(SSL *ssl)
{
    struct sl_slice body;
    if (SSL_CTX_get_max_proto_version(SSL_get_SSL_CTX(ssl)) < TLS1_3_VERSION ||
        !extension(ssl, TLSEXT_TYPE_supported_versions, &body)) {
        return false;
    }
    struct sl_reader whole = sl_reader_of(body);
    struct sl_reader list = sl_reader_of(sl_reader_vec8(&whole));
    while (list.in.len >= 2) {
        if (sl_reader_u16(&list) == TLS1_3_VERSION) {
            return true;
        }
    }
    return false;
}

static enum sl_err server_name_demand(SSL *ssl, struct sl_tls *tls)
{
    if (!tls->ctx->is_sni_strict) {
        return SL_OK;
    }
    if (tls->server_name == NULL) { /* RFC 8446 9.2; before TLS 1.3 there is no such alert */
        return refuse(tls, SL_TLS_REFUSED_NAME,
                      offers_tls13(ssl) ? SSL_AD_MISSING_EXTENSION : SSL_AD_UNRECOGNIZED_NAME,
                      "the client named no server");
    }
    return sl_tls_select_has(&tls->ctx->select, sl_slice_cstr(tls->server_name))
               ? SL_OK
               : refuse(tls, SL_TLS_REFUSED_NAME, SSL_AD_UNRECOGNIZED_NAME,
                        "no certificate is for the name that the client asked for");
}

/* True when one of the client's TLS 1.2 ciphers that we have, too, is authenticated by ECDSA. */
static bool has_ecdsa_cipher(SSL *ssl)
{
    const unsigned char *bytes = NULL;
    size_t len = SSL_client_hello_get0_ciphers(ssl, &bytes);
    struct sl_reader list = sl_reader_of(sl_slice_of(bytes, len));
    STACK_OF(SSL_CIPHER) *ours = SSL_get_ciphers(ssl);
    while (list.in.len >= 2) {
        const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, list.in.ptr);
        (void)sl_reader_u16(&list);
        if (cipher == NULL || SSL_CIPHER_get_auth_nid(cipher) != NID_auth_ecdsa) {
            continue;
        }
        for (int i = 0; i < sk_SSL_CIPHER_num(ours); i++) {
            if (SSL_CIPHER_get_id(sk_SSL_CIPHER_value(ours, i)) == SSL_CIPHER_get_id(cipher)) {
                return true;
            }
        }
    }
    return false;
}

/* RFC 8422 5.1: up to TLS 1.2 the groups bound the curves of certificates, too. */
static uint8_t ecdsa_curves(SSL *ssl)
{
    enum { SECP256R1 = 23, SECP521R1 = 25 }; /* and secp384r1 between them */
    struct sl_slice body;
    if (!extension(ssl, TLSEXT_TYPE_supported_groups, &body)) {
        return SL_HELLO_CURVES_ALL; /* RFC 8422 4: the choice is the server's */
    }
    struct sl_reader whole = sl_reader_of(body);
    struct sl_reader list = sl_reader_of(sl_reader_vec16(&whole));
    uint8_t curves = 0;
    while (list.in.len >= 2) {
        const uint16_t group = sl_reader_u16(&list);
        if (group >= SECP256R1 && group <= SECP521R1) {
            curves |= (uint8_t)(1 << (group - SECP256R1));
        }
    }
    return curves;
}

static enum sl_err signatures_read(SSL *ssl, struct sl_tls *tls, struct sl_hello_signatures *kinds)
{
    struct sl_slice body;
    *kinds = (struct sl_hello_signatures){ .has_ecdsa = true,
                                           .has_rsa = true,
                                           .ecdsa_curves = SL_HELLO_CURVES_ALL };
    if (extension(ssl, TLSEXT_TYPE_signature_algorithms, &body) &&
        sl_hello_signatures(body, kinds) != SL_OK) {
        sl_diag_set(tls->diag, "the client's signature_algorithms extension is malformed");
        return SL_EPROTO;
    }
    if (!offers_tls13(ssl)) { /* any digest goes with any curve */
        const bool may_have = kinds->has_ecdsa && has_ecdsa_cipher(ssl);
        kinds->ecdsa_curves = may_have ? ecdsa_curves(ssl) : 0;
    }
    return SL_OK;
}

static enum sl_err cert_choose(SSL *ssl, struct sl_tls *tls)
{
    const struct sl_tls_select *select = &tls->ctx->select;
    if (tls->ctx->is_psk_only || sl_tls_select_is_one(select)) {
        return SL_OK; /* it stands on the context */
    }
    struct sl_hello_signatures kinds;
    enum sl_err rc = signatures_read(ssl, tls, &kinds);
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_slice name = sl_slice_cstr(tls->server_name);
    const uint32_t number = sl_tls_select_find(select, name, &kinds);
    if (number == (tls->has_cert ? tls->cert_number : sl_tls_select_first(select))) {
        return SL_OK;
    }
    struct sl_tls_cert *cert = NULL;
    rc = sl_tls_select_get(select, number, &cert);
    if (rc != SL_OK) {
        sl_diag_set(tls->diag, "the certificate cannot be used: %s", sl_err_name(rc));
        return rc == SL_ENOMEM ? rc : SL_ETLS;
    }
    /* a certificate of another kind than the context's would stand beside it, not in its place */
    SSL_certs_clear(ssl);
    if (SSL_use_cert_and_key(ssl, cert->leaf, cert->key, cert->chain, 1) != 1) {
        rc = sl_tls_error_take(SL_ETLS, "certificate", tls->diag);
    }
    sl_tls_cert_unref(cert); /* libssl has references of its own */
    tls->has_cert = rc == SL_OK;
    tls->cert_number = number;
    return rc;
}

static bool list_has(struct sl_slice list, struct sl_slice protocol)
{
    struct sl_slice one;
    while (sl_alpn_next(&list, &one) == SL_OK) {
        if (sl_slice_eq(one, protocol)) {
            return true;
        }
    }
    return false;
}

static enum sl_err alpn_refuse(struct sl_tls *tls)
{
    return refuse(tls, SL_TLS_REFUSED_ALPN, SSL_AD_NO_APPLICATION_PROTOCOL,
                  "the client offered no application protocol that is spoken here");
}

/* What of the client's list is to be offered upstream. */
static enum sl_err alpn_hold(struct sl_tls *tls, struct sl_slice list)
{
    struct sl_slice ours = sl_slice_of(tls->ctx->alpn, tls->ctx->alpn_len);
    size_t size = SL_MAX(list.len, ours.len);
    struct sl_wbuf held = sl_wbuf_of(malloc(size), size);
    if (held.ptr == NULL) {
        return SL_ENOMEM;
    }
    enum sl_err rc = ours.len == 0 ? sl_wbuf_put(&held, list) : SL_OK;
    struct sl_slice one;
    while (rc == SL_OK && sl_alpn_next(&ours, &one) == SL_OK) {
        if (list_has(list, one)) {
            rc = sl_wbuf_put(&held, sl_slice_of(one.ptr - 1, one.len + 1)); /* with its length */
        }
    }
    free(tls->held);
    tls->held = held.ptr;
    tls->held_len = held.len;
    return rc;
}

/* SL_EPAUSED when the choice is the caller's. */
static enum sl_err alpn_read(SSL *ssl, struct sl_tls *tls)
{
    struct sl_slice body, list;
    if (!extension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &body)) {
        return SL_OK;
    }
    if (sl_hello_alpn(body, &list) != SL_OK) {
        sl_diag_set(tls->diag, "the client's ALPN extension is malformed");
        return SL_EPROTO;
    }
    if (tls->hold == SL_TLS_HOLD_PAUSED) {
        return SL_EPAUSED;
    }
    if (tls->hold != SL_TLS_HOLD_WANTED) {
        return SL_OK;
    }
    enum sl_err rc = alpn_hold(tls, list);
    if (rc == SL_OK && tls->held_len == 0 && tls->ctx->is_alpn_strict) {
        return alpn_refuse(tls);
    }
    if (rc == SL_OK) {
        tls->hold = SL_TLS_HOLD_PAUSED;
    }
    return rc == SL_OK ? SL_EPAUSED : rc;
}

/* Called for every ClientHello, also the second one after a HelloRetryRequest, and again after a
 * pause: what it does, it does once. */
static int client_hello(SSL *ssl, int *alert, void *arg)
{
    SL_UNUSED(arg);
    struct sl_tls *tls = SSL_get_app_data(ssl);
    tls->has_hello = true;
    if (SSL_client_hello_get0_legacy_version(ssl) <= SSL3_VERSION) {
        *alert = SSL_AD_PROTOCOL_VERSION;
        tls->verdict = SL_EPROTO;
        sl_diag_set(tls->diag, "the client speaks SSLv3, not TLS");
        return SSL_CLIENT_HELLO_ERROR;
    }
    enum sl_err rc = versions_check(ssl, tls);
    if (rc == SL_OK) {
        rc = server_name_read(ssl, tls);
    }
    if (rc == SL_OK) {
        rc = server_name_demand(ssl, tls);
    }
    if (rc == SL_OK) {
        rc = alpn_read(ssl, tls);
    }
    if (rc == SL_EPAUSED) {
        return SSL_CLIENT_HELLO_RETRY;
    }
    if (rc == SL_OK) {
        rc = sl_tls_psk_hello(ssl, tls);
    }
    if (rc == SL_OK) {
        rc = cert_choose(ssl, tls);
    }
    if (rc == SL_OK) {
        return SSL_CLIENT_HELLO_SUCCESS;
    }
    if (rc == SL_EVERIFY) {
        *alert = SSL_AD_UNKNOWN_PSK_IDENTITY;
        tls->verdict = rc;
        return SSL_CLIENT_HELLO_ERROR;
    }
    *alert = rc == SL_EPROTO ? SSL_AD_DECODE_ERROR : SSL_AD_INTERNAL_ERROR;
    *alert = tls->alert != 0 ? tls->alert : *alert;
    /* the version is not agreed on yet, and libssl would make handshake_failure of it */
    if (tls->alert == SSL_AD_MISSING_EXTENSION &&
        sl_tls_alert_put(tls->io.out, tls->alert) == SL_OK) {
        tls->io.out = NULL; /* nothing of libssl's behind it */
    }
    tls->verdict = rc == SL_EPROTO ? SL_ETLS : rc; /* it did speak TLS */
    return SSL_CLIENT_HELLO_ERROR;
}

/* RFC 6066 3: a server that used the name "SHALL include" the extension in its answer. */
static int server_name(SSL *ssl, int *alert, void *arg)
{
    SL_UNUSED(alert);
    SL_UNUSED(arg);
    const struct sl_tls *tls = SSL_get_app_data(ssl);
    return tls->server_name != NULL ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* The first of ours that the client has, or what was chosen while it was held. */
static bool alpn_find(const struct sl_tls *tls, struct sl_slice list, struct sl_slice *ret_one)
{
    struct sl_slice ours = sl_slice_of(tls->ctx->alpn, tls->ctx->alpn_len), one;
    if (tls->hold == SL_TLS_HOLD_CHOSEN) {
        *ret_one = sl_slice_of(tls->alpn, tls->alpn_len);
        return ret_one->len != 0 && list_has(list, *ret_one);
    }
    while (sl_alpn_next(&ours, &one) == SL_OK) {
        if (list_has(list, one)) {
            *ret_one = one;
            return true;
        }
    }
    return false;
}

/* Called only when the client has offered something (RFC 7301 3.2). */
static int alpn_select(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *arg)
{
    SL_UNUSED(arg);
    struct sl_tls *tls = SSL_get_app_data(ssl);
    struct sl_slice one;
    if (alpn_find(tls, sl_slice_of(in, in_len), &one)) {
        *out = one.ptr;
        *out_len = (unsigned char)one.len;
        return SSL_TLSEXT_ERR_OK;
    }
    if (!tls->ctx->is_alpn_strict) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    tls->verdict = alpn_refuse(tls);
    return SSL_TLSEXT_ERR_ALERT_FATAL; /* libssl sends no_application_protocol */
}

void sl_tls_hello_install(SSL_CTX *ctx)
{
    SSL_CTX_set_client_hello_cb(ctx, client_hello, NULL);
    (void)SSL_CTX_set_tlsext_servername_callback(ctx, server_name);
    SSL_CTX_set_alpn_select_cb(ctx, alpn_select, NULL);
}
