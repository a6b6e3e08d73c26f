/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/schema.h"
#include "conf/suggest.h"
#include "conf/value.h"
#include <inttypes.h>

/* The field of a struct, with its width. */
#define AT(type, field) .at = offsetof(type, field), .width = sizeof(((type *)0)->field)

#define KIB        UINT64_C(1024)
#define MIB        (1024 * KIB)
#define SECOND_MS  UINT64_C(1000)
#define MINUTE_MS  (60 * SECOND_MS)
#define DAY_MS     (24 * 60 * MINUTE_MS)
#define PATH_BYTES 4095 /* PATH_MAX without the NUL */

static const struct sl_schema_word LOG_FORMATS[] = {
    { "text", SL_LOG_TEXT },
    { "json", SL_LOG_JSON },
    { NULL, 0 },
};
static const struct sl_schema_word CAGE_MODES[] = {
    { "on", SL_CAGE_MODE_ON },
    { "required", SL_CAGE_MODE_REQUIRED },
    { "off", SL_CAGE_MODE_OFF },
    { NULL, 0 },
};
static const struct sl_schema_word CAGE_ACTIONS[] = {
    { "errno", SL_CAGE_ACTION_ERRNO },
    { "kill", SL_CAGE_ACTION_KILL },
    { NULL, 0 },
};
static const struct sl_schema_word PROXY_PROTOCOLS[] = {
    { "off", SL_PROXY_OUT_OFF },
    { "v2", SL_PROXY_OUT_V2 },
    { NULL, 0 },
};
static const struct sl_schema_word CLIENT_VERIFIES[] = {
    { "off", SL_CLIENT_VERIFY_OFF },
    { "request", SL_CLIENT_VERIFY_REQUEST },
    { "require", SL_CLIENT_VERIFY_REQUIRE },
    { NULL, 0 },
};

static const struct sl_schema_section_info SECTIONS[] = {
    [SL_SECTION_TOP] = { "", "at the top level", sizeof(struct sl_conf) },
    [SL_SECTION_CAGE] = { "cage", "in 'cage'", sizeof(struct sl_conf_cage) },
    [SL_SECTION_LOG] = { "log", "in 'log'", sizeof(struct sl_conf) },
    [SL_SECTION_LIMITS] = { "limits", "in 'limits'", sizeof(struct sl_conf_limits) },
    [SL_SECTION_TICKETS] = { "tickets", "in 'tickets'", sizeof(struct sl_conf) },
    [SL_SECTION_SERVICE] = { "services.NAME", "in a service", sizeof(struct sl_conf_service) },
    [SL_SECTION_CERTIFICATE] = { "services.NAME.certificates[], services.NAME.upstream.certificate",
                                 "in a certificate", sizeof(struct sl_conf_certificate) },
    [SL_SECTION_TIMEOUTS] = { "services.NAME.timeouts", "in 'timeouts'",
                              sizeof(struct sl_conf_timeouts) },
    [SL_SECTION_UPSTREAM] = { "services.NAME.upstream", "in 'upstream'",
                              sizeof(struct sl_conf_upstream) },
    [SL_SECTION_CLIENTS] = { "services.NAME.clients", "in 'clients'",
                             sizeof(struct sl_conf_clients) },
};

