/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/random.h"
#include "base/def.h"
#include <errno.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char PROVIDER[] = "sluice-random";
#define GENERATOR "SLUICE-KERNEL"

enum {
    STORE_BYTES = 512, /* a handshake takes about 130 */
    STRENGTH_BITS = 256,
    REQUEST_MAX = 64 * 1024, /* bytes */
};

struct generator {
    int state;                  /* EVP_RAND_STATE_… */
    size_t left_count;          /* bytes, at the end of `store` */
    uint8_t store[STORE_BYTES]; /* what has been taken is zero */
};

static void *generator_new(void *provider, void *parent, const OSSL_DISPATCH *calls)
{
    SL_UNUSED(provider);
    SL_UNUSED(parent);
    SL_UNUSED(calls);
    struct generator *generator = calloc(1, sizeof(*generator));
    if (generator != NULL) {
        generator->state = EVP_RAND_STATE_UNINITIALISED;
    }
    return generator;
}

static void generator_free(void *data)
{
    struct generator *generator = data;
    if (generator != NULL) {
        OPENSSL_cleanse(generator, sizeof(*generator));
        free(generator);
    }
}

static int generator_instantiate(void *data, unsigned strength_bits, int is_resistant,
                                 const unsigned char *text, size_t text_len,
                                 const OSSL_PARAM params[])
{
    SL_UNUSED(is_resistant);
    SL_UNUSED(text);
    SL_UNUSED(text_len);
    SL_UNUSED(params);
    struct generator *generator = data;
    if (strength_bits > STRENGTH_BITS) {
        return 0;
    }
    generator->state = EVP_RAND_STATE_READY;
    return 1;
}

static int generator_uninstantiate(void *data)
{
    struct generator *generator = data;
    OPENSSL_cleanse(generator, sizeof(*generator));
    generator->state = EVP_RAND_STATE_UNINITIALISED;
    return 1;
}

static bool draw(uint8_t *to, size_t len)
{
    while (len > 0) {
        ssize_t got = getrandom(to, len, 0);
        if (got < 0 && errno != EINTR) {
            return false;
        }
        to += got > 0 ? got : 0;
        len -= got > 0 ? (size_t)got : 0;
    }
    return true;
}

static bool take(struct generator *generator, uint8_t *to, size_t len)
{
    if (generator->left_count < len) {
        generator->left_count = 0;
        if (!draw(generator->store, sizeof(generator->store))) {
            OPENSSL_cleanse(generator->store, sizeof(generator->store));
            return false;
        }
        generator->left_count = sizeof(generator->store);
    }
    uint8_t *from = generator->store + sizeof(generator->store) - generator->left_count;
    memcpy(to, from, len);
    OPENSSL_cleanse(from, len);
    generator->left_count -= len;
    return true;
}

static int generator_generate(void *data, unsigned char *out, size_t len, unsigned strength_bits,
                              int is_resistant, const unsigned char *text, size_t text_len)
{
    SL_UNUSED(text);
    SL_UNUSED(text_len);
    struct generator *generator = data;
    if (generator->state != EVP_RAND_STATE_READY || strength_bits > STRENGTH_BITS) {
        return 0;
    }
    bool is_fresh = is_resistant != 0 || len > sizeof(generator->store) / 2;
    return is_fresh ? draw(out, len) : take(generator, out, len);
}

static int generator_reseed(void *data, int is_resistant, const unsigned char *entropy,
                            size_t entropy_len, const unsigned char *text, size_t text_len)
{
    SL_UNUSED(is_resistant);
    SL_UNUSED(entropy);
    SL_UNUSED(entropy_len);
    SL_UNUSED(text);
    SL_UNUSED(text_len);
    struct generator *generator = data;
    OPENSSL_cleanse(generator->store, sizeof(generator->store));
    generator->left_count = 0; /* the kernel reseeds itself */
    return 1;
}

/* Each thread has generators of its own for what it draws; the one that is shared is only asked for
 * its state. */
