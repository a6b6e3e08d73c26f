/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/verify.h"
#include "tls/chain.h"
#include "tls/crl_impl.h"
#include "tls/error.h"
#include "tls/identity.h"
#include "tls/path.h"
#include "tls/session_impl.h"
#include "tls/x509.h"
#include <openssl/err.h>
#include <string.h>

/* RFC 5280 to the letter: what its CAs must write, and certificate policies (6.1). A CA file says
 * what is trusted, be it a root or not. */
enum {
    STRICT_FLAGS = X509_V_FLAG_X509_STRICT | X509_V_FLAG_POLICY_CHECK | X509_V_FLAG_PARTIAL_CHAIN,
    CRL_FLAGS = X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL,
};

static struct sl_tls *tls_of(const X509_STORE_CTX *verify)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(verify, SSL_get_ex_data_X509_STORE_CTX_idx());
    return ssl == NULL ? NULL : SSL_get_app_data(ssl);
}

static void subject_of(const X509 *cert, char *text, size_t size)
{
    sl_x509_name_text(cert == NULL ? NULL : X509_get_subject_name(cert), text, size);
}

/* What is a mistake to libcrypto and none to us. */
static bool is_excused(struct sl_tls *tls, const X509_STORE_CTX *verify, int error)
{
    if (error == X509_V_ERR_CRL_HAS_EXPIRED && tls->ctx->demands.may_be_stale) {
        tls->is_crl_stale = true;
        return true;
    }
    /* An anchor is trusted by being in `ca`: nobody revokes it but who writes that file, which says
     * as well what it is for. `openssl req -x509` makes roots without a key usage. */
    const int last = sk_X509_num(X509_STORE_CTX_get0_chain(verify)) - 1;
    return (error == X509_V_ERR_UNABLE_TO_GET_CRL ||
            error == X509_V_ERR_CA_CERT_MISSING_KEY_USAGE) &&
           X509_STORE_CTX_get_error_depth(verify) == last;
}

/* Says why a certificate was not accepted, while the place in the chain is still known. */
static int verified(int is_ok, X509_STORE_CTX *verify)
{
    struct sl_tls *tls = tls_of(verify);
    if (is_ok == 1) {
        return 1;
    }
    const int error = X509_STORE_CTX_get_error(verify);
    if (tls == NULL) {
        return 0;
    }
    if (is_excused(tls, verify, error)) {
        return 1;
    }
    bool is_name = error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
    char subject[SL_TLS_NAME_MAX / 2];
    subject_of(X509_STORE_CTX_get_current_cert(verify), subject, sizeof(subject));
    tls->verdict = SL_EVERIFY;
    sl_diag_set(tls->diag, "%s%s%s (depth %d, %s)", X509_verify_cert_error_string(error),
                is_name ? ": wanted " : "", is_name ? tls->ctx->name : "",
                X509_STORE_CTX_get_error_depth(verify), subject);
    return 0;
}

/* Ends a handshake whose chain libcrypto has found good. The error decides on the alert. */
static bool SL_PRINTF(5, 6) refuse(struct sl_tls *tls, X509_STORE_CTX *verify, enum sl_err verdict,
                                   int error, const char *format, ...)
{
    char text[SL_DIAG_MAX], subject[SL_TLS_NAME_MAX / 2];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    subject_of(X509_STORE_CTX_get0_cert(verify), subject, sizeof(subject));
    tls->verdict = verdict;
    sl_diag_set(tls->diag, "%s (depth 0, %s)", text, subject);
    X509_STORE_CTX_set_error(verify, error);
    return false;
}

static bool nomem(struct sl_tls *tls, X509_STORE_CTX *verify)
{
    tls->verdict = SL_ENOMEM;
    X509_STORE_CTX_set_error(verify, X509_V_ERR_OUT_OF_MEM);
    return false;
}

static bool flaws_check(struct sl_tls *tls, X509_STORE_CTX *verify)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(verify);
    const struct sl_tls_flaw flaw = sl_tls_chain_flaw(chain, !tls->ctx->is_server);
    char subject[SL_TLS_NAME_MAX / 2];
    if (flaw.text == NULL) {
        return true;
    }
    subject_of(sk_X509_value(chain, flaw.depth), subject, sizeof(subject));
    tls->verdict = SL_EVERIFY;
    sl_diag_set(tls->diag, "%s (depth %d, %s)", flaw.text, flaw.depth, subject);
    X509_STORE_CTX_set_error(verify, X509_V_ERR_CERT_REJECTED);
    return false;
}

/* Until when what was verified holds. */
static bool dates_read(struct sl_tls *tls, X509_STORE_CTX *verify)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(verify);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        int64_t until_s;
        if (!sl_x509_time_s(X509_get0_notAfter(sk_X509_value(chain, i)), &until_s)) {
            return refuse(tls, verify, SL_EVERIFY, X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD,
                          "a certificate without a date of its end");
        }
        tls->until_s = SL_MIN(tls->until_s, until_s);
    }
    return true;
}

