/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/read.h"
#include "base/prefix.h"
#include "codec/token_uri.h"
#include "conf/policies.h"
#include "conf/read_url.h"
#include "conf/seen.h"
#include "conf/text.h"
#include "conf/value.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { RANGE_TEXT_MAX = 200 }; /* bytes */

/* How a value of the type is written; what the schema says of its range follows. */
static const char *const FORMS[SL_TYPE_COUNT] = {
    [SL_TYPE_INTEGER] = "an integer, ",
    [SL_TYPE_DURATION] = "a number and its unit (ms, s, m, h or d), ",
    [SL_TYPE_SIZE] = "bytes, or a number with KiB, MiB or GiB, ",
    [SL_TYPE_SWITCH] = "a switch, ",
    [SL_TYPE_WORD] = "one of ",
    [SL_TYPE_POLICY] = "one of ",
    [SL_TYPE_FILE] = "a path of ",
    [SL_TYPE_OBJECT] = "a path or pkcs11: URI of ",
    [SL_TYPE_FILES] = "a path or a list of ",
    [SL_TYPE_HOST] = "a DNS name or IP address of ",
    [SL_TYPE_STRING] = "a word of ",
    [SL_TYPE_STRINGS] = "a list of ",
    [SL_TYPE_WORDS] = "a word or a list of ",
    [SL_TYPE_PREFIXES] = "a prefix such as 10.0.0.0/8, an address, unix, or a list of ",
    [SL_TYPE_TLVS] = "a list of ",
    [SL_TYPE_LISTENS] = "a URL or a list of ",
    [SL_TYPE_CONNECT] = "a URL, ",
    [SL_TYPE_CONNECTS] = "a URL, a map with one, or a list of ",
    [SL_TYPE_ADDRESSES] = "an IP address or a list of ",
    [SL_TYPE_MAP] = "a map of options",
    [SL_TYPE_CERTIFICATES] = "a list of maps, each behind '- ', ",
    [SL_TYPE_ROUTES] = "a list of maps, each behind '- ', ",
    [SL_TYPE_RULES] = "a list of maps, each with allow or deny, ",
    [SL_TYPE_MAPS] = "a map or a list of maps, ",
    [SL_TYPE_POLICIES] = "a map of policies by name, ",
    [SL_TYPE_SERVICES] = "a map of services by name, ",
};

struct wanted {
    char text[RANGE_TEXT_MAX];
};

static struct wanted wanted_of(const struct sl_schema_option *option, bool with_form)
{
    struct wanted wanted = { 0 };
    struct sl_wbuf out = sl_wbuf_of(wanted.text, sizeof(wanted.text) - 1);
    enum sl_err rc = with_form ? sl_wbuf_put(&out, sl_slice_cstr(FORMS[option->type])) : SL_OK;
    if (rc == SL_OK) {
        rc = sl_schema_range_put(option, &out);
    }
    assert(rc == SL_OK); /* RANGE_TEXT_MAX holds what every row says */
    SL_UNUSED(rc);
    return wanted;
}

void *sl_read_alloc(struct sl_read *read, size_t count, size_t size)
{
    void *memory = sl_arena_calloc(read->arena, count, size);
    read->is_out_of_memory |= memory == NULL;
    return memory;
}

const char *sl_read_text(struct sl_read *read, struct sl_slice text)
{
    const char *copy = sl_arena_strdup(read->arena, text);
    read->is_out_of_memory |= copy == NULL;
    return copy;
}

void sl_read_error(struct sl_read *read, struct sl_conf_pos pos, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sl_findings_add(read->findings, SL_FINDING_ERROR, pos, "%s", text);
}

struct sl_conf_pos sl_read_subject_pos(const struct sl_yaml_node *node)
{
    return node->key_pos.line != 0 ? node->key_pos : node->pos;
}

