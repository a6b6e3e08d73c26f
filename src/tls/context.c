/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"
#include "tls/context_impl.h"
#include "tls/error.h"
#include "tls/handover.h"
#include "tls/hello.h"
#include "tls/note.h"
#include "tls/own.h"
#include "tls/own_cert.h"
#include "tls/policy_apply.h"
#include "tls/psk.h"
#include "tls/session_impl.h"
#include "tls/staple_impl.h"
#include "tls/tickets_impl.h"
#include "tls/verify.h"
#include <openssl/err.h>
#include <string.h>

enum { PROTOCOL_MAX = 255, DNS_NAME_MAX = 255 }; /* bytes (RFC 7301 3.1, RFC 6066 3) */

static void ctx_cleanup(struct sl_tls_ctx **ctx)
{
    sl_tls_ctx_unref(*ctx);
}

static void cert_cleanup(struct sl_tls_cert **cert)
{
    sl_tls_cert_unref(*cert);
}

static enum sl_err ctx_create(const struct sl_policy *policy, bool is_server, struct sl_diag *diag,
                              struct sl_tls_ctx **ret_ctx)
{
    SL_CLEANUP(ctx_cleanup) struct sl_tls_ctx *ctx = calloc(1, sizeof(*ctx));
    if (ctx == NULL) {
        return SL_ENOMEM;
    }
    ctx->refs_count = 1;
    ctx->is_server = is_server;
    ERR_clear_error();
    ctx->bio_method = sl_tls_bio_method_create();
    ctx->ssl_ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (ctx->bio_method == NULL || ctx->ssl_ctx == NULL) {
        return sl_tls_error_take(SL_ENOMEM, "SSL_CTX", diag);
    }
    /* an idle connection owns no buffer; a chain is what its file says, never what is found */
    (void)SSL_CTX_set_mode(ctx->ssl_ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    (void)SSL_CTX_set_options(ctx->ssl_ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_read_ahead(ctx->ssl_ctx, 0); /* what libssl has not asked for stays the caller's */
    enum sl_err rc = sl_tls_policy_apply(ctx->ssl_ctx, policy, is_server, diag);
    if (rc != SL_OK) {
        return rc;
    }
    *ret_ctx = SL_STEAL(ctx);
    return SL_OK;
}

static enum sl_err alpn_copy(struct sl_tls_ctx *ctx, const char *const *alpn, size_t count,
                             struct sl_diag *diag)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(alpn[i]);
        if (len == 0 || len > PROTOCOL_MAX) {
            sl_diag_set(diag, "alpn: a protocol has 1 to %d bytes", PROTOCOL_MAX);
            return SL_EINVAL;
        }
        size += 1 + len;
    }
    if (size > UINT16_MAX) {
        sl_diag_set(diag, "alpn: the list is longer than %u bytes", (unsigned)UINT16_MAX);
        return SL_EINVAL;
    }
    ctx->alpn = size == 0 ? NULL : malloc(size);
    if (size != 0 && ctx->alpn == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(alpn[i]);
        ctx->alpn[ctx->alpn_len++] = (uint8_t)len;
        memcpy(ctx->alpn + ctx->alpn_len, alpn[i], len);
        ctx->alpn_len += len;
    }
    return SL_OK;
}

static bool digest_part(EVP_MD_CTX *digest, const void *part, size_t len)
{
    uint64_t len64 = len; /* in front, so that no two lists of parts look the same */
    return EVP_DigestUpdate(digest, &len64, sizeof(len64)) == 1 &&
           EVP_DigestUpdate(digest, part, len) == 1;
}

static bool digest_text(EVP_MD_CTX *digest, const char *text)
{
    struct sl_slice slice = sl_slice_cstr(text);
    return digest_part(digest, slice.len == 0 ? "" : (const void *)slice.ptr, slice.len);
}

static bool digest_demands(EVP_MD_CTX *digest, const struct sl_tls_demands *demands)
{
    const uint32_t numbers[] = { demands->steps_max, demands->crls != NULL, demands->may_be_stale,
                                 (uint32_t)demands->rules_count };
    bool is_ok = digest_part(digest, numbers, sizeof(numbers));
    for (size_t i = 0; is_ok && i < demands->rules_count; i++) {
        const struct sl_peer_rule *rule = &demands->rules[i];
        is_ok = digest_text(digest, rule->is_allow ? "allow" : "deny");
        for (size_t j = 0; is_ok && j < SL_PEER_KINDS_COUNT; j++) {
            is_ok = digest_text(digest, rule->patterns[j]); /* never "" when it is set */
        }
    }
    return is_ok;
}

