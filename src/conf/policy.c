/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/policy.h"

#define SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519MLKEM768:X25519:prime256v1:secp384r1"

#define CIPHERS_INTERMEDIATE                                                                       \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_OLD                                                                                \
    CIPHERS_INTERMEDIATE ":ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"                     \
                         "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"                            \
                         "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:"                      \
                         "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:"                            \
                         "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:"        \
                         "AES128-SHA:AES256-SHA:DES-CBC3-SHA"

/* The guideline has no such lists. OpenSSL 3.0 knows no "ecdsa_sha1", only ECDSA+SHA1. */
#define SIGNATURES                                                                                 \
    "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519:"                \
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"                                 \
    "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"                                    \
    "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512"
#define SIGNATURES_OLD SIGNATURES ":ECDSA+SHA1:RSA+SHA1"

enum { SESSION_S = 2 * 60 * 60 };

enum { TLS_1_0 = 0x0301, TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

/* The guideline lets clients of the first two choose. All their ciphers are strong, and what a
 * client without AES in hardware wants most it still gets; so the server's order costs nobody
 * security, and it has the cheapest key derivation in front (SHA-256, of which CPUs have
 * instructions). */
static const struct sl_policy POLICIES[] = {
    {
        .name = "mozilla-modern-6.0",
        .min_version = TLS_1_3,
        .max_version = TLS_1_3,
        .suites = SUITES,
        .ciphers = "",
        .groups = GROUPS,
        .signatures = SIGNATURES,
        .is_server_order = true,
        .security_level = 2,
        .is_ecdsa_only = true,
        .has_tickets = true,
        .session_s = SESSION_S,
    },
    {
        .name = "mozilla-intermediate-6.0",
        .min_version = TLS_1_2,
        .max_version = TLS_1_3,
        .suites = SUITES,
        .ciphers = CIPHERS_INTERMEDIATE,
        .groups = GROUPS,
        .signatures = SIGNATURES,
        .is_server_order = true,
        .security_level = 2,
        .has_tickets = true,
        .session_s = SESSION_S,
    },
    {
        .name = "mozilla-old-5.8",
        .min_version = TLS_1_0,
        .max_version = TLS_1_3,
        .suites = SUITES,
        .ciphers = CIPHERS_OLD,
        .groups = GROUPS,
        .signatures = SIGNATURES_OLD,
        .is_server_order = true,
        .security_level = 0,
        .has_tickets = true,
        .session_s = SESSION_S,
    },
    { .name = NULL },
};

const struct sl_policy *sl_policy_all(void)
{
    return POLICIES;
}

/* The newest version of each. */
static const struct {
    const char *name;
    const struct sl_policy *policy;
} SHORT_NAMES[] = {
    { "modern", &POLICIES[0] },
    { "intermediate", &POLICIES[1] },
    { "old", &POLICIES[2] },
};

const char *sl_policy_short_name(const struct sl_policy *policy)
{
    for (size_t i = 0; i < SL_COUNT(SHORT_NAMES); i++) {
        if (SHORT_NAMES[i].policy == policy) {
            return SHORT_NAMES[i].name;
        }
    }
    return NULL;
}

const struct sl_policy *sl_policy_find(struct sl_slice name)
{
    for (size_t i = 0; i < SL_COUNT(SHORT_NAMES); i++) {
        if (sl_slice_eq(name, sl_slice_cstr(SHORT_NAMES[i].name))) {
            return SHORT_NAMES[i].policy;
        }
    }
    for (const struct sl_policy *policy = POLICIES; policy->name != NULL; policy++) {
        if (sl_slice_eq(name, sl_slice_cstr(policy->name))) {
            return policy;
        }
    }
    return NULL;
}

bool sl_policy_signs(const struct sl_policy *policy, enum sl_key_kind kind)
{
    static const struct {
        enum sl_key_kind kind;
        const char *begin; /* of RFC 8446; "KEY+DIGEST" is for TLS 1.2 */
    } NAMES[] = {
        { SL_KIND_ECDSA_P256, "ecdsa_secp256r1_" },
        { SL_KIND_ECDSA_P384, "ecdsa_secp384r1_" },
        { SL_KIND_ECDSA_P521, "ecdsa_secp521r1_" },
        { SL_KIND_RSA, "rsa_" },
        { SL_KIND_RSA, "RSA" },
        { SL_KIND_EDDSA, "ed25519" },
        { SL_KIND_EDDSA, "ed448" },
    };
    const bool has_12 = policy->min_version < TLS_1_3;
    struct sl_slice rest = sl_slice_cstr(policy->signatures);
    bool can = rest.len == 0 || kind == SL_KIND_OTHER;
    while (rest.len != 0) {
        const struct sl_slice one = sl_slice_cut(&rest, sl_slice_find(rest, ':'));
        (void)sl_slice_cut(&rest, 1);
        for (size_t i = 0; i < SL_COUNT(NAMES); i++) {
            can = can ||
                  (NAMES[i].kind == kind && sl_slice_starts(one, sl_slice_cstr(NAMES[i].begin)));
        }
        can = can || (has_12 && sl_key_kind_is_ecdsa(kind) &&
                      (sl_slice_starts(one, SL_SLICE("ecdsa_")) ||
                       sl_slice_starts(one, SL_SLICE("ECDSA+"))));
    }
    return can;
}

bool sl_policy_is_psk_cipher(struct sl_slice name)
{
    return sl_slice_starts(name, SL_SLICE("PSK-")) || sl_slice_starts(name, SL_SLICE("DHE-PSK-")) ||
           sl_slice_starts(name, SL_SLICE("ECDHE-PSK-"));
}
