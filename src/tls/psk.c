/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/psk.h"
#include "tls/error.h"
#include "tls/own.h"
#include "tls/tickets_impl.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

/* Of a policy that names none. Forward secret and AEAD; of those that OpenSSL has with elliptic
 * curves this is the only one. The other, at 256 bits, gets a group of 3,072 bits. */
#define CIPHERS "ECDHE-PSK-CHACHA20-POLY1305:DHE-PSK-AES256-GCM-SHA384"

enum { VERSION_1_2 = TLS1_2_VERSION, VERSION_1_3 = TLS1_3_VERSION };

/* Keys and tickets that a client may offer at once: each is looked for among all the keys, twice,
 * and libssl sets no bound but that of the ClientHello. */
enum { OFFERS_MAX = 32 };

/* RFC 8446 4.2.11: a key without a digest of its own goes with SHA-256. */
static enum sl_err suites_filter(struct sl_tls_ctx *ctx, const struct sl_policy *policy,
                                 struct sl_diag *diag)
{
    struct sl_slice rest = sl_slice_cstr(policy->suites);
    size_t len = 0;
    ctx->psk_suites = calloc(1, rest.len + 1);
    if (ctx->psk_suites == NULL) {
        return SL_ENOMEM;
    }
    while (rest.len != 0) {
        const struct sl_slice suite = sl_slice_cut(&rest, sl_slice_find(rest, ':'));
        (void)sl_slice_cut(&rest, 1);
        if (sl_slice_ends(suite, SL_SLICE("_SHA256"))) {
            if (len > 0) {
                ctx->psk_suites[len++] = ':';
            }
            memcpy(ctx->psk_suites + len, suite.ptr, suite.len);
            len += suite.len;
        }
    }
    if (policy->max_version >= VERSION_1_3 && len == 0) {
        sl_diag_set(diag, "policy %s has no suite with SHA-256, which a pre-shared key goes with",
                    policy->name);
        return SL_EINVAL;
    }
    return SL_OK;
}

/* Those of the policy that are for pre-shared keys, or ours when it names none. */
static enum sl_err ciphers_of(const struct sl_policy *policy, struct sl_wbuf *out)
{
    struct sl_slice rest = sl_slice_cstr(policy->ciphers);
    enum sl_err rc = SL_OK;
    while (rc == SL_OK && rest.len != 0) {
        const struct sl_slice one = sl_slice_cut(&rest, sl_slice_find(rest, ':'));
        (void)sl_slice_cut(&rest, 1);
        if (sl_policy_is_psk_cipher(one)) {
            rc = sl_wbuf_printf(out, "%s%.*s", out->len == 0 ? "" : ":", SL_SLICE_FMT(one));
        }
    }
    return rc == SL_OK && out->len == 0 ? sl_wbuf_put(out, SL_SLICE(CIPHERS)) : rc;
}

static enum sl_err ciphers_set(struct sl_tls_ctx *ctx, const struct sl_policy *policy,
                               bool has_others, struct sl_diag *diag)
{
    const size_t size = 2 * strlen(policy->ciphers) + sizeof(CIPHERS) + 2;
    if (policy->min_version > VERSION_1_2 || policy->max_version < VERSION_1_2) {
        return SL_OK;
    }
    SL_CLEANUP(sl_own_text) char *list = calloc(1, size);
    struct sl_wbuf out = sl_wbuf_of(list, size - 1);
    enum sl_err rc = list == NULL ? SL_ENOMEM : ciphers_of(policy, &out);
    if (rc == SL_OK && has_others) {
        rc = sl_wbuf_printf(&out, ":%s", policy->ciphers); /* what stands twice counts once */
    }
    if (rc != SL_OK) {
        return SL_ENOMEM; /* the room is exact */
    }
    list[out.len] = '\0';
    return SSL_CTX_set_cipher_list(ctx->ssl_ctx, list) == 1
               ? SL_OK
               : sl_tls_error_take(SL_EINVAL, "ciphers for pre-shared keys", diag);
}

/* The key and its name together: neither may change under a ticket. */
static bool tag_make(const struct sl_tls_psk *psk, uint8_t *ret_tag)
{
    const uint64_t len = strlen(psk->identity);
    SL_CLEANUP(sl_own_digest) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    return digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
           EVP_DigestUpdate(digest, "psk of a ticket", 15) == 1 &&
           EVP_DigestUpdate(digest, &len, sizeof(len)) == 1 &&
           EVP_DigestUpdate(digest, psk->identity, len) == 1 &&
           EVP_DigestUpdate(digest, psk->key.ptr, psk->key.len) == 1 &&
           EVP_DigestFinal_ex(digest, ret_tag, NULL) == 1;
}