bool sl_read_expect(struct sl_read *read, const struct sl_schema_option *option,
                    const struct sl_yaml_node *node, enum sl_yaml_kind kind)
{
    static const char *const KINDS[] = { "a single value", "a list", "a map", "" };
    const struct wanted wanted = wanted_of(option, true);
    if (node->kind == SL_YAML_BAD) {
        return false;
    }
    if (node->kind == SL_YAML_SCALAR && node->is_empty) {
        sl_read_error(read, sl_read_subject_pos(node), "'%s' has no value: %s", option->key,
                      wanted.text);
    } else if (node->kind != kind) {
        sl_read_error(read, node->pos, "'%s' cannot be %s: %s", option->key, KINDS[node->kind],
                      wanted.text);
    } else if (kind == SL_YAML_SCALAR) {
        return true;
    } else if (node->count == 0) {
        sl_read_error(read, node->pos, "'%s' is empty: %s", option->key, wanted.text);
    } else if (node->count > option->count_max) {
        sl_read_error(read, node->pos, "'%s' has %zu entries: at most %zu", option->key,
                      node->count, option->count_max);
    } else {
        return true;
    }
    return false;
}

bool sl_read_expect_item(struct sl_read *read, const struct sl_schema_option *option,
                         const struct sl_yaml_node *node)
{
    bool is_value = node->kind == SL_YAML_SCALAR && !node->is_empty;
    if (!is_value && node->kind != SL_YAML_BAD) {
        sl_read_error(read, node->pos, "an entry of '%s' must be a single value", option->key);
    }
    return is_value;
}

static bool range_check(struct sl_read *read, const struct sl_schema_option *option,
                        const struct sl_yaml_node *node, enum sl_err rc, uint64_t value)
{
    const struct sl_text_shown shown = sl_text_shown(node->text);
    if (rc == SL_EINVAL) {
        sl_read_error(read, node->pos, "'%s' cannot be '%s': %s", option->key, shown.text,
                      wanted_of(option, true).text);
        return false;
    }
    if (rc != SL_OK || value < option->min || value > option->max) {
        sl_read_error(read, node->pos, "%s is out of range for '%s': %s", shown.text, option->key,
                      wanted_of(option, false).text);
        return false;
    }
    return true;
}

static void unsigned_store(const struct sl_schema_option *option, uint64_t value, void *field)
{
    assert(option->width == sizeof(uint32_t) || option->width == sizeof(uint64_t));
    if (option->width == sizeof(uint32_t)) {
        assert(value <= UINT32_MAX);
        uint32_t narrow = (uint32_t)value;
        memcpy(field, &narrow, sizeof(narrow));
    } else {
        memcpy(field, &value, sizeof(value));
    }
}

static bool number_read(struct sl_read *read, const struct sl_schema_option *option,
                        const struct sl_yaml_node *node, void *field)
{
    uint64_t value = 0;
    enum sl_err rc;
    switch (option->type) {
    case SL_TYPE_DURATION:
        rc = sl_value_duration(node->text, &value);
        break;
    case SL_TYPE_SIZE:
        rc = sl_value_size(node->text, &value);
        break;
    default:
        rc = sl_value_integer(node->text, &value);
        break;
    }
    bool is_zero_word =
        option->zero != NULL && sl_slice_eq(node->text, sl_slice_cstr(option->zero));
    if (is_zero_word) {
        value = 0;
    } else if (!range_check(read, option, node, rc, value)) {
        return false;
    }
    unsigned_store(option, value, field);
    return true;
}

static bool switch_read(struct sl_read *read, const struct sl_schema_option *option,
                        const struct sl_yaml_node *node, void *field)
{
    bool value = false;
    enum sl_err rc = sl_value_switch(node->text, &value);
    if (rc != SL_OK) {
        return range_check(read, option, node, rc, 0);
    }
    memcpy(field, &value, sizeof(value));
    return true;
}

static bool word_read(struct sl_read *read, const struct sl_schema_option *option,
                      const struct sl_yaml_node *node, void *field)
{
    for (const struct sl_schema_word *word = option->words; word->word != NULL; word++) {
        if (sl_slice_eq(node->text, sl_slice_cstr(word->word))) {
            unsigned_store(option, word->value, field);
            return true;
        }
    }
    return range_check(read, option, node, SL_EINVAL, 0);
}

static bool policy_read(struct sl_read *read, const struct sl_schema_option *option,
                        const struct sl_yaml_node *node, void *field)
{
    const struct sl_policy *policy = sl_policies_find(read, node->text);
    if (policy == NULL) {
        return range_check(read, option, node, SL_EINVAL, 0);
    }
    memcpy(field, &policy, sizeof(policy));
    return true;
}

