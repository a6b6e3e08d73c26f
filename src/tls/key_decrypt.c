/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/key_message.h"
#include "tls/key_manage.h"
#include "tls/key_scheme.h"
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

enum { CIPHERTEXT_MAX = 2048, PREMASTER_BYTES = 48 }; /* RSA with 16384 bits; RFC 5246 7.4.7.1 */

struct operation {
    const struct sl_key_apart *key;
    unsigned version; /* that the client offered; 0 while it is not known */
};

static void *operation_new(void *provider)
{
    SL_UNUSED(provider);
    return calloc(1, sizeof(struct operation));
}

static void operation_free(void *data)
{
    free(data);
}

/* The padding is always that of TLS: anything else is asked for by nobody, and refused by `keys`.
 */
static int operation_set_params(void *data, const OSSL_PARAM params[])
{
    struct operation *operation = data;
    const OSSL_PARAM *version =
        params == NULL ? NULL
                       : OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION);
    return version == NULL || OSSL_PARAM_get_uint(version, &operation->version) == 1;
}

static const OSSL_PARAM *operation_settable(void *data, void *provider)
{
    static const OSSL_PARAM SETTABLE[] = {
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, NULL),
        OSSL_PARAM_END,
    };
    SL_UNUSED(data);
    SL_UNUSED(provider);
    return SETTABLE;
}

static int decrypt_init(void *data, void *key, const OSSL_PARAM params[])
{
    struct operation *operation = data;
    operation->key = key;
    return operation->key != NULL && operation->key->has_private &&
           operation_set_params(operation, params);
}

static int decrypt(void *data, unsigned char *to, size_t *len, size_t room,
                   const unsigned char *from, size_t from_len)
{
    const struct operation *operation = data;
    uint8_t input[2 + CIPHERTEXT_MAX], answer[SL_KEY_SIGNATURE_MAX];
    if (to == NULL) {
        *len = PREMASTER_BYTES;
        return 1;
    }
    if (operation->version == 0 || from_len > CIPHERTEXT_MAX || room < PREMASTER_BYTES) {
        return 0;
    }
    input[0] = (uint8_t)(operation->version >> 8);
    input[1] = (uint8_t)operation->version;
    memcpy(input + 2, from, from_len);
    struct sl_key_request request = { .key_index = operation->key->key_index,
                                      .scheme = SL_KEY_PREMASTER,
                                      .input = sl_slice_of(input, 2 + from_len),
                                      .to = answer,
                                      .room = sizeof(answer) };
    bool is_ok = sl_key_ask(operation->key, &request) && request.len == PREMASTER_BYTES;
    if (is_ok) {
        memcpy(to, answer, PREMASTER_BYTES);
        *len = PREMASTER_BYTES;
    }
    OPENSSL_cleanse(answer, sizeof(answer));
    return is_ok;
}

#define FUNCTION(id, function)                                                                     \
    {                                                                                              \
        OSSL_FUNC_ASYM_CIPHER_##id, (void (*)(void))(function)                                     \
    }

static const OSSL_DISPATCH FUNCTIONS[] = {
    FUNCTION(NEWCTX, operation_new),
    FUNCTION(FREECTX, operation_free),
    FUNCTION(DECRYPT_INIT, decrypt_init),
    FUNCTION(DECRYPT, decrypt),
    FUNCTION(SET_CTX_PARAMS, operation_set_params),
    FUNCTION(SETTABLE_CTX_PARAMS, operation_settable),
    { 0, NULL },
};

const OSSL_ALGORITHM *sl_key_decrypt_algorithms(void)
{
    static const OSSL_ALGORITHM ALGORITHMS[] = {
        { "RSA:rsaEncryption:1.2.840.113549.1.1.1", "provider=sluice-keys", FUNCTIONS, NULL },
        { NULL, NULL, NULL, NULL },
    };
    return ALGORITHMS;
}
