/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/key_leaf.h"
#include "tls/key_manage.h"
#include "tls/own.h"
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <string.h>

static const char NAME[] = SL_KEY_PROVIDER;

struct sl_key_leaves {
    OSSL_LIB_CTX *library; /* NULL until it is wanted */
};

/* The decoder's: the provider that belongs to the context of its own. */
struct reader {
    OSSL_FUNC_BIO_read_ex_fn *read;
};

static void *decoder_new(void *provider)
{
    return provider; /* it keeps nothing between two keys */
}

static void decoder_free(void *data)
{
    SL_UNUSED(data);
}

static int decoder_does(void *provider, int selection)
{
    SL_UNUSED(provider);
    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0;
}

/* 1 also for what it cannot read: that is no error, another might. */
static int decode(void *data, OSSL_CORE_BIO *in, int selection, OSSL_CALLBACK *found,
                  void *found_arg, OSSL_PASSPHRASE_CALLBACK *ask, void *ask_arg)
{
    const struct reader *reader = data;
    uint8_t bytes[SL_EC_PUBLIC_MAX];
    size_t len = 0;
    SL_UNUSED(selection);
    SL_UNUSED(ask);
    SL_UNUSED(ask_arg);
    struct sl_key_apart *key = reader->read(in, bytes, sizeof(bytes), &len) == 1
                                   ? sl_key_apart_of_point(sl_slice_of(bytes, len))
                                   : NULL;
    if (key == NULL) {
        return 1;
    }
    int object = OSSL_OBJECT_PKEY;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &object),
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, (char *)(uintptr_t)key->type,
                                         0),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, &key, sizeof(key)),
        OSSL_PARAM_construct_end(),
    };
    int is_ok = found(params, found_arg);
    sl_key_apart_free(key); /* NULL when it was taken */
    return is_ok;
}

#define FUNCTION(id, function)                                                                     \
    {                                                                                              \
        OSSL_FUNC_DECODER_##id, (void (*)(void))(function)                                         \
    }

static const OSSL_ALGORITHM *decoders(void)
{
    static const OSSL_DISPATCH FUNCTIONS[] = {
        FUNCTION(NEWCTX, decoder_new),
        FUNCTION(FREECTX, decoder_free),
        FUNCTION(DOES_SELECTION, decoder_does),
        FUNCTION(DECODE, decode),
        { 0, NULL },
    };
    static const OSSL_ALGORITHM ALGORITHMS[] = {
        { SL_KEY_EC_NAMES, "provider=sluice-keys,input=der,structure=SubjectPublicKeyInfo",
          FUNCTIONS, NULL },
        { NULL, NULL, NULL, NULL },
    };
    return ALGORITHMS;
}

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    SL_UNUSED(provider);
    *no_cache = 0;
    switch (operation) {
    case OSSL_OP_KEYMGMT:
        return sl_key_manage_decoded();
    case OSSL_OP_SIGNATURE:
        return sl_key_sign_algorithms();
    case OSSL_OP_DECODER:
        return decoders();
    default:
        return NULL;
    }
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                         const OSSL_DISPATCH **out, void **ret_provider)
{
    static const OSSL_DISPATCH PROVIDER[] = {
        { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
        { OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))free },
        { 0, NULL },
    };
    SL_UNUSED(handle);
    struct reader *reader = calloc(1, sizeof(*reader));
    for (; reader != NULL && in->function_id != 0; in++) {
        if (in->function_id == OSSL_FUNC_BIO_READ_EX) {
            reader->read = OSSL_FUNC_BIO_read_ex(in);
        }
    }
    *out = PROVIDER;
    *ret_provider = reader;
    return reader != NULL && reader->read != NULL;
}

struct sl_key_leaves *sl_key_leaves_create(void)
{
    return calloc(1, sizeof(struct sl_key_leaves));
}

void sl_key_leaves_destroy(struct sl_key_leaves *leaves)
{
    if (leaves != NULL) {
        OSSL_LIB_CTX_free(leaves->library);
        free(leaves);
    }
}

static enum sl_err leaves_open(struct sl_key_leaves *leaves)
{
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    if (library == NULL || OSSL_PROVIDER_add_builtin(library, NAME, provider_init) != 1 ||
        OSSL_PROVIDER_load(library, NAME) == NULL) {
        OSSL_LIB_CTX_free(library);
        return SL_ENOMEM;
    }
    leaves->library = library;
    return SL_OK;
}

enum sl_err sl_key_leaves_get(struct sl_key_leaves **ret_leaves)
{
    OSSL_PROVIDER *provider = OSSL_PROVIDER_load(NULL, NAME);
    if (provider == NULL) {
        ERR_clear_error();
        return SL_ENOMEM;
    }
    struct sl_key_leaves *leaves = OSSL_PROVIDER_get0_provider_ctx(provider);
    (void)OSSL_PROVIDER_unload(provider); /* it was loaded before, and stays */
    enum sl_err rc = leaves->library == NULL ? leaves_open(leaves) : SL_OK;
    ERR_clear_error();
    if (rc == SL_OK) {
        *ret_leaves = leaves;
    }
    return rc;
}

enum sl_err sl_key_leaf_read(struct sl_key_leaves *leaves, struct sl_slice der, uint32_t key_index,
                             struct sl_key_service *service, X509 **ret_leaf)
{
    const unsigned char *at = der.ptr;
    X509 *made = X509_new_ex(leaves->library, NULL);
    /* on failure it frees what it was given */
    SL_CLEANUP(sl_own_x509)
    X509 *leaf = made == NULL ? NULL : d2i_X509(&made, &at, (long)der.len);
    EVP_PKEY *key = leaf == NULL ? NULL : X509_get0_pubkey(leaf);
    struct sl_key_handle handle = { .service = service, .key_index = key_index };
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(SL_KEY_HANDLE_PARAM, &handle, sizeof(handle)),
        OSSL_PARAM_construct_end(),
    };
    bool is_ok = key != NULL && at == der.ptr + der.len && EVP_PKEY_set_params(key, params) == 1;
    if (is_ok) {
        /* libcrypto reads the extensions at first use. For its fingerprint, which nobody wants, it
         * finds no digest here: a later handshake must not come upon that error. */
        (void)X509_get_extension_flags(leaf);
    }
    ERR_clear_error();
    if (!is_ok) {
        return SL_EINVAL;
    }
    *ret_leaf = SL_STEAL(leaf);
    return SL_OK;
}