/* Whether the text has a length that the option takes, and no NUL, behind which C would not see. */
static bool text_check(struct sl_read *read, const struct sl_schema_option *option,
                       const struct sl_yaml_node *node)
{
    if (node->text.len < option->min || node->text.len > option->max) {
        sl_read_error(read, node->pos, "'%s' has %zu bytes: %s", option->key, node->text.len,
                      wanted_of(option, true).text);
        return false;
    }
    if (sl_slice_find(node->text, 0) < node->text.len) {
        sl_read_error(read, node->pos, "'%s' holds a NUL character", option->key);
        return false;
    }
    return true;
}

/* Where credentials stand is known to who opens them: here only that the name is one file's. */
static bool credential_check(struct sl_read *read, const struct sl_schema_option *option,
                             const struct sl_yaml_node *node, struct sl_slice name)
{
    if (name.len > 0 && sl_slice_find(name, '/') == name.len && !sl_slice_eq(name, SL_SLICE(".")) &&
        !sl_slice_eq(name, SL_SLICE(".."))) {
        return true;
    }
    sl_read_error(read, node->pos,
                  "'%s' cannot be '%s': behind credential: stands the name of a credential",
                  option->key, sl_text_shown(node->text).text);
    return false;
}

static bool token_check(struct sl_read *read, const struct sl_schema_option *option,
                        const struct sl_yaml_node *node)
{
    struct sl_diag diag = { 0 };
    if (option->type != SL_TYPE_OBJECT) {
        sl_read_error(read, node->pos, "'%s' cannot stand on a token: a file is wanted",
                      option->key);
        return false;
    }
    if (sl_token_uri_check(node->text, &diag) != SL_OK) {
        sl_read_error(read, node->pos, "'%s' is no good pkcs11: URI: %s", option->key, diag.text);
        return false;
    }
    return true;
}

static bool file_read(struct sl_read *read, const struct sl_schema_option *option,
                      const struct sl_yaml_node *node, void *field)
{
    if (!text_check(read, option, node)) {
        return false;
    }
    struct sl_conf_file *file = field;
    if (option->zero != NULL && sl_slice_eq(node->text, sl_slice_cstr(option->zero))) {
        *file = (struct sl_conf_file){ .pos = node->pos };
        return true;
    }
    struct sl_slice rest = node->text;
    const char *path = NULL;
    if (sl_slice_starts(rest, SL_SLICE(SL_CONF_CREDENTIAL))) {
        (void)sl_slice_cut(&rest, sizeof(SL_CONF_CREDENTIAL) - 1);
        if (!credential_check(read, option, node, rest)) {
            return false;
        }
        path = sl_read_text(read, node->text);
    } else if (sl_token_uri_is(node->text)) {
        if (!token_check(read, option, node)) {
            file->pos = node->pos; /* what goes with it is not to be judged without it */
            return false;
        }
        path = sl_read_text(read, node->text);
    } else {
        path = sl_read_path(read, sl_slice_cstr(""), node->text);
    }
    if (path == NULL) {
        return false;
    }
    *file = (struct sl_conf_file){ .path = path, .pos = node->pos };
    return true;
}

static bool files_read(struct sl_read *read, const struct sl_schema_option *option,
                       const struct sl_yaml_node *node, void *field)
{
    const bool is_list = node->kind == SL_YAML_LIST;
    const size_t count = is_list ? node->count : 1;
    struct sl_conf_file *files = sl_read_alloc(read, count, sizeof(*files));
    const struct sl_yaml_node *item = is_list ? node->first : node;
    bool is_ok = files != NULL;
    for (size_t i = 0; files != NULL && i < count; i++) {
        is_ok = sl_read_expect_item(read, option, item) &&
                file_read(read, option, item, &files[i]) && is_ok;
        item = item->next;
    }
    if (is_ok) {
        memcpy(field, &files, sizeof(files));
        memcpy((char *)field - option->at + option->count_at, &count, sizeof(count));
    }
    return is_ok;
}

static bool host_read(struct sl_read *read, const struct sl_schema_option *option,
                      const struct sl_yaml_node *node, void *field)
{
    struct sl_conf_string *string = field;
    if (!text_check(read, option, node) || !sl_read_host_check(read, option, node)) {
        return false;
    }
    *string = (struct sl_conf_string){ .text = sl_read_text(read, node->text), .pos = node->pos };
    return true;
}

