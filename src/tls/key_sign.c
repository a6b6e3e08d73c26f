/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/key_message.h"
#include "tls/key_manage.h"
#include "tls/key_scheme.h"
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGEST_NAME_MAX = 32 }; /* bytes, NUL included */

struct operation {
    struct sl_key_apart *key; /* libcrypto's, which outlives the operation */
    enum sl_key_padding padding;
    char digest[DIGEST_NAME_MAX]; /* "" for none */
};

static void *operation_new(void *provider, const char *properties)
{
    SL_UNUSED(provider);
    SL_UNUSED(properties);
    return calloc(1, sizeof(struct operation));
}

static void operation_free(void *data)
{
    free(data);
}

static void *operation_dup(void *data)
{
    struct operation *copy = malloc(sizeof(*copy));
    if (copy != NULL) {
        memcpy(copy, data, sizeof(*copy));
    }
    return copy;
}

static enum sl_key_padding padding_of(const struct sl_key_apart *key)
{
    return strcmp(key->type, "EC") == 0        ? SL_KEY_ECDSA
           : strcmp(key->type, "ED25519") == 0 ? SL_KEY_EDDSA
           : strcmp(key->type, "RSA-PSS") == 0 ? SL_KEY_RSA_PSS
                                               : SL_KEY_RSA_PKCS1;
}

static bool has_name(const OSSL_PARAM *param, const char *name)
{
    return param->data_type == OSSL_PARAM_UTF8_STRING && param->data != NULL &&
           strcmp(param->data, name) == 0;
}

static int set_padding(struct operation *operation, const OSSL_PARAM *param)
{
    int mode = 0;
    (void)OSSL_PARAM_get_int(param, &mode);
    if (mode == RSA_PKCS1_PSS_PADDING || has_name(param, OSSL_PKEY_RSA_PAD_MODE_PSS)) {
        operation->padding = SL_KEY_RSA_PSS;
        return 1;
    }
    bool is_pkcs1 = mode == RSA_PKCS1_PADDING || has_name(param, OSSL_PKEY_RSA_PAD_MODE_PKCSV15);
    if (is_pkcs1 && strcmp(operation->key->type, "RSA") == 0) {
        operation->padding = SL_KEY_RSA_PKCS1;
        return 1;
    }
    return 0;
}

/* RFC 8446 4.2.3: the salt is as long as the digest; other lengths are nobody's in TLS. */
static int check_salt(const OSSL_PARAM *param)
{
    int len = 0;
    return has_name(param, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) ||
           (OSSL_PARAM_get_int(param, &len) == 1 && len == RSA_PSS_SALTLEN_DIGEST);
}

static int operation_set_params(void *data, const OSSL_PARAM params[])
{
    struct operation *operation = data;
    if (params == NULL) {
        return 1;
    }
    const OSSL_PARAM *padding = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
    const OSSL_PARAM *salt = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
    return (padding == NULL || set_padding(operation, padding) == 1) &&
           (salt == NULL || check_salt(salt) == 1);
}

static const OSSL_PARAM *operation_settable(void *data, void *provider)
{
    static const OSSL_PARAM SETTABLE[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
        OSSL_PARAM_END,
    };
    SL_UNUSED(data);
    SL_UNUSED(provider);
    return SETTABLE;
}

static int sign_init(void *data, const char *digest, void *key, const OSSL_PARAM params[])
{
    struct operation *operation = data;
    if (key != NULL) {
        operation->key = key;
        operation->padding = padding_of(key);
    }
    if (operation->key == NULL || !operation->key->has_private ||
        snprintf(operation->digest, sizeof(operation->digest), "%s",
                 digest == NULL ? "" : digest) >= DIGEST_NAME_MAX) {
        return 0;
    }
    /* libssl asks by this whether a digest can be signed at all */
    return sl_key_scheme_of(operation->padding, operation->digest) != NULL &&
           operation_set_params(operation, params);
}

static int digest_sign(void *data, unsigned char *to, size_t *len, size_t room,
                       const unsigned char *input, size_t input_len)
{
    const struct operation *operation = data;
    const struct sl_key_scheme *scheme = sl_key_scheme_of(operation->padding, operation->digest);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;
    size_t max_len = sl_key_apart_size(operation->key);
    if (to == NULL) {
        *len = max_len;
        return 1;
    }
    if (scheme == NULL || room < max_len) {
        return 0;
    }
    struct sl_key_request request = { .key_index = operation->key->key_index,
                                      .scheme = scheme->number,
                                      .input = sl_slice_of(input, input_len),
                                      .to = to,
                                      .room = room };
    if (scheme->digest != NULL) {
        const EVP_MD *md = EVP_get_digestbyname(scheme->digest);
        if (md == NULL || EVP_Digest(input, input_len, digest, &digest_len, md, NULL) != 1) {
            return 0;
        }
        request.input = sl_slice_of(digest, digest_len);
    }
    if (request.input.len == 0 || request.input.len > SL_KEY_INPUT_MAX ||
        !sl_key_ask(operation->key, &request)) {
        return 0;
    }
    *len = request.len;
    return 1;
}

#define FUNCTION(id, function)                                                                     \
    {                                                                                              \
        OSSL_FUNC_SIGNATURE_##id, (void (*)(void))(function)                                       \
    }

static const OSSL_DISPATCH FUNCTIONS[] = {
    FUNCTION(NEWCTX, operation_new),
    FUNCTION(FREECTX, operation_free),
    FUNCTION(DUPCTX, operation_dup),
    FUNCTION(DIGEST_SIGN_INIT, sign_init),
    FUNCTION(DIGEST_SIGN, digest_sign),
    FUNCTION(SET_CTX_PARAMS, operation_set_params),
    FUNCTION(SETTABLE_CTX_PARAMS, operation_settable),
    { 0, NULL },
};

const OSSL_ALGORITHM *sl_key_sign_algorithms(void)
{
    static const OSSL_ALGORITHM ALGORITHMS[] = {
        { "ECDSA", "provider=sluice-keys", FUNCTIONS, NULL },
        { "RSA:rsaEncryption:1.2.840.113549.1.1.1", "provider=sluice-keys", FUNCTIONS, NULL },
        { "ED25519:1.3.101.112", "provider=sluice-keys", FUNCTIONS, NULL },
        { NULL, NULL, NULL, NULL },
    };
    return ALGORITHMS;
}
