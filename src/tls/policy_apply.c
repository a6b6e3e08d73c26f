/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/policy_apply.h"
#include "tls/error.h"
#include "tls/own.h"
#include <openssl/err.h>
#include <string.h>

enum { NAME_MAX_BYTES = 80 }; /* of one group or signature algorithm, NUL included */

static bool name_copy(struct sl_slice name, char text[static NAME_MAX_BYTES])
{
    /* the signs have a meaning of their own in the lists of OpenSSL 3.5 */
    static const char SIGNS[] = "?*-/:@";
    if (name.len == 0 || name.len >= NAME_MAX_BYTES || strchr(SIGNS, name.ptr[0]) != NULL) {
        return false;
    }
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    return strlen(text) == name.len;
}

bool sl_tls_knows_group(SSL_CTX *ctx, struct sl_slice name)
{
    char text[NAME_MAX_BYTES];
    bool is_known = name_copy(name, text) && SSL_CTX_set1_groups_list(ctx, text) == 1;
    ERR_clear_error();
    return is_known;
}

bool sl_tls_knows_signature(SSL_CTX *ctx, struct sl_slice name)
{
    char text[NAME_MAX_BYTES];
    bool is_known = name_copy(name, text) && SSL_CTX_set1_sigalgs_list(ctx, text) == 1;
    ERR_clear_error();
    return is_known;
}

bool sl_tls_knows_cipher(SSL_CTX *ctx, struct sl_slice name)
{
    char text[NAME_MAX_BYTES];
    bool is_known = name_copy(name, text) && SSL_CTX_set_cipher_list(ctx, text) == 1;
    ERR_clear_error();
    return is_known;
}

bool sl_tls_knows_suite(SSL_CTX *ctx, struct sl_slice name)
{
    char text[NAME_MAX_BYTES];
    bool is_known = name_copy(name, text) && SSL_CTX_set_ciphersuites(ctx, text) == 1;
    ERR_clear_error();
    return is_known;
}

/* A copy of `list` with only what is known; "" when nothing is. NULL when there is no memory. */
static char *list_filter(SSL_CTX *ctx, const char *list,
                         bool (*is_known)(SSL_CTX *, struct sl_slice))
{
    size_t size = strlen(list) + 1;
    char *known = calloc(1, size);
    struct sl_slice rest = sl_slice_cstr(list);
    size_t len = 0;
    while (known != NULL && rest.len != 0) {
        struct sl_slice name = sl_slice_cut(&rest, sl_slice_find(rest, ':'));
        (void)sl_slice_cut(&rest, 1);
        if (is_known(ctx, name)) {
            len += (size_t)snprintf(known + len, size - len, "%s%.*s", len == 0 ? "" : ":",
                                    SL_SLICE_FMT(name));
        }
    }
    return known;
}

static enum sl_err versions_apply(SSL_CTX *ctx, const struct sl_policy *policy,
                                  struct sl_diag *diag)
{
    if (policy->min_version > policy->max_version ||
        SSL_CTX_set_min_proto_version(ctx, policy->min_version) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, policy->max_version) != 1) {
        ERR_clear_error();
        sl_diag_set(diag, "policy %s: the library has no TLS versions 0x%04x to 0x%04x",
                    policy->name, policy->min_version, policy->max_version);
        return SL_EINVAL;
    }
    return SL_OK;
}

static enum sl_err ciphers_apply(SSL_CTX *ctx, const struct sl_policy *policy, struct sl_diag *diag)
{
    bool has_13 = policy->max_version >= TLS1_3_VERSION;
    bool has_12 = policy->min_version < TLS1_3_VERSION;
    bool is_ok = SSL_CTX_set_ciphersuites(ctx, has_13 ? policy->suites : "") == 1;
    if (is_ok && has_12) {
        is_ok = policy->ciphers[0] != '\0' && SSL_CTX_set_cipher_list(ctx, policy->ciphers) == 1;
    }
    ERR_clear_error();
    if (!is_ok || (has_13 && policy->suites[0] == '\0')) {
        sl_diag_set(diag, "policy %s: the library has none of its ciphers", policy->name);
        return SL_EINVAL;
    }
    return SL_OK;
}

/* From OpenSSL 3.5 on, "*" asks for a key share: with one of each kind, an upstream without
 * post-quantum groups costs no second round trip. Older libraries refuse the sign. */
static bool key_shares_ask(SSL_CTX *ctx, const char *groups)
{
    static const char HYBRID[] = "X25519MLKEM768:";
    static const char CLASSIC[] = "X25519";
    if (strncmp(groups, HYBRID, sizeof(HYBRID) - 1) != 0 ||
        strncmp(groups + sizeof(HYBRID) - 1, CLASSIC, sizeof(CLASSIC) - 1) != 0) {
        return false;
    }
    char list[512];
    int len = snprintf(list, sizeof(list), "*%s*%s", HYBRID, groups + sizeof(HYBRID) - 1);
    bool is_set = len > 0 && (size_t)len < sizeof(list) && SSL_CTX_set1_groups_list(ctx, list) == 1;
    ERR_clear_error();
    return is_set;
}