/* A ticket is good only where service, policy and what is asked of clients' certificates are those
 * of the full handshake; the same in every worker. */
static enum sl_err session_scope_set(SSL_CTX *ctx, const struct sl_tls_server_conf *conf)
{
    const struct sl_policy *policy = conf->policy;
    const uint16_t numbers[] = { policy->min_version, policy->max_version, policy->security_level,
                                 (uint16_t)conf->verify };
    uint8_t scope[SL_TLS_DIGEST_LEN];
    SL_CLEANUP(sl_own_digest) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool is_verified = conf->verify != SL_TLS_VERIFY_OFF;
    bool is_ok = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
                 digest_text(digest, conf->service) && digest_text(digest, policy->name) &&
                 digest_text(digest, policy->suites) && digest_text(digest, policy->ciphers) &&
                 digest_text(digest, policy->groups) && digest_text(digest, policy->signatures) &&
                 digest_part(digest, numbers, sizeof(numbers)) &&
                 (!is_verified || (digest_part(digest, conf->clients->digest, SL_TLS_DIGEST_LEN) &&
                                   digest_demands(digest, &conf->demands))) &&
                 EVP_DigestFinal_ex(digest, scope, NULL) == 1 &&
                 SSL_CTX_set_session_id_context(ctx, scope, sizeof(scope)) == 1;
    ERR_clear_error();
    return is_ok ? SL_OK : SL_ENOMEM;
}

/* Tries every certificate, so that what the policy does not allow is known before a client comes.
 */
static enum sl_err certs_check(SSL_CTX *ctx, const struct sl_tls_server_conf *conf,
                               struct sl_diag *diag)
{
    SL_CLEANUP(sl_own_ssl) SSL *trial = SSL_new(ctx);
    if (trial == NULL) {
        return sl_tls_error_take(SL_ENOMEM, NULL, diag);
    }
    for (size_t i = 0; i < conf->certs_count; i++) {
        const struct sl_tls_cert *cert = conf->certs[i];
        const char *name = cert->names_count != 0 ? cert->names[0] : "without a name";
        if (conf->policy->is_ecdsa_only && !sl_tls_cert_is_modern_ecdsa(cert)) {
            sl_diag_set(diag, "policy %s wants ECDSA certificates on P-256 or P-384: %s is not",
                        conf->policy->name, name);
            return SL_EINVAL;
        }
        if (SSL_use_cert_and_key(trial, cert->leaf, cert->key, cert->chain, 1) != 1) {
            char what[SL_DIAG_MAX];
            (void)snprintf(what, sizeof(what), "policy %s: certificate %s", conf->policy->name,
                           name);
            return sl_tls_error_take(SL_EINVAL, what, diag);
        }
    }
    return SL_OK;
}

enum sl_err sl_tls_cert_check(struct sl_tls_cert *cert, const struct sl_policy *policy,
                              struct sl_diag *diag)
{
    SL_CLEANUP(ctx_cleanup) struct sl_tls_ctx *ctx = NULL;
    const struct sl_tls_server_conf alone = { .policy = policy, .certs = &cert, .certs_count = 1 };
    enum sl_err rc = ctx_create(policy, true, diag, &ctx);
    return rc == SL_OK ? certs_check(ctx->ssl_ctx, &alone, diag) : rc;
}

static enum sl_err cert_use(SSL_CTX *ctx, const struct sl_tls_cert *cert, struct sl_diag *diag)
{
    return SSL_CTX_use_cert_and_key(ctx, cert->leaf, cert->key, cert->chain, 1) == 1
               ? SL_OK
               : sl_tls_error_take(SL_EINVAL, "certificate", diag);
}

/* Handshakes that wait for a signature are paused, on a stack of their own. */
static void keys_set(struct sl_tls_ctx *ctx, const struct sl_tls_cert *cert)
{
    if (cert->service != NULL) {
        ctx->keys = cert->service;
        (void)SSL_CTX_set_mode(ctx->ssl_ctx, SSL_MODE_ASYNC);
    }
}

