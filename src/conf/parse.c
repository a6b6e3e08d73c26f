/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/check.h"
#include "conf/policies.h"
#include "conf/read.h"
#include "conf/rules.h"
#include "conf/text.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64 }; /* of a service or policy */
enum { KEYS_TEXT_MAX = 400 }; /* bytes of a section's keys in a message */

static void section_read(struct sl_read *read, enum sl_schema_section section,
                         const struct sl_yaml_node *map, void *base, uint32_t *ret_flawed);

static void *field_of(const struct sl_schema_option *option, void *base)
{
    return (char *)base + option->at;
}

/* Gives every option of the section its default, by the way that the file's values take. */
static void section_fill(struct sl_read *read, enum sl_schema_section section, void *base)
{
    const struct sl_schema_option *option = sl_schema_next(section, NULL);
    for (; option != NULL; option = sl_schema_next(section, option)) {
        if (option->type == SL_TYPE_MAP) {
            section_fill(read, option->section, field_of(option, base));
        } else if (option->preset != NULL) {
            struct sl_yaml_node node = { .text = sl_slice_cstr(option->preset) };
            sl_read_value(read, option, &node, base);
        }
    }
}

static bool is_plain_name(struct sl_slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '_' && c != '.' && c != '-') {
            return false;
        }
    }
    return name.len > 0 && name.len <= NAME_MAX_BYTES;
}

/* A new array for the children of `node`, put into the option's field together with its count. */
static void *array_make(struct sl_read *read, const struct sl_schema_option *option,
                        const struct sl_yaml_node *node, void *base)
{
    void *array = sl_read_alloc(read, node->count, sl_schema_section(option->section)->size);
    if (array != NULL) {
        memcpy(field_of(option, base), &array, sizeof(array));
        memcpy((char *)base + option->count_at, &node->count, sizeof(node->count));
    }
    return array;
}

static void certificates_read(struct sl_read *read, const struct sl_schema_option *option,
                              const struct sl_yaml_node *list, void *base)
{
    struct sl_conf_certificate *certificate = array_make(read, option, list, base);
    struct sl_conf_service *service = base; /* nothing else has such a list */
    service->certificates_span = list->span;
    const struct sl_yaml_node *node = certificate == NULL ? NULL : list->first;
    for (; node != NULL; node = node->next) {
        section_read(read, option->section, node, certificate++, NULL);
    }
}

static void rules_read(struct sl_read *read, const struct sl_schema_option *option,
                       const struct sl_yaml_node *list, void *base)
{
    struct sl_conf_rule *rule = array_make(read, option, list, base);
    const struct sl_yaml_node *node = rule == NULL ? NULL : list->first;
    for (; node != NULL; node = node->next, rule++) {
        section_read(read, option->section, node, rule, NULL);
        sl_rules_check(read, rule, node);
    }
}

static void routes_read(struct sl_read *read, const struct sl_schema_option *option,
                        const struct sl_yaml_node *list, void *base)
{
    struct sl_conf_route *route = array_make(read, option, list, base);
    const struct sl_yaml_node *node = route == NULL ? NULL : list->first;
    for (; node != NULL; node = node->next, route++) {
        route->pos = node->pos;
        section_fill(read, option->section, route);
        section_read(read, option->section, node, route, NULL);
    }
}

/* One map stands for a list with it alone. */
static void maps_read(struct sl_read *read, const struct sl_schema_option *option,
                      const struct sl_yaml_node *node, void *base)
{
    const bool is_list = node->kind == SL_YAML_LIST;
    const size_t count = is_list ? node->count : 1;
    const size_t size = sl_schema_section(option->section)->size;
    if (!sl_read_expect(read, option, node, is_list ? SL_YAML_LIST : SL_YAML_MAP)) {
        return;
    }
    char *array = sl_read_alloc(read, count, size);
    if (array == NULL) {
        return;
    }
    memcpy(field_of(option, base), &array, sizeof(array));
    memcpy((char *)base + option->count_at, &count, sizeof(count));
    const struct sl_yaml_node *at = is_list ? node->first : node;
    for (size_t i = 0; i < count; i++) {
        section_read(read, option->section, at, array + i * size, NULL);
        at = at->next;
    }
}

