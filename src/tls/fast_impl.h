/* SPDX-License-Identifier: Apache-2.0 */
/** @file What the provider of tls/fast.h computes with. Inside tls/ only. */
#pragma once
#include "base/slice.h"
#include <openssl/core_dispatch.h>
#include <openssl/evp.h>

enum {
    SL_FAST_DIGESTS_COUNT = 3,
    SL_FAST_DIGEST_MAX = 64, /* bytes of the longest of them, */
    SL_FAST_BLOCK_MAX = 128, /* and of what the longest takes in at once */
};

/** A digest of the default provider, as that one gives it out (provider-digest(7)). */
struct sl_fast_digest {
    const char *name;
    size_t len, block_len; /* bytes */
    void *provider;        /* for `newctx` */
    OSSL_FUNC_digest_newctx_fn *newctx;
    OSSL_FUNC_digest_init_fn *init;
    OSSL_FUNC_digest_update_fn *update;
    OSSL_FUNC_digest_final_fn *final;
    OSSL_FUNC_digest_freectx_fn *freectx;
    OSSL_FUNC_digest_dupctx_fn *dupctx;
    void *scratch;                     /* for what begins and ends in one call */
    uint8_t empty[SL_FAST_DIGEST_MAX]; /* the digest of nothing */
};

/** The provider's context. */
struct sl_fast {
    struct sl_fast_digest digests[SL_FAST_DIGESTS_COUNT];
    EVP_MAC *hmac; /* OpenSSL's own, */
    EVP_KDF *kdf;  /* which do what is not done here */
};

#define SL_FAST_PROPERTIES "provider=sluice-fast,sluice.fast=yes"

extern const OSSL_DISPATCH sl_fast_kdf_functions[], sl_fast_mac_functions[];

/** The digest that `param` names; NULL when it is none of ours. */
const struct sl_fast_digest *sl_fast_digest_find(const struct sl_fast *fast,
                                                 const OSSL_PARAM *param);

/** HMAC's key as it goes in front of the inner (0x36) or outer (0x5c) text: RFC 2104 2. `key_len`
 * is at most the digest's block_len. */
void sl_fast_pad(const struct sl_fast_digest *digest, const uint8_t *key, size_t key_len,
                 uint8_t mask, uint8_t pad[static SL_FAST_BLOCK_MAX]);
