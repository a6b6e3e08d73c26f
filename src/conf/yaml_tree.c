/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/yaml_tree.h"
#include "conf/seen.h"
#include "conf/text.h"
#include <assert.h>
#include <stdio.h>
#include <yaml.h>

struct level {
    struct sl_yaml_node *node;
    struct sl_slice key; /* read, its value is awaited */
    struct sl_conf_pos key_pos;
    bool has_key, is_dropped; /* dropped: the key was no text */
};

struct builder {
    struct sl_slice text;
    struct sl_arena *arena;
    struct sl_findings *findings;
    struct sl_yaml_node *root;
    struct level levels[SL_YAML_DEPTH_MAX];
    size_t depth, nodes_count;
    size_t documents_count;
};

static struct sl_conf_pos pos_of(yaml_mark_t mark)
{
    return (struct sl_conf_pos){ .line = (uint32_t)mark.line + 1,
                                 .column = (uint32_t)mark.column + 1 };
}

static void SL_PRINTF(3, 4)
    error(struct builder *b, struct sl_conf_pos pos, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sl_findings_add(b->findings, SL_FINDING_ERROR, pos, "%s", text);
}

/* The characters that YAML lets stand in a text (YAML 1.1 4.1), as libyaml has them. */
static bool is_printable(uint32_t code)
{
    return code == '\t' || code == '\n' || code == '\r' || code == 0x85 ||
           (code >= 0x20 && code <= 0x7e) || (code >= 0xa0 && code <= 0xfffd && code != 0xfeff) ||
           code >= 0x10000;
}

/* libyaml would report only an offset for these. */
static enum sl_err bytes_check(struct builder *b)
{
    struct sl_slice rest = b->text;
    while (rest.len > 0) {
        uint32_t code = 0;
        size_t len = sl_text_char(rest, &code);
        if (len == 0 || !is_printable(code)) {
            struct sl_conf_pos pos = sl_text_pos(b->text, b->text.len - rest.len);
            if (len == 0) {
                error(b, pos, "the byte 0x%02x is not UTF-8: save the file as UTF-8", rest.ptr[0]);
            } else {
                error(b, pos, "the character U+%04X cannot stand in YAML", code);
            }
            return SL_EINVAL;
        }
        (void)sl_slice_cut(&rest, len);
    }
    return SL_OK;
}

/* Drops the second and later pair of a key. */
static enum sl_err duplicates_drop(struct builder *b, struct sl_yaml_node *map)
{
    struct sl_seen seen;
    if (map->count < 2) {
        return SL_OK;
    }
    if (sl_seen_init(&seen, b->arena, map->count) != SL_OK) {
        return SL_ENOMEM;
    }
    struct sl_yaml_node *kept = NULL;
    for (struct sl_yaml_node *node = map->first; node != NULL; node = node->next) {
        struct sl_conf_pos first;
        if (sl_seen_add(&seen, node->key, node->key_pos, &first)) {
            kept = node;
            continue;
        }
        error(b, node->key_pos, "'%s' stands here twice: first on line %u",
              sl_text_shown(node->key).text, first.line);
        kept->next = node->next;
        map->count--;
    }
    map->last = kept;
    return SL_OK;
}

static void append(struct sl_yaml_node *parent, struct sl_yaml_node *node)
{
    if (parent->last == NULL) {
        parent->first = node;
    } else {
        parent->last->next = node;
    }
    parent->last = node;
    parent->count++;
}

/* Takes `node` as the key that is awaited. */
static void key_take(struct builder *b, struct level *level, const struct sl_yaml_node *node)
{
    level->has_key = true;
    level->key = node->text;
    level->key_pos = node->pos;
    level->is_dropped = node->kind != SL_YAML_SCALAR;
    if (level->is_dropped && node->kind != SL_YAML_BAD) {
        error(b, node->pos, "a key must be text, not a list or a map");
    }
}

