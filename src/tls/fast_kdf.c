/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/fast_impl.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of what libssl asks with; what is longer is passed on. */
enum { SECRET_MAX = SL_FAST_DIGEST_MAX, PREFIX_MAX = 16, LABEL_MAX = 32 };

/* HkdfLabel (RFC 8446 7.1) and the octet that HKDF-Expand counts with (RFC 5869 2.3). */
enum { INFO_MAX = 2 + 1 + PREFIX_MAX + LABEL_MAX + 1 + SECRET_MAX + 1 };

enum { FIELD_KEY, FIELD_SALT, FIELD_PREFIX, FIELD_LABEL, FIELD_DATA, FIELDS_COUNT };

static const struct {
    const char *name;
    size_t max;
} FIELDS[FIELDS_COUNT] = {
    [FIELD_KEY] = { OSSL_KDF_PARAM_KEY, SECRET_MAX },
    [FIELD_SALT] = { OSSL_KDF_PARAM_SALT, SECRET_MAX },
    [FIELD_PREFIX] = { OSSL_KDF_PARAM_PREFIX, PREFIX_MAX },
    [FIELD_LABEL] = { OSSL_KDF_PARAM_LABEL, LABEL_MAX },
    [FIELD_DATA] = { OSSL_KDF_PARAM_DATA, SECRET_MAX },
};

struct kdf {
    const struct sl_fast *fast;
    EVP_KDF_CTX *original; /* once there is one, it does all */
    const struct sl_fast_digest *digest;
    bool has_mode;
    int mode;
    size_t lens[FIELDS_COUNT]; /* bytes; 0: not set */
    uint8_t fields[FIELDS_COUNT][SL_FAST_DIGEST_MAX];
};

static void *kdf_new(void *provider)
{
    struct kdf *kdf = calloc(1, sizeof(*kdf));
    if (kdf != NULL) {
        kdf->fast = provider;
    }
    return kdf;
}

static void kdf_reset(void *data)
{
    struct kdf *kdf = data;
    const struct sl_fast *fast = kdf->fast;
    EVP_KDF_CTX_free(kdf->original);
    OPENSSL_cleanse(kdf, sizeof(*kdf));
    *kdf = (struct kdf){ .fast = fast };
}

static void kdf_free(void *data)
{
    struct kdf *kdf = data;
    if (kdf != NULL) {
        EVP_KDF_CTX_free(kdf->original);
        OPENSSL_cleanse(kdf, sizeof(*kdf));
        free(kdf);
    }
}

static void *kdf_dup(void *data)
{
    const struct kdf *kdf = data;
    struct kdf *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return NULL;
    }
    *copy = *kdf;
    copy->original = kdf->original == NULL ? NULL : EVP_KDF_CTX_dup(kdf->original);
    if ((copy->original == NULL) != (kdf->original == NULL)) {
        kdf_free(copy);
        return NULL;
    }
    return copy;
}

/* From here on OpenSSL's own does it, with what has been set. */
static bool divert(struct kdf *kdf)
{
    if (kdf->original != NULL) {
        return true;
    }
    OSSL_PARAM params[FIELDS_COUNT + 3], *end = params;
    if (kdf->has_mode) {
        *end++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &kdf->mode);
    }
    if (kdf->digest != NULL) {
        char *name = (char *)(uintptr_t)kdf->digest->name; /* only read */
        *end++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0);
    }
    for (size_t i = 0; i < FIELDS_COUNT; i++) {
        if (kdf->lens[i] != 0) {
            *end++ =
                OSSL_PARAM_construct_octet_string(FIELDS[i].name, kdf->fields[i], kdf->lens[i]);
        }
    }
    *end = OSSL_PARAM_construct_end();
    EVP_KDF_CTX *original = EVP_KDF_CTX_new(kdf->fast->kdf);
    if (original == NULL || (end != params && EVP_KDF_CTX_set_params(original, params) != 1)) {
        EVP_KDF_CTX_free(original);
        return false;
    }
    kdf_reset(kdf);
    kdf->original = original;
    return true;
}

/* Index of the field that `param` sets; FIELDS_COUNT when it sets none that has room. */
static size_t field_find(const OSSL_PARAM *param)
{
    size_t i = 0;
    while (i < FIELDS_COUNT && strcmp(param->key, FIELDS[i].name) != 0) {
        i++;
    }
    bool is_fit = i < FIELDS_COUNT && param->data_type == OSSL_PARAM_OCTET_STRING &&
                  param->data != NULL && param->data_size != 0 && param->data_size <= FIELDS[i].max;
    return is_fit ? i : FIELDS_COUNT;
}

/* What a list of parameters sets. */
struct asked {
    const struct sl_fast_digest *digest;
    const OSSL_PARAM *fields[FIELDS_COUNT];
    bool has_mode;
    int mode;
};

