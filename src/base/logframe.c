/* SPDX-License-Identifier: Apache-2.0 */
#include "base/logframe.h"
#include <ctype.h>
#include <string.h>

enum { FACILITY_DAEMON = 3, FACILITY_FACTOR = 8 }; /* RFC 5424 6.2.1 */

static const uint8_t SEVERITIES[] = {
    [SL_LOG_DEBUG] = 7,
    [SL_LOG_INFO] = 6,
    [SL_LOG_WARN] = 4,
    [SL_LOG_ERROR] = 3,
};

enum sl_log_way sl_logframe_way(const char *to, const char **ret_path)
{
    static const struct {
        const char *word, *path;
        enum sl_log_way way;
    } WAYS[] = {
        { "syslog", "/dev/log", SL_LOG_SYSLOG },
        { "journald", "/run/systemd/journal/socket", SL_LOG_JOURNALD },
    };
    for (size_t i = 0; i < SL_COUNT(WAYS); i++) {
        const size_t len = strlen(WAYS[i].word);
        if (strncmp(to, WAYS[i].word, len) == 0 && (to[len] == '\0' || to[len] == ':')) {
            *ret_path = to[len] == ':' ? to + len + 1 : WAYS[i].path;
            return WAYS[i].way;
        }
    }
    *ret_path = NULL;
    return SL_LOG_STREAM;
}

/* Takes KEY=VALUE or KEY="VALUE" off the front, and the blank behind it. */
static void pair_cut(struct sl_slice *text, struct sl_slice *ret_key, struct sl_slice *ret_value)
{
    *ret_key = sl_slice_cut(text, sl_slice_find(*text, '='));
    (void)sl_slice_cut(text, SL_MIN(text->len, (size_t)1));
    const bool is_quoted = text->len > 0 && text->ptr[0] == '"';
    size_t len = 0;
    if (is_quoted) {
        (void)sl_slice_cut(text, 1);
        while (len < text->len && text->ptr[len] != '"') {
            len += text->ptr[len] == '\\' ? 2 : 1;
        }
    } else {
        len = sl_slice_find(*text, ' ');
    }
    *ret_value = sl_slice_cut(text, SL_MIN(len, text->len));
    (void)sl_slice_cut(text, SL_MIN(text->len, (size_t)(is_quoted ? 2 : 1)));
}

/* No value has a line break in it: those are escaped, and stay so. */
static enum sl_err field_put(struct sl_slice key, struct sl_slice value, struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_put(out, SL_SLICE("SLUICE_"));
    for (size_t i = 0; rc == SL_OK && i < key.len; i++) {
        rc = sl_wbuf_put_u8(out, (uint8_t)toupper(key.ptr[i]));
    }
    rc = rc == SL_OK ? sl_wbuf_put_u8(out, '=') : rc;
    for (size_t i = 0; rc == SL_OK && i < value.len; i++) {
        const bool is_escape = value.ptr[i] == '\\' && i + 1 < value.len &&
                               (value.ptr[i + 1] == '"' || value.ptr[i + 1] == '\\');
        i += is_escape;
        rc = sl_wbuf_put_u8(out, value.ptr[i]);
    }
    return rc == SL_OK ? sl_wbuf_put_u8(out, '\n') : rc;
}

static enum sl_err journald_put(const struct sl_logline *line, struct sl_slice text,
                                struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_printf(
        out, "PRIORITY=%u\nSYSLOG_IDENTIFIER=sluice\nMESSAGE=", (unsigned)SEVERITIES[line->level]);
    rc = rc == SL_OK ? sl_wbuf_put(out, text) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u8(out, '\n') : rc;
    while (rc == SL_OK && text.len > 0) {
        struct sl_slice key, value;
        pair_cut(&text, &key, &value);
        if (!sl_slice_eq(key, SL_SLICE("time")) && !sl_slice_eq(key, SL_SLICE("level"))) {
            rc = field_put(key, value, out);
        }
    }
    return rc;
}

enum sl_err sl_logframe_put(enum sl_log_way way, const struct sl_logline *line,
                            struct sl_slice text, unsigned pid, struct sl_wbuf *out)
{
    if (text.len > 0 && text.ptr[text.len - 1] == '\n') {
        text.len--;
    }
    if (way == SL_LOG_JOURNALD) {
        return journald_put(line, text, out);
    }
    enum sl_err rc =
        sl_wbuf_printf(out, "<%u>1 %s - sluice %u %s - ",
                       (unsigned)(FACILITY_DAEMON * FACILITY_FACTOR + SEVERITIES[line->level]),
                       line->time, pid, line->event);
    return rc == SL_OK ? sl_wbuf_put(out, text) : rc;
}
