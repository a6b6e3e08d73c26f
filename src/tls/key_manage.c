/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/key_manage.h"
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

/* What libcrypto says of a key on such a curve. */
static const struct curve {
    const char *group;
    int bits, security_bits;
    size_t signature_bytes; /* SEQUENCE of two INTEGERs */
} CURVES[SL_EC_CURVE_COUNT] = {
    [SL_EC_P256] = { "prime256v1", 256, 128, 72 },
    [SL_EC_P384] = { "secp384r1", 384, 192, 104 },
    [SL_EC_P521] = { "secp521r1", 521, 256, 139 },
};

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

struct sl_key_apart *sl_key_apart_of_point(struct sl_slice public_der)
{
    enum sl_ec_curve curve;
    struct sl_slice point;
    struct sl_key_apart *key = sl_ec_public_parse(public_der, &curve, &point) == SL_OK
                                   ? calloc(1, sizeof(*key) + point.len)
                                   : NULL;
    if (key != NULL) {
        key->type = "EC";
        key->curve = curve;
        key->point_len = (uint8_t)point.len;
        memcpy(key->point, point.ptr, point.len);
    }
    return key;
}

void sl_key_apart_free(struct sl_key_apart *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->public_key);
        free(key);
    }
}

static void key_free(void *data)
{
    sl_key_apart_free(data);
}

/* The reference of the decoder, which gives the key away with it. */
static void *key_load(const void *reference, size_t size)
{
    struct sl_key_apart **from = (struct sl_key_apart **)(uintptr_t)reference;
    if (size != sizeof(*from)) {
        return NULL;
    }
    return SL_STEAL(*from);
}

static int key_has(const void *data, int selection)
{
    const struct sl_key_apart *key = data;
    bool wants_private = (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
    return key != NULL && (key->public_key != NULL || key->point_len != 0) &&
           (!wants_private || key->has_private);
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

/* NULL when it is none. */
static EVP_PKEY *public_of(struct sl_key_apart *key)
{
    if (key->public_key == NULL && key->point_len != 0) {
        const OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                             (char *)(uintptr_t)CURVES[key->curve].group, 0),
            OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, key->point, key->point_len),
            OSSL_PARAM_construct_end(),
        };
        (void)import_public(key, params);
    }
    return key->public_key;
}

size_t sl_key_apart_size(struct sl_key_apart *key)
{
    int size = key->point_len != 0 ? 0 : EVP_PKEY_get_size(key->public_key);
    return key->point_len != 0 ? CURVES[key->curve].signature_bytes : (size_t)SL_MAX(size, 0);
}

static int key_match(const void *a, const void *b, int selection)
{
    EVP_PKEY *first = public_of((struct sl_key_apart *)(uintptr_t)a);
    EVP_PKEY *second = public_of((struct sl_key_apart *)(uintptr_t)b);
    SL_UNUSED(selection);
    return first != NULL && second != NULL && EVP_PKEY_eq(first, second) == 1;
}

/* Whose key it is to be; `ret_handle` stays as it was when `params` do not tell. */
static bool handle_read(const OSSL_PARAM params[], struct sl_key_handle *ret_handle)
{
    const OSSL_PARAM *param = OSSL_PARAM_locate_const(params, SL_KEY_HANDLE_PARAM);
    if (param == NULL || param->data_size != sizeof(*ret_handle)) {
        return false;
    }
    memcpy(ret_handle, param->data, sizeof(*ret_handle));
    return true;
}

static void handle_take(struct sl_key_apart *key, const struct sl_key_handle *handle)
{
    key->service = handle->service;
    key->key_index = handle->key_index;
    key->has_private = true;
}

static int key_import(void *data, int selection, const OSSL_PARAM params[])
{
    struct sl_key_apart *key = data;
    struct sl_key_handle handle;
    SL_UNUSED(selection);
    if (key->public_key != NULL || key->point_len != 0) {
        return 0;
    }
    if (OSSL_PARAM_locate_const(params, SL_KEY_HANDLE_PARAM) == NULL) {
        return import_public(key, params);
    }
    if (!handle_read(params, &handle) || EVP_PKEY_up_ref(handle.public_key) != 1) {
        return 0;
    }
    key->public_key = handle.public_key;
    handle_take(key, &handle);
    return 1;
}

