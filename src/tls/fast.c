/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/fast.h"
#include "tls/fast_impl.h"
#include "tls/key_provider_impl.h"
#include "tls/record_keys.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <stdlib.h>
#include <string.h>

static const char NAME[] = "sluice-fast";

/* Those of TLS 1.3's suites, and the one that is as common. The first name is the default
 * provider's first. */
static const struct {
    const char *names[3];
    size_t len, block_len;
} DIGESTS[SL_FAST_DIGESTS_COUNT] = {
    { { "SHA2-256", "SHA256", "SHA-256" }, 32, 64 },
    { { "SHA2-384", "SHA384", "SHA-384" }, 48, 128 },
    { { "SHA2-512", "SHA512", "SHA-512" }, 64, 128 },
};

const struct sl_fast_digest *sl_fast_digest_find(const struct sl_fast *fast,
                                                 const OSSL_PARAM *param)
{
    if (param->data_type != OSSL_PARAM_UTF8_STRING || param->data == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < SL_COUNT(DIGESTS); i++) {
        for (size_t j = 0; j < SL_COUNT(DIGESTS[i].names); j++) {
            if (strcmp(param->data, DIGESTS[i].names[j]) == 0) {
                return &fast->digests[i];
            }
        }
    }
    return NULL;
}

void sl_fast_pad(const struct sl_fast_digest *digest, const uint8_t *key, size_t key_len,
                 uint8_t mask, uint8_t pad[static SL_FAST_BLOCK_MAX])
{
    memset(pad, mask, digest->block_len);
    for (size_t i = 0; i < key_len; i++) {
        pad[i] ^= key[i];
    }
}

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    static const OSSL_ALGORITHM KDFS[] = {
        { "TLS13-KDF", SL_FAST_PROPERTIES, sl_fast_kdf_functions, NULL },
        { NULL, NULL, NULL, NULL },
    };
    static const OSSL_ALGORITHM MACS[] = {
        { "HMAC", SL_FAST_PROPERTIES, sl_fast_mac_functions, NULL },
        { NULL, NULL, NULL, NULL },
    };
    SL_UNUSED(provider);
    *no_cache = 0;
    return operation == OSSL_OP_KDF ? KDFS : operation == OSSL_OP_MAC ? MACS : NULL;
}

static void teardown(void *provider)
{
    struct sl_fast *fast = provider;
    for (size_t i = 0; i < SL_COUNT(fast->digests); i++) {
        struct sl_fast_digest *digest = &fast->digests[i];
        if (digest->scratch != NULL) {
            digest->freectx(digest->scratch);
        }
    }
    EVP_MAC_free(fast->hmac);
    EVP_KDF_free(fast->kdf);
    sl_record_pool_destroy(fast->pool);
    free(fast);
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                         const OSSL_DISPATCH **out, void **ret_provider)
{
    static const OSSL_DISPATCH FUNCTIONS[] = {
        { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
        { OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown },
        { 0, NULL },
    };
    SL_UNUSED(handle);
    SL_UNUSED(in);
    *out = FUNCTIONS;
    *ret_provider = calloc(1, sizeof(struct sl_fast));
    return *ret_provider != NULL;
}

static const OSSL_DISPATCH *dispatch_find(const OSSL_ALGORITHM *algorithms, const char *name)
{
    size_t len = strlen(name);
    for (; algorithms != NULL && algorithms->algorithm_names != NULL; algorithms++) {
        const char *names = algorithms->algorithm_names;
        if (strncmp(names, name, len) == 0 && (names[len] == ':' || names[len] == '\0')) {
            return algorithms->implementation;
        }
    }
    return NULL;
}

static void functions_read(const OSSL_DISPATCH *dispatch, struct sl_fast_digest *digest)
{
    for (; dispatch != NULL && dispatch->function_id != 0; dispatch++) {
        switch (dispatch->function_id) {
        case OSSL_FUNC_DIGEST_NEWCTX:
            digest->newctx = OSSL_FUNC_digest_newctx(dispatch);
            break;
        case OSSL_FUNC_DIGEST_INIT:
            digest->init = OSSL_FUNC_digest_init(dispatch);
            break;
        case OSSL_FUNC_DIGEST_UPDATE:
            digest->update = OSSL_FUNC_digest_update(dispatch);
            break;
        case OSSL_FUNC_DIGEST_FINAL:
            digest->final = OSSL_FUNC_digest_final(dispatch);
            break;
        case OSSL_FUNC_DIGEST_FREECTX:
            digest->freectx = OSSL_FUNC_digest_freectx(dispatch);
            break;
        case OSSL_FUNC_DIGEST_DUPCTX:
            digest->dupctx = OSSL_FUNC_digest_dupctx(dispatch);
            break;
        default:
            break;
        }
    }
}

static bool digest_open(const OSSL_ALGORITHM *algorithms, struct sl_fast_digest *digest)
{
    functions_read(dispatch_find(algorithms, digest->name), digest);
    if (digest->newctx == NULL || digest->init == NULL || digest->update == NULL ||
        digest->final == NULL || digest->freectx == NULL || digest->dupctx == NULL) {
        return false;
    }
    size_t len = 0;
    digest->scratch = digest->newctx(digest->provider);
    return digest->scratch != NULL && digest->init(digest->scratch, NULL) == 1 &&
           digest->final(digest->scratch, digest->empty, &len, sizeof(digest->empty)) == 1 &&
           len == digest->len;
}

static bool open_all(struct sl_fast *fast)
{
    int no_cache = 0;
    /* this reference stays, and with it what is read out of the provider here */
    OSSL_PROVIDER *provider = OSSL_PROVIDER_load(NULL, "default");
    const OSSL_ALGORITHM *algorithms =
        provider == NULL ? NULL
                         : OSSL_PROVIDER_query_operation(provider, OSSL_OP_DIGEST, &no_cache);
    for (size_t i = 0; i < SL_COUNT(DIGESTS); i++) {
        struct sl_fast_digest *digest = &fast->digests[i];
        if (digest->scratch != NULL) {
            continue;
        }
        digest->name = DIGESTS[i].names[0];
        digest->len = DIGESTS[i].len;
        digest->block_len = DIGESTS[i].block_len;
        digest->provider = provider == NULL ? NULL : OSSL_PROVIDER_get0_provider_ctx(provider);
        if (!digest_open(algorithms, digest)) {
            return false;
        }
    }
    fast->hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, "provider=default");
    fast->kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, "provider=default");
    return fast->hmac != NULL && fast->kdf != NULL;
}