static bool pins_check(struct sl_tls *tls, X509_STORE_CTX *verify)
{
    const struct sl_tls_demands *demands = &tls->ctx->demands;
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(verify);
    for (int i = 0; demands->pins_count > 0 && i < sk_X509_num(chain); i++) {
        uint8_t spki[SL_PIN_LEN];
        if (!sl_tls_identity_spki(sk_X509_value(chain, i), spki)) {
            return nomem(tls, verify);
        }
        for (size_t j = 0; j < demands->pins_count; j++) {
            if (sl_peer_pattern_fits(SL_PEER_SPKI, sl_slice_cstr(demands->pins[j]),
                                     sl_slice_of(spki, sizeof(spki)))) {
                return true;
            }
        }
    }
    return demands->pins_count == 0 ||
           refuse(tls, verify, SL_EVERIFY, X509_V_ERR_CERT_REJECTED,
                  "no certificate of the chain has a key that is pinned");
}

/* libssl knows no alert for an error of its tables' end, and sends certificate_unknown: RFC 8446
 * 6.2, "some other (unspecified) issue". It can be told of no access_denied. */
enum { DENIED = X509_V_ERR_PERMITTED_VIOLATION };

static bool rules_judge(struct sl_tls *tls, X509_STORE_CTX *verify,
                        const struct sl_tls_identity *identity)
{
    const struct sl_tls_demands *demands = &tls->ctx->demands;
    if (demands->rules_count == 0) {
        return true;
    }
    if (!identity->is_sound) {
        return refuse(tls, verify, SL_EDENIED, DENIED,
                      "a name in the certificate can be read in two ways");
    }
    const size_t number = sl_peer_rules_find(demands->rules, demands->rules_count, identity->names,
                                             identity->names_count);
    if (number == demands->rules_count) {
        return refuse(tls, verify, SL_EDENIED, DENIED, "no rule fits");
    }
    return demands->rules[number].is_allow ||
           refuse(tls, verify, SL_EDENIED, DENIED, "rule %zu denies it", number + 1);
}

static bool names_check(struct sl_tls *tls, X509_STORE_CTX *verify)
{
    struct sl_tls_identity identity;
    const enum sl_err rc = sl_tls_identity_init(&identity, X509_STORE_CTX_get0_cert(verify));
    const bool is_ok = rc == SL_OK ? rules_judge(tls, verify, &identity) : nomem(tls, verify);
    sl_tls_identity_fini(&identity);
    return is_ok;
}

static bool path_verify(struct sl_tls *tls, X509_STORE_CTX *verify)
{
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(verify);
    STACK_OF(X509) *useful = sl_tls_chain_useful(verify);
    if (useful == NULL) {
        return nomem(tls, verify);
    }
    X509_STORE_CTX_set0_untrusted(verify, useful);
    const bool is_ok = X509_verify_cert(verify) == 1;
    X509_STORE_CTX_set0_untrusted(verify, sent);
    sk_X509_free(useful);
    return is_ok;
}

/* What a path has to be besides good to libcrypto. */
static bool path_accept(struct sl_tls *tls, X509_STORE_CTX *verify)
{
    X509_STORE_CTX_set_error(verify, X509_V_OK); /* what was excused is none */
    return flaws_check(tls, verify) && pins_check(tls, verify);
}

/* Another path, judged apart: what is said of it is not told. */
struct other {
    struct sl_tls_path_judge judge;
    struct sl_tls *tls;
    X509_STORE_CTX *verify; /* whose path was not good */
};

/* A context like `verify`, for nothing but that path. */
static bool other_open(X509_STORE_CTX *verify, X509_STORE_CTX *alone, STACK_OF(X509) * links,
                       STACK_OF(X509) * anchors)
{
    const int ssl_at = SSL_get_ex_data_X509_STORE_CTX_idx();
    X509_VERIFY_PARAM *param = X509_VERIFY_PARAM_new();
    if (param == NULL || X509_VERIFY_PARAM_set1(param, X509_STORE_CTX_get0_param(verify)) != 1 ||
        X509_STORE_CTX_init(alone, X509_STORE_CTX_get0_store(verify),
                            X509_STORE_CTX_get0_cert(verify), links) != 1) {
        X509_VERIFY_PARAM_free(param);
        return false;
    }
    X509_STORE_CTX_set0_param(alone, param);
    X509_STORE_CTX_set0_trusted_stack(alone, anchors);
    X509_STORE_CTX_set_verify_cb(alone, verified);
    return X509_STORE_CTX_set_ex_data(alone, ssl_at, X509_STORE_CTX_get_ex_data(verify, ssl_at)) ==
           1;
}