static int key_export(void *data, int selection, OSSL_CALLBACK *callback, void *arg)
{
    struct sl_key_apart *key = data;
    OSSL_PARAM *params = NULL;
    /* else another provider would take it for its own and try to sign with it */
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 && key->has_private) {
        return 0;
    }
    bool wants_public = (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0;
    EVP_PKEY *public_key = public_of(key);
    if (public_key == NULL ||
        EVP_PKEY_todata(public_key, wants_public ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEY_PARAMETERS,
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

/* Answers `param` when it is known of the curve. */
static bool param_answer(const struct curve *curve, OSSL_PARAM *param)
{
    const struct {
        const char *key;
        int value;
    } numbers[] = {
        { OSSL_PKEY_PARAM_BITS, curve->bits },
        { OSSL_PKEY_PARAM_SECURITY_BITS, curve->security_bits },
        { OSSL_PKEY_PARAM_MAX_SIZE, (int)curve->signature_bytes },
#ifdef OSSL_PKEY_PARAM_SECURITY_CATEGORY
        { OSSL_PKEY_PARAM_SECURITY_CATEGORY, 0 }, /* of what withstands quantum computers */
#endif
    };
    for (size_t i = 0; i < SL_COUNT(numbers); i++) {
        if (strcmp(param->key, numbers[i].key) == 0) {
            return OSSL_PARAM_set_int(param, numbers[i].value) == 1;
        }
    }
    const char *text = strcmp(param->key, OSSL_PKEY_PARAM_GROUP_NAME) == 0 ? curve->group
                       : strcmp(param->key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT) == 0
                           ? OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED
                           : NULL;
    return text != NULL && OSSL_PARAM_set_utf8_string(param, text) == 1;
}

/* False when more is asked for than is known of the curve. */
static bool params_answer(const struct sl_key_apart *key, OSSL_PARAM params[])
{
    bool is_ok = true;
    for (OSSL_PARAM *param = params; is_ok && param->key != NULL; param++) {
        is_ok = param_answer(&CURVES[key->curve], param);
    }
    return is_ok;
}

static int key_get_params(void *data, OSSL_PARAM params[])
{
    struct sl_key_apart *key = data;
    if (key->point_len != 0 && params_answer(key, params)) {
        return 1;
    }
    EVP_PKEY *public_key = public_of(key);
    return public_key != NULL && EVP_PKEY_get_params(public_key, params) == 1;
}

/* A key that was decoded learns whose it is. */
static int key_set_params(void *data, const OSSL_PARAM params[])
{
    struct sl_key_apart *key = data;
    struct sl_key_handle handle;
    if (key->has_private || !handle_read(params, &handle)) {
        return 0;
    }
    handle_take(key, &handle);
    return 1;
}

static const OSSL_PARAM *key_settable(void *provider)
{
    static const OSSL_PARAM SETTABLE[] = {
        OSSL_PARAM_octet_string(SL_KEY_HANDLE_PARAM, NULL, 0),
        OSSL_PARAM_END,
    };
    SL_UNUSED(provider);
    return SETTABLE;
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
static const OSSL_DISPATCH EC_DECODED[] = {
    FUNCTION(LOAD, key_load),
    FUNCTION(SET_PARAMS, key_set_params),
    FUNCTION(SETTABLE_PARAMS, key_settable),
    FUNCTION(QUERY_OPERATION_NAME, ec_operation),
    FUNCTION(FREE, key_free),
    FUNCTION(HAS, key_has),
    FUNCTION(MATCH, key_match),
    FUNCTION(EXPORT, key_export),
    FUNCTION(EXPORT_TYPES, key_types),
    FUNCTION(GET_PARAMS, key_get_params),
    FUNCTION(GETTABLE_PARAMS, key_gettable),
    { 0, NULL },
};
static const OSSL_DISPATCH RSA_[] = FUNCTIONS(rsa_new, rsa_operation);
static const OSSL_DISPATCH RSA_PSS[] = FUNCTIONS(rsa_pss_new, rsa_operation);
static const OSSL_DISPATCH ED25519[] = FUNCTIONS(ed25519_new, ed25519_operation);

const OSSL_ALGORITHM *sl_key_manage_algorithms(void)
{
    static const OSSL_ALGORITHM ALGORITHMS[] = {
        { SL_KEY_EC_NAMES, "provider=sluice-keys", EC, NULL },
        { "RSA:rsaEncryption:1.2.840.113549.1.1.1", "provider=sluice-keys", RSA_, NULL },
        { "RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10", "provider=sluice-keys", RSA_PSS, NULL },
        { "ED25519:1.3.101.112", "provider=sluice-keys", ED25519, NULL },
        { NULL, NULL, NULL, NULL },
    };
    return ALGORITHMS;
}

const OSSL_ALGORITHM *sl_key_manage_decoded(void)
{
    static const OSSL_ALGORITHM ALGORITHMS[] = {
        { SL_KEY_EC_NAMES, "provider=sluice-keys", EC_DECODED, NULL },
        { NULL, NULL, NULL, NULL },
    };
    return ALGORITHMS;
}