static enum sl_err psks_set(struct sl_tls_ctx *ctx, const struct sl_tls_psk *psks, size_t count,
                            const struct sl_policy *policy, struct sl_diag *diag)
{
    ctx->psk_tags = calloc(count, sizeof(*ctx->psk_tags));
    if (ctx->psk_tags == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        if (!tag_make(&psks[i], ctx->psk_tags[i])) {
            return SL_ENOMEM;
        }
    }
    ctx->psks = psks;
    ctx->psks_count = count;
    return suites_filter(ctx, policy, diag);
}

void sl_tls_psk_fini(struct sl_tls_ctx *ctx)
{
    free(ctx->psk_tags);
    free(ctx->psk_suites);
}

/* Every key is looked at, and each in the time of its length: how long it takes says nothing. */
static const struct sl_tls_psk *find(const struct sl_tls_ctx *ctx, struct sl_slice identity)
{
    const struct sl_tls_psk *found = NULL;
    for (size_t i = 0; i < ctx->psks_count; i++) {
        const struct sl_slice one = sl_slice_cstr(ctx->psks[i].identity);
        if (one.len == identity.len && CRYPTO_memcmp(one.ptr, identity.ptr, one.len) == 0) {
            found = &ctx->psks[i];
        }
    }
    return found;
}

/* A key as libssl wants it for TLS 1.3. NULL when there is no memory. */
static SSL_SESSION *session_make(SSL *ssl, const struct sl_tls_psk *psk)
{
    static const unsigned char WITH_SHA256[] = { 0x13, 0x01 }; /* TLS_AES_128_GCM_SHA256 */
    SSL_SESSION *session = SSL_SESSION_new();
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, WITH_SHA256);
    if (session == NULL || cipher == NULL ||
        SSL_SESSION_set1_master_key(session, psk->key.ptr, psk->key.len) != 1 ||
        SSL_SESSION_set_cipher(session, cipher) != 1 ||
        SSL_SESSION_set_protocol_version(session, VERSION_1_3) != 1) {
        SSL_SESSION_free(session);
        return NULL;
    }
    (void)SSL_SESSION_set_timeout(session, SSL_CTX_get_timeout(SSL_get_SSL_CTX(ssl)));
    return session;
}

/* TLS 1.3, for each identity in turn, tickets as well. */
static int session_find(SSL *ssl, const unsigned char *identity, size_t len, SSL_SESSION **ret)
{
    struct sl_tls *tls = SSL_get_app_data(ssl);
    tls->psk = find(tls->ctx, sl_slice_of(identity, len));
    tls->is_psk_session = tls->psk != NULL;
    *ret = tls->psk == NULL ? NULL : session_make(ssl, tls->psk);
    return tls->psk == NULL || *ret != NULL;
}

static unsigned key_put(const struct sl_tls_psk *psk, unsigned char *key, unsigned max)
{
    if (psk->key.len > max) {
        return 0;
    }
    memcpy(key, psk->key.ptr, psk->key.len);
    return (unsigned)psk->key.len;
}

/* TLS 1.2; libssl answers 0 with unknown_psk_identity. Of TLS 1.3 all is said above. */
static unsigned key_find(SSL *ssl, const char *identity, unsigned char *key, unsigned max)
{
    struct sl_tls *tls = SSL_get_app_data(ssl);
    if (SSL_version(ssl) >= VERSION_1_3) {
        return 0;
    }
    tls->psk = find(tls->ctx, sl_slice_cstr(identity));
    if (tls->psk == NULL) {
        tls->verdict = SL_EVERIFY;
        sl_diag_set(tls->diag, "the client's PSK identity is not known");
        return 0;
    }
    return key_put(tls->psk, key, max);
}