/* Puts `node` where it belongs in the tree. */
static void place(struct builder *b, struct sl_yaml_node *node)
{
    if (b->depth == 0) {
        b->root = node;
        return;
    }
    struct level *level = &b->levels[b->depth - 1];
    if (level->node->kind == SL_YAML_LIST) {
        append(level->node, node);
    } else if (!level->has_key) {
        key_take(b, level, node);
    } else {
        level->has_key = false;
        if (!level->is_dropped) {
            node->key = level->key;
            node->key_pos = level->key_pos;
            append(level->node, node);
        }
    }
}

static enum sl_err node_add(struct builder *b, enum sl_yaml_kind kind, yaml_mark_t mark,
                            struct sl_yaml_node **ret_node)
{
    if (b->nodes_count++ >= SL_YAML_NODES_MAX) {
        error(b, pos_of(mark), "more than %d values in one file", SL_YAML_NODES_MAX);
        return SL_EINVAL;
    }
    struct sl_yaml_node *node = sl_arena_alloc(b->arena, sizeof(*node));
    if (node == NULL) {
        return SL_ENOMEM;
    }
    node->kind = kind;
    node->pos = pos_of(mark);
    *ret_node = node;
    return SL_OK;
}

static enum sl_err open_add(struct builder *b, enum sl_yaml_kind kind, yaml_mark_t mark)
{
    struct sl_yaml_node *node;
    if (b->depth == SL_YAML_DEPTH_MAX) {
        error(b, pos_of(mark), "lists and maps stand more than %d deep in each other",
              SL_YAML_DEPTH_MAX);
        return SL_EINVAL;
    }
    enum sl_err rc = node_add(b, kind, mark, &node);
    if (rc == SL_OK) {
        node->span.begin = mark.index;
        place(b, node);
        b->levels[b->depth++] = (struct level){ .node = node };
    }
    return rc;
}

static enum sl_err close_add(struct builder *b, const yaml_event_t *event)
{
    assert(b->depth > 0);
    struct sl_yaml_node *node = b->levels[--b->depth].node;
    node->span.end = event->end_mark.index;
    return node->kind == SL_YAML_MAP ? duplicates_drop(b, node) : SL_OK;
}

/* Where the text of a scalar begins, when the file spells it letter by letter on one line. */
static struct sl_conf_pos text_pos_of(const yaml_event_t *event, struct sl_slice text)
{
    yaml_scalar_style_t style = event->data.scalar.style;
    bool is_quoted =
        style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    size_t written = event->end_mark.index - event->start_mark.index;
    struct sl_conf_pos pos = { 0 };
    if ((is_quoted || style == YAML_PLAIN_SCALAR_STYLE) &&
        event->start_mark.line == event->end_mark.line &&
        written == sl_text_count(text) + (is_quoted ? 2 : 0)) {
        pos = pos_of(event->start_mark);
        pos.column += is_quoted ? 1 : 0;
    }
    return pos;
}

static enum sl_err scalar_add(struct builder *b, const yaml_event_t *event)
{
    struct sl_yaml_node *node;
    enum sl_err rc = node_add(b, SL_YAML_SCALAR, event->start_mark, &node);
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_slice text = sl_slice_of(event->data.scalar.value, event->data.scalar.length);
    const char *copy = sl_arena_strdup(b->arena, text);
    if (copy == NULL) {
        return SL_ENOMEM;
    }
    node->text = sl_slice_of(copy, text.len);
    node->text_pos = text_pos_of(event, node->text);
    node->is_empty = text.len == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    place(b, node);
    return SL_OK;
}

static enum sl_err alias_add(struct builder *b, const yaml_event_t *event)
{
    struct sl_slice name = sl_slice_cstr((const char *)event->data.alias.anchor);
    struct sl_yaml_node *node;
    error(b, pos_of(event->start_mark), "the alias *%s is not allowed: write the value out",
          sl_text_shown(name).text);
    enum sl_err rc = node_add(b, SL_YAML_BAD, event->start_mark, &node);
    if (rc == SL_OK) {
        place(b, node);
    }
    return rc;
}

static enum sl_err document_add(struct builder *b, const yaml_event_t *event)
{
    if (b->documents_count++ > 0) {
        error(b, pos_of(event->start_mark),
              "a second document begins here: one file is one configuration");
        return SL_EINVAL;
    }
    return SL_OK;
}

