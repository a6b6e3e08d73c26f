/* SPDX-License-Identifier: Apache-2.0 */
/** @file The two sides of a service: its clients and its upstreams. */
#include "conf/options.h"

static const struct sl_schema_word PROXY_PROTOCOLS[] = {
    { "off", SL_PROXY_OFF },
    { "v1", SL_PROXY_V1 },
    { "v2", SL_PROXY_V2 },
    { NULL, 0 },
};
static const struct sl_schema_word PROXY_TLVS[] = {
    { "alpn", SL_PROXY_TLV_ALPN },
    { "authority", SL_PROXY_TLV_AUTHORITY },
    { "crc32c", SL_PROXY_TLV_CRC32C },
    { "unique_id", SL_PROXY_TLV_UNIQUE_ID },
    { "ssl", SL_PROXY_TLV_SSL },
    { "ssl_version", SL_PROXY_TLV_SSL_VERSION },
    { "ssl_cn", SL_PROXY_TLV_SSL_CN },
    { "ssl_cipher", SL_PROXY_TLV_SSL_CIPHER },
    { "ssl_sig_alg", SL_PROXY_TLV_SSL_SIG_ALG },
    { "ssl_key_alg", SL_PROXY_TLV_SSL_KEY_ALG },
    { "ssl_group", SL_PROXY_TLV_SSL_GROUP },
    { "ssl_sig_scheme", SL_PROXY_TLV_SSL_SIG_SCHEME },
    { "ssl_client_cert", SL_PROXY_TLV_SSL_CLIENT_CERT },
    { "resumed", SL_PROXY_TLV_RESUMED },
    { "none", 0 }, /* a type that there is not */
    { NULL, 0 },
};
static const struct sl_schema_word CLIENT_VERIFIES[] = {
    { "off", SL_CLIENT_VERIFY_OFF },
    { "request", SL_CLIENT_VERIFY_REQUEST },
    { "require", SL_CLIENT_VERIFY_REQUIRE },
    { NULL, 0 },
};

