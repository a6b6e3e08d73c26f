/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/library.h"
#include "conf/policy.h"
#include "tls/key_provider.h"
#include "tls/key_stack.h"
#include "tls/own.h"
#include "tls/policy_apply.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/opensslv.h>

enum { LACKS_MAX = 1024 }; /* bytes of all names that may lack */

enum sl_err sl_tls_library_init(void)
{
    /* no configuration: what runs is what our policies say; no atexit: a worker that ends in a
     * signal or with jobs under way must not have its library taken down beneath it */
    uint64_t crypto =
        OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_LOAD_CRYPTO_STRINGS;
    bool is_ok = OPENSSL_init_crypto(crypto, NULL) == 1 &&
                 OPENSSL_init_ssl(crypto | OPENSSL_INIT_LOAD_SSL_STRINGS, NULL) == 1;
    ERR_clear_error();
    return is_ok ? sl_key_provider_init() : SL_ETLS;
}

const char *sl_tls_library_built(void)
{
    return OPENSSL_VERSION_TEXT;
}

const char *sl_tls_library_running(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

static void ssl_ctx_cleanup(SSL_CTX **ctx)
{
    SSL_CTX_free(*ctx);
}

static bool list_has(struct sl_slice list, struct sl_slice name)
{
    while (list.len != 0) {
        struct sl_slice one = sl_slice_cut(&list, sl_slice_find(list, ','));
        if (sl_slice_eq_nocase(one, name)) {
            return true;
        }
        (void)sl_slice_cut(&list, 1);
    }
    return false;
}

static enum sl_err lacks_add(SSL_CTX *ctx, const char *list,
                             bool (*is_known)(SSL_CTX *, struct sl_slice), struct sl_wbuf *lacks)
{
    struct sl_slice rest = sl_slice_cstr(list);
    while (rest.len != 0) {
        struct sl_slice name = sl_slice_cut(&rest, sl_slice_find(rest, ':'));
        (void)sl_slice_cut(&rest, 1);
        if (name.len == 0 || is_known(ctx, name) || list_has(sl_wbuf_slice(lacks), name)) {
            continue;
        }
        enum sl_err rc =
            sl_wbuf_printf(lacks, "%s%.*s", lacks->len == 0 ? "" : ",", SL_SLICE_FMT(name));
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

enum sl_err sl_tls_library_lacks(struct sl_wbuf *out)
{
    SL_CLEANUP(ssl_ctx_cleanup) SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    if (ctx == NULL) {
        ERR_clear_error();
        return SL_ENOMEM;
    }
    char text[LACKS_MAX];
    struct sl_wbuf lacks = sl_wbuf_of(text, sizeof(text));
    for (const struct sl_policy *policy = sl_policy_all(); policy->name != NULL; policy++) {
        enum sl_err rc = lacks_add(ctx, policy->groups, sl_tls_knows_group, &lacks);
        if (rc == SL_OK) {
            rc = lacks_add(ctx, policy->signatures, sl_tls_knows_signature, &lacks);
        }
        if (rc != SL_OK) {
            return rc;
        }
    }
    if (!sl_key_stacks_are_ours()) {
        enum sl_err rc = sl_wbuf_printf(&lacks, "%sguarded-stacks", lacks.len == 0 ? "" : ",");
        if (rc != SL_OK) {
            return rc;
        }
    }
    return sl_wbuf_put(out, sl_wbuf_slice(&lacks));
}
