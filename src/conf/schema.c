/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/schema.h"
#include "conf/options.h"
#include "conf/suggest.h"
#include "conf/value.h"
#include <inttypes.h>
#include <stdio.h>

static const struct sl_schema_section_info SECTIONS[] = {
    [SL_SECTION_TOP] = { "", "at the top level", sizeof(struct sl_conf) },
    [SL_SECTION_CAGE] = { "cage", "in 'cage'", sizeof(struct sl_conf_cage) },
    [SL_SECTION_PKCS11] = { "pkcs11", "in 'pkcs11'", sizeof(struct sl_conf_pkcs11) },
    [SL_SECTION_DNS] = { "dns", "in 'dns'", sizeof(struct sl_conf_dns) },
    [SL_SECTION_LOG] = { "log", "in 'log'", sizeof(struct sl_conf) },
    [SL_SECTION_LIMITS] = { "limits", "in 'limits'", sizeof(struct sl_conf_limits) },
    [SL_SECTION_TICKETS] = { "tickets", "in 'tickets'", sizeof(struct sl_conf) },
    [SL_SECTION_POLICY] = { "policies.NAME", "in a policy", sizeof(struct sl_conf_policy) },
    [SL_SECTION_SERVICE] = { "services.NAME", "in a service", sizeof(struct sl_conf_service) },
    [SL_SECTION_CONNECT] = { "services.NAME.connect[], services.NAME.routes[].connect[]",
                             "in an entry of 'connect'", sizeof(struct sl_conf_url) },
    [SL_SECTION_EJECTION] = { "services.NAME.ejection", "in 'ejection'",
                              sizeof(struct sl_conf_ejection) },
    [SL_SECTION_HEALTH] = { "services.NAME.health", "in 'health'", sizeof(struct sl_conf_health) },
    [SL_SECTION_KEEPALIVE] = { "services.NAME.keepalive, services.NAME.upstream.keepalive",
                               "in 'keepalive'", sizeof(struct sl_conf_keepalive) },
    [SL_SECTION_ROUTE] = { "services.NAME.routes[]", "in a route", sizeof(struct sl_conf_route) },
    [SL_SECTION_CERTIFICATE] = { "services.NAME.certificates[], services.NAME.upstream.certificate",
                                 "in a certificate", sizeof(struct sl_conf_certificate) },
    [SL_SECTION_TIMEOUTS] = { "services.NAME.timeouts", "in 'timeouts'",
                              sizeof(struct sl_conf_timeouts) },
    [SL_SECTION_UPSTREAM] = { "services.NAME.upstream", "in 'upstream'",
                              sizeof(struct sl_conf_upstream) },
    [SL_SECTION_CLIENTS] = { "services.NAME.clients", "in 'clients'",
                             sizeof(struct sl_conf_clients) },
    [SL_SECTION_CRL] = { "services.NAME.clients.crl, services.NAME.upstream.crl", "in 'crl'",
                         sizeof(struct sl_conf_crl) },
    [SL_SECTION_RULE] = { "services.NAME.clients.rules[]", "in a rule",
                          sizeof(struct sl_conf_rule) },
    [SL_SECTION_IDENTITY] = { "services.NAME.clients.rules[].allow, "
                              "services.NAME.clients.rules[].deny",
                              "in 'allow' or 'deny'", sizeof(struct sl_conf_identity) },
    [SL_SECTION_PSK] = { "services.NAME.clients.psk[], services.NAME.upstream.psk", "in 'psk'",
                         sizeof(struct sl_conf_psk) },
    [SL_SECTION_FROM] = { "services.NAME.from", "in 'from'", sizeof(struct sl_conf_from) },
    [SL_SECTION_SERVICE_LIMITS] = { "services.NAME.limits", "in a service's 'limits'",
                                    sizeof(struct sl_conf_service_limits) },
    [SL_SECTION_SERVICE_LOG] = { "services.NAME.log", "in a service's 'log'",
                                 sizeof(struct sl_conf_service_log) },
    [SL_SECTION_PROXY] = { "services.NAME.proxy_protocol", "in 'proxy_protocol'",
                           sizeof(struct sl_conf_proxy) },
};

static const struct sl_option_table *const TABLES[] = {
    &sl_options_process, &sl_options_dns,   &sl_options_policy,  &sl_options_service,
    &sl_options_sides,   &sl_options_trust, &sl_options_balance, &sl_options_routes,
    &sl_options_limits,  &sl_options_proxy, &sl_options_log,
};

