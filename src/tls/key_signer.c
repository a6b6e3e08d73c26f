/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/key_signer.h"
#include "base/reader.h"
#include "tls/certificate.h"
#include "tls/error.h"
#include "tls/key_compact.h"
#include "tls/key_load.h"
#include "tls/key_scheme.h"
#include "tls/own.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

enum {
    GUARDED_BYTES_MIN = 1 << 22, /* which is within the limit of locked memory of most systems */
    GUARDED_BYTES_MAX = 1 << 30,
    GUARDED_KEY_BYTES = 8 * 1024, /* the private numbers of RSA with 4096 bits, and some room */
    GUARDED_PIECE_BYTES = 32,
    PREMASTER_BYTES = 48,   /* RFC 5246 7.4.7.1 */
    FINGERPRINT_CHARS = 16, /* enough to tell keys apart */
};

struct sl_key_signer {
    struct sl_key_compact *compact; /* what `key` is made of when it is wanted; NULL: it is there */
    EVP_PKEY *key;                  /* NULL while it rests */
    struct sl_list node;            /* in a ring's, while it is awake */
    /* kept between signatures, since most are of one scheme */
    const struct sl_key_scheme *scheme;
    EVP_PKEY_CTX *ctx;
    bool may_premaster;
};

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(IS_SANITIZED)
#define IS_SANITIZED 1
#endif

enum sl_err sl_key_signer_guard_memory(size_t keys_count)
{
#ifdef IS_SANITIZED
    SL_UNUSED(keys_count);
    return SL_ESYS; /* LeakSanitizer does not look into that memory for what is in use */
#else
    size_t size = GUARDED_BYTES_MIN;
    while (size < GUARDED_BYTES_MAX && size / GUARDED_KEY_BYTES < keys_count) {
        size *= 2;
    }
    switch (CRYPTO_secure_malloc_init(size, GUARDED_PIECE_BYTES)) {
    case 1:
        return SL_OK;
    case 2:
        return SL_ESYS;
    default:
        ERR_clear_error();
        return SL_ENOMEM;
    }
#endif
}

static void signer_cleanup(struct sl_key_signer **signer)
{
    sl_key_signer_destroy(*signer);
}

enum sl_err sl_key_signer_create(struct sl_slice pem, struct sl_slice passphrase,
                                 struct sl_diag *diag, struct sl_key_signer **ret_signer)
{
    if (pem.len > SL_TLS_PEM_MAX) {
        sl_diag_set(diag, "key: larger than %d bytes", SL_TLS_PEM_MAX);
        return SL_ERANGE;
    }
    SL_CLEANUP(signer_cleanup) struct sl_key_signer *signer = calloc(1, sizeof(*signer));
    if (signer == NULL) {
        return SL_ENOMEM;
    }
    ERR_clear_error();
    sl_list_init(&signer->node);
    enum sl_err rc =
        passphrase.ptr == NULL ? sl_key_compact_create(pem, &signer->compact) : SL_EINVAL;
    if (rc == SL_EINVAL) { /* what there is to say of it, libcrypto says */
        rc = sl_key_load(pem, passphrase, diag, &signer->key);
    }
    ERR_clear_error();
    if (rc == SL_OK) {
        *ret_signer = SL_STEAL(signer);
    }
    return rc;
}

void sl_key_signer_destroy(struct sl_key_signer *signer)
{
    if (signer != NULL) {
        sl_list_remove(&signer->node);
        EVP_PKEY_CTX_free(signer->ctx);
        EVP_PKEY_free(signer->key);
        sl_key_compact_destroy(signer->compact);
        free(signer);
    }
}

void sl_key_signer_rest(struct sl_key_signer *signer)
{
    if (signer == NULL || signer->compact == NULL) {
        return;
    }
    sl_list_remove(&signer->node);
    EVP_PKEY_CTX_free(signer->ctx);
    EVP_PKEY_free(signer->key);
    signer->ctx = NULL;
    signer->scheme = NULL;
    signer->key = NULL;
}

void sl_key_ring_init(struct sl_key_ring *ring, size_t awake_max)
{
    *ring = (struct sl_key_ring){ .awake_max = awake_max };
    sl_list_init(&ring->awake);
}

