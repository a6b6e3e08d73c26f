/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/fast_impl.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

enum mac_stage {
    MAC_EMPTY,
    MAC_KEYED,   /* the key is in */
    MAC_RUNNING, /* and some text, perhaps */
    MAC_OVER,
};

struct mac {
    const struct sl_fast *fast;
    EVP_MAC_CTX *original; /* once there is one, it does all */
    const struct sl_fast_digest *digest;
    const struct sl_fast_digest *keyed; /* the one that the key was set for */
    void *inner;                        /* of `keyed` */
    enum mac_stage stage;
    uint8_t key[SL_FAST_BLOCK_MAX]; /* padded to a block, or hashed when it was longer */
};

static void *mac_new(void *provider)
{
    struct mac *mac = calloc(1, sizeof(*mac));
    if (mac != NULL) {
        mac->fast = provider;
    }
    return mac;
}

static void inner_free(struct mac *mac)
{
    if (mac->inner != NULL) {
        mac->keyed->freectx(mac->inner); /* which wipes it */
    }
    mac->inner = NULL;
}

static void mac_free(void *data)
{
    struct mac *mac = data;
    if (mac != NULL) {
        inner_free(mac);
        EVP_MAC_CTX_free(mac->original);
        OPENSSL_cleanse(mac, sizeof(*mac));
        free(mac);
    }
}

static void *mac_dup(void *data)
{
    const struct mac *mac = data;
    struct mac *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return NULL;
    }
    *copy = *mac;
    copy->original = mac->original == NULL ? NULL : EVP_MAC_CTX_dup(mac->original);
    copy->inner = mac->inner == NULL ? NULL : mac->keyed->dupctx(mac->inner);
    if ((copy->original == NULL) != (mac->original == NULL) ||
        (copy->inner == NULL) != (mac->inner == NULL)) {
        mac_free(copy);
        return NULL;
    }
    return copy;
}

static bool digest_set(EVP_MAC_CTX *ctx, const struct sl_fast_digest *digest)
{
    char *name = (char *)(uintptr_t)digest->name; /* only read */
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(ctx, params) == 1;
}

/* From here on OpenSSL's own does it, with the digest and key that have been set. */
static bool divert(struct mac *mac)
{
    if (mac->original != NULL) {
        return true;
    }
    if (mac->stage == MAC_RUNNING) {
        return false; /* nobody sets parameters between update and final */
    }
    bool has_key = mac->inner != NULL;
    EVP_MAC_CTX *original = EVP_MAC_CTX_new(mac->fast->hmac);
    bool is_ok = original != NULL;
    if (is_ok && has_key) {
        is_ok = digest_set(original, mac->keyed) &&
                EVP_MAC_init(original, mac->key, mac->keyed->block_len, NULL) == 1;
    }
    if (is_ok && mac->digest != NULL && (!has_key || mac->digest != mac->keyed)) {
        is_ok = digest_set(original, mac->digest);
    }
    if (!is_ok) {
        EVP_MAC_CTX_free(original);
        return false;
    }
    inner_free(mac);
    OPENSSL_cleanse(mac->key, sizeof(mac->key));
    mac->original = original;
    return true;
}

/* Begins with the key that is set: RFC 2104 2, steps 1 to 3. */
static int inner_begin(struct mac *mac)
{
    uint8_t pad[SL_FAST_BLOCK_MAX];
    const struct sl_fast_digest *digest = mac->keyed;
    sl_fast_pad(digest, mac->key, digest->block_len, 0x36, pad);
    int is_ok = digest->init(mac->inner, NULL) == 1 &&
                digest->update(mac->inner, pad, digest->block_len) == 1;
    OPENSSL_cleanse(pad, sizeof(pad));
    mac->stage = is_ok == 1 ? MAC_KEYED : MAC_OVER;
    return is_ok;
}

static int key_set(struct mac *mac, const uint8_t *key, size_t len)
{
    if (mac->inner != NULL && mac->keyed != mac->digest) {
        inner_free(mac);
    }
    const struct sl_fast_digest *digest = mac->keyed = mac->digest;
    if (mac->inner == NULL) {
        mac->inner = digest->newctx(digest->provider);
    }
    mac->stage = MAC_EMPTY;
    if (mac->inner == NULL) {
        return 0;
    }
    memset(mac->key, 0, sizeof(mac->key));
    size_t hashed_len = 0;
    if (len <= digest->block_len) {
        memcpy(mac->key, key, len);
    } else if (digest->init(mac->inner, NULL) != 1 || digest->update(mac->inner, key, len) != 1 ||
               digest->final(mac->inner, mac->key, &hashed_len, sizeof(mac->key)) != 1) {
        inner_free(mac); /* no key is set */
        return 0;
    }
    return inner_begin(mac);
}

/* What is here to do: a digest of ours, a key, each once. */
static bool is_plain(const struct mac *mac, const OSSL_PARAM *params, const OSSL_PARAM **ret_key,
                     const struct sl_fast_digest **ret_digest)
{
    const OSSL_PARAM *key = NULL;
    const struct sl_fast_digest *digest = NULL;
    for (const OSSL_PARAM *param = params; param->key != NULL; param++) {
        if (strcmp(param->key, OSSL_MAC_PARAM_DIGEST) == 0 && digest == NULL) {
            digest = sl_fast_digest_find(mac->fast, param);
            if (digest == NULL) {
                return false;
            }
        } else if (strcmp(param->key, OSSL_MAC_PARAM_KEY) == 0 && key == NULL &&
                   param->data_type == OSSL_PARAM_OCTET_STRING && param->data != NULL) {
            key = param;
        } else {
            return false;
        }
    }
    *ret_key = key;
    *ret_digest = digest == NULL ? mac->digest : digest;
    return key == NULL || *ret_digest != NULL;
}