/* Grouped by section. */
static const struct sl_schema_option OPTIONS[] = {
    {
        .in = SL_SECTION_TOP,
        .key = "workers",
        .type = SL_TYPE_INTEGER,
        .min = 1,
        .max = 1024,
        .zero = "auto",
        .preset = "auto",
        .text = "Processes that carry traffic; auto is one for each usable core",
        AT(struct sl_conf, workers_count),
    },
    {
        .in = SL_SECTION_TOP,
        .key = "user",
        .type = SL_TYPE_STRING,
        .min = 1,
        .max = 256,
        .preset = "nobody",
        .text = "Whom workers and keys run as when Sluice is started by root; else, who starts it",
        AT(struct sl_conf, user),
    },
    {
        .in = SL_SECTION_TOP,
        .key = "cage",
        .type = SL_TYPE_MAP,
        .section = SL_SECTION_CAGE,
        .text = "What holds workers and keys: another user, no capabilities, Landlock, seccomp",
        AT(struct sl_conf, cage),
    },
    {
        .in = SL_SECTION_TOP,
        .key = "policy",
        .type = SL_TYPE_POLICY,
        .preset = "intermediate",
        .text = "TLS versions, ciphers, groups and signatures of services that name no other",
        AT(struct sl_conf, policy),
    },
    {
        .in = SL_SECTION_TOP,
        .key = "log",
        .type = SL_TYPE_MAP,
        .section = SL_SECTION_LOG,
        .text = "How log lines are written",
    },
    {
        .in = SL_SECTION_TOP,
        .key = "limits",
        .type = SL_TYPE_MAP,
        .section = SL_SECTION_LIMITS,
        .text = "What bounds memory and descriptors",
        AT(struct sl_conf, limits),
    },
    {
        .in = SL_SECTION_TOP,
        .key = "drain",
        .type = SL_TYPE_DURATION,
        .min = 0,
        .max = 7 * DAY_MS,
        .preset = "1h",
        .text = "How long, once told to end, open connections may go on before they are closed",
        AT(struct sl_conf, drain_ms),
    },
    {
        .in = SL_SECTION_TOP,
        .key = "tickets",
        .type = SL_TYPE_MAP,
        .section = SL_SECTION_TICKETS,
        .text = "Session tickets, with which clients resume",
    },
    {
        .in = SL_SECTION_TOP,
        .key = "services",
        .type = SL_TYPE_SERVICES,
        .section = SL_SECTION_SERVICE,
        .count_max = 65536,
        .example = "web",
        .is_required = true,
        .text = "The services by name, of letters, digits, '_', '.', '-', at most 64",
        AT(struct sl_conf, services),
        .count_at = offsetof(struct sl_conf, services_count),
    },
    {
        .in = SL_SECTION_CAGE,
        .key = "mode",
        .type = SL_TYPE_WORD,
        .words = CAGE_MODES,
        .preset = "on",
        .text = "on does without what the machine lacks, required does not start then, off has no "
                "cage at all",
        AT(struct sl_conf_cage, mode),
    },
    {
        .in = SL_SECTION_CAGE,
        .key = "action",
        .type = SL_TYPE_WORD,
        .words = CAGE_ACTIONS,
        .preset = "errno",
        .text = "What a system call meets that a caged process may not make: an error, or its end",
        AT(struct sl_conf_cage, action),
    },
    {
        .in = SL_SECTION_LOG,
        .key = "format",
        .type = SL_TYPE_WORD,
        .words = LOG_FORMATS,
        .preset = "text",
        .text = "Log lines as key=value text or as JSON objects",
        AT(struct sl_conf, log_format),
    },
    {
        .in = SL_SECTION_LIMITS,
        .key = "connections",
        .type = SL_TYPE_INTEGER,
        .min = 1,
        .max = 10000000,
        .zero = "auto",
        .preset = "auto",
        .text = "Connections at once in each worker; auto is what its descriptors allow",
        AT(struct sl_conf_limits, connections_count),
    },
    {
        .in = SL_SECTION_LIMITS,
        .key = "buffer",
        .type = SL_TYPE_SIZE,
        .min = 16 * KIB,
        .max = MIB,
        .preset = "128KiB",
        .text = "The most that is received at once, and that a slow reader may leave pending",
        AT(struct sl_conf_limits, buffer_bytes),
    },
    {
        .in = SL_SECTION_LIMITS,
        .key = "client_hello",
        .type = SL_TYPE_SIZE,
        .min = 4 * KIB,
        .max = 128 * KIB,
        .preset = "16KiB",
        .text = "The longest ClientHello that is accepted",
        AT(struct sl_conf_limits, client_hello_bytes),
    },
    {
        .in = SL_SECTION_TICKETS,
        .key = "rotate",
        .type = SL_TYPE_DURATION,
        .min = SECOND_MS,
        .max = 7 * DAY_MS,
        .preset = "8h",
        .text = "How long a ticket key makes tickets; it reads them for as long again",
        AT(struct sl_conf, ticket_rotate_ms),
    },
    {
        .in = SL_SECTION_SERVICE,
        .key = "listen",
        .type = SL_TYPE_LISTENS,
        .count_max = 64,
        .example = "tls://[::]:8443",
        .is_required = true,
        .text = "Where clients come in: one URL or a list, all tls:// or none",
        AT(struct sl_conf_service, listens),
        .count_at = offsetof(struct sl_conf_service, listens_count),
    },
    {
        .in = SL_SECTION_SERVICE,
        .key = "connect",
        .type = SL_TYPE_CONNECTS,
        .count_max = 64,
        .example = "tls://backend.example.com:8443",
        .is_required = true,
        .text = "Where to connect to: one URL, or a list tried in turn, all tls:// or none",
        AT(struct sl_conf_service, connects),
        .count_at = offsetof(struct sl_conf_service, connects_count),
    },
    {
        .in = SL_SECTION_SERVICE,
        .key = "certificates",
        .type = SL_TYPE_CERTIFICATES,
        .section = SL_SECTION_CERTIFICATE,
        .count_max = 1000000,
        .absent = "none; a tls:// listen URL needs one",
        .example = "[{ chain: /etc/sluice/web.pem, key: /etc/sluice/web.key }]",
        .text = "Shown to clients, chosen by the name that they ask for; the first is the default",
        AT(struct sl_conf_service, certificates),
        .count_at = offsetof(struct sl_conf_service, certificates_count),
    },
    {
        .in = SL_SECTION_SERVICE,
        .key = "alpn",
        .type = SL_TYPE_STRINGS,
        .min = 1,
        .max = 255,
        .count_max = 64,
        .absent = "no ALPN",
        .example = "[h2, http/1.1]",
        .text = "Application protocols in order of preference: accepted from clients on tls:// "
                "listen URLs, offered on tls:// connect URLs. With both, the client gets what the "
                "upstream chooses of its own list and this one (without this one: of its own). A "
                "client that has none of them goes on without ALPN",
        AT(struct sl_conf_service, alpn),
        .count_at = offsetof(struct sl_conf_service, alpn_count),
    },
    {
        .in = SL_SECTION_SERVICE,
        .key = "policy",
        .type = SL_TYPE_POLICY,
        .absent = "the policy at the top level",
        .example = "modern",
        .text = "TLS versions, ciphers, groups and signatures of this service",
        AT(struct sl_conf_service, policy),
    },
    {
        .in = SL_SECTION_SERVICE,
        .key = "timeouts",
        .type = SL_TYPE_MAP,
        .section = SL_SECTION_TIMEOUTS,
        .text = "How long the stages of a connection may take",
        AT(struct sl_conf_service, timeouts),
    },
    {
        .in = SL_SECTION_SERVICE,
        .key = "upstream",
        .type = SL_TYPE_MAP,
        .section = SL_SECTION_UPSTREAM,
        .text = "How the connect side is reached and verified",
        AT(struct sl_conf_service, upstream),
    },
    {
        .in = SL_SECTION_SERVICE,
        .key = "clients",
        .type = SL_TYPE_MAP,
        .section = SL_SECTION_CLIENTS,
        .text = "Certificates of clients",
        AT(struct sl_conf_service, clients),
    },
    {
        .in = SL_SECTION_CERTIFICATE,
        .key = "chain",
        .type = SL_TYPE_FILE,
        .min = 1,
        .max = PATH_BYTES,
        .example = "/etc/sluice/me.pem",
        .is_required = true,
        .text = "PEM file with the certificates, leaf first; it may hold the key as well",
        AT(struct sl_conf_certificate, chain),
    },
    {
        .in = SL_SECTION_CERTIFICATE,
        .key = "key",
        .type = SL_TYPE_FILE,
        .min = 1,
        .max = PATH_BYTES,
        .absent = "in the chain file",
        .example = "/etc/sluice/me.key",
        .text = "PEM file with the private key",
        AT(struct sl_conf_certificate, key),
    },
    {
        .in = SL_SECTION_TIMEOUTS,
        .key = "handshake",
        .type = SL_TYPE_DURATION,
        .min = 100,
        .max = 10 * MINUTE_MS,
        .preset = "10s",
        .text = "For a TLS handshake, on either side",
        AT(struct sl_conf_timeouts, handshake_ms),
    },
    {
        .in = SL_SECTION_TIMEOUTS,
        .key = "connect",
        .type = SL_TYPE_DURATION,
        .min = 100,
        .max = 10 * MINUTE_MS,
        .preset = "5s",
        .text = "For a connect URL to accept, before the next is tried",
        AT(struct sl_conf_timeouts, connect_ms),
    },
    {
        .in = SL_SECTION_TIMEOUTS,
        .key = "idle",
        .type = SL_TYPE_DURATION,
        .min = SECOND_MS,
        .max = 7 * DAY_MS,
        .preset = "10m",
        .text = "Without a byte in either direction, after which the connection is closed",
        AT(struct sl_conf_timeouts, idle_ms),
    },
    {
        .in = SL_SECTION_TIMEOUTS,
        .key = "linger",
        .type = SL_TYPE_DURATION,
        .min = 0,
        .max = 10 * MINUTE_MS,
        .preset = "5s",
        .text = "For the last bytes to go out once the connection is closing",
        AT(struct sl_conf_timeouts, linger_ms),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "verify",
        .type = SL_TYPE_SWITCH,
        .preset = "on",
        .text = "Whether the upstream must show a certificate of a trusted authority for its name",
        AT(struct sl_conf_upstream, is_verified),
        .pos_at = offsetof(struct sl_conf_upstream, verify_pos),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "ca",
        .type = SL_TYPE_FILE,
        .min = 1,
        .max = PATH_BYTES,
        .absent = "the system's authorities",
        .example = "/etc/sluice/upstream-ca.pem",
        .text = "PEM file with the authorities that are trusted, instead of the system's",
        AT(struct sl_conf_upstream, ca),
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
        AT(struct sl_conf_upstream, name),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "certificate",
        .type = SL_TYPE_MAP,
        .section = SL_SECTION_CERTIFICATE,
        .absent = "none",
        .example = "{ chain: /etc/sluice/me.pem, key: /etc/sluice/me.key }",
        .text = "Shown to an upstream that asks for a client certificate",
        AT(struct sl_conf_upstream, certificate),
    },
    {
        .in = SL_SECTION_UPSTREAM,
        .key = "proxy_protocol",
        .type = SL_TYPE_WORD,
        .words = PROXY_PROTOCOLS,
        .preset = "off",
        .text = "Whether a PROXY protocol header, which tells the client's address, goes first",
        AT(struct sl_conf_upstream, proxy_out),
    },
    {
        .in = SL_SECTION_CLIENTS,
        .key = "verify",
        .type = SL_TYPE_WORD,
        .words = CLIENT_VERIFIES,
        .preset = "off",
        .text = "Whether clients are asked for a certificate: request admits those without one, "
                "require does not",
        AT(struct sl_conf_clients, verify),
        .pos_at = offsetof(struct sl_conf_clients, verify_pos),
    },
    {
        .in = SL_SECTION_CLIENTS,
        .key = "ca",
        .type = SL_TYPE_FILE,
        .min = 1,
        .max = PATH_BYTES,
        .absent = "none; needed unless verify is off",
        .example = "/etc/sluice/clients-ca.pem",
        .text = "PEM file with the authorities that sign clients' certificates",
        AT(struct sl_conf_clients, ca),
    },
};