void sl_key_ring_use(struct sl_key_ring *ring, struct sl_key_signer *signer)
{
    if (signer->compact == NULL || signer->key == NULL) {
        return;
    }
    if (sl_list_is_empty(&signer->node) && ++ring->awake_count > ring->awake_max) {
        struct sl_list *first = ring->awake.next;
        sl_key_signer_rest(SL_CONTAINER_OF(first, struct sl_key_signer, node));
        ring->awake_count--;
    }
    sl_list_remove(&signer->node);
    sl_list_append(&ring->awake, &signer->node);
}

void sl_key_ring_leave(struct sl_key_ring *ring, struct sl_key_signer *signer)
{
    if (signer != NULL && !sl_list_is_empty(&signer->node)) {
        sl_list_remove(&signer->node);
        ring->awake_count--;
    }
}

void sl_key_signer_allow_premaster(struct sl_key_signer *signer)
{
    signer->may_premaster = true;
}

enum sl_err sl_key_signer_public(const struct sl_key_signer *signer, struct sl_wbuf *out)
{
    unsigned char *der = NULL;
    if (signer->compact != NULL) {
        return sl_key_compact_public(signer->compact, out);
    }
    int len = i2d_PUBKEY(signer->key, &der);
    ERR_clear_error();
    if (len <= 0) {
        return SL_ENOMEM;
    }
    enum sl_err rc = sl_wbuf_put(out, sl_slice_of(der, (size_t)len));
    OPENSSL_free(der);
    return rc;
}

static enum sl_err check_said(enum sl_err rc, struct sl_diag *diag)
{
    if (rc == SL_EINVAL) {
        sl_diag_set(diag, "key: it is damaged: its halves do not belong together");
    }
    return rc;
}

enum sl_err sl_key_signer_check(const struct sl_key_signer *signer, struct sl_diag *diag)
{
    enum sl_err rc = SL_OK;
    if (signer->compact != NULL) {
        return check_said(sl_key_compact_check(signer->compact), diag);
    }
    if (EVP_PKEY_is_a(signer->key, "EC") != 1) {
        return SL_OK;
    }
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, signer->key, NULL);
    if (ctx == NULL) {
        rc = SL_ENOMEM;
    } else if (EVP_PKEY_pairwise_check(ctx) != 1) {
        rc = check_said(SL_EINVAL, diag);
    }
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return rc;
}

/* How `openssl pkey -pubout -outform der | sha256sum` begins. */
static void fingerprint(struct sl_slice der, char ret_text[static FINGERPRINT_CHARS + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    ret_text[0] = '\0';
    if (EVP_Digest(der.ptr, der.len, digest, &len, EVP_sha256(), NULL) == 1) {
        for (unsigned i = 0; i < len && 2 * i < FINGERPRINT_CHARS; i++) {
            (void)snprintf(ret_text + (size_t)2 * i, 3, "%02x", digest[i]);
        }
    }
}

enum sl_err sl_key_signer_expect(const struct sl_key_signer *signer, struct sl_slice public_der,
                                 struct sl_diag *diag)
{
    uint8_t bytes[SL_KEY_PUBLIC_MAX];
    struct sl_wbuf own = sl_wbuf_of(bytes, sizeof(bytes));
    char old_text[FINGERPRINT_CHARS + 1], new_text[FINGERPRINT_CHARS + 1];
    enum sl_err rc = sl_key_signer_public(signer, &own);
    if (rc != SL_OK || sl_slice_eq(sl_wbuf_slice(&own), public_der)) {
        return rc;
    }
    fingerprint(public_der, old_text);
    fingerprint(sl_wbuf_slice(&own), new_text);
    sl_diag_set(diag,
                "key: the file holds another one than at the start (the public keys' SHA-256: "
                "then %s, now %s)",
                old_text, new_text);
    return SL_EINVAL;
}

static bool is_of(const EVP_PKEY *key, enum sl_key_padding padding)
{
    switch (padding) {
    case SL_KEY_ECDSA:
        return EVP_PKEY_is_a(key, "EC") == 1;
    case SL_KEY_RSA_PKCS1:
    case SL_KEY_RSA_PREMASTER:
        return EVP_PKEY_is_a(key, "RSA") == 1;
    case SL_KEY_RSA_PSS:
        return EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1;
    default:
        return EVP_PKEY_is_a(key, "ED25519") == 1;
    }
}

static bool ctx_begin(EVP_PKEY_CTX *ctx, const struct sl_key_scheme *scheme)
{
    if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1) {
        return false;
    }
    const EVP_MD *digest = EVP_get_digestbyname(scheme->digest);
    if (digest == NULL || EVP_PKEY_CTX_set_signature_md(ctx, digest) != 1) {
        return false;
    }
    if (scheme->padding == SL_KEY_ECDSA) {
        return true;
    }
    bool is_pss = scheme->padding == SL_KEY_RSA_PSS;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, is_pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) ==
               1 &&
           (!is_pss || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static bool sign_digest(struct sl_key_signer *signer, const struct sl_key_scheme *scheme,
                        struct sl_slice input, uint8_t *to, size_t *len)
{
    if (signer->scheme != scheme) {
        EVP_PKEY_CTX_free(signer->ctx);
        signer->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, signer->key, NULL);
        signer->scheme = ctx_begin(signer->ctx, scheme) ? scheme : NULL;
    }
    return signer->scheme != NULL && EVP_PKEY_sign(signer->ctx, to, len, input.ptr, input.len) == 1;
}