/* True when it is here to do: nothing but what libssl asks for, each once. */
static bool is_plain(const struct kdf *kdf, const OSSL_PARAM *params, struct asked *asked)
{
    *asked = (struct asked){ .digest = NULL };
    for (const OSSL_PARAM *param = params; param->key != NULL; param++) {
        size_t field = field_find(param);
        if (field != FIELDS_COUNT && asked->fields[field] == NULL) {
            asked->fields[field] = param;
        } else if (strcmp(param->key, OSSL_KDF_PARAM_MODE) == 0 && !asked->has_mode &&
                   param->data_type == OSSL_PARAM_INTEGER &&
                   OSSL_PARAM_get_int(param, &asked->mode) == 1) {
            asked->has_mode = true;
        } else if (strcmp(param->key, OSSL_KDF_PARAM_DIGEST) == 0 && asked->digest == NULL) {
            asked->digest = sl_fast_digest_find(kdf->fast, param);
            if (asked->digest == NULL) {
                return false;
            }
        } else {
            return false;
        }
    }
    int mode = asked->has_mode ? asked->mode : kdf->has_mode ? kdf->mode : -1;
    return params->key != NULL && (asked->digest != NULL || kdf->digest != NULL) &&
           (mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY || mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY);
}

static int kdf_set_params(void *data, const OSSL_PARAM params[])
{
    struct kdf *kdf = data;
    struct asked asked;
    if (params == NULL) {
        return 1;
    }
    if (kdf->original != NULL || !is_plain(kdf, params, &asked)) {
        return divert(kdf) ? EVP_KDF_CTX_set_params(kdf->original, params) : 0;
    }
    kdf->digest = asked.digest != NULL ? asked.digest : kdf->digest;
    kdf->mode = asked.has_mode ? asked.mode : kdf->mode;
    kdf->has_mode = true;
    kdf->lens[FIELD_DATA] = 0; /* OpenSSL forgets it with each list, and so do we */
    for (size_t i = 0; i < FIELDS_COUNT; i++) {
        if (asked.fields[i] != NULL) {
            kdf->lens[i] = asked.fields[i]->data_size;
            memcpy(kdf->fields[i], asked.fields[i]->data, kdf->lens[i]);
        }
    }
    return 1;
}

/* HMAC (RFC 2104) of `text`, which stands behind room for a block. `key_len` is at most a block. */
static bool hmac(const struct sl_fast_digest *digest, const uint8_t *key, size_t key_len,
                 uint8_t *padded, size_t text_len, uint8_t out[static SL_FAST_DIGEST_MAX])
{
    uint8_t outer[SL_FAST_BLOCK_MAX + SL_FAST_DIGEST_MAX];
    size_t len = 0;
    void *scratch = digest->scratch;
    sl_fast_pad(digest, key, key_len, 0x36, padded);
    sl_fast_pad(digest, key, key_len, 0x5c, outer);
    bool is_ok = digest->init(scratch, NULL) == 1 &&
                 digest->update(scratch, padded, digest->block_len + text_len) == 1 &&
                 digest->final(scratch, outer + digest->block_len, &len, SL_FAST_DIGEST_MAX) == 1 &&
                 digest->init(scratch, NULL) == 1 &&
                 digest->update(scratch, outer, digest->block_len + len) == 1 &&
                 digest->final(scratch, out, &len, SL_FAST_DIGEST_MAX) == 1;
    is_ok = digest->init(scratch, NULL) == 1 && is_ok; /* wipes what was computed with */
    OPENSSL_cleanse(outer, sizeof(outer));
    return is_ok;
}

bool sl_fast_expand(const struct sl_fast_digest *digest, struct sl_slice secret,
                    struct sl_slice prefix, struct sl_slice label, struct sl_slice context,
                    size_t out_len, uint8_t *out)
{
    uint8_t text[SL_FAST_BLOCK_MAX + INFO_MAX], made[SL_FAST_DIGEST_MAX];
    uint8_t *to = text + digest->block_len;
    *to++ = (uint8_t)(out_len >> 8);
    *to++ = (uint8_t)out_len;
    *to++ = (uint8_t)(prefix.len + label.len);
    if (prefix.len != 0) {
        memcpy(to, prefix.ptr, prefix.len);
        to += prefix.len;
    }
    if (label.len != 0) {
        memcpy(to, label.ptr, label.len);
        to += label.len;
    }
    *to++ = (uint8_t)context.len;
    if (context.len != 0) {
        memcpy(to, context.ptr, context.len);
        to += context.len;
    }
    *to++ = 1; /* the first block of HKDF-Expand, and the last */
    size_t text_len = (size_t)(to - text) - digest->block_len;
    bool is_ok = hmac(digest, secret.ptr, secret.len, text, text_len, made);
    if (is_ok) {
        memcpy(out, made, out_len);
    }
    OPENSSL_cleanse(text, sizeof(text));
    OPENSSL_cleanse(made, sizeof(made));
    return is_ok;
}

static struct sl_slice field_of(const struct kdf *kdf, size_t field)
{
    return sl_slice_of(kdf->fields[field], kdf->lens[field]);
}