static const char *const TYPE_NAMES[] = {
    [SL_TYPE_INTEGER] = "integer",
    [SL_TYPE_DURATION] = "duration",
    [SL_TYPE_SIZE] = "size",
    [SL_TYPE_SWITCH] = "switch",
    [SL_TYPE_WORD] = "word",
    [SL_TYPE_POLICY] = "policy",
    [SL_TYPE_FILE] = "file",
    [SL_TYPE_HOST] = "host",
    [SL_TYPE_STRING] = "string",
    [SL_TYPE_STRINGS] = "list of strings",
    [SL_TYPE_LISTENS] = "URL or list",
    [SL_TYPE_CONNECTS] = "URL or list",
    [SL_TYPE_MAP] = "map",
    [SL_TYPE_CERTIFICATES] = "list of maps",
    [SL_TYPE_SERVICES] = "map of maps",
};
_Static_assert(SL_COUNT(TYPE_NAMES) == SL_TYPE_COUNT, "every type has a name");
_Static_assert(SL_COUNT(SECTIONS) == SL_SECTION_COUNT, "every section has a row");

const struct sl_schema_section_info *sl_schema_section(enum sl_schema_section section)
{
    return &SECTIONS[section];
}

const char *sl_schema_type_name(enum sl_schema_type type)
{
    return TYPE_NAMES[type];
}