/* One entry, a URL or a map with one. False when there is none that can be used. */
static bool connect_read(struct sl_read *read, const struct sl_schema_option *option,
                         const struct sl_yaml_node *node, struct sl_conf_url *connect)
{
    const struct sl_schema_option *url = sl_schema_stored_at(SL_SECTION_CONNECT, 0);
    section_fill(read, SL_SECTION_CONNECT, connect);
    if (node->kind == SL_YAML_MAP) {
        section_read(read, SL_SECTION_CONNECT, node, connect, NULL);
    } else if (node->kind == SL_YAML_SCALAR && !node->is_empty) {
        sl_read_value(read, url, node, connect);
    } else if (node->kind != SL_YAML_BAD) {
        sl_read_error(read, node->pos, "an entry of '%s' must be a URL, or a map with one",
                      option->key);
    }
    return connect->text != NULL;
}

/* One entry stands for a list with it alone. */
static void connects_read(struct sl_read *read, const struct sl_schema_option *option,
                          const struct sl_yaml_node *node, void *base)
{
    const bool is_one = node->kind == SL_YAML_SCALAR || node->kind == SL_YAML_MAP;
    if (!sl_read_expect(read, option, node, is_one ? node->kind : SL_YAML_LIST)) {
        return;
    }
    const size_t max_count = is_one ? 1 : node->count;
    struct sl_conf_url *connects = sl_read_alloc(read, max_count, sizeof(*connects));
    size_t count = 0;
    const struct sl_yaml_node *at = is_one ? node : node->first;
    for (size_t i = 0; connects != NULL && i < max_count; i++) {
        connects[count] = (struct sl_conf_url){ 0 };
        count += connect_read(read, option, at, &connects[count]) ? 1 : 0;
        at = at->next;
    }
    memcpy(field_of(option, base), &connects, sizeof(connects));
    memcpy((char *)base + option->count_at, &count, sizeof(count));
}

static void name_check(struct sl_read *read, const char *what, const struct sl_yaml_node *node)
{
    if (!is_plain_name(node->key)) {
        sl_read_error(
            read, node->key_pos,
            "a %s cannot be named '%s': letters, digits, '_', '.' and '-', 1 to %d of them", what,
            sl_text_shown(node->key).text, NAME_MAX_BYTES);
    }
}

static void policies_read(struct sl_read *read, const struct sl_schema_option *option,
                          const struct sl_yaml_node *map, struct sl_conf *conf)
{
    struct sl_conf_policy *policy = array_make(read, option, map, conf);
    const struct sl_yaml_node *node = policy == NULL ? NULL : map->first;
    for (; node != NULL; node = node->next) {
        policy->name = sl_read_text(read, node->key);
        policy->pos = node->key_pos;
        name_check(read, "policy", node);
        section_fill(read, option->section, policy);
        section_read(read, option->section, node, policy++, NULL);
    }
    sl_policies_build(read, conf->policies, conf->policies_count);
}

/* The services, and in `ret_flawed`, one for each, the bits of their options with mistakes. */
static void services_read(struct sl_read *read, const struct sl_schema_option *option,
                          const struct sl_yaml_node *map, void *base, uint32_t **ret_flawed)
{
    struct sl_conf_service *service = array_make(read, option, map, base);
    uint32_t *flawed = sl_read_alloc(read, map->count, sizeof(*flawed));
    if (service == NULL || flawed == NULL) {
        return;
    }
    *ret_flawed = flawed;
    const struct sl_yaml_node *node = map->first;
    for (; node != NULL; node = node->next) {
        service->name = sl_read_text(read, node->key);
        service->pos = node->key_pos;
        name_check(read, "service", node);
        section_fill(read, option->section, service);
        section_read(read, option->section, node, service++, flawed++);
    }
}

/* Reports a key that the section does not have, and gives what it may have been meant to be. */
static const struct sl_schema_option *unknown_report(struct sl_read *read,
                                                     enum sl_schema_section section,
                                                     const struct sl_yaml_node *node)
{
    const struct sl_text_shown shown = sl_text_shown(node->key);
    const char *subject = sl_schema_section(section)->subject;
    const struct sl_schema_option *meant = sl_schema_suggest(section, node->key);
    if (meant != NULL) {
        bool is_here = meant->in == section;
        sl_read_error(read, node->key_pos, "unknown key '%s' %s: did you mean '%s'%s%s?",
                      shown.text, subject, meant->key, is_here ? "" : " ",
                      is_here ? "" : sl_schema_section(meant->in)->subject);
        return meant;
    }
    char memory[KEYS_TEXT_MAX] = "";
    struct sl_wbuf keys = sl_wbuf_of(memory, sizeof(memory) - 1);
    const struct sl_schema_option *option = sl_schema_next(section, NULL);
    for (; option != NULL; option = sl_schema_next(section, option)) {
        enum sl_err rc = sl_wbuf_printf(&keys, "%s%s", keys.len == 0 ? "" : ", ", option->key);
        assert(rc == SL_OK); /* KEYS_TEXT_MAX holds the keys of every section */
        SL_UNUSED(rc);
    }
    sl_read_error(read, node->key_pos, "unknown key '%s' %s: the keys are %s", shown.text, subject,
                  memory);
    return NULL;
}