static bool provider_load(void)
{
    if (OSSL_PROVIDER_available(NULL, NAME) == 1) {
        return true;
    }
    OSSL_PROVIDER *provider = OSSL_PROVIDER_add_builtin(NULL, NAME, provider_init) == 1
                                  ? OSSL_PROVIDER_load(NULL, NAME)
                                  : NULL;
    if (provider == NULL) {
        return false;
    }
    struct sl_fast *fast = OSSL_PROVIDER_get0_provider_ctx(provider);
    return open_all(fast) || OSSL_PROVIDER_unload(provider) == -1;
}

struct sl_fast *sl_fast_find(void)
{
    if (OSSL_PROVIDER_available(NULL, NAME) != 1) {
        return NULL;
    }
    OSSL_PROVIDER *provider = OSSL_PROVIDER_load(NULL, NAME); /* counts one more who has it */
    struct sl_fast *fast = provider == NULL ? NULL : OSSL_PROVIDER_get0_provider_ctx(provider);
    if (provider != NULL) {
        (void)OSSL_PROVIDER_unload(provider);
    }
    return fast;
}

enum sl_err sl_tls_fast_records(bool is_wanted)
{
    struct sl_fast *fast = sl_fast_find();
    enum sl_err rc = SL_OK;
    if (fast != NULL && is_wanted && fast->pool == NULL) {
        rc = sl_record_pool_create(SL_RECORD_CIPHERS_MAX, &fast->pool);
    }
    if (fast != NULL && rc == SL_OK) {
        fast->has_records = is_wanted;
    }
    ERR_clear_error();
    return rc;
}

enum sl_err sl_tls_fast_use(bool is_wanted, bool *ret_is_used)
{
    bool is_fips = OSSL_PROVIDER_available(NULL, "fips") == 1 ||
                   EVP_default_properties_is_fips_enabled(NULL) == 1;
    bool is_used = is_wanted && !is_fips;
    bool is_ok =
        is_fips ||
        ((!is_used || provider_load()) &&
         EVP_set_default_properties(NULL, is_used ? SL_KEY_PROPERTIES_OTHERS ",?sluice.fast=yes"
                                                  : SL_KEY_PROPERTIES_OTHERS) == 1);
    ERR_clear_error();
    if (is_ok && ret_is_used != NULL) {
        *ret_is_used = is_used;
    }
    return is_ok ? SL_OK : SL_ETLS;
}
