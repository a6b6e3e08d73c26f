/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/finding.h"
#include "conf/text.h"
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 600 };        /* bytes of one finding's text, NUL included */
enum { LINE_SHOWN_MAX = 160 };  /* characters of a source line */
enum { CARET_BEFORE_MAX = 80 }; /* characters shown before the caret in a line that is cut */

static const char *const SEVERITIES[] = {
    [SL_FINDING_WARNING] = "warning",
    [SL_FINDING_ERROR] = "error",
};

void sl_findings_init(struct sl_findings *findings, struct sl_arena *arena)
{
    *findings = (struct sl_findings){ .arena = arena };
    sl_list_init(&findings->list);
}

/* A message stays one line and harmless, whatever the file put into it. */
static void text_clean(char *text)
{
    struct sl_slice rest = sl_slice_cstr(text);
    while (rest.len > 0) {
        uint32_t code = 0;
        size_t len = sl_text_char(rest, &code);
        bool is_bad = len == 0 || sl_text_is_control(code) || sl_text_break(rest) > 0;
        struct sl_slice bytes = sl_slice_cut(&rest, SL_MAX(len, (size_t)1));
        if (is_bad) {
            memset(text + ((const char *)bytes.ptr - text), '?', bytes.len);
        }
    }
}

void sl_findings_add(struct sl_findings *findings, enum sl_finding_severity severity,
                     struct sl_conf_pos pos, const char *format, ...)
{
    size_t *count =
        severity == SL_FINDING_ERROR ? &findings->errors_count : &findings->warnings_count;
    (*count)++;
    if (findings->errors_count + findings->warnings_count > SL_FINDINGS_MAX) {
        return;
    }
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    text_clean(text);
    struct sl_finding *finding = sl_arena_alloc(findings->arena, sizeof(*finding));
    const char *copy = sl_arena_strdup(findings->arena, sl_slice_cstr(text));
    if (finding == NULL || copy == NULL) {
        return;
    }
    *finding = (struct sl_finding){ .severity = severity, .pos = pos, .text = copy };
    sl_list_append(&findings->list, &finding->node);
}

static bool is_before(struct sl_conf_pos a, struct sl_conf_pos b)
{
    if (a.line == 0 || b.line == 0) {
        return a.line != 0 && b.line == 0;
    }
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

void sl_findings_sort(struct sl_findings *findings)
{
    struct sl_list sorted;
    sl_list_init(&sorted);
    while (!sl_list_is_empty(&findings->list)) {
        struct sl_list *node = sl_list_shift(&findings->list);
        struct sl_finding *finding = SL_CONTAINER_OF(node, struct sl_finding, node);
        /* from the end, so that findings at one place keep their order */
        struct sl_list *at = sorted.prev;
        while (at != &sorted &&
               is_before(finding->pos, SL_CONTAINER_OF(at, struct sl_finding, node)->pos)) {
            at = at->prev;
        }
        sl_list_append(at->next, node);
    }
    while (!sl_list_is_empty(&sorted)) {
        sl_list_append(&findings->list, sl_list_shift(&sorted));
    }
}

/* The part of a line that is shown. */
struct window {
    size_t first, count; /* characters */
    bool is_cut_left, is_cut_right;
};

static struct window window_of(size_t count, size_t caret)
{
    struct window window = { .count = count };
    if (count > LINE_SHOWN_MAX) {
        size_t wanted = caret > CARET_BEFORE_MAX ? caret - CARET_BEFORE_MAX : 0;
        window.first = SL_MIN(wanted, count - LINE_SHOWN_MAX);
        window.count = LINE_SHOWN_MAX;
        window.is_cut_left = window.first > 0;
        window.is_cut_right = window.first + window.count < count;
    }
    return window;
}

/* Writes characters [from, to) of `line`, all but tabs replaced by blanks when `is_blank`. */
static enum sl_err chars_put(struct sl_slice line, size_t from, size_t to, bool is_blank,
                             struct sl_wbuf *out)
{
    enum sl_err rc = SL_OK;
    for (size_t i = 0; i < to && line.len > 0 && rc == SL_OK; i++) {
        uint32_t code = 0;
        size_t len = sl_text_char(line, &code);
        struct sl_slice bytes = sl_slice_cut(&line, SL_MAX(len, (size_t)1));
        bool is_bad = code != '\t' && (len == 0 || sl_text_is_control(code));
        if (i >= from) {
            rc = is_blank && code != '\t' ? sl_wbuf_put_u8(out, ' ')
                 : is_bad                 ? sl_wbuf_put_u8(out, '?')
                                          : sl_wbuf_put(out, bytes);
        }
    }
    return rc;
}

static enum sl_err source_put(struct sl_slice line, uint32_t column, struct sl_wbuf *out)
{
    const size_t count = sl_text_count(line);
    const size_t caret = SL_MIN((size_t)SL_MAX(column, 1U) - 1, count);
    const struct window window = window_of(count, caret);
    const char *left = window.is_cut_left ? "..." : "";
    enum sl_err rc = sl_wbuf_put(out, sl_slice_cstr(left));
    if (rc == SL_OK) {
        rc = chars_put(line, window.first, window.first + window.count, false, out);
    }
    if (rc == SL_OK) {
        rc = sl_wbuf_put(out, sl_slice_cstr(window.is_cut_right ? "...\n" : "\n"));
    }
    if (rc == SL_OK) {
        rc = sl_wbuf_put(out, sl_slice_cstr(window.is_cut_left ? "   " : ""));
    }
    if (rc == SL_OK) {
        rc = chars_put(line, window.first, caret, true, out);
    }
    return rc == SL_OK ? sl_wbuf_put(out, SL_SLICE("^\n")) : rc;
}

static enum sl_err all_put(const struct sl_finding *finding, const char *file,
                           struct sl_slice source, struct sl_wbuf *out)
{
    const struct sl_conf_pos pos = finding->pos;
    const char *severity = SEVERITIES[finding->severity];
    if (pos.line == 0) {
        return sl_wbuf_printf(out, "%s: %s: %s\n", file, severity, finding->text);
    }
    enum sl_err rc = sl_wbuf_printf(out, "%s:%u:%u: %s: %s\n", file, pos.line, pos.column, severity,
                                    finding->text);
    struct sl_slice line;
    if (rc == SL_OK && sl_text_line(source, pos.line, &line) == SL_OK) {
        rc = source_put(line, pos.column, out);
    }
    return rc;
}

enum sl_err sl_finding_format(const struct sl_finding *finding, const char *file,
                              struct sl_slice source, struct sl_wbuf *out)
{
    const size_t before = out->len;
    enum sl_err rc = all_put(finding, file, source, out);
    if (rc != SL_OK) {
        out->len = before;
    }
    return rc;
}
