/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a configuration names on PKCS#11 tokens: gathered, then asked for by processes that
 * live for this alone. */
#pragma once
#include "app/load.h"
#include "app/token_setup.h"

struct sl_load_pool;

/** Embedded in its owner, who sets the functions; the rest is zeroed. */
struct sl_load_tokens {
    struct sl_load *load;
    /** The PEM text of a certificate and those above it. SL_OK, SL_ENOMEM, SL_EINVAL. */
    enum sl_err (*chain_found)(struct sl_load_tokens *tokens, const struct sl_conf_file *file,
                               struct sl_slice pem);
    /** Each key, in the order of their numbers, before any token is asked. SL_OK, SL_ENOMEM. */
    enum sl_err (*key_named)(struct sl_load_tokens *tokens, const struct sl_conf_file *file);
    /** A key's public half; when the token does not tell of it, `public_der` is empty. SL_OK,
     * SL_ENOMEM. */
    enum sl_err (*key_found)(struct sl_load_tokens *tokens, uint32_t index,
                             struct sl_slice public_der);
    struct sl_load_pool *list;
    size_t count;
};

/** Whether the file is none but stands on a token. */
bool sl_load_is_on_token(const struct sl_conf_file *file);

/**
 * Notes what of a certificate is on tokens, if anything is.
 * @param may_premaster  a policy allows RSA key transport, which no token does
 * @return SL_OK, SL_EINVAL (a finding), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_load_tokens_add(struct sl_load_tokens *tokens,
                                          const struct sl_conf_certificate *conf,
                                          bool may_premaster);

/**
 * Asks all tokens and puts the pools into the load.
 * @param first_key  the number of the first key
 * @return SL_OK, SL_EINVAL (findings), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_load_tokens_ask(struct sl_load_tokens *tokens, uint32_t first_key);
void sl_load_tokens_fini(struct sl_load_tokens *tokens);