enum sl_err sl_tls_psk_serve(struct sl_tls_ctx *ctx, const struct sl_tls_psk *psks, size_t count,
                             const struct sl_policy *policy, struct sl_diag *diag)
{
    enum sl_err rc = psks_set(ctx, psks, count, policy, diag);
    rc = rc == SL_OK ? ciphers_set(ctx, policy, !ctx->is_psk_only, diag) : rc;
    if (rc == SL_OK && ctx->is_psk_only && policy->max_version >= VERSION_1_3 &&
        SSL_CTX_set_ciphersuites(ctx->ssl_ctx, ctx->psk_suites) != 1) {
        rc = sl_tls_error_take(SL_EINVAL, "suites for pre-shared keys", diag);
    }
    if (rc == SL_OK) {
        (void)SSL_CTX_set_dh_auto(ctx->ssl_ctx, 1);
        SSL_CTX_set_psk_find_session_callback(ctx->ssl_ctx, session_find);
        SSL_CTX_set_psk_server_callback(ctx->ssl_ctx, key_find);
    }
    return rc;
}

/* TLS 1.3, again after a HelloRetryRequest. */
static int session_use(SSL *ssl, const EVP_MD *md, const unsigned char **identity, size_t *len,
                       SSL_SESSION **ret)
{
    const struct sl_tls *tls = SSL_get_app_data(ssl);
    *ret = NULL;
    if (md != NULL && EVP_MD_get_type(md) != NID_sha256) {
        return 1; /* the suites that are offered do not let it come to this */
    }
    *ret = session_make(ssl, tls->ctx->psks);
    *identity = (const unsigned char *)tls->ctx->psks->identity;
    *len = strlen(tls->ctx->psks->identity);
    return *ret != NULL;
}

static unsigned key_use(SSL *ssl, const char *hint, char *identity, unsigned identity_max,
                        unsigned char *key, unsigned max)
{
    SL_UNUSED(hint);
    const struct sl_tls *tls = SSL_get_app_data(ssl);
    const size_t len = strlen(tls->ctx->psks->identity);
    if (len >= identity_max) {
        return 0;
    }
    memcpy(identity, tls->ctx->psks->identity, len + 1);
    return key_put(tls->ctx->psks, key, max);
}