static bool expand(const struct kdf *kdf, struct sl_slice secret, struct sl_slice context,
                   size_t out_len, uint8_t *out)
{
    return sl_fast_expand(kdf->digest, secret, field_of(kdf, FIELD_PREFIX),
                          field_of(kdf, FIELD_LABEL), context, out_len, out);
}

/* Keeps what an established connection is protected with, for who has asked for it. */
static void secret_note(const struct kdf *kdf, const uint8_t *secret, size_t len)
{
    struct sl_fast_secrets *secrets = kdf->fast->running;
    const struct sl_slice label = field_of(kdf, FIELD_LABEL);
    if (secrets == NULL || len != kdf->digest->len || len > SL_FAST_SECRET_MAX) {
        return;
    }
    struct sl_fast_secret *to = sl_slice_eq(label, SL_SLICE("c ap traffic"))   ? &secrets->client
                                : sl_slice_eq(label, SL_SLICE("s ap traffic")) ? &secrets->server
                                                                               : NULL;
    if (to != NULL) {
        to->digest = kdf->digest;
        memcpy(to->bytes, secret, len);
    }
}

/* A step of the key schedule (RFC 8446 7.1): Derive-Secret of the one before over no messages,
 * then HKDF-Extract with what is new; zeros where there is nothing. */
static bool extract(const struct kdf *kdf, uint8_t *out)
{
    const struct sl_fast_digest *digest = kdf->digest;
    uint8_t salt[SL_FAST_DIGEST_MAX] = { 0 }, made[SL_FAST_DIGEST_MAX];
    uint8_t text[SL_FAST_BLOCK_MAX + SECRET_MAX] = { 0 };
    struct sl_slice before = field_of(kdf, FIELD_SALT), key = field_of(kdf, FIELD_KEY);
    bool is_ok = before.len == 0 ||
                 expand(kdf, before, sl_slice_of(digest->empty, digest->len), digest->len, salt);
    if (key.len != 0) {
        memcpy(text + digest->block_len, key.ptr, key.len);
    }
    is_ok =
        is_ok && hmac(digest, salt, digest->len, text, key.len == 0 ? digest->len : key.len, made);
    if (is_ok) {
        memcpy(out, made, digest->len);
    }
    OPENSSL_cleanse(text, sizeof(text));
    OPENSSL_cleanse(salt, sizeof(salt));
    OPENSSL_cleanse(made, sizeof(made));
    return is_ok;
}

static int kdf_derive(void *data, unsigned char *out, size_t len, const OSSL_PARAM params[])
{
    struct kdf *kdf = data;
    if (kdf_set_params(kdf, params) != 1) {
        return 0;
    }
    bool is_here = kdf->original == NULL && kdf->digest != NULL && out != NULL;
    if (is_here && kdf->mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY && len == kdf->digest->len) {
        return extract(kdf, out);
    }
    if (is_here && kdf->mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY && kdf->lens[FIELD_KEY] != 0 &&
        len != 0 && len <= kdf->digest->len) {
        bool is_ok = expand(kdf, field_of(kdf, FIELD_KEY), field_of(kdf, FIELD_DATA), len, out);
        if (is_ok) {
            secret_note(kdf, out, len);
        }
        return is_ok;
    }
    return divert(kdf) ? EVP_KDF_derive(kdf->original, out, len, NULL) : 0;
}

static int kdf_get_params(void *data, OSSL_PARAM params[])
{
    struct kdf *kdf = data;
    return divert(kdf) ? EVP_KDF_CTX_get_params(kdf->original, params) : 0;
}

static const OSSL_PARAM *kdf_gettable(void *kdf, void *provider)
{
    const struct sl_fast *fast = provider;
    SL_UNUSED(kdf);
    return EVP_KDF_gettable_ctx_params(fast->kdf);
}

static const OSSL_PARAM *kdf_settable(void *kdf, void *provider)
{
    const struct sl_fast *fast = provider;
    SL_UNUSED(kdf);
    return EVP_KDF_settable_ctx_params(fast->kdf);
}

const OSSL_DISPATCH sl_fast_kdf_functions[] = {
    { OSSL_FUNC_KDF_NEWCTX, (void (*)(void))kdf_new },
    { OSSL_FUNC_KDF_DUPCTX, (void (*)(void))kdf_dup },
    { OSSL_FUNC_KDF_FREECTX, (void (*)(void))kdf_free },
    { OSSL_FUNC_KDF_RESET, (void (*)(void))kdf_reset },
    { OSSL_FUNC_KDF_DERIVE, (void (*)(void))kdf_derive },
    { OSSL_FUNC_KDF_GETTABLE_CTX_PARAMS, (void (*)(void))kdf_gettable },
    { OSSL_FUNC_KDF_GET_CTX_PARAMS, (void (*)(void))kdf_get_params },
    { OSSL_FUNC_KDF_SETTABLE_CTX_PARAMS, (void (*)(void))kdf_settable },
    { OSSL_FUNC_KDF_SET_CTX_PARAMS, (void (*)(void))kdf_set_params },
    { 0, NULL },
};