static bool sign_message(struct sl_key_signer *signer, struct sl_slice input, uint8_t *to,
                         size_t *len)
{
    SL_CLEANUP(sl_own_digest) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    return digest != NULL &&
           EVP_DigestSignInit_ex(digest, NULL, NULL, NULL, NULL, signer->key, NULL) == 1 &&
           EVP_DigestSign(digest, to, len, input.ptr, input.len) == 1;
}

/* libcrypto answers what does not decrypt with random bytes, in the same time: nothing is told of
 * the padding (RFC 5246 7.4.7.1, Bleichenbacher's attack). */
static bool premaster(const struct sl_key_signer *signer, struct sl_slice input, uint8_t *to,
                      size_t *len)
{
    struct sl_reader r = sl_reader_of(input);
    unsigned version = sl_reader_u16(&r);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, &version),
        OSSL_PARAM_construct_end(),
    };
    uint8_t bytes[PREMASTER_BYTES];
    size_t bytes_len = sizeof(bytes);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, signer->key, NULL);
    bool is_ok = !r.failed && ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
                 EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_WITH_TLS_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_params(ctx, params) == 1 &&
                 EVP_PKEY_decrypt(ctx, bytes, &bytes_len, r.in.ptr, r.in.len) == 1 &&
                 bytes_len == sizeof(bytes);
    EVP_PKEY_CTX_free(ctx);
    if (is_ok) {
        memcpy(to, bytes, sizeof(bytes));
        *len = sizeof(bytes);
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return is_ok;
}

enum sl_err sl_key_signer_sign(struct sl_key_signer *signer, uint16_t number, struct sl_slice input,
                               struct sl_wbuf *out)
{
    const struct sl_key_scheme *scheme = sl_key_scheme_find(number);
    if (signer->key == NULL) {
        enum sl_err rc = sl_key_compact_build(signer->compact, &signer->key);
        if (rc != SL_OK) {
            return rc;
        }
    }
    if (scheme == NULL || !is_of(signer->key, scheme->padding) ||
        (scheme->padding == SL_KEY_RSA_PREMASTER && !signer->may_premaster) ||
        (scheme->digest != NULL && scheme->digest_bytes != input.len)) {
        return SL_EINVAL;
    }
    size_t len = sl_wbuf_room(out);
    if (len < (size_t)EVP_PKEY_get_size(signer->key)) {
        return SL_ENOSPC;
    }
    ERR_clear_error();
    uint8_t *to = out->ptr + out->len;
    bool is_signed = scheme->padding == SL_KEY_RSA_PREMASTER ? premaster(signer, input, to, &len)
                     : scheme->digest == NULL                ? sign_message(signer, input, to, &len)
                                              : sign_digest(signer, scheme, input, to, &len);
    if (!is_signed) {
        return sl_tls_error_take(SL_EINVAL, NULL, NULL);
    }
    out->len += len;
    return SL_OK;
}