/* The upstream has not used the key: its certificate, good or not, says nothing about that. */
static int certificate_refuse(X509_STORE_CTX *verify, void *arg)
{
    SL_UNUSED(arg);
    const SSL *ssl = X509_STORE_CTX_get_ex_data(verify, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct sl_tls *tls = SSL_get_app_data(ssl);
    tls->verdict = SL_EVERIFY;
    sl_diag_set(tls->diag, "the upstream showed a certificate and did not use the pre-shared key");
    X509_STORE_CTX_set_error(verify, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

enum sl_err sl_tls_psk_connect(struct sl_tls_ctx *ctx, const struct sl_tls_psk *psk,
                               const struct sl_policy *policy, struct sl_diag *diag)
{
    enum sl_err rc = psks_set(ctx, psk, 1, policy, diag);
    rc = rc == SL_OK ? ciphers_set(ctx, policy, false, diag) : rc;
    if (rc == SL_OK && policy->max_version >= VERSION_1_3 &&
        SSL_CTX_set_ciphersuites(ctx->ssl_ctx, ctx->psk_suites) != 1) {
        rc = sl_tls_error_take(SL_EINVAL, "suites for pre-shared keys", diag);
    }
    if (rc == SL_OK) {
        SSL_CTX_set_psk_use_session_callback(ctx->ssl_ctx, session_use);
        SSL_CTX_set_psk_client_callback(ctx->ssl_ctx, key_use);
        SSL_CTX_set_verify(ctx->ssl_ctx, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_cert_verify_callback(ctx->ssl_ctx, certificate_refuse, NULL);
    }
    return rc;
}

static bool is_too_many(struct sl_slice identities)
{
    struct sl_slice one;
    size_t count = 0;
    while (count <= OFFERS_MAX && sl_psk_next(&identities, &one) == SL_OK) {
        count++;
    }
    return count > OFFERS_MAX;
}

/* False when there are identities, and none of them is one of ours or a ticket that may be. */
static bool is_any_known(const struct sl_tls *tls, struct sl_slice identities,
                         bool *ret_is_external)
{
    struct sl_slice one;
    bool is_known = false;
    *ret_is_external = false;
    while (sl_psk_next(&identities, &one) == SL_OK) {
        *ret_is_external = *ret_is_external || find(tls->ctx, one) != NULL;
        is_known = is_known || sl_tickets_is_ours(tls->ctx->tickets, one);
    }
    return is_known || *ret_is_external;
}

enum sl_err sl_tls_psk_hello(SSL *ssl, struct sl_tls *tls)
{
    const unsigned char *body = NULL;
    size_t len = 0;
    struct sl_slice identities;
    bool is_external;
    if (tls->ctx->psks_count == 0 ||
        SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &body, &len) != 1) {
        return SL_OK;
    }
    if (sl_hello_psks(sl_slice_of(body, len), &identities) != SL_OK) {
        sl_diag_set(tls->diag, "the client's pre_shared_key extension is malformed");
        return SL_EPROTO;
    }
    if (is_too_many(identities)) {
        tls->alert = SSL_AD_HANDSHAKE_FAILURE;
        sl_diag_set(tls->diag, "the client offers more than %d pre-shared keys", OFFERS_MAX);
        return SL_EPROTO;
    }
    const bool is_known = is_any_known(tls, identities, &is_external);
    if (!is_known && tls->ctx->is_psk_only) {
        sl_diag_set(tls->diag, "the client's PSK identity is not known");
        return SL_EVERIFY;
    }
    return is_external && tls->ctx->psk_suites[0] != '\0' &&
                   SSL_set_ciphersuites(ssl, tls->ctx->psk_suites) != 1
               ? SL_ENOMEM
               : SL_OK;
}

const struct sl_tls_psk *sl_tls_psk_used(const struct sl_tls *tls)
{
    if (!tls->ctx->is_server) {
        return tls->ctx->psks; /* nothing else is offered, and certificates are refused */
    }
    const SSL_CIPHER *cipher = SSL_get_current_cipher(tls->ssl);
    const bool is_named = SSL_session_reused(tls->ssl) == 1 ||
                          (SSL_version(tls->ssl) < VERSION_1_3 && cipher != NULL &&
                           SSL_CIPHER_get_auth_nid(cipher) == NID_auth_psk);
    return is_named ? tls->psk : NULL;
}

bool sl_tls_psk_is_fresh(const struct sl_tls *tls)
{
    if (tls->ctx->psks_count == 0 || SSL_version(tls->ssl) < VERSION_1_3) {
        return false;
    }
    return tls->ctx->is_server ? tls->is_psk_session
                               : SSL_SESSION_has_ticket(SSL_get0_session(tls->ssl)) == 0;
}

void sl_tls_psk_tag(const struct sl_tls *tls, uint8_t *ret_tag)
{
    const struct sl_tls_psk *psk = sl_tls_psk_used(tls);
    if (psk == NULL) {
        memset(ret_tag, 0, SL_TLS_DIGEST_LEN);
    } else {
        memcpy(ret_tag, tls->ctx->psk_tags[psk - tls->ctx->psks], SL_TLS_DIGEST_LEN);
    }
}

bool sl_tls_psk_resume(struct sl_tls *tls, const uint8_t *tag)
{
    static const uint8_t NONE[SL_TLS_DIGEST_LEN] = { 0 };
    tls->psk = NULL;
    tls->is_psk_session = false;
    for (size_t i = 0; i < tls->ctx->psks_count; i++) {
        if (CRYPTO_memcmp(tls->ctx->psk_tags[i], tag, SL_TLS_DIGEST_LEN) == 0) {
            tls->psk = &tls->ctx->psks[i];
        }
    }
    const bool is_without = CRYPTO_memcmp(tag, NONE, sizeof(NONE)) == 0;
    return tls->psk != NULL || (is_without && !tls->ctx->is_psk_only);
}

bool sl_tls_psk_blame(const struct sl_tls *tls)
{
    const unsigned long error = ERR_peek_error();
    if (tls->ctx->psks_count == 0 || !tls->ctx->is_server || ERR_GET_LIB(error) != ERR_LIB_SSL) {
        return false;
    }
    switch (ERR_GET_REASON(error)) {
    case SSL_R_BINDER_DOES_NOT_VERIFY:
        break;
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC: /* of a Finished in TLS 1.2 */
    case SSL_R_DIGEST_CHECK_FAILED:
        if (sl_tls_psk_used(tls) == NULL || SSL_version(tls->ssl) >= VERSION_1_3) {
            return false;
        }
        break;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        if (!tls->ctx->is_psk_only) {
            return false;
        }
        sl_diag_set(tls->diag, "the client uses no pre-shared key, and there is no certificate");
        return true;
    default:
        return false;
    }
    sl_diag_set(tls->diag, "the client's PSK is another one than that of its identity");
    return true;
}