static bool other_is_good(struct sl_tls_path_judge *judge, STACK_OF(X509) * links, X509 *anchor)
{
    const struct other *other = SL_CONTAINER_OF(judge, struct other, judge);
    struct sl_tls *tls = other->tls;
    X509_STORE_CTX *alone = X509_STORE_CTX_new();
    STACK_OF(X509) *anchors = sk_X509_new_null();
    bool is_good = false;
    tls->is_crl_stale = false;
    if (alone != NULL && anchors != NULL && sk_X509_push(anchors, anchor) > 0 &&
        other_open(other->verify, alone, links, anchors)) {
        if (tls->ctx->demands.crls != NULL) {
            X509_STORE_CTX_set0_crls(alone, tls->ctx->demands.crls->all);
        }
        is_good = X509_verify_cert(alone) == 1 && path_accept(tls, alone);
        STACK_OF(X509) *chain = is_good ? X509_STORE_CTX_get1_chain(alone) : NULL;
        is_good = chain != NULL;
        if (is_good) {
            X509_STORE_CTX_set0_verified_chain(other->verify, chain);
        }
    }
    X509_STORE_CTX_free(alone);
    sk_X509_free(anchors);
    return is_good;
}

/* A path that was not good may have been the wrong one: crossed certificates make several. */
static bool others_try(struct sl_tls *tls, X509_STORE_CTX *verify)
{
    struct other other = { .judge = { other_is_good }, .tls = tls, .verify = verify };
    struct sl_diag other_diag = { "" }, *diag = tls->diag;
    const enum sl_err verdict = tls->verdict;
    const int error = X509_STORE_CTX_get_error(verify);
    const bool is_stale = tls->is_crl_stale;
    if (verdict != SL_EVERIFY) {
        return false;
    }
    tls->diag = &other_diag;
    const bool is_good = sl_tls_paths_try(verify, &other.judge);
    tls->diag = diag;
    tls->verdict = is_good ? SL_OK : verdict;
    X509_STORE_CTX_set_error(verify, is_good ? X509_V_OK : error);
    if (is_good) {
        sl_diag_set(diag, "%s", "");
    } else {
        tls->is_crl_stale = is_stale;
    }
    return is_good;
}

/* What libssl calls in place of X509_verify_cert. */
static int chain_verify(X509_STORE_CTX *verify, void *arg)
{
    struct sl_tls *tls = tls_of(verify);
    SL_UNUSED(arg);
    if (tls == NULL) {
        return 0;
    }
    if (tls->ctx->demands.crls != NULL) {
        X509_STORE_CTX_set0_crls(verify, tls->ctx->demands.crls->all);
    }
    const bool is_good =
        (path_verify(tls, verify) && path_accept(tls, verify)) || others_try(tls, verify);
    return is_good && dates_read(tls, verify) && names_check(tls, verify) ? 1 : 0;
}

/* RFC 5280 6.1.1 (c): a user who does not care names any-policy; libcrypto's user has none. */
static bool any_policy_set(X509_VERIFY_PARAM *param)
{
    ASN1_OBJECT *any = OBJ_nid2obj(NID_any_policy); /* static: nothing to free */
    return any != NULL && X509_VERIFY_PARAM_add0_policy(param, any) == 1;
}

static enum sl_err demands_set(struct sl_tls_ctx *ctx, const struct sl_tls_store *store,
                               const struct sl_tls_demands *demands)
{
    SSL_CTX *ssl_ctx = ctx->ssl_ctx;
    const unsigned long flags = STRICT_FLAGS | (demands->crls != NULL ? CRL_FLAGS : 0UL);
    ctx->demands = *demands;
    (void)sl_tls_crls_ref(demands->crls);
    SSL_CTX_set1_cert_store(ssl_ctx, store->x509);
    SSL_CTX_set_cert_verify_callback(ssl_ctx, chain_verify, NULL);
    if (demands->steps_max > 0) { /* libcrypto counts neither end of the chain */
        SSL_CTX_set_verify_depth(ssl_ctx, (int)demands->steps_max - 1);
    }
    return X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl_ctx), flags) == 1 &&
                   any_policy_set(SSL_CTX_get0_param(ssl_ctx))
               ? SL_OK
               : SL_ENOMEM;
}

static enum sl_err authorities_name(SSL_CTX *ctx, const struct sl_tls_store *store)
{
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

enum sl_err sl_tls_verify_clients(struct sl_tls_ctx *ctx, const struct sl_tls_server_conf *conf)
{
    int required = conf->verify == SL_TLS_VERIFY_REQUIRE ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(ctx->ssl_ctx, SSL_VERIFY_PEER | required, verified);
    enum sl_err rc = demands_set(ctx, conf->clients, &conf->demands);
    return rc == SL_OK ? authorities_name(ctx->ssl_ctx, conf->clients) : rc;
}

enum sl_err sl_tls_verify_upstream(struct sl_tls_ctx *ctx, const struct sl_tls_client_conf *conf,
                                   struct sl_diag *diag)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx->ssl_ctx);
    SSL_CTX_set_verify(ctx->ssl_ctx, SSL_VERIFY_PEER, verified);
    enum sl_err rc = demands_set(ctx, conf->store, &conf->demands);
    if (rc != SL_OK) {
        return rc;
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    int is_named = ctx->is_ip ? X509_VERIFY_PARAM_set1_ip_asc(param, ctx->name)
                              : X509_VERIFY_PARAM_set1_host(param, ctx->name, strlen(ctx->name));
    if (is_named != 1 || X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) != 1) {
        return sl_tls_error_take(SL_EINVAL, ctx->name, diag);
    }
    return SL_OK;
}
