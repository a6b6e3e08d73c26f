/* SPDX-License-Identifier: Apache-2.0 */
/** @file TLS policies as data (Mozilla server-side TLS, guideline 6.0; `old` from 5.8). */
#pragma once
#include "codec/certificate_entry.h"

/** One policy. Lists are colon-separated, in order of preference, in OpenSSL's names. */
struct sl_policy {
    const char *name;     /* with its version: what it says never changes */
    uint16_t min_version; /* on the wire: 0x0301 TLS 1.0 … 0x0304 TLS 1.3 */
    uint16_t max_version;
    const char *suites;     /* TLS 1.3 */
    const char *ciphers;    /* TLS 1.2 and below; "" for none */
    const char *groups;     /* what the library lacks is left out by tls/ */
    const char *signatures; /* signature algorithms */
    bool is_server_order;   /* the server chooses the cipher, ChaCha20 for a client that has it
                               first; else the client's order counts */
    uint8_t security_level; /* OpenSSL's, 0 to 5 */
    bool is_ecdsa_only;     /* certificates must be ECDSA (P-256 or P-384) */
    bool has_tickets;       /* clients may resume */
    uint32_t session_s;     /* how long, in seconds */
};

/** The built-in policies, ended by one whose name is NULL. */
const struct sl_policy *sl_policy_all(void);

/** The short name of a built-in policy, which moves on to newer versions of it; NULL for none. */
const char *sl_policy_short_name(const struct sl_policy *policy);

/** The built-in policy of that name, long or short, or NULL. */
const struct sl_policy *sl_policy_find(struct sl_slice name);

/** Whether a policy has a signature for a key of that kind (of SL_KIND_OTHER that is not known:
 * true). In TLS 1.3 each goes with one curve (RFC 8446 4.2.3), before it ECDSA with any. */
bool sl_policy_signs(const struct sl_policy *policy, enum sl_key_kind kind);

/** Whether a cipher, by its name in OpenSSL, is for pre-shared keys alone: not RSA-PSK, which wants
 * a certificate as well. */
bool sl_policy_is_psk_cipher(struct sl_slice name);
