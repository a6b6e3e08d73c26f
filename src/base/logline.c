/* SPDX-License-Identifier: Apache-2.0 */
#include "base/logline.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TAIL_BYTES = 4 };   /* kept free for the end of a string, the brace and the newline */
enum { ESCAPE_BYTES = 6 }; /* the longest escape: \u00XX */

static const char *const LEVELS[] = {
    [SL_LOG_DEBUG] = "debug",
    [SL_LOG_INFO] = "info",
    [SL_LOG_WARN] = "warn",
    [SL_LOG_ERROR] = "error",
};

static size_t room(const struct sl_logline *line)
{
    size_t end = sizeof(line->text) - TAIL_BYTES;
    return line->len < end ? end - line->len : 0;
}

static bool put(struct sl_logline *line, const char *text, size_t len)
{
    if (len > room(line)) {
        return false;
    }
    memcpy(line->text + line->len, text, len);
    line->len += len;
    return true;
}

/* The length of the well-formed UTF-8 sequence at the front of `s` (RFC 3629), 0 when malformed. */
static size_t utf8_length(struct sl_slice s)
{
    uint8_t c = s.ptr[0];
    size_t len = c < 0x80 ? 1 : c >= 0xc2 && c <= 0xdf ? 2 : (c & 0xf0) == 0xe0 ? 3 : 4;
    if (len == 1) {
        return 1;
    }
    if ((len == 4 && (c < 0xf0 || c > 0xf4)) || s.len < len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((s.ptr[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (c == 0xe0 && s.ptr[1] < 0xa0) || (c == 0xf0 && s.ptr[1] < 0x90);
    bool surrogate = c == 0xed && s.ptr[1] > 0x9f;
    return overlong || surrogate || (c == 0xf4 && s.ptr[1] > 0x8f) ? 0 : len;
}

static bool put_escaped(struct sl_logline *line, uint8_t c)
{
    char escape[ESCAPE_BYTES + 1];
    if (c == '"' || c == '\\') {
        (void)snprintf(escape, sizeof(escape), "\\%c", c);
    } else {
        (void)snprintf(escape, sizeof(escape), "\\u%04x", c);
    }
    return put(line, escape, strlen(escape));
}

static void put_quoted(struct sl_logline *line, struct sl_slice value)
{
    (void)put(line, "\"", 1);
    while (value.len > 0 && room(line) >= ESCAPE_BYTES) {
        size_t len = utf8_length(value);
        uint8_t c = value.ptr[0];
        if (len == 2 && c == 0xc2 && value.ptr[1] < 0xa0) {
            (void)put_escaped(line, value.ptr[1]); /* U+0080 to U+009F steer terminals as well */
            (void)sl_slice_cut(&value, len);
        } else if (len == 0 || c < 0x20 || c == 0x7f || c == '"' || c == '\\') {
            (void)put_escaped(line, c);
            (void)sl_slice_cut(&value, 1);
        } else {
            struct sl_slice whole = sl_slice_cut(&value, len);
            (void)put(line, (const char *)whole.ptr, whole.len);
        }
    }
    line->text[line->len++] = '"'; /* TAIL_BYTES kept this place */
}

static bool is_plain(struct sl_slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];
        if (c <= 0x20 || c >= 0x7f || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return value.len > 0;
}

/* Writes the separator and the key; false when a value would no longer fit. */
static bool put_key(struct sl_logline *line, const char *key)
{
    size_t len = strlen(key);
    if (room(line) < len + ESCAPE_BYTES * 4) {
        return false;
    }
    bool json = line->format == SL_LOG_JSON;
    if (line->len > (json ? 1U : 0U)) {
        (void)put(line, json ? "," : " ", 1);
    }
    if (json) {
        (void)put(line, "\"", 1);
    }
    (void)put(line, key, len);
    (void)put(line, json ? "\":" : "=", json ? 2 : 1);
    return true;
}

void sl_logline_str(struct sl_logline *line, const char *key, struct sl_slice value)
{
    if (!put_key(line, key)) {
        return;
    }
    if (line->format == SL_LOG_TEXT && is_plain(value) && value.len <= room(line)) {
        (void)put(line, (const char *)value.ptr, value.len);
    } else {
        put_quoted(line, value);
    }
}

void sl_logline_cstr(struct sl_logline *line, const char *key, const char *value)
{
    sl_logline_str(line, key, sl_slice_cstr(value));
}

void sl_logline_u64(struct sl_logline *line, const char *key, uint64_t value)
{
    if (!put_key(line, key)) {
        return;
    }
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    (void)put(line, text, strlen(text));
}

void sl_logline_bool(struct sl_logline *line, const char *key, bool value)
{
    if (put_key(line, key)) {
        (void)put(line, value ? "true" : "false", value ? 4 : 5);
    }
}

void sl_logline_begin(struct sl_logline *line, enum sl_log_format format, uint64_t unix_ms,
                      enum sl_log_level level, const char *event)
{
    line->format = format;
    line->level = level;
    line->len = 0;
    line->event = event;
    if (format == SL_LOG_JSON) {
        (void)put(line, "{", 1);
    }
    time_t seconds = (time_t)(unix_ms / SL_MS_PER_S);
    struct tm tm = { 0 };
    char date[32];
    (void)gmtime_r(&seconds, &tm);
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(line->time, sizeof(line->time), "%s.%03uZ", date,
                   (unsigned)(unix_ms % SL_MS_PER_S));
    sl_logline_cstr(line, "time", line->time);
    sl_logline_cstr(line, "level", LEVELS[level]);
    sl_logline_cstr(line, "event", event);
}

struct sl_slice sl_logline_end(struct sl_logline *line)
{
    if (line->format == SL_LOG_JSON) {
        line->text[line->len++] = '}';
    }
    line->text[line->len++] = '\n';
    return sl_slice_of(line->text, line->len);
}
