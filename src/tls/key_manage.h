/* SPDX-License-Identifier: Apache-2.0 */
/** @file The two tables of the provider: what its keys are, and how they sign. Inside tls/ only. */
#pragma once
#include "tls/key_provider_impl.h"
#include <openssl/core.h>

#define SL_KEY_HANDLE_PARAM "sluice-handle" /* of a new key: a struct sl_key_handle */

struct sl_key_handle {
    EVP_PKEY *public_key;
    struct sl_key_service *service;
    uint32_t key_index;
};

/** A key as the provider sees it. */
struct sl_key_apart {
    const char *type;     /* OpenSSL's name */
    EVP_PKEY *public_key; /* in the default provider, which answers all but signing */
    bool has_private;     /* it stands for a key of the service; else only compared with */
    uint32_t key_index;
    struct sl_key_service *service;
};

const OSSL_ALGORITHM *sl_key_manage_algorithms(void);
const OSSL_ALGORITHM *sl_key_sign_algorithms(void);
const OSSL_ALGORITHM *sl_key_decrypt_algorithms(void);

/** Pauses the job until the service has answered. True when it did as it was asked. */
bool sl_key_ask(const struct sl_key_apart *key, struct sl_key_request *request);