static int mac_set_params(void *data, const OSSL_PARAM params[])
{
    struct mac *mac = data;
    const OSSL_PARAM *key = NULL;
    if (params == NULL) {
        return 1;
    }
    if (mac->original != NULL || !is_plain(mac, params, &key, &mac->digest)) {
        return divert(mac) ? EVP_MAC_CTX_set_params(mac->original, params) : 0;
    }
    return key == NULL ? 1 : key_set(mac, key->data, key->data_size);
}

static int mac_init(void *data, const unsigned char *key, size_t len, const OSSL_PARAM params[])
{
    struct mac *mac = data;
    if (mac_set_params(mac, params) != 1) {
        return 0;
    }
    if (mac->original == NULL && key != NULL && mac->digest != NULL) {
        return key_set(mac, key, len);
    }
    if (mac->original == NULL && key == NULL && mac->inner != NULL) {
        return inner_begin(mac);
    }
    return divert(mac) ? EVP_MAC_init(mac->original, key, len, NULL) : 0;
}

static int mac_update(void *data, const unsigned char *text, size_t len)
{
    struct mac *mac = data;
    if (mac->original == NULL && mac->stage != MAC_EMPTY) {
        bool is_open = mac->stage != MAC_OVER;
        mac->stage = is_open ? MAC_RUNNING : MAC_OVER;
        return len == 0 ? is_open : is_open && mac->keyed->update(mac->inner, text, len) == 1;
    }
    return divert(mac) ? EVP_MAC_update(mac->original, text, len) : 0;
}

/* RFC 2104 2, steps 4 to 7. */
static int mac_finish(struct mac *mac, unsigned char *out, size_t *ret_len, size_t size)
{
    uint8_t text[SL_FAST_BLOCK_MAX + SL_FAST_DIGEST_MAX];
    const struct sl_fast_digest *digest = mac->keyed;
    size_t len = 0;
    sl_fast_pad(digest, mac->key, digest->block_len, 0x5c, text);
    mac->stage = MAC_OVER;
    int is_ok = digest->final(mac->inner, text + digest->block_len, &len, digest->len) == 1 &&
                digest->init(mac->inner, NULL) == 1 &&
                digest->update(mac->inner, text, digest->block_len + len) == 1 &&
                digest->final(mac->inner, out, ret_len, size) == 1;
    OPENSSL_cleanse(text, sizeof(text));
    return is_ok;
}

static int mac_final(void *data, unsigned char *out, size_t *ret_len, size_t size)
{
    struct mac *mac = data;
    if (mac->original == NULL && mac->stage != MAC_EMPTY) {
        return mac->stage != MAC_OVER && size >= mac->keyed->len
                   ? mac_finish(mac, out, ret_len, size)
                   : 0;
    }
    return divert(mac) ? EVP_MAC_final(mac->original, out, ret_len, size) : 0;
}

static int mac_get_params(void *data, OSSL_PARAM params[])
{
    struct mac *mac = data;
    if (mac->original != NULL) {
        return EVP_MAC_CTX_get_params(mac->original, params);
    }
    OSSL_PARAM *size = OSSL_PARAM_locate(params, OSSL_MAC_PARAM_SIZE);
    OSSL_PARAM *block = OSSL_PARAM_locate(params, OSSL_MAC_PARAM_BLOCK_SIZE);
    size_t len = mac->keyed == NULL ? 0 : mac->keyed->len;
    size_t block_len = mac->digest == NULL ? 0 : mac->digest->block_len;
    return (size == NULL || OSSL_PARAM_set_size_t(size, len) == 1) &&
           (block == NULL || OSSL_PARAM_set_size_t(block, block_len) == 1);
}

static const OSSL_PARAM *mac_gettable(void *mac, void *provider)
{
    const struct sl_fast *fast = provider;
    SL_UNUSED(mac);
    return EVP_MAC_gettable_ctx_params(fast->hmac);
}

static const OSSL_PARAM *mac_settable(void *mac, void *provider)
{
    const struct sl_fast *fast = provider;
    SL_UNUSED(mac);
    return EVP_MAC_settable_ctx_params(fast->hmac);
}

const OSSL_DISPATCH sl_fast_mac_functions[] = {
    { OSSL_FUNC_MAC_NEWCTX, (void (*)(void))mac_new },
    { OSSL_FUNC_MAC_DUPCTX, (void (*)(void))mac_dup },
    { OSSL_FUNC_MAC_FREECTX, (void (*)(void))mac_free },
    { OSSL_FUNC_MAC_INIT, (void (*)(void))mac_init },
    { OSSL_FUNC_MAC_UPDATE, (void (*)(void))mac_update },
    { OSSL_FUNC_MAC_FINAL, (void (*)(void))mac_final },
    { OSSL_FUNC_MAC_GETTABLE_CTX_PARAMS, (void (*)(void))mac_gettable },
    { OSSL_FUNC_MAC_GET_CTX_PARAMS, (void (*)(void))mac_get_params },
    { OSSL_FUNC_MAC_SETTABLE_CTX_PARAMS, (void (*)(void))mac_settable },
    { OSSL_FUNC_MAC_SET_CTX_PARAMS, (void (*)(void))mac_set_params },
    { 0, NULL },
};
