/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/key_compact.h"
#include "codec/ec_key.h"
#include "codec/pem.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

enum { DER_BYTES_MAX = 1024 }; /* of a key that is read here */

struct sl_key_compact {
    uint8_t *scalar; /* in libcrypto's guarded memory, in the byte order of this machine */
    size_t scalar_len;
    enum sl_ec_curve curve;
    uint8_t point_len;
    uint8_t point[];
};

void sl_key_compact_destroy(struct sl_key_compact *key)
{
    if (key != NULL) {
        OPENSSL_secure_clear_free(key->scalar, key->scalar_len);
        free(key);
    }
}

static void compact_cleanup(struct sl_key_compact **key)
{
    sl_key_compact_destroy(*key);
}

enum sl_err sl_key_compact_build(const struct sl_key_compact *key, EVP_PKEY **ret_key)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                         (char *)(uintptr_t)sl_ec_curve_name(key->curve), 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)key->point,
                                          key->point_len),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, key->scalar, key->scalar_len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *built = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    const bool is_ok = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
                       EVP_PKEY_fromdata(ctx, &built, EVP_PKEY_KEYPAIR, params) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (!is_ok) {
        EVP_PKEY_free(built);
        return ctx == NULL ? SL_ENOMEM : SL_EINVAL;
    }
    *ret_key = built;
    return SL_OK;
}

/* The point that the number leads to. EVP_PKEY_pairwise_check takes three times as long. */
static bool point_derive(const struct sl_key_compact *key, uint8_t to[static SL_EC_POINT_MAX],
                         bool *ret_is_out_of_memory)
{
    EC_GROUP *group =
        EC_GROUP_new_by_curve_name_ex(NULL, NULL, EC_curve_nist2nid(sl_ec_curve_name(key->curve)));
    EC_POINT *point = group == NULL ? NULL : EC_POINT_new(group);
    BIGNUM *scalar = BN_secure_new();
    *ret_is_out_of_memory = point == NULL || scalar == NULL;
    bool is_ok =
        !*ret_is_out_of_memory && BN_native2bn(key->scalar, (int)key->scalar_len, scalar) != NULL;
    if (is_ok) {
        BN_set_flags(scalar, BN_FLG_CONSTTIME);
        is_ok = !BN_is_zero(scalar) && BN_cmp(scalar, EC_GROUP_get0_order(group)) < 0 &&
                EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) == 1 &&
                EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, to, SL_EC_POINT_MAX,
                                   NULL) == key->point_len;
    }
    BN_clear_free(scalar);
    EC_POINT_free(point);
    EC_GROUP_free(group);
    ERR_clear_error();
    return is_ok;
}

enum sl_err sl_key_compact_check(const struct sl_key_compact *key)
{
    uint8_t point[SL_EC_POINT_MAX];
    bool is_out_of_memory = false;
    if (!point_derive(key, point, &is_out_of_memory)) {
        return is_out_of_memory ? SL_ENOMEM : SL_EINVAL;
    }
    return memcmp(point, key->point, key->point_len) == 0 ? SL_OK : SL_EINVAL;
}

static void scalar_copy(uint8_t *to, struct sl_slice scalar)
{
    const uint16_t one = 1;
    bool is_little = *(const uint8_t *)&one == 1;
    for (size_t i = 0; i < scalar.len; i++) {
        to[i] = scalar.ptr[is_little ? scalar.len - 1 - i : i];
    }
}

static enum sl_err compact_make(const struct sl_ec_key *parsed, struct sl_key_compact **ret_key)
{
    SL_CLEANUP(compact_cleanup)
    struct sl_key_compact *key = calloc(1, sizeof(*key) + parsed->point.len);
    if (key == NULL) {
        return SL_ENOMEM;
    }
    key->scalar = OPENSSL_secure_malloc(parsed->scalar.len);
    if (key->scalar == NULL) {
        return SL_ENOMEM;
    }
    key->scalar_len = parsed->scalar.len;
    key->curve = parsed->curve;
    key->point_len = (uint8_t)parsed->point.len;
    scalar_copy(key->scalar, parsed->scalar);
    memcpy(key->point, parsed->point.ptr, parsed->point.len);
    *ret_key = SL_STEAL(key);
    return SL_OK;
}

enum sl_err sl_key_compact_create(struct sl_slice pem, struct sl_key_compact **ret_key)
{
    struct sl_pem_block block = { 0 };
    enum sl_err rc = sl_pem_next(&pem, &block);
    while (rc == SL_OK && !sl_pem_is_private(&block)) {
        rc = sl_pem_next(&pem, &block);
    }
    const bool is_pkcs8 = sl_slice_eq(block.label, SL_SLICE("PRIVATE KEY"));
    if (rc != SL_OK || (!is_pkcs8 && !sl_slice_eq(block.label, SL_SLICE("EC PRIVATE KEY")))) {
        return SL_EINVAL;
    }
    uint8_t bytes[DER_BYTES_MAX];
    struct sl_wbuf der = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_ec_key parsed;
    rc = sl_pem_decode(&block, &der) == SL_OK ? SL_OK : SL_EINVAL;
    rc = rc == SL_OK ? sl_ec_key_parse(sl_wbuf_slice(&der), is_pkcs8, &parsed) : rc;
    rc = rc == SL_OK ? compact_make(&parsed, ret_key) : rc;
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return rc;
}

enum sl_err sl_key_compact_public(const struct sl_key_compact *key, struct sl_wbuf *out)
{
    return sl_ec_public_emit(key->curve, sl_slice_of(key->point, key->point_len), out);
}