static bool string_read(struct sl_read *read, const struct sl_schema_option *option,
                        const struct sl_yaml_node *node, void *field)
{
    if (!text_check(read, option, node)) {
        return false;
    }
    struct sl_conf_string *string = field;
    *string = (struct sl_conf_string){ .text = sl_read_text(read, node->text), .pos = node->pos };
    return true;
}

static bool strings_read(struct sl_read *read, const struct sl_schema_option *option,
                         const struct sl_yaml_node *all, void *field)
{
    const bool is_list = all->kind == SL_YAML_LIST;
    const size_t all_count = is_list ? all->count : 1;
    struct sl_conf_string *strings = sl_read_alloc(read, all_count, sizeof(*strings));
    struct sl_seen seen;
    if (strings == NULL || sl_seen_init(&seen, read->arena, all_count) != SL_OK) {
        read->is_out_of_memory = true;
        return false;
    }
    struct sl_conf_string *at = strings;
    const struct sl_yaml_node *node = is_list ? all->first : all;
    for (size_t i = 0; i < all_count; i++, node = node->next) {
        struct sl_conf_pos first;
        if (!sl_read_expect_item(read, option, node) || !text_check(read, option, node)) {
            continue;
        }
        if (!sl_seen_add(&seen, node->text, node->pos, &first)) {
            sl_read_error(read, node->pos, "'%s' stands in '%s' twice: first on line %u",
                          sl_text_shown(node->text).text, option->key, first.line);
            continue;
        }
        *at++ = (struct sl_conf_string){ .text = sl_read_text(read, node->text), .pos = node->pos };
    }
    const size_t count = (size_t)(at - strings);
    memcpy(field, &strings, sizeof(strings));
    memcpy((char *)field - option->at + option->count_at, &count, sizeof(count));
    return true;
}

static bool prefix_read(struct sl_read *read, const struct sl_schema_option *option,
                        const struct sl_yaml_node *node, struct sl_prefix *prefix)
{
    enum sl_err rc = sl_prefix_parse(node->text, prefix);
    if (rc == SL_ERANGE) {
        sl_read_error(read, node->pos, "'%s' cannot be '%s': bits behind the prefix must be 0",
                      option->key, sl_text_shown(node->text).text);
    } else if (rc != SL_OK) {
        return range_check(read, option, node, SL_EINVAL, 0);
    }
    return rc == SL_OK;
}

static bool prefixes_read(struct sl_read *read, const struct sl_schema_option *option,
                          const struct sl_yaml_node *node, void *field)
{
    const bool is_list = node->kind == SL_YAML_LIST;
    size_t count = is_list ? node->count : 1;
    struct sl_prefix *prefixes = sl_read_alloc(read, count, sizeof(*prefixes));
    struct sl_seen seen;
    if (prefixes == NULL || sl_seen_init(&seen, read->arena, count) != SL_OK) {
        read->is_out_of_memory = true;
        return false;
    }
    const struct sl_yaml_node *item = is_list ? node->first : node;
    bool is_ok = true;
    for (size_t i = 0; i < count; i++, item = item->next) {
        struct sl_conf_pos first;
        if (!sl_read_expect_item(read, option, item) ||
            !prefix_read(read, option, item, &prefixes[i])) {
            is_ok = false;
        } else if (!sl_seen_add(&seen, item->text, item->pos, &first)) {
            sl_read_error(read, item->pos, "'%s' stands in '%s' twice: first on line %u",
                          sl_text_shown(item->text).text, option->key, first.line);
        }
    }
    if (is_ok) {
        count = sl_prefixes_sort(prefixes, count);
        memcpy(field, &prefixes, sizeof(prefixes));
        memcpy((char *)field - option->at + option->count_at, &count, sizeof(count));
    }
    return is_ok;
}

/* One of the option's words, or where it has none, a type of TLV. */
static enum sl_err tlv_read(const struct sl_schema_option *option, struct sl_slice text,
                            uint8_t *ret_type)
{
    if (option->words == NULL) {
        return sl_proxy_tlv_from_text(text, ret_type);
    }
    for (const struct sl_schema_word *word = option->words; word->word != NULL; word++) {
        if (sl_slice_eq(text, sl_slice_cstr(word->word))) {
            *ret_type = (uint8_t)word->value;
            return SL_OK;
        }
    }
    return SL_EINVAL;
}

