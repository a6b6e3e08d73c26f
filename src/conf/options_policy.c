/* SPDX-License-Identifier: Apache-2.0 */
/** @file A policy of the user's. */
#include "conf/options.h"

#define NAME_BYTES 64 /* of a policy or an algorithm */

static const struct sl_schema_word VERSIONS[] = {
    { "1.0", 0x0301 }, { "1.1", 0x0302 }, { "1.2", 0x0303 }, { "1.3", 0x0304 }, { NULL, 0 },
};
static const struct sl_schema_word ORDERS[] = {
    { "client", SL_ORDER_CLIENT },
    { "server", SL_ORDER_SERVER },
    { NULL, 0 },
};
static const struct sl_schema_word TICKETS[] = {
    { "on", SL_TICKETS_ON },
    { "off", SL_TICKETS_OFF },
    { NULL, 0 },
};

static const struct sl_schema_option ROWS[] = {
    {
        .in = SL_SECTION_POLICY,
        .key = "extends",
        .type = SL_TYPE_STRING,
        .min = 1,
        .max = NAME_BYTES,
        .absent = "intermediate",
        .example = "mozilla-intermediate-6.0",
        .text = "The policy that holds for what this one leaves out",
        SL_OPTION_AT(struct sl_conf_policy, extends),
    },
    {
        .in = SL_SECTION_POLICY,
        .key = "min_version",
        .type = SL_TYPE_WORD,
        .words = VERSIONS,
        .absent = "as in extends",
        .example = "1.2",
        .text = "The lowest version of TLS",
        SL_OPTION_AT(struct sl_conf_policy, min_version),
    },
    {
        .in = SL_SECTION_POLICY,
        .key = "max_version",
        .type = SL_TYPE_WORD,
        .words = VERSIONS,
        .absent = "as in extends",
        .example = "1.3",
        .text = "The highest version of TLS",
        SL_OPTION_AT(struct sl_conf_policy, max_version),
    },
    {
        .in = SL_SECTION_POLICY,
        .key = "suites",
        .type = SL_TYPE_STRINGS,
        .min = 1,
        .max = NAME_BYTES,
        .count_max = 64,
        .absent = "as in extends",
        .example = "[TLS_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256]",
        .text = "Cipher suites of TLS 1.3, in order",
        SL_OPTION_AT(struct sl_conf_policy, suites),
        .count_at = offsetof(struct sl_conf_policy, suites_count),
    },
    {
        .in = SL_SECTION_POLICY,
        .key = "ciphers",
        .type = SL_TYPE_STRINGS,
        .min = 1,
        .max = NAME_BYTES,
        .count_max = 64,
        .absent = "as in extends",
        .example = "[ECDHE-ECDSA-AES256-GCM-SHA384, ECDHE-RSA-AES256-GCM-SHA384]",
        .text =
            "Ciphers of TLS 1.2 and below by their names in OpenSSL, in order. Those for "
            "pre-shared keys (PSK-, DHE-PSK- and ECDHE-PSK-) are for services with 'psk', which "
            "without any have ECDHE-PSK-CHACHA20-POLY1305 and DHE-PSK-AES256-GCM-SHA384",
        SL_OPTION_AT(struct sl_conf_policy, ciphers),
        .count_at = offsetof(struct sl_conf_policy, ciphers_count),
    },
    {
        .in = SL_SECTION_POLICY,
        .key = "groups",
        .type = SL_TYPE_STRINGS,
        .min = 1,
        .max = NAME_BYTES,
        .count_max = 64,
        .absent = "as in extends",
        .example = "[X25519, secp384r1]",
        .text = "Groups for the key exchange, in order",
        SL_OPTION_AT(struct sl_conf_policy, groups),
        .count_at = offsetof(struct sl_conf_policy, groups_count),
    },
    {
        .in = SL_SECTION_POLICY,
        .key = "signatures",
        .type = SL_TYPE_STRINGS,
        .min = 1,
        .max = NAME_BYTES,
        .count_max = 64,
        .absent = "as in extends",
        .example = "[ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256]",
        .text = "Signature algorithms, in order",
        SL_OPTION_AT(struct sl_conf_policy, signatures),
        .count_at = offsetof(struct sl_conf_policy, signatures_count),
    },
    {
        .in = SL_SECTION_POLICY,
        .key = "order",
        .type = SL_TYPE_WORD,
        .words = ORDERS,
        .absent = "as in extends",
        .example = "client",
        .text =
            "Whose order of ciphers counts; the server's lets a client have ChaCha20 that has it "
            "first",
        SL_OPTION_AT(struct sl_conf_policy, order),
    },
    {
        .in = SL_SECTION_POLICY,
        .key = "tickets",
        .type = SL_TYPE_WORD,
        .words = TICKETS,
        .absent = "as in extends",
        .example = "off",
        .text = "Whether clients get tickets, with which they resume",
        SL_OPTION_AT(struct sl_conf_policy, tickets),
    },
    {
        .in = SL_SECTION_POLICY,
        .key = "session",
        .type = SL_TYPE_DURATION,
        .min = SL_OPTION_MINUTE_MS,
        .max = SL_OPTION_DAY_MS,
        .absent = "as in extends",
        .example = "2h",
        .text = "How long after its handshake a session can be resumed (RFC 8446 4.6.1)",
        SL_OPTION_AT(struct sl_conf_policy, session_ms),
    },
    {
        .in = SL_SECTION_POLICY,
        .key = "security_level",
        .type = SL_TYPE_INTEGER,
        .min = 0,
        .max = 5,
        .absent = "as in extends",
        .example = "2",
        .text = "OpenSSL's, which bounds keys and digests: 2 is 112 bits, 0 nothing",
        SL_OPTION_AT(struct sl_conf_policy, security_level),
        .pos_at = offsetof(struct sl_conf_policy, security_level_pos),
    },
};

const struct sl_option_table sl_options_policy = { ROWS, SL_COUNT(ROWS) };
