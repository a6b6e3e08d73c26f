/* SPDX-License-Identifier: Apache-2.0 */
/** @file The two tables of the provider: what its keys are, and how they sign. Inside tls/ only. */
#pragma once
#include "codec/ec_key.h"
#include "tls/key_provider_impl.h"
#include <openssl/core.h>

#define SL_KEY_HANDLE_PARAM "sluice-handle" /* of a new key: a struct sl_key_handle */
#define SL_KEY_EC_NAMES     "EC:id-ecPublicKey:1.2.840.10045.2.1"

struct sl_key_handle {
    EVP_PKEY *public_key; /* NULL for a key that has one */
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
    /* what `public_key` is made of when it is wanted, which is seldom */
    enum sl_ec_curve curve;
    uint8_t point_len; /* 0: it is there from the first */
    uint8_t point[];
};

/** A key that cannot sign, yet; NULL for what is no SubjectPublicKeyInfo of sl_ec_public_parse. */
struct sl_key_apart *sl_key_apart_of_point(struct sl_slice public_der);
void sl_key_apart_free(struct sl_key_apart *key); /* NULL is allowed */

const OSSL_ALGORITHM *sl_key_manage_algorithms(void);
const OSSL_ALGORITHM *sl_key_manage_decoded(void); /* of keys that tls/key_leaf.h decodes */
const OSSL_ALGORITHM *sl_key_sign_algorithms(void);
const OSSL_ALGORITHM *sl_key_decrypt_algorithms(void);

/** The longest signature, bytes; 0 when its public half is none. */
size_t sl_key_apart_size(struct sl_key_apart *key);

/** Pauses the job until the service has answered. True when it did as it was asked. */
bool sl_key_ask(const struct sl_key_apart *key, struct sl_key_request *request);