static bool tlvs_read(struct sl_read *read, const struct sl_schema_option *option,
                      const struct sl_yaml_node *list, void *field)
{
    struct sl_proxy_types types = { 0 };
    for (const struct sl_yaml_node *node = list->first; node != NULL; node = node->next) {
        const struct sl_text_shown shown = sl_text_shown(node->text);
        uint8_t type = 0;
        if (!sl_read_expect_item(read, option, node)) {
            return false;
        }
        const enum sl_err rc = tlv_read(option, node->text, &type);
        if (rc == SL_EINVAL) {
            return range_check(read, option, node, rc, 0);
        }
        if (rc != SL_OK) {
            sl_read_error(read, node->pos, "'%s' cannot be '%s': it belongs to one header alone",
                          option->key, shown.text);
            return false;
        }
        if (sl_proxy_types_have(&types, type)) {
            sl_read_error(read, node->pos, "'%s' stands in '%s' twice", shown.text, option->key);
            return false;
        }
        if (type == 0 && list->count > 1) {
            sl_read_error(read, node->pos, "'%s' in '%s' leaves no room for others", shown.text,
                          option->key);
            return false;
        }
        sl_proxy_types_add(&types, type);
    }
    memcpy(field, &types, sizeof(types));
    return true;
}

/* How each type is read, and from what; types made of maps are read by parse.c. */
static const struct {
    bool (*read)(struct sl_read *, const struct sl_schema_option *, const struct sl_yaml_node *,
                 void *field);
    enum sl_yaml_kind kind;
} READERS[SL_TYPE_COUNT] = {
    [SL_TYPE_INTEGER] = { number_read, SL_YAML_SCALAR },
    [SL_TYPE_DURATION] = { number_read, SL_YAML_SCALAR },
    [SL_TYPE_SIZE] = { number_read, SL_YAML_SCALAR },
    [SL_TYPE_SWITCH] = { switch_read, SL_YAML_SCALAR },
    [SL_TYPE_WORD] = { word_read, SL_YAML_SCALAR },
    [SL_TYPE_POLICY] = { policy_read, SL_YAML_SCALAR },
    [SL_TYPE_FILE] = { file_read, SL_YAML_SCALAR },
    [SL_TYPE_OBJECT] = { file_read, SL_YAML_SCALAR },
    [SL_TYPE_FILES] = { files_read, SL_YAML_LIST },
    [SL_TYPE_HOST] = { host_read, SL_YAML_SCALAR },
    [SL_TYPE_STRING] = { string_read, SL_YAML_SCALAR },
    [SL_TYPE_STRINGS] = { strings_read, SL_YAML_LIST },
    [SL_TYPE_WORDS] = { strings_read, SL_YAML_LIST },
    [SL_TYPE_PREFIXES] = { prefixes_read, SL_YAML_LIST },
    [SL_TYPE_TLVS] = { tlvs_read, SL_YAML_LIST },
    [SL_TYPE_LISTENS] = { sl_read_urls, SL_YAML_LIST },
    [SL_TYPE_CONNECT] = { sl_read_connect, SL_YAML_SCALAR },
    [SL_TYPE_ADDRESSES] = { sl_read_addresses, SL_YAML_LIST },
};

void sl_read_value(struct sl_read *read, const struct sl_schema_option *option,
                   const struct sl_yaml_node *node, void *base)
{
    bool may_be_one = option->type == SL_TYPE_LISTENS || option->type == SL_TYPE_ADDRESSES ||
                      option->type == SL_TYPE_FILES || option->type == SL_TYPE_PREFIXES ||
                      option->type == SL_TYPE_WORDS;
    enum sl_yaml_kind kind =
        may_be_one && node->kind == SL_YAML_SCALAR ? SL_YAML_SCALAR : READERS[option->type].kind;
    assert(READERS[option->type].read != NULL);
    if (sl_read_expect(read, option, node, kind) &&
        READERS[option->type].read(read, option, node, (char *)base + option->at) &&
        option->pos_at != 0) {
        memcpy((char *)base + option->pos_at, &node->pos, sizeof(node->pos));
    }
}