static int generator_enable_locking(void *data)
{
    SL_UNUSED(data);
    return 1;
}

static int generator_get_params(void *data, OSSL_PARAM params[])
{
    const struct generator *generator = data;
    OSSL_PARAM *state = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STATE);
    OSSL_PARAM *strength = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STRENGTH);
    OSSL_PARAM *request = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_MAX_REQUEST);
    return (state == NULL || OSSL_PARAM_set_int(state, generator->state) == 1) &&
           (strength == NULL || OSSL_PARAM_set_uint(strength, STRENGTH_BITS) == 1) &&
           (request == NULL || OSSL_PARAM_set_size_t(request, REQUEST_MAX) == 1);
}

static const OSSL_PARAM *generator_gettable(void *data, void *provider)
{
    static const OSSL_PARAM PARAMS[] = { OSSL_PARAM_int(OSSL_RAND_PARAM_STATE, NULL),
                                         OSSL_PARAM_uint(OSSL_RAND_PARAM_STRENGTH, NULL),
                                         OSSL_PARAM_size_t(OSSL_RAND_PARAM_MAX_REQUEST, NULL),
                                         OSSL_PARAM_END };
    SL_UNUSED(data);
    SL_UNUSED(provider);
    return PARAMS;
}

static const OSSL_DISPATCH GENERATOR_FUNCTIONS[] = {
    { OSSL_FUNC_RAND_NEWCTX, (void (*)(void))generator_new },
    { OSSL_FUNC_RAND_FREECTX, (void (*)(void))generator_free },
    { OSSL_FUNC_RAND_INSTANTIATE, (void (*)(void))generator_instantiate },
    { OSSL_FUNC_RAND_UNINSTANTIATE, (void (*)(void))generator_uninstantiate },
    { OSSL_FUNC_RAND_GENERATE, (void (*)(void))generator_generate },
    { OSSL_FUNC_RAND_RESEED, (void (*)(void))generator_reseed },
    { OSSL_FUNC_RAND_ENABLE_LOCKING, (void (*)(void))generator_enable_locking },
    { OSSL_FUNC_RAND_GETTABLE_CTX_PARAMS, (void (*)(void))generator_gettable },
    { OSSL_FUNC_RAND_GET_CTX_PARAMS, (void (*)(void))generator_get_params },
    { 0, NULL },
};

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    static const OSSL_ALGORITHM GENERATORS[] = {
        { GENERATOR, "provider=sluice-random", GENERATOR_FUNCTIONS, NULL },
        { NULL, NULL, NULL, NULL },
    };
    SL_UNUSED(provider);
    *no_cache = 0;
    return operation == OSSL_OP_RAND ? GENERATORS : NULL;
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                         const OSSL_DISPATCH **out, void **ret_provider)
{
    static const OSSL_DISPATCH FUNCTIONS[] = {
        { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
        { 0, NULL },
    };
    SL_UNUSED(in);
    *out = FUNCTIONS;
    *ret_provider = (void *)(uintptr_t)handle; /* it has no state; libcrypto wants something */
    return 1;
}

enum sl_err sl_tls_random_use(bool *ret_is_used)
{
    bool is_fips = OSSL_PROVIDER_available(NULL, "fips") == 1 ||
                   EVP_default_properties_is_fips_enabled(NULL) == 1;
    bool is_ok = is_fips || OSSL_PROVIDER_available(NULL, PROVIDER) == 1 ||
                 (OSSL_PROVIDER_add_builtin(NULL, PROVIDER, provider_init) == 1 &&
                  OSSL_PROVIDER_load(NULL, PROVIDER) != NULL);
    bool is_used = !is_fips && is_ok &&
                   RAND_set_DRBG_type(NULL, GENERATOR, "provider=sluice-random", NULL, NULL) == 1;
    ERR_clear_error();
    if (is_ok && ret_is_used != NULL) {
        *ret_is_used = is_used;
    }
    return is_ok ? SL_OK : SL_ETLS;
}
