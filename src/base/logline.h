/* SPDX-License-Identifier: Apache-2.0 */
/** @file One log line, as JSON or as key=value text. Pure: it is written into a buffer. */
#pragma once
#include "base/slice.h"

enum { SL_LOGLINE_MAX = 4096 }; /* bytes, newline included: PIPE_BUF, so that a write is atomic */

enum sl_log_format { SL_LOG_TEXT, SL_LOG_JSON };
enum sl_log_level { SL_LOG_DEBUG, SL_LOG_INFO, SL_LOG_WARN, SL_LOG_ERROR };

/** A line while it is built. A value that does not fit is cut or left out; the line stays whole. */
struct sl_logline {
    char text[SL_LOGLINE_MAX];
    size_t len; /* bytes written */
    enum sl_log_format format;
    enum sl_log_level level;
    const char *event;
    char time[48];
};

/** Begins with the fields time (RFC 3339, UTC, milliseconds), level and event. */
void sl_logline_begin(struct sl_logline *line, enum sl_log_format format, uint64_t unix_ms,
                      enum sl_log_level level, const char *event);

/** Adds a field. Bytes that are not UTF-8 or are control characters are escaped. */
void sl_logline_str(struct sl_logline *line, const char *key, struct sl_slice value);
void sl_logline_cstr(struct sl_logline *line, const char *key, const char *value);
void sl_logline_u64(struct sl_logline *line, const char *key, uint64_t value);
void sl_logline_bool(struct sl_logline *line, const char *key, bool value);

/** Ends the line with a newline and gives it; valid as long as `line` is. */
struct sl_slice sl_logline_end(struct sl_logline *line);