static enum sl_err tickets_set(struct sl_tls_ctx *ctx, const struct sl_ticket_keys *tickets,
                               uint32_t session_s)
{
    ctx->tickets = tickets;
    (void)SSL_CTX_set_session_cache_mode(ctx->ssl_ctx, SSL_SESS_CACHE_OFF);
    if (tickets != NULL) {
        return sl_tickets_install(ctx->ssl_ctx, session_s);
    }
    (void)SSL_CTX_set_options(ctx->ssl_ctx, SSL_OP_NO_TICKET);
    return SSL_CTX_set_num_tickets(ctx->ssl_ctx, 0) == 1 ? SL_OK : SL_ENOMEM;
}

/* The default goes to the context; the others to those who ask for them. */
static enum sl_err certs_set(struct sl_tls_ctx *ctx, const struct sl_tls_server_conf *conf,
                             struct sl_diag *diag)
{
    SL_CLEANUP(cert_cleanup) struct sl_tls_cert *first = NULL;
    enum sl_err rc = SL_OK;
    if (conf->shelf != NULL) {
        rc = sl_tls_select_init_shelf(&ctx->select, conf->shelf, conf->shelf_service);
    } else {
        rc = certs_check(ctx->ssl_ctx, conf, diag);
        rc = rc == SL_OK ? sl_tls_select_init(&ctx->select, conf->certs, conf->certs_count) : rc;
    }
    if (rc == SL_OK) {
        rc = sl_tls_select_get(&ctx->select, sl_tls_select_first(&ctx->select), &first);
    }
    if (rc != SL_OK) {
        return rc;
    }
    keys_set(ctx, first);
    for (size_t i = 0; i < conf->certs_count; i++) {
        keys_set(ctx, conf->certs[i]);
    }
    return cert_use(ctx->ssl_ctx, first, diag);
}

enum sl_err sl_tls_server_ctx_create(const struct sl_tls_server_conf *conf, struct sl_diag *diag,
                                     struct sl_tls_ctx **ret_ctx)
{
    const bool has_certs = conf->certs_count > 0 || conf->shelf != NULL;
    if (!has_certs && conf->psks_count == 0) {
        sl_diag_set(diag, "a TLS service needs a certificate or a pre-shared key");
        return SL_EINVAL;
    }
    if (conf->verify != SL_TLS_VERIFY_OFF && conf->clients == NULL) {
        sl_diag_set(diag, "verifying clients needs the CA certificates that sign theirs");
        return SL_EINVAL;
    }
    SL_CLEANUP(ctx_cleanup) struct sl_tls_ctx *ctx = NULL;
    enum sl_err rc = ctx_create(conf->policy, true, diag, &ctx);
    if (rc == SL_OK) {
        rc = alpn_copy(ctx, conf->alpn, conf->alpn_count, diag);
    }
    if (rc == SL_OK && has_certs) {
        rc = certs_set(ctx, conf, diag);
    }
    if (rc == SL_OK && conf->psks_count > 0) {
        ctx->is_psk_only = !has_certs;
        rc = sl_tls_psk_serve(ctx, conf->psks, conf->psks_count, conf->policy, diag);
    }
    if (rc == SL_OK) {
        rc = tickets_set(ctx, conf->policy->has_tickets ? conf->tickets : NULL,
                         conf->policy->session_s);
    }
    if (rc == SL_OK) {
        rc = session_scope_set(ctx->ssl_ctx, conf);
    }
    if (rc == SL_OK && conf->verify != SL_TLS_VERIFY_OFF) {
        ctx->is_verified = true;
        rc = sl_tls_verify_clients(ctx, conf);
    }
    ERR_clear_error();
    if (rc != SL_OK) {
        return rc;
    }
    ctx->is_alpn_strict = conf->is_alpn_strict;
    ctx->is_sni_strict = conf->is_sni_strict;
    ctx->has_facts = conf->has_facts;
    ctx->has_peer_cert = conf->has_peer_cert;
    sl_tls_hello_install(ctx->ssl_ctx);
    sl_tls_staple_install(ctx->ssl_ctx);
    *ret_ctx = SL_STEAL(ctx);
    return SL_OK;
}

/* libssl hands over a session that the upstream allows to be resumed. */
static int session_keep(SSL *ssl, SSL_SESSION *session)
{
    struct sl_tls *tls = SSL_get_app_data(ssl);
    /* one that was resumed has its note */
    if (SSL_SESSION_is_resumable(session) != 1 ||
        (!sl_tls_note_is_there(session) && !sl_tls_note_put(tls, session))) {
        return 0;
    }
    sl_tls_resume_put(&tls->ctx->resume, session, tls->offer, sl_tls_resume_clock_s());
    sl_tls_handover_resumable(tls);
    return 1; /* the reference is ours now */
}