static const struct sl_schema_option ROWS[] = {
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "verify",
        .type = SL_TYPE_SWITCH,
        .preset = "on",
        .text = "Whether the upstream must show a certificate of a trusted authority for its name",
        SL_OPTION_AT(struct sl_conf_upstream, is_verified),
        .pos_at = offsetof(struct sl_conf_upstream, verify_pos),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "ca",
        .type = SL_TYPE_FILE,
        .min = 1,
        .max = SL_OPTION_PATH_BYTES,
        .zero = "system",
        .absent = "`system`: the system's authorities",
        .example = "/etc/sluice/upstream-ca.pem",
        .text = "The authorities that are trusted, and nobody else: a PEM file, a folder of which "
                "every *.pem and *.crt is read, or the word system",
        SL_OPTION_AT(struct sl_conf_upstream, ca),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "depth",
        .type = SL_TYPE_INTEGER,
        .max = SL_OPTION_DEPTH_MAX,
        .preset = "8",
        .text = "How many intermediate certificates at most may lead from the upstream's "
                "certificate to one of `ca`",
        SL_OPTION_AT(struct sl_conf_upstream, depth),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "crl",
        .type = SL_TYPE_MAP,
        .section = SL_SECTION_CRL,
        .absent = "revocation is not looked at",
        .example = "{ files: /etc/sluice/upstream-ca.crl }",
        .text = "Which certificates of upstreams are revoked",
        SL_OPTION_AT(struct sl_conf_upstream, crl),
        .pos_at = offsetof(struct sl_conf_upstream, crl.pos),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "pins",
        .type = SL_TYPE_STRINGS,
        .min = 1,
        .max = 128,
        .count_max = 64,
        .absent = "any key",
        .example = "[47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=]",
        .text = "SHA-256 of SubjectPublicKeyInfos, in base64 or hexadecimal: one of them must be "
                "in the verified chain, be it the upstream's certificate, an intermediate's or "
                "the authority's",
        SL_OPTION_AT(struct sl_conf_upstream, pins),
        .count_at = offsetof(struct sl_conf_upstream, pins_count),
        .pos_at = offsetof(struct sl_conf_upstream, pins_pos),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "name",
        .type = SL_TYPE_HOST,
        .min = 1,
        .max = 253,
        .absent = "the host of the connect URL",
        .example = "backend.example.com",
        .text = "The DNS name to send as SNI, or IP address, that the certificate must be for",
        SL_OPTION_AT(struct sl_conf_upstream, name),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "certificate",
        .type = SL_TYPE_MAPS,
        .count_max = 32,
        .section = SL_SECTION_CERTIFICATE,
        .absent = "none",
        .example = "{ chain: /etc/sluice/me.pem, key: /etc/sluice/me.key }",
        .text = "Shown to an upstream that asks for a client certificate: one, or a list, of which "
                "the first is shown that fits the authorities and signatures that it asks for",
        SL_OPTION_AT(struct sl_conf_upstream, certificates),
        .count_at = offsetof(struct sl_conf_upstream, certificates_count),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "policy",
        .type = SL_TYPE_POLICY,
        .absent = "the policy of the service",
        .example = "modern",
        .text = "TLS versions, ciphers, groups and signatures toward the upstream alone",
        SL_OPTION_AT(struct sl_conf_upstream, policy),
        .pos_at = offsetof(struct sl_conf_upstream, policy_pos),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "resumption",
        .type = SL_TYPE_SWITCH,
        .preset = "on",
        .text =
            "Whether sessions with the upstream are kept and resumed; off makes every handshake "
            "a full one",
        SL_OPTION_AT(struct sl_conf_upstream, is_resuming),
        .pos_at = offsetof(struct sl_conf_upstream, resumption_pos),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "middlebox",
        .type = SL_TYPE_SWITCH,
        .preset = "on",
        .text =
            "Whether TLS 1.3 looks like TLS 1.2 to boxes on the way that know no other (RFC 8446 "
            "D.4)",
        SL_OPTION_AT(struct sl_conf_upstream, has_middlebox_mode),
        .pos_at = offsetof(struct sl_conf_upstream, middlebox_pos),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "proxy_protocol",
        .type = SL_TYPE_WORD,
        .words = PROXY_PROTOCOLS,
        .preset = "off",
        .text = "Whether a PROXY protocol header, which tells the client's address, goes first",
        SL_OPTION_AT(struct sl_conf_upstream, proxy_out),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "proxy_tlvs",
        .type = SL_TYPE_TLVS,
        .words = PROXY_TLVS,
        .count_max = 16,
        .absent = "alpn, authority, unique_id, ssl_version, ssl_cn, ssl_cipher, ssl_group, resumed",
        .example = "[authority, unique_id, crc32c, ssl_cn, ssl_client_cert]",
        .text = "What a v2 header tells besides addresses: ssl_… stand within ssl, which says "
                "whether there is TLS and a verified certificate; crc32c is a checksum, resumed a "
                "TLV of our own (0xE0)",
        SL_OPTION_AT(struct sl_conf_upstream, proxy_tlvs),
        .pos_at = offsetof(struct sl_conf_upstream, proxy_tlvs_pos),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "psk",
        .type = SL_TYPE_MAP,
        .section = SL_SECTION_PSK,
        .absent = "none",
        .example = "{ identity: tunnel-1, key_file: /etc/sluice/tunnel.psk }",
        .text =
            "A key that the upstream has as well, in place of certificates: it must prove that it "
            "has it, and 'verify', 'ca' and 'certificate' have no meaning then",
        SL_OPTION_AT(struct sl_conf_upstream, psk),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "source",
        .type = SL_TYPE_ADDRESSES,
        .count_max = 2,
        .absent = "what the kernel's routes say",
        .example = "192.0.2.1",
        .text = "The address of this machine to connect from, or one for each of IPv4 and IPv6; "
                "servers of a family without one are connected from any",
        SL_OPTION_AT(struct sl_conf_upstream, sources),
        .count_at = offsetof(struct sl_conf_upstream, sources_count),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "keepalive",
        .type = SL_TYPE_MAP,
        .section = SL_SECTION_KEEPALIVE,
        .absent = "none",
        .example = "{ idle: 1m }",
        .text = "TCP keepalive toward servers",
        SL_OPTION_AT(struct sl_conf_upstream, keepalive),
        .pos_at = offsetof(struct sl_conf_upstream, keepalive.pos),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "user_timeout",
        .type = SL_TYPE_DURATION,
        .min = SL_OPTION_SECOND_MS,
        .max = SL_OPTION_DAY_MS,
        .zero = "off",
        .preset = "off",
        .text = "As user_timeout of the service, toward servers",
        SL_OPTION_AT(struct sl_conf_upstream, user_timeout_ms),
        .pos_at = offsetof(struct sl_conf_upstream, user_timeout_pos),
    },
    {
        .in = SL_SECTION_CLIENTS,
        .key = "verify",
        .type = SL_TYPE_WORD,
        .words = CLIENT_VERIFIES,
        .preset = "off",
        .text = "Whether clients are asked for a certificate: request admits those without one, "
                "require does not",
        SL_OPTION_AT(struct sl_conf_clients, verify),
        .pos_at = offsetof(struct sl_conf_clients, verify_pos),
    },
    {
        .in = SL_SECTION_CLIENTS,
        .key = "ca",
        .type = SL_TYPE_FILE,
        .min = 1,
        .max = SL_OPTION_PATH_BYTES,
        .absent = "none; needed unless verify is off",
        .example = "/etc/sluice/clients-ca.pem",
        .text = "The authorities that sign clients' certificates: a PEM file, or a folder of which "
                "every *.pem and *.crt is read",
        SL_OPTION_AT(struct sl_conf_clients, ca),
    },
    {
        .in = SL_SECTION_CLIENTS,
        .key = "depth",
        .type = SL_TYPE_INTEGER,
        .max = SL_OPTION_DEPTH_MAX,
        .preset = "8",
        .text = "How many intermediate certificates at most may lead from a client's certificate "
                "to one of `ca`",
        SL_OPTION_AT(struct sl_conf_clients, depth),
    },
    {
        .in = SL_SECTION_CLIENTS,
        .key = "crl",
        .type = SL_TYPE_MAP,
        .section = SL_SECTION_CRL,
        .absent = "revocation is not looked at",
        .example = "{ files: /etc/sluice/clients-ca.crl, stale: fail }",
        .text = "Which certificates of clients are revoked",
        SL_OPTION_AT(struct sl_conf_clients, crl),
        .pos_at = offsetof(struct sl_conf_clients, crl.pos),
    },
    {
        .in = SL_SECTION_CLIENTS,
        .key = "rules",
        .type = SL_TYPE_RULES,
        .section = SL_SECTION_RULE,
        .count_max = 10000,
        .absent = "every certificate of `ca` is let in",
        .example = "[{ deny: { cn: \"old-*\" } }, { allow: { uri: \"spiffe://example.org/*\" } }]",
        .text =
            "Who is let in by the names in their certificate: the first rule that fits decides, "
            "and if none does it is a no. With `verify: request`, clients without a "
            "certificate are let in without being asked for a name",
        SL_OPTION_AT(struct sl_conf_clients, rules),
        .count_at = offsetof(struct sl_conf_clients, rules_count),
        .pos_at = offsetof(struct sl_conf_clients, rules_pos),
    },
    {
        .in = SL_SECTION_CLIENTS,
        .key = "psk",
        .type = SL_TYPE_MAPS,
        .section = SL_SECTION_PSK,
        .count_max = 1000,
        .absent = "none",
        .example = "{ identity: tunnel-1, key_file: /etc/sluice/tunnel.psk }",
        .text =
            "Keys that clients have as well, in place of certificates on both sides: one, or a "
            "list. "
            "A service with them needs no certificates; with both, certificates are for clients "
            "that use no key",
        SL_OPTION_AT(struct sl_conf_clients, psks),
        .count_at = offsetof(struct sl_conf_clients, psks_count),
    },
    {
        .in = SL_SECTION_PSK,
        .key = "identity",
        .type = SL_TYPE_STRING,
        .min = 1,
        .max = 128,
        .example = "tunnel-1",
        .is_required = true,
        .text = "What the key is called on both sides; it is sent in the clear",
        SL_OPTION_AT(struct sl_conf_psk, identity),
    },
    {
        .in = SL_SECTION_PSK,
        .key = "key_file",
        .type = SL_TYPE_FILE,
        .min = 1,
        .max = SL_OPTION_PATH_BYTES,
        .example = "/etc/sluice/tunnel.psk",
        .is_required = true,
        .text = "File with 16 to 64 random bytes in hexadecimal or base64: openssl rand -hex 32",
        SL_OPTION_AT(struct sl_conf_psk, key_file),
    },
};

const struct sl_option_table sl_options_sides = { ROWS, SL_COUNT(ROWS) };
