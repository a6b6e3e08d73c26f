/* SPDX-License-Identifier: Apache-2.0 */
/** @file What is asked of a peer's certificate besides its chain: revocation and names. */
#include "conf/options.h"

static const struct sl_schema_word STALES[] = {
    { "fail", SL_STALE_FAIL },
    { "warn", SL_STALE_WARN },
    { NULL, 0 },
};

/* A name in a rule. */
#define NAME_OPTION(field_name, example_text, what)                                                \
    {                                                                                              \
        .in = SL_SECTION_IDENTITY, .key = #field_name, .type = SL_TYPE_STRING, .min = 1,           \
        .max = 1024, .absent = "any, or none", .example = example_text, .text = what,              \
        SL_OPTION_AT(struct sl_conf_identity, field_name),                                         \
    }

static const struct sl_schema_option ROWS[] = {
    {
        .in = SL_SECTION_CRL,
        .key = "files",
        .type = SL_TYPE_FILES,
        .min = 1,
        .max = SL_OPTION_PATH_BYTES,
        .count_max = 256,
        .example = "/etc/sluice/ca.crl",
        .is_required = true,
        .text = "Certificate revocation lists, in PEM or DER, of every authority that a chain "
                "may lead through: a certificate whose issuer has none here is not accepted",
        SL_OPTION_AT(struct sl_conf_crl, files),
        .count_at = offsetof(struct sl_conf_crl, files_count),
    },
    {
        .in = SL_SECTION_CRL,
        .key = "stale",
        .type = SL_TYPE_WORD,
        .words = STALES,
        .preset = "fail",
        .text = "What a list past its nextUpdate means: fail refuses the certificates of its "
                "issuer, warn goes on with what the list says and notes it in the log",
        SL_OPTION_AT(struct sl_conf_crl, stale),
    },
    {
        .in = SL_SECTION_RULE,
        .key = "allow",
        .type = SL_TYPE_MAP,
        .section = SL_SECTION_IDENTITY,
        .absent = "none",
        .example = "{ dns: \"*.clients.example.com\", ou: Ops }",
        .text = "Lets in a certificate that has all of these names; {} is every one",
        SL_OPTION_AT(struct sl_conf_rule, allow),
        .pos_at = offsetof(struct sl_conf_rule, allow_pos),
    },
    {
        .in = SL_SECTION_RULE,
        .key = "deny",
        .type = SL_TYPE_MAP,
        .section = SL_SECTION_IDENTITY,
        .absent = "none",
        .example = "{ cn: \"old-*\" }",
        .text = "Keeps out a certificate that has all of these names; {} is every one",
        SL_OPTION_AT(struct sl_conf_rule, deny),
        .pos_at = offsetof(struct sl_conf_rule, deny_pos),
    },
    NAME_OPTION(dns, "\"*.clients.example.com\"",
                "A DNS name of the subjectAltName; in each label one * may stand for one or more "
                "characters, never for a dot; case does not count"),
    NAME_OPTION(email, "\"*@example.com\"",
                "An address of the subjectAltName, or *@ and a domain; case counts before the @"),
    NAME_OPTION(uri, "\"spiffe://example.org/*\"",
                "A URI of the subjectAltName, exact but for the case of scheme and host; one * at "
                "the end, behind the host and its /, stands for any rest"),
    NAME_OPTION(ip, "10.0.0.0/8", "An IP address of the subjectAltName, or a prefix"),
    NAME_OPTION(cn, "\"old-*\"",
                "A common name of the subject; each * stands for any characters; case does not "
                "count"),
    NAME_OPTION(ou, "Ops", "An organizational unit of the subject, as cn"),
    NAME_OPTION(spki, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                "SHA-256 of the certificate's SubjectPublicKeyInfo, in base64 or hexadecimal"),
};

const struct sl_option_table sl_options_trust = { ROWS, SL_COUNT(ROWS) };