static const char *const TYPE_NAMES[] = {
    [SL_TYPE_INTEGER] = "integer",
    [SL_TYPE_DURATION] = "duration",
    [SL_TYPE_SIZE] = "size",
    [SL_TYPE_SWITCH] = "switch",
    [SL_TYPE_WORD] = "word",
    [SL_TYPE_POLICY] = "policy",
    [SL_TYPE_FILE] = "file",
    [SL_TYPE_OBJECT] = "file or pkcs11 URI",
    [SL_TYPE_FILES] = "file or list",
    [SL_TYPE_HOST] = "host",
    [SL_TYPE_STRING] = "string",
    [SL_TYPE_STRINGS] = "list of strings",
    [SL_TYPE_WORDS] = "string or list",
    [SL_TYPE_PREFIXES] = "prefix or list",
    [SL_TYPE_TLVS] = "list of words",
    [SL_TYPE_LISTENS] = "URL or list",
    [SL_TYPE_CONNECT] = "URL",
    [SL_TYPE_CONNECTS] = "URL, map or list",
    [SL_TYPE_ADDRESSES] = "IP address or list",
    [SL_TYPE_MAP] = "map",
    [SL_TYPE_CERTIFICATES] = "list of maps",
    [SL_TYPE_ROUTES] = "list of maps",
    [SL_TYPE_RULES] = "list of maps",
    [SL_TYPE_MAPS] = "map or list",
    [SL_TYPE_POLICIES] = "map of maps",
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

/* The rows of a section stand in one table, one behind the other. */
static const struct sl_option_table *table_of(enum sl_schema_section section)
{
    for (size_t t = 0; t < SL_COUNT(TABLES); t++) {
        for (size_t i = 0; i < TABLES[t]->count; i++) {
            if (TABLES[t]->rows[i].in == section) {
                return TABLES[t];
            }
        }
    }
    return NULL;
}

const struct sl_schema_option *sl_schema_next(enum sl_schema_section section,
                                              const struct sl_schema_option *previous)
{
    const struct sl_option_table *table = table_of(section);
    if (table == NULL) {
        return NULL;
    }
    size_t i = previous == NULL ? 0 : (size_t)(previous - table->rows) + 1;
    while (i < table->count && table->rows[i].in != section) {
        i++;
    }
    return i < table->count ? &table->rows[i] : NULL;
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

/* The row spelled most alike that stands in the section, or that stands in none but it. */
static const struct sl_schema_option *nearest(enum sl_schema_section section, bool is_within,
                                              struct sl_slice key)
{
    const struct sl_schema_option *best = NULL;
    size_t distance = SL_SUGGEST_NONE;
    for (size_t t = 0; t < SL_COUNT(TABLES); t++) {
        for (size_t i = 0; i < TABLES[t]->count; i++) {
            const struct sl_schema_option *row = &TABLES[t]->rows[i];
            size_t found = sl_suggest_distance(key, sl_slice_cstr(row->key));
            if ((row->in == section) == is_within && found < distance) {
                best = row;
                distance = found;
            }
        }
    }
    return best;
}

const struct sl_schema_option *sl_schema_suggest(enum sl_schema_section section,
                                                 struct sl_slice key)
{
    const struct sl_schema_option *best = nearest(section, true, key);
    return best != NULL ? best : nearest(section, false, key);
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
        rc = sl_wbuf_printf(out, "%s, %s, ", sl_policy_short_name(policy), policy->name);
    }
    return rc == SL_OK ? sl_wbuf_put(out, SL_SLICE("or a name in policies")) : rc;
}

/* "10ms to 1h", behind the word for 0 when there is one. */
static enum sl_err span_put(const struct sl_schema_option *option, const char *min, const char *max,
                            struct sl_wbuf *out)
{
    return sl_wbuf_printf(out, "%s%s%s to %s", option->zero == NULL ? "" : option->zero,
                          option->zero == NULL ? "" : ", or ", min, max);
}

enum sl_err sl_schema_range_put(const struct sl_schema_option *option, struct sl_wbuf *out)
{
    char min[SL_VALUE_TEXT_MAX], max[SL_VALUE_TEXT_MAX];
    switch (option->type) {
    case SL_TYPE_INTEGER:
        (void)snprintf(min, sizeof(min), "%" PRIu64, option->min);
        (void)snprintf(max, sizeof(max), "%" PRIu64, option->max);
        return span_put(option, min, max, out);
    case SL_TYPE_DURATION:
        sl_value_format_duration(option->min, min);
        sl_value_format_duration(option->max, max);
        return span_put(option, min, max, out);
    case SL_TYPE_SIZE:
        sl_value_format_size(option->min, min);
        sl_value_format_size(option->max, max);
        return span_put(option, min, max, out);
    case SL_TYPE_SWITCH:
        return sl_wbuf_put(out, SL_SLICE("on, off"));
    case SL_TYPE_WORD:
        return words_put(option->words, out);
    case SL_TYPE_POLICY:
        return policies_put(out);
    case SL_TYPE_FILE:
    case SL_TYPE_OBJECT:
    case SL_TYPE_HOST:
    case SL_TYPE_STRING:
        return sl_wbuf_printf(out, "%" PRIu64 " to %" PRIu64 " bytes", option->min, option->max);
    case SL_TYPE_STRINGS:
    case SL_TYPE_WORDS:
        return sl_wbuf_printf(out, "1 to %zu, each %" PRIu64 " to %" PRIu64 " bytes",
                              option->count_max, option->min, option->max);
    case SL_TYPE_CONNECT:
        return sl_wbuf_put(out, SL_SLICE("tcp://, tls:// or unix:"));
    case SL_TYPE_TLVS:
        return option->words != NULL
                   ? words_put(option->words, out)
                   : sl_wbuf_printf(
                         out, "1 to %zu: alpn, authority, unique_id, ssl, netns, or 0x01 to 0xFF",
                         option->count_max);
    case SL_TYPE_PREFIXES:
    case SL_TYPE_LISTENS:
    case SL_TYPE_CONNECTS:
    case SL_TYPE_ADDRESSES:
    case SL_TYPE_CERTIFICATES:
    case SL_TYPE_ROUTES:
    case SL_TYPE_RULES:
    case SL_TYPE_FILES:
    case SL_TYPE_MAPS:
    case SL_TYPE_POLICIES:
    case SL_TYPE_SERVICES:
        return sl_wbuf_printf(out, "1 to %zu", option->count_max);
    case SL_TYPE_MAP:
    case SL_TYPE_COUNT:
        break;
    }
    return SL_OK;
}