const struct sl_schema_option *sl_schema_next(enum sl_schema_section section,
                                              const struct sl_schema_option *previous)
{
    size_t i = previous == NULL ? 0 : (size_t)(previous - OPTIONS) + 1;
    while (i < SL_COUNT(OPTIONS) && OPTIONS[i].in != section) {
        i++;
    }
    return i < SL_COUNT(OPTIONS) ? &OPTIONS[i] : NULL;
}

const struct sl_schema_option *sl_schema_find(enum sl_schema_section section, struct sl_slice key)
{
    const struct sl_schema_option *option = sl_schema_next(section, NULL);
    while (option != NULL && !sl_slice_eq(key, sl_slice_cstr(option->key))) {
        option = sl_schema_next(section, option);
    }
    return option;
}

const struct sl_schema_option *sl_schema_stored_at(enum sl_schema_section section, size_t at)
{
    const struct sl_schema_option *option = sl_schema_next(section, NULL);
    while (option != NULL && option->at != at) {
        option = sl_schema_next(section, option);
    }
    return option;
}

uint32_t sl_schema_bit(const struct sl_schema_option *option)
{
    return UINT32_C(1) << (option - sl_schema_next(option->in, NULL));
}

const struct sl_schema_option *sl_schema_suggest(enum sl_schema_section section,
                                                 struct sl_slice key)
{
    const struct sl_schema_option *best = NULL, *best_elsewhere = NULL;
    size_t distance = SL_SUGGEST_NONE, distance_elsewhere = SL_SUGGEST_NONE;
    for (size_t i = 0; i < SL_COUNT(OPTIONS); i++) {
        const struct sl_schema_option *option = &OPTIONS[i];
        size_t found = sl_suggest_distance(key, sl_slice_cstr(option->key));
        if (option->in == section && found < distance) {
            best = option;
            distance = found;
        } else if (option->in != section && found < distance_elsewhere) {
            best_elsewhere = option;
            distance_elsewhere = found;
        }
    }
    return best != NULL ? best : best_elsewhere;
}

