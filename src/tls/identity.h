/* SPDX-License-Identifier: Apache-2.0 */
/** @file The names in a certificate, for the rules on them and for the log. Inside tls/ only. */
#pragma once
#include "codec/peer_rule.h"
#include <openssl/x509v3.h>

/** Zeroed is empty and valid. */
struct sl_tls_identity {
    struct sl_peer_name *names; /* views into what follows */
    size_t names_count;
    bool is_sound; /* each can be read in one way alone (sl_peer_name_is_sound) */
    GENERAL_NAMES *alternatives;
    unsigned char **texts; /* UTF-8 of libcrypto's */
    size_t texts_count;
    uint8_t spki[SL_PIN_LEN];
};

/** Reads what rules can ask for. SL_OK, SL_ENOMEM. Call sl_tls_identity_fini in any case. */
SL_CHECKED enum sl_err sl_tls_identity_init(struct sl_tls_identity *identity, const X509 *x509);
void sl_tls_identity_fini(struct sl_tls_identity *identity);

/**
 * The name that tells most, as "uri:spiffe://…": the first URI of the subjectAltName, else its
 * first DNS name, address of mail or of IP; "" when it has none that is sound. Cut to `size`.
 */
void sl_tls_identity_text(const struct sl_tls_identity *identity, char *text, size_t size);

/** SHA-256 of the SubjectPublicKeyInfo. False without memory. */
bool sl_tls_identity_spki(const X509 *x509, uint8_t ret_spki[static SL_PIN_LEN]);
