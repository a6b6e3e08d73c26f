/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/key_manage.h"
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

static void *key_new(const char *type)
{
    struct sl_key_apart *key = calloc(1, sizeof(*key));
    if (key != NULL) {
        key->type = type;
    }
    return key;
}

static void *ec_new(void *provider)
{
    SL_UNUSED(provider);
    return key_new("EC");
}

static void *rsa_new(void *provider)
{
    SL_UNUSED(provider);
    return key_new("RSA");
}

static void *rsa_pss_new(void *provider)
{
    SL_UNUSED(provider);
    return key_new("RSA-PSS");
}

static void *ed25519_new(void *provider)
{
    SL_UNUSED(provider);
    return key_new("ED25519");
}

static void key_free(void *data)
{
    struct sl_key_apart *key = data;
    if (key != NULL) {
        EVP_PKEY_free(key->public_key);
        free(key);
    }
}

static int key_has(const void *data, int selection)
{
    const struct sl_key_apart *key = data;
    bool wants_private = (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
    return key != NULL && key->public_key != NULL && (!wants_private || key->has_private);
}

static int key_match(const void *a, const void *b, int selection)
{
    const struct sl_key_apart *first = a, *second = b;
    SL_UNUSED(selection);
    return first->public_key != NULL && second->public_key != NULL &&
           EVP_PKEY_eq(first->public_key, second->public_key) == 1;
}

/* A public key of another provider, to be compared with one of ours. */
static int import_public(struct sl_key_apart *key, const OSSL_PARAM params[])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, key->type, "provider=default");
    int is_ok = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
                EVP_PKEY_fromdata(ctx, &key->public_key, EVP_PKEY_PUBLIC_KEY,
                                  (OSSL_PARAM *)(uintptr_t)params) == 1;
    EVP_PKEY_CTX_free(ctx);
    return is_ok;
}

static int key_import(void *data, int selection, const OSSL_PARAM params[])
{
    struct sl_key_apart *key = data;
    struct sl_key_handle handle;
    const OSSL_PARAM *param = OSSL_PARAM_locate_const(params, SL_KEY_HANDLE_PARAM);
    SL_UNUSED(selection);
    if (key->public_key != NULL) {
        return 0;
    }
    if (param == NULL) {
        return import_public(key, params);
    }
    if (param->data_size != sizeof(handle)) {
        return 0;
    }
    memcpy(&handle, param->data, sizeof(handle));
    if (EVP_PKEY_up_ref(handle.public_key) != 1) {
        return 0;
    }
    key->public_key = handle.public_key;
    key->service = handle.service;
    key->key_index = handle.key_index;
    key->has_private = true;
    return 1;
}

static int key_export(void *data, int selection, OSSL_CALLBACK *callback, void *arg)
{
    const struct sl_key_apart *key = data;
    OSSL_PARAM *params = NULL;
    /* else another provider would take it for its own and try to sign with it */
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 && key->has_private) {
        return 0;
    }
    bool wants_public = (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0;
    if (key->public_key == NULL ||
        EVP_PKEY_todata(key->public_key,
                        wants_public ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEY_PARAMETERS,
                        &params) != 1) {
        return 0;
    }
    int is_ok = callback(params, arg);
    OSSL_PARAM_free(params);
    return is_ok;
}

static const OSSL_PARAM *key_types(int selection)
{
    static const OSSL_PARAM TYPES[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_END,
    };
    SL_UNUSED(selection);
    return TYPES;
}

static int key_get_params(void *data, OSSL_PARAM params[])
{
    const struct sl_key_apart *key = data;
    return key->public_key != NULL && EVP_PKEY_get_params(key->public_key, params) == 1;
}

static const OSSL_PARAM *key_gettable(void *provider)
{
    static const OSSL_PARAM GETTABLE[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
        OSSL_PARAM_END,
    };
    SL_UNUSED(provider);
    return GETTABLE;
}

static const char *ec_operation(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

static const char *rsa_operation(int operation)
{
    return operation == OSSL_OP_SIGNATURE || operation == OSSL_OP_ASYM_CIPHER ? "RSA" : NULL;
}

static const char *ed25519_operation(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ED25519" : NULL;
}

#define FUNCTION(id, function)                                                                     \
    {                                                                                              \
        OSSL_FUNC_KEYMGMT_##id, (void (*)(void))(function)                                         \
    }
#define FUNCTIONS(create, operation)                                                               \
    {                                                                                              \
        FUNCTION(NEW, create), FUNCTION(QUERY_OPERATION_NAME, operation),                          \
            FUNCTION(FREE, key_free), FUNCTION(HAS, key_has), FUNCTION(MATCH, key_match),          \
            FUNCTION(IMPORT, key_import), FUNCTION(IMPORT_TYPES, key_types),                       \
            FUNCTION(EXPORT, key_export), FUNCTION(EXPORT_TYPES, key_types),                       \
            FUNCTION(GET_PARAMS, key_get_params), FUNCTION(GETTABLE_PARAMS, key_gettable),         \
        {                                                                                          \
            0, NULL                                                                                \
        }                                                                                          \
    }

static const OSSL_DISPATCH EC[] = FUNCTIONS(ec_new, ec_operation);
static const OSSL_DISPATCH RSA_[] = FUNCTIONS(rsa_new, rsa_operation);
static const OSSL_DISPATCH RSA_PSS[] = FUNCTIONS(rsa_pss_new, rsa_operation);
static const OSSL_DISPATCH ED25519[] = FUNCTIONS(ed25519_new, ed25519_operation);

const OSSL_ALGORITHM *sl_key_manage_algorithms(void)
{
    static const OSSL_ALGORITHM ALGORITHMS[] = {
        { "EC:id-ecPublicKey:1.2.840.10045.2.1", "provider=sluice-keys", EC, NULL },
        { "RSA:rsaEncryption:1.2.840.113549.1.1.1", "provider=sluice-keys", RSA_, NULL },
        { "RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10", "provider=sluice-keys", RSA_PSS, NULL },
        { "ED25519:1.3.101.112", "provider=sluice-keys", ED25519, NULL },
        { NULL, NULL, NULL, NULL },
    };
    return ALGORITHMS;
}