static void missing_report(struct sl_read *read, const struct sl_schema_option *option,
                           const struct sl_yaml_node *map)
{
    char text[KEYS_TEXT_MAX];
    const char *rest = strstr(option->text, ". "); /* the first sentence says enough */
    const size_t len = rest == NULL ? strlen(option->text) : (size_t)(rest - option->text);
    (void)snprintf(text, sizeof(text), "%.*s", (int)len, option->text);
    bool is_word = text[1] >= 'a' && text[1] <= 'z'; /* not an abbreviation */
    text[0] = is_word && text[0] >= 'A' && text[0] <= 'Z' ? (char)(text[0] | 0x20) : text[0];
    sl_read_error(read, sl_read_subject_pos(map), "'%s' is missing %s: %s", option->key,
                  sl_schema_section(option->in)->subject, text);
}

static void option_read(struct sl_read *read, const struct sl_schema_option *option,
                        const struct sl_yaml_node *node, void *base)
{
    if (option->type == SL_TYPE_MAP) {
        section_read(read, option->section, node, field_of(option, base), NULL);
        if (option->pos_at != 0) {
            memcpy((char *)base + option->pos_at, &node->key_pos, sizeof(node->key_pos));
        }
    } else if (option->type == SL_TYPE_RULES) {
        if (sl_read_expect(read, option, node, SL_YAML_LIST)) {
            memcpy((char *)base + option->pos_at, &node->key_pos, sizeof(node->key_pos));
            rules_read(read, option, node, base);
        }
    } else if (option->type == SL_TYPE_ROUTES) {
        if (sl_read_expect(read, option, node, SL_YAML_LIST)) {
            routes_read(read, option, node, base);
        }
    } else if (option->type == SL_TYPE_CERTIFICATES) {
        if (!read->are_certificates_cut && sl_read_expect(read, option, node, SL_YAML_LIST)) {
            certificates_read(read, option, node, base);
        }
    } else if (option->type == SL_TYPE_MAPS) {
        maps_read(read, option, node, base);
    } else if (option->type == SL_TYPE_CONNECTS) {
        connects_read(read, option, node, base);
    } else {
        sl_read_value(read, option, node, base);
    }
}

/* Reads the options that the map has into `base`, and notes in `ret_flawed`, unless that is NULL,
 * the bits of those with mistakes. Services and policies are not among them. */
static void options_read(struct sl_read *read, enum sl_schema_section section,
                         const struct sl_yaml_node *map, void *base, uint32_t *ret_flawed)
{
    uint32_t seen = 0, flawed = 0;
    for (const struct sl_yaml_node *node = map->first; node != NULL; node = node->next) {
        const struct sl_schema_option *option = sl_schema_find(section, node->key);
        if (option == NULL) {
            const struct sl_schema_option *meant = unknown_report(read, section, node);
            if (meant != NULL && meant->in == section) {
                seen |= sl_schema_bit(meant); /* misspelled is not missing */
                flawed |= sl_schema_bit(meant);
            }
            continue;
        }
        size_t errors_count = read->findings->errors_count;
        if (option->type != SL_TYPE_SERVICES && option->type != SL_TYPE_POLICIES) {
            option_read(read, option, node, base);
        }
        seen |= sl_schema_bit(option);
        bool is_cut = option->type == SL_TYPE_CERTIFICATES && read->are_certificates_cut;
        if (read->findings->errors_count > errors_count || node->kind == SL_YAML_BAD || is_cut) {
            flawed |= sl_schema_bit(option);
        }
    }
    const struct sl_schema_option *option = sl_schema_next(section, NULL);
    for (; option != NULL; option = sl_schema_next(section, option)) {
        const struct sl_schema_option *instead =
            option->instead == NULL ? option
                                    : sl_schema_find(section, sl_slice_cstr(option->instead));
        const uint32_t bits = sl_schema_bit(option) | sl_schema_bit(instead);
        if (option->is_required && (seen & bits) == 0) {
            missing_report(read, option, map);
        }
    }
    if (ret_flawed != NULL) {
        *ret_flawed = flawed;
    }
}

static void section_read(struct sl_read *read, enum sl_schema_section section,
                         const struct sl_yaml_node *map, void *base, uint32_t *ret_flawed)
{
    if (map->kind == SL_YAML_MAP) {
        options_read(read, section, map, base, ret_flawed);
    } else if (map->kind != SL_YAML_BAD) {
        sl_read_error(read, sl_read_subject_pos(map), "a map of options is wanted %s%s",
                      sl_schema_section(section)->subject,
                      map->kind == SL_YAML_SCALAR && map->is_empty ? ", not nothing" : "");
    }
}

