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
    SL_FAST_SECRET_MAX = 48, /* bytes of a secret of TLS 1.3's suites */
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

/** A traffic secret (RFC 8446 7.1). */
struct sl_fast_secret {
    const struct sl_fast_digest *digest; /* as long as its output; NULL: there is none */
    uint8_t bytes[SL_FAST_SECRET_MAX];
};

/** Both application_traffic_secret_0, as they come out of libssl's key schedule. */
struct sl_fast_secrets {
    struct sl_fast_secret client, server;
};

struct sl_record_pool;

/** The provider's context. */
struct sl_fast {
    struct sl_fast_digest digests[SL_FAST_DIGESTS_COUNT];
    EVP_MAC *hmac;                   /* OpenSSL's own, */
    EVP_KDF *kdf;                    /* which do what is not done here */
    struct sl_fast_secrets *running; /* of the handshake that runs now; NULL: not wanted */
    struct sl_record_pool *pool;     /* of tls/record_keys.h; NULL until it was wanted once */
    bool has_records;                /* sessions are to be taken over from libssl */
};

#define SL_FAST_PROPERTIES "provider=sluice-fast,sluice.fast=yes"

extern const OSSL_DISPATCH sl_fast_kdf_functions[], sl_fast_mac_functions[];

/** The digest that `param` names; NULL when it is none of ours. */
const struct sl_fast_digest *sl_fast_digest_find(const struct sl_fast *fast,
                                                 const OSSL_PARAM *param);

/** The provider's context, when it has been loaded; else NULL. */
struct sl_fast *sl_fast_find(void);

/**
 * HKDF-Expand-Label (RFC 8446 7.1) for at most one output of the digest.
 * @param prefix  "tls13 ", and with `label` and `context` at most what libssl asks with
 * @return false when the digest fails
 */
bool sl_fast_expand(const struct sl_fast_digest *digest, struct sl_slice secret,
                    struct sl_slice prefix, struct sl_slice label, struct sl_slice context,
                    size_t out_len, uint8_t *out);

/** HMAC's key as it goes in front of the inner (0x36) or outer (0x5c) text: RFC 2104 2. `key_len`
 * is at most the digest's block_len. */
void sl_fast_pad(const struct sl_fast_digest *digest, const uint8_t *key, size_t key_len,
                 uint8_t mask, uint8_t pad[static SL_FAST_BLOCK_MAX]);