static enum sl_err name_copy(struct sl_tls_ctx *ctx, const struct sl_tls_client_conf *conf,
                             struct sl_diag *diag)
{
    struct sl_slice name = sl_slice_cstr(conf->name);
    struct sl_addr addr;
    ctx->is_ip = sl_addr_from_ip(name, 0, &addr) == SL_OK;
    if (!ctx->is_ip && name.len != 0 && name.ptr[name.len - 1] == '.') {
        name.len--; /* RFC 6066 3: "without a trailing dot" */
    }
    if (name.len == 0 && conf->is_verified) {
        sl_diag_set(diag, "verifying an upstream needs its name");
        return SL_EINVAL;
    }
    if (name.len > DNS_NAME_MAX) {
        sl_diag_set(diag, "the name of an upstream has at most %d bytes", DNS_NAME_MAX);
        return SL_EINVAL;
    }
    ctx->name = name.len == 0 ? NULL : strndup((const char *)name.ptr, name.len);
    return name.len != 0 && ctx->name == NULL ? SL_ENOMEM : SL_OK;
}

enum sl_err sl_tls_client_ctx_create(const struct sl_tls_client_conf *conf, struct sl_diag *diag,
                                     struct sl_tls_ctx **ret_ctx)
{
    const bool is_verified = conf->is_verified && conf->psk == NULL;
    if (is_verified && conf->store == NULL) {
        sl_diag_set(diag, "verifying an upstream needs CA certificates");
        return SL_EINVAL;
    }
    SL_CLEANUP(ctx_cleanup) struct sl_tls_ctx *ctx = NULL;
    enum sl_err rc = ctx_create(conf->policy, false, diag, &ctx);
    if (rc == SL_OK) {
        rc = alpn_copy(ctx, conf->alpn, conf->alpn_count, diag);
    }
    if (rc == SL_OK) {
        rc = name_copy(ctx, conf, diag);
    }
    if (rc == SL_OK && conf->psk != NULL) {
        rc = sl_tls_psk_connect(ctx, conf->psk, conf->policy, diag);
    }
    if (rc == SL_OK && is_verified) {
        ctx->is_verified = true;
        rc = sl_tls_verify_upstream(ctx, conf, diag);
    }
    if (rc == SL_OK) {
        rc = sl_tls_own_install(ctx, conf->owns, conf->owns_count, diag);
    }
    for (size_t i = 0; rc == SL_OK && i < ctx->owns_count; i++) {
        keys_set(ctx, ctx->owns[i].cert);
    }
    ERR_clear_error();
    if (rc != SL_OK) {
        return rc;
    }
    (void)SSL_CTX_set_session_cache_mode(ctx->ssl_ctx,
                                         SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    ctx->has_resumption = !conf->has_full_handshakes;
    if (ctx->has_resumption) {
        SSL_CTX_sess_set_new_cb(ctx->ssl_ctx, session_keep);
    }
    if (conf->has_bare_tls_1_3) {
        (void)SSL_CTX_clear_options(ctx->ssl_ctx, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
    }
    *ret_ctx = SL_STEAL(ctx);
    return SL_OK;
}

bool sl_tls_ctx_has_name(const struct sl_tls_ctx *ctx, struct sl_slice server_name)
{
    return ctx->is_psk_only || sl_tls_select_has(&ctx->select, server_name);
}

struct sl_tls_ctx *sl_tls_ctx_ref(struct sl_tls_ctx *ctx)
{
    ctx->refs_count++;
    return ctx;
}

void sl_tls_ctx_unref(struct sl_tls_ctx *ctx)
{
    if (ctx == NULL || --ctx->refs_count != 0) {
        return;
    }
    sl_tls_resume_fini(&ctx->resume);
    sl_tls_select_fini(&ctx->select);
    sl_tls_crls_unref(ctx->demands.crls);
    SSL_CTX_free(ctx->ssl_ctx);
    BIO_meth_free(ctx->bio_method);
    sl_tls_psk_fini(ctx);
    sl_tls_own_fini(ctx);
    free(ctx->alpn);
    free(ctx->name);
    free(ctx);
}