/* The child of the root that is of that type, of the kind that it is to be; NULL for none. */
static const struct sl_yaml_node *child_find(struct sl_read *read, const struct sl_yaml_node *root,
                                             enum sl_schema_type type,
                                             const struct sl_schema_option **ret_option)
{
    const struct sl_yaml_node *node = root->kind == SL_YAML_MAP ? root->first : NULL;
    for (; node != NULL; node = node->next) {
        const struct sl_schema_option *option = sl_schema_find(SL_SECTION_TOP, node->key);
        if (option != NULL && option->type == type &&
            sl_read_expect(read, option, node, SL_YAML_MAP)) {
            *ret_option = option;
            return node;
        }
    }
    return NULL;
}

/* What a service leaves out. */
static void inherit(const struct sl_conf *conf, struct sl_conf_service *service)
{
    if (service->policy == NULL) {
        service->policy = conf->policy;
    }
    if (service->upstream.policy == NULL) {
        service->upstream.policy = service->policy;
    }
    struct sl_conf_timeouts *timeouts = &service->timeouts;
    if (timeouts->upstream_handshake_ms == 0) {
        timeouts->upstream_handshake_ms = timeouts->handshake_ms;
    }
    if (timeouts->half_close_ms == 0) {
        timeouts->half_close_ms = timeouts->idle_ms;
    }
}

/* The policies come first, because others name them, and the services last, because what they leave
 * out they take from the top. */
static void top_read(struct sl_read *read, const struct sl_yaml_node *root, struct sl_conf *conf,
                     uint32_t **ret_flawed)
{
    const struct sl_schema_option *option = NULL;
    const struct sl_yaml_node *policies = child_find(read, root, SL_TYPE_POLICIES, &option);
    if (policies != NULL) {
        policies_read(read, option, policies, conf);
    }
    section_fill(read, SL_SECTION_TOP, conf);
    section_read(read, SL_SECTION_TOP, root, conf, NULL);
    const struct sl_yaml_node *services = child_find(read, root, SL_TYPE_SERVICES, &option);
    if (services != NULL) {
        services_read(read, option, services, conf, ret_flawed);
    }
    for (size_t i = 0; i < conf->services_count; i++) {
        inherit(conf, &conf->services[i]);
    }
}

static enum sl_err parse(const struct sl_conf_source *source, struct sl_read *read,
                         struct sl_arena *tree, const struct sl_conf **ret_conf)
{
    struct sl_yaml_node *root = NULL;
    if (source->yaml.len > SL_CONF_BYTES_MAX) {
        sl_read_error(read, (struct sl_conf_pos){ 0 }, "the text has %zu bytes: at most %d",
                      source->yaml.len, SL_CONF_BYTES_MAX);
        return SL_EINVAL;
    }
    enum sl_err rc = sl_yaml_parse(source->yaml, tree, read->findings, &root);
    if (rc != SL_OK) {
        return rc;
    }
    if (root == NULL) {
        sl_read_error(read, (struct sl_conf_pos){ 0 },
                      "the configuration is empty: it needs at least one service");
        return SL_EINVAL;
    }
    uint32_t *flawed = NULL;
    struct sl_conf *conf = sl_read_alloc(read, 1, sizeof(*conf));
    if (conf == NULL) {
        return SL_ENOMEM;
    }
    top_read(read, root, conf, &flawed);
    if (read->is_out_of_memory) {
        return SL_ENOMEM;
    }
    *ret_conf = conf;
    return sl_check_conf(conf, flawed, read->arena, read->findings);
}

enum sl_err sl_conf_parse(const struct sl_conf_source *source, struct sl_arena *arena,
                          struct sl_findings *findings, const struct sl_conf **ret_conf)
{
    struct sl_read read = { .arena = arena,
                            .findings = findings,
                            .folder = source->folder,
                            .are_certificates_cut = source->are_certificates_cut };
    const struct sl_conf *conf = NULL;
    const size_t errors_count = findings->errors_count;
    struct sl_arena tree = { 0 }; /* many times as large as what comes of it */
    enum sl_err rc = parse(source, &read, &tree, &conf);
    sl_arena_fini(&tree);
    sl_findings_sort(findings);
    if (rc == SL_OK && findings->errors_count > errors_count) {
        rc = SL_EINVAL;
    }
    if (rc == SL_OK) {
        *ret_conf = conf;
    }
    return rc;
}
