/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/key_leaf.h"
#include "tls/key_manage.h"
#include "tls/key_provider_impl.h"
#include <openssl/async.h>
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <string.h>

static const char NAME[] = SL_KEY_PROVIDER;
static const char PROPERTIES[] = "provider=" SL_KEY_PROVIDER;

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    SL_UNUSED(provider);
    *no_cache = 0;
    switch (operation) {
    case OSSL_OP_KEYMGMT:
        return sl_key_manage_algorithms();
    case OSSL_OP_SIGNATURE:
        return sl_key_sign_algorithms();
    case OSSL_OP_ASYM_CIPHER:
        return sl_key_decrypt_algorithms();
    default:
        return NULL;
    }
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                         const OSSL_DISPATCH **out, void **ret_provider)
{
    static const OSSL_DISPATCH FUNCTIONS[] = {
        { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
        { OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))sl_key_leaves_destroy },
        { 0, NULL },
    };
    SL_UNUSED(handle);
    SL_UNUSED(in);
    *out = FUNCTIONS;
    *ret_provider = sl_key_leaves_create(); /* else keys carry all that they need */
    return *ret_provider != NULL;
}

enum sl_err sl_key_provider_init(void)
{
    /* a provider that is loaded by name ends the loading of the default one by itself */
    bool is_ok = OSSL_PROVIDER_add_builtin(NULL, NAME, provider_init) == 1 &&
                 OSSL_PROVIDER_load(NULL, "default") != NULL &&
                 OSSL_PROVIDER_load(NULL, NAME) != NULL &&
                 /* nothing but a key of its own may pick it */
                 EVP_set_default_properties(NULL, SL_KEY_PROPERTIES_OTHERS) == 1;
    ERR_clear_error();
    return is_ok ? SL_OK : SL_ETLS;
}

enum sl_err sl_key_jobs_init(size_t max_count)
{
    bool is_ok = ASYNC_init_thread(max_count, 0) == 1;
    ERR_clear_error();
    return is_ok ? SL_OK : SL_ENOMEM;
}

void sl_key_jobs_fini(void)
{
    ASYNC_cleanup_thread();
}

enum sl_err sl_key_apart_create(EVP_PKEY *public_key, uint32_t key_index,
                                struct sl_key_service *service, EVP_PKEY **ret_key)
{
    struct sl_key_handle handle = { public_key, service, key_index };
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(SL_KEY_HANDLE_PARAM, &handle, sizeof(handle)),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = NULL;
    const char *type = EVP_PKEY_get0_type_name(public_key);
    EVP_PKEY_CTX *ctx = type == NULL ? NULL : EVP_PKEY_CTX_new_from_name(NULL, type, PROPERTIES);
    bool is_ok = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
                 EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (!is_ok) {
        return SL_EINVAL;
    }
    *ret_key = key;
    return SL_OK;
}

/* What it stands on is the stack of a job. */
bool sl_key_ask(const struct sl_key_apart *key, struct sl_key_request *request)
{
    struct sl_key_service *service = key->service;
    struct sl_key_wait *wait = service == NULL ? NULL : service->running;
    if (wait == NULL || wait->is_ending || ASYNC_get_current_job() == NULL) {
        return false; /* nobody could go on with it */
    }
    request->wait = wait;
    request->result = service->submit(service, request);
    if (request->result != SL_OK) {
        wait->verdict = request->result;
        return false;
    }
    request->result = SL_AGAIN;
    wait->request = request;
    while (request->result == SL_AGAIN) {
        if (ASYNC_pause_job() != 1) {
            service->cancel(service, request);
            request->result = SL_ENOMEM;
        }
    }
    wait->request = NULL;
    wait->verdict = request->result;
    return request->result == SL_OK;
}

void sl_key_request_done(struct sl_key_request *request, enum sl_err rc, struct sl_slice signature)
{
    if (rc == SL_OK && (signature.len == 0 || signature.len > request->room)) {
        rc = SL_EINVAL;
    }
    if (rc == SL_OK) {
        memcpy(request->to, signature.ptr, signature.len);
        request->len = signature.len;
    }
    request->result = rc;
    if (request->wait->wake != NULL) {
        request->wait->wake(request->wait);
    }
}
