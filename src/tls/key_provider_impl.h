/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a session and a certificate need of tls/key_provider.h. Inside tls/ only. */
#pragma once
#include "tls/key_provider.h"
#include <openssl/evp.h>

#define SL_KEY_PROVIDER          "sluice-keys"
#define SL_KEY_PROPERTIES_OTHERS "?provider!=" SL_KEY_PROVIDER /* what all but its keys ask for */

/** One session's wait for a key. Zeroed is valid: nothing is waited for. */
struct sl_key_wait {
    struct sl_key_request *request; /* NULL when none is under way */
    enum sl_err verdict;            /* why there is no signature; SL_OK for nothing to say */
    bool is_ending;                 /* the session is being destroyed: ask for nothing more */
    void (*wake)(struct sl_key_wait *wait);
};

/**
 * A key for libssl to sign with.
 * @param public_key  its public half, in the default provider; referenced
 * @param service     NULL: a key that cannot sign, to be tried and shown
 */
SL_CHECKED enum sl_err sl_key_apart_create(EVP_PKEY *public_key, uint32_t key_index,
                                           struct sl_key_service *service, EVP_PKEY **ret_key);
