/* SPDX-License-Identifier: Apache-2.0 */
/** @file The one table of the configuration's options: a row each, from which the parser, the
 *  defaults, "did you mean" and docs/configuration.md are made. */
#pragma once
#include "conf/conf.h"

/** A map of options. The order is that of the documents. */
enum sl_schema_section {
    SL_SECTION_TOP,
    SL_SECTION_CAGE,
    SL_SECTION_PKCS11,
    SL_SECTION_DNS,
    SL_SECTION_LOG,
    SL_SECTION_LIMITS,
    SL_SECTION_TICKETS,
    SL_SECTION_POLICY,
    SL_SECTION_SERVICE,
    SL_SECTION_CONNECT,
    SL_SECTION_EJECTION,
    SL_SECTION_HEALTH,
    SL_SECTION_KEEPALIVE,
    SL_SECTION_ROUTE,
    SL_SECTION_CERTIFICATE,
    SL_SECTION_TIMEOUTS,
    SL_SECTION_PROXY,
    SL_SECTION_UPSTREAM,
    SL_SECTION_CLIENTS,
    SL_SECTION_CRL,
    SL_SECTION_RULE,
    SL_SECTION_IDENTITY,
    SL_SECTION_PSK,
    SL_SECTION_FROM,
    SL_SECTION_SERVICE_LIMITS,
    SL_SECTION_SERVICE_LOG,
    SL_SECTION_COUNT
};

/** What an option holds, and as what it is stored. */
enum sl_schema_type {
    SL_TYPE_INTEGER,      /* unsigned, of the field's width */
    SL_TYPE_DURATION,     /* milliseconds, unsigned, of the field's width */
    SL_TYPE_SIZE,         /* bytes, unsigned, of the field's width */
    SL_TYPE_SWITCH,       /* bool */
    SL_TYPE_WORD,         /* one of `words`: an enum */
    SL_TYPE_POLICY,       /* const struct sl_policy * */
    SL_TYPE_FILE,         /* struct sl_conf_file */
    SL_TYPE_OBJECT,       /* the same, or a pkcs11: URI */
    SL_TYPE_FILES,        /* file or list of them: array of struct sl_conf_file, and its count */
    SL_TYPE_HOST,         /* DNS name or IP literal: struct sl_conf_string */
    SL_TYPE_STRING,       /* struct sl_conf_string */
    SL_TYPE_STRINGS,      /* list: array of struct sl_conf_string, and its count */
    SL_TYPE_WORDS,        /* string or list of them, stored as SL_TYPE_STRINGS */
    SL_TYPE_PREFIXES,     /* prefix or list of them: array of struct sl_prefix as sl_prefixes_sort
                           * leaves it, and its count */
    SL_TYPE_TLVS,         /* list of `words`, or of types: struct sl_proxy_types */
    SL_TYPE_LISTENS,      /* URL or list of them: array of struct sl_conf_url, and its count */
    SL_TYPE_CONNECT,      /* connect URL: what struct sl_conf_url tells of it */
    SL_TYPE_CONNECTS,     /* as SL_TYPE_LISTENS; a URL may also be a map of SL_SECTION_CONNECT */
    SL_TYPE_ADDRESSES,    /* IP literal or list: array of struct sl_conf_addr, and its count */
    SL_TYPE_MAP,          /* the options of `section`, a struct in place */
    SL_TYPE_CERTIFICATES, /* list of maps: array of struct sl_conf_certificate, and its count; cut
                             from what workers read */
    SL_TYPE_ROUTES,       /* list of maps: array of struct sl_conf_route, and its count */
    SL_TYPE_RULES,        /* list of maps: array of struct sl_conf_rule, and its count */
    SL_TYPE_MAPS,         /* map or list of maps: array of the struct of `section`, and its count */
    SL_TYPE_POLICIES,     /* map from names to maps: array of struct sl_conf_policy, its count */
    SL_TYPE_SERVICES,     /* map from names to maps: array of struct sl_conf_service, its count */
    SL_TYPE_COUNT
};

struct sl_schema_word {
    const char *word; /* NULL ends a list */
    uint32_t value;
};

struct sl_schema_option {
    enum sl_schema_section in; /* where the option may stand */
    enum sl_schema_type type;
    const char *key;
    const char *text;    /* one sentence without its full stop */
    const char *preset;  /* the default as the file would say it; NULL for none */
    const char *absent;  /* without a default: what its absence means */
    const char *example; /* shown where there is no default; of a list in flow style */
    const char *zero;    /* of a number: the word that means 0; of a file: the word for none */
    uint64_t min, max;   /* of the stored value; of strings in bytes */
    size_t count_max;    /* of a list or map */
    const struct sl_schema_word *words;
    enum sl_schema_section section; /* that a map holds */
    size_t at, width;               /* the field, in bytes from the begin of the section's struct */
    size_t count_at;                /* of a list's size_t */
    size_t pos_at;                  /* of a struct sl_conf_pos that notes the place; 0 for none */
    bool is_required;
    const char *instead; /* the key that makes it not required, when it is there; NULL: none */
};

struct sl_schema_section_info {
    const char *path;    /* as documents name it; "" for the top */
    const char *subject; /* as messages name it: "in …" */
    size_t size;         /* of its struct, in bytes */
};

/** Never NULL. */
const struct sl_schema_section_info *sl_schema_section(enum sl_schema_section section);

/** The options of a section one after the other: NULL begins, and NULL is the end. */
const struct sl_schema_option *sl_schema_next(enum sl_schema_section section,
                                              const struct sl_schema_option *previous);

/** The option of that key in that section, or NULL. */
const struct sl_schema_option *sl_schema_find(enum sl_schema_section section, struct sl_slice key);

/** The option that is stored at that offset of the section's struct; NULL for none. */
const struct sl_schema_option *sl_schema_stored_at(enum sl_schema_section section, size_t at);

/** A bit that stands for the option among those of its section. */
uint32_t sl_schema_bit(const struct sl_schema_option *option);

/**
 * What an unknown key may have been meant to be: the option of this section that is spelled most
 * alike; else that of another section; else NULL.
 */
const struct sl_schema_option *sl_schema_suggest(enum sl_schema_section section,
                                                 struct sl_slice key);

/** "integer", "duration" … as documents name it. */
const char *sl_schema_type_name(enum sl_schema_type type);

/** What the option takes, in words: "10ms to 1h", "on, off", "auto, or 1 to 1024". */
SL_CHECKED enum sl_err sl_schema_range_put(const struct sl_schema_option *option,
                                           struct sl_wbuf *out);