static void tag_check(struct builder *b, const yaml_event_t *event, const yaml_char_t *tag)
{
    if (tag != NULL) {
        error(b, pos_of(event->start_mark), "the tag %s is not allowed: leave it out",
              sl_text_shown(sl_slice_cstr((const char *)tag)).text);
    }
}

static enum sl_err event_take(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return document_add(b, event);
    case YAML_SCALAR_EVENT:
        tag_check(b, event, event->data.scalar.tag);
        return scalar_add(b, event);
    case YAML_SEQUENCE_START_EVENT:
        tag_check(b, event, event->data.sequence_start.tag);
        return open_add(b, SL_YAML_LIST, event->start_mark);
    case YAML_MAPPING_START_EVENT:
        tag_check(b, event, event->data.mapping_start.tag);
        return open_add(b, SL_YAML_MAP, event->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_add(b, event);
    case YAML_ALIAS_EVENT:
        return alias_add(b, event);
    case YAML_STREAM_END_EVENT:
        return SL_EOF;
    default:
        return SL_OK;
    }
}

static bool is_tab_at(struct builder *b, struct sl_conf_pos pos)
{
    struct sl_slice line;
    if (sl_text_line(b->text, pos.line, &line) != SL_OK) {
        return false;
    }
    for (uint32_t column = 1; line.len > 0; column++) {
        uint32_t code;
        if (column == pos.column) {
            return line.ptr[0] == '\t';
        }
        (void)sl_slice_cut(&line, sl_text_char(line, &code));
    }
    return false;
}

/* libyaml's own words for what it could not read. */
static enum sl_err syntax_error(struct builder *b, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        return SL_ENOMEM;
    }
    const char *problem = parser->problem != NULL ? parser->problem : "it cannot be read";
    struct sl_conf_pos pos = parser->error == YAML_READER_ERROR
                                 ? sl_text_pos(b->text, parser->problem_offset)
                                 : pos_of(parser->problem_mark);
    if (is_tab_at(b, pos)) {
        error(b, pos, "a tab cannot stand here: YAML is indented with spaces");
    } else if (parser->context != NULL) {
        const char *context = parser->context;
        bool is_flow = sl_slice_starts(sl_slice_cstr(context), SL_SLICE("while parsing a flow"));
        error(b, pos, "not YAML: %s %s that begins on line %zu%s", problem, context,
              parser->context_mark.line + 1,
              is_flow ? "; values with brackets, such as IPv6 URLs, need quotes there" : "");
    } else {
        error(b, pos, "not YAML: %s", problem);
    }
    return SL_EINVAL;
}

static void parser_cleanup(yaml_parser_t **parser)
{
    if (*parser != NULL) {
        yaml_parser_delete(*parser);
    }
}

static enum sl_err events_read(struct builder *b, yaml_parser_t *parser)
{
    for (;;) {
        SL_CLEANUP(yaml_event_delete) yaml_event_t event = { 0 };
        if (yaml_parser_parse(parser, &event) == 0) {
            return syntax_error(b, parser);
        }
        enum sl_err rc = event_take(b, &event);
        if (rc != SL_OK) {
            return rc == SL_EOF ? SL_OK : rc;
        }
    }
}

enum sl_err sl_yaml_parse(struct sl_slice text, struct sl_arena *arena,
                          struct sl_findings *findings, struct sl_yaml_node **ret_root)
{
    /* without its mark, because libyaml would count that as a column */
    struct builder b = { .text = sl_text_skip_bom(text), .arena = arena, .findings = findings };
    yaml_parser_t memory;
    enum sl_err rc = bytes_check(&b);
    if (rc != SL_OK) {
        return rc;
    }
    if (yaml_parser_initialize(&memory) == 0) {
        return SL_ENOMEM;
    }
    SL_CLEANUP(parser_cleanup) yaml_parser_t *parser = &memory;
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, b.text.ptr, b.text.len);
    rc = events_read(&b, parser);
    if (rc == SL_OK) {
        *ret_root = b.root;
    }
    return rc;
}