static enum sl_err words_put(const struct sl_schema_word *words, struct sl_wbuf *out)
{
    enum sl_err rc = SL_OK;
    for (const struct sl_schema_word *word = words; word->word != NULL && rc == SL_OK; word++) {
        rc = sl_wbuf_printf(out, "%s%s", word == words ? "" : ", ", word->word);
    }
    return rc;
}

static enum sl_err policies_put(struct sl_wbuf *out)
{
    enum sl_err rc = SL_OK;
    const struct sl_policy *all = sl_policy_all();
    for (const struct sl_policy *policy = all; policy->name != NULL && rc == SL_OK; policy++) {
        rc = sl_wbuf_printf(out, "%s%s", policy == all ? "" : ", ", policy->name);
    }
    return rc;
}

enum sl_err sl_schema_range_put(const struct sl_schema_option *option, struct sl_wbuf *out)
{
    char min[SL_VALUE_TEXT_MAX], max[SL_VALUE_TEXT_MAX];
    switch (option->type) {
    case SL_TYPE_INTEGER:
        return sl_wbuf_printf(out, "%s%s%" PRIu64 " to %" PRIu64,
                              option->zero == NULL ? "" : option->zero,
                              option->zero == NULL ? "" : ", or ", option->min, option->max);
    case SL_TYPE_DURATION:
        sl_value_format_duration(option->min, min);
        sl_value_format_duration(option->max, max);
        return sl_wbuf_printf(out, "%s to %s", min, max);
    case SL_TYPE_SIZE:
        sl_value_format_size(option->min, min);
        sl_value_format_size(option->max, max);
        return sl_wbuf_printf(out, "%s to %s", min, max);
    case SL_TYPE_SWITCH:
        return sl_wbuf_put(out, SL_SLICE("on, off"));
    case SL_TYPE_WORD:
        return words_put(option->words, out);
    case SL_TYPE_POLICY:
        return policies_put(out);
    case SL_TYPE_FILE:
    case SL_TYPE_HOST:
    case SL_TYPE_STRING:
        return sl_wbuf_printf(out, "%" PRIu64 " to %" PRIu64 " bytes", option->min, option->max);
    case SL_TYPE_STRINGS:
        return sl_wbuf_printf(out, "1 to %zu, each %" PRIu64 " to %" PRIu64 " bytes",
                              option->count_max, option->min, option->max);
    case SL_TYPE_LISTENS:
    case SL_TYPE_CONNECTS:
    case SL_TYPE_CERTIFICATES:
    case SL_TYPE_SERVICES:
        return sl_wbuf_printf(out, "1 to %zu", option->count_max);
    case SL_TYPE_MAP:
    case SL_TYPE_COUNT:
        break;
    }
    return SL_OK;
}