static enum sl_err groups_apply(SSL_CTX *ctx, const struct sl_policy *policy, bool is_server,
                                struct sl_diag *diag)
{
    SL_CLEANUP(sl_own_text) char *groups = list_filter(ctx, policy->groups, sl_tls_knows_group);
    if (groups == NULL) {
        return SL_ENOMEM;
    }
    if (groups[0] == '\0') {
        sl_diag_set(diag, "policy %s: the library has none of its groups", policy->name);
        return SL_EINVAL;
    }
    if (!is_server && key_shares_ask(ctx, groups)) {
        return SL_OK;
    }
    return SSL_CTX_set1_groups_list(ctx, groups) == 1
               ? SL_OK
               : sl_tls_error_take(SL_EINVAL, "groups of the policy", diag);
}

static enum sl_err signatures_apply(SSL_CTX *ctx, const struct sl_policy *policy,
                                    struct sl_diag *diag)
{
    if (policy->signatures == NULL || policy->signatures[0] == '\0') {
        return SL_OK; /* the library's own */
    }
    SL_CLEANUP(sl_own_text)
    char *list = list_filter(ctx, policy->signatures, sl_tls_knows_signature);
    if (list == NULL) {
        return SL_ENOMEM;
    }
    if (list[0] == '\0') {
        sl_diag_set(diag, "policy %s: the library has none of its signature algorithms",
                    policy->name);
        return SL_EINVAL;
    }
    return SSL_CTX_set1_sigalgs_list(ctx, list) == 1 &&
                   SSL_CTX_set1_client_sigalgs_list(ctx, list) == 1
               ? SL_OK
               : sl_tls_error_take(SL_EINVAL, "signature algorithms of the policy", diag);
}

static bool list_has(const char *list, struct sl_slice name)
{
    struct sl_slice rest = sl_slice_cstr(list);
    while (rest.len != 0) {
        struct sl_slice one = sl_slice_cut(&rest, sl_slice_find(rest, ':'));
        (void)sl_slice_cut(&rest, 1);
        if (sl_slice_eq(one, name)) {
            return true;
        }
    }
    return false;
}

/* A list of a policy, what it is called, and who knows its names. */
struct names {
    size_t at; /* of the list in struct sl_policy */
    const char *what;
    bool (*is_known)(SSL_CTX *, struct sl_slice);
};

static const char *names_of(const struct sl_policy *policy, const struct names *names)
{
    const char *list;
    memcpy(&list, (const char *)policy + names->at, sizeof(list));
    return list;
}

/* A name that the library lacks may be left out when a built-in policy has it, and else is a slip
 * of the pen: libssl would pass over it without a word. */
static bool is_expected(SSL_CTX *ctx, const struct names *names, struct sl_slice name)
{
    for (const struct sl_policy *one = sl_policy_all(); one->name != NULL; one++) {
        if (list_has(names_of(one, names), name)) {
            return true;
        }
    }
    return names->is_known(ctx, name);
}

static enum sl_err names_check(SSL_CTX *ctx, const struct sl_policy *policy, struct sl_diag *diag)
{
    static const struct names NAMES[] = {
        { offsetof(struct sl_policy, suites), "suite", sl_tls_knows_suite },
        { offsetof(struct sl_policy, ciphers), "cipher", sl_tls_knows_cipher },
        { offsetof(struct sl_policy, groups), "group", sl_tls_knows_group },
        { offsetof(struct sl_policy, signatures), "signature algorithm", sl_tls_knows_signature },
    };
    for (size_t i = 0; i < SL_COUNT(NAMES); i++) {
        struct sl_slice rest = sl_slice_cstr(names_of(policy, &NAMES[i]));
        while (rest.len != 0) {
            struct sl_slice name = sl_slice_cut(&rest, sl_slice_find(rest, ':'));
            (void)sl_slice_cut(&rest, 1);
            if (!is_expected(ctx, &NAMES[i], name)) {
                sl_diag_set(diag, "policy %s: the library has no %s '%.*s'", policy->name,
                            NAMES[i].what, SL_SLICE_FMT(name));
                return SL_EINVAL;
            }
        }
    }
    return SL_OK;
}

enum sl_err sl_tls_policy_apply(SSL_CTX *ctx, const struct sl_policy *policy, bool is_server,
                                struct sl_diag *diag)
{
    SSL_CTX_set_security_level(ctx, policy->security_level);
    enum sl_err rc = names_check(ctx, policy, diag);
    if (rc == SL_OK) {
        rc = versions_apply(ctx, policy, diag);
    }
    if (rc == SL_OK) {
        rc = ciphers_apply(ctx, policy, diag);
    }
    if (rc == SL_OK) {
        rc = groups_apply(ctx, policy, is_server, diag);
    }
    if (rc == SL_OK) {
        rc = signatures_apply(ctx, policy, diag);
    }
    if (policy->is_server_order) {
        (void)SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    }
    return rc;
}
