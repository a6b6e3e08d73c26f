/* SPDX-License-Identifier: Apache-2.0 */
/** @file What is wrong or doubtful in a configuration, with its place; all of it in one run. */
#pragma once
#include "base/arena.h"
#include "base/list.h"

/** A place in the configuration's text; line and column count from 1, 0 means no place. */
/** A part of a text, in characters, a byte order mark not counted. Zeroed: none. */
struct sl_conf_span {
    size_t begin, end;
};

struct sl_conf_pos {
    uint32_t line;
    uint32_t column; /* characters, not bytes */
};

enum sl_finding_severity { SL_FINDING_WARNING, SL_FINDING_ERROR };

struct sl_finding {
    struct sl_list node;
    enum sl_finding_severity severity;
    struct sl_conf_pos pos;
    const char *text; /* "what, and what would be right"; no newline */
};

enum { SL_FINDINGS_MAX = 200 }; /* what comes after them is only counted */

struct sl_findings {
    struct sl_list list; /* of struct sl_finding, by place after sl_findings_sort */
    struct sl_arena *arena;
    size_t errors_count, warnings_count; /* those cut off included */
};

void sl_findings_init(struct sl_findings *findings, struct sl_arena *arena);

/** Adds one. Without memory only the count grows. */
void sl_findings_add(struct sl_findings *findings, enum sl_finding_severity severity,
                     struct sl_conf_pos pos, const char *format, ...) SL_PRINTF(4, 5);

/** Sorts by line, then column; findings without a place come last. */
void sl_findings_sort(struct sl_findings *findings);

/**
 * Writes one as "FILE:LINE:COLUMN: error: TEXT\n", then, where there is a place, the source line
 * and a caret under the column. Control characters of the source are shown as '?'; a line longer
 * than 160 characters is cut around the column.
 * @return SL_OK or SL_ENOSPC (nothing useful was written)
 */
SL_CHECKED enum sl_err sl_finding_format(const struct sl_finding *finding, const char *file,
                                         struct sl_slice source, struct sl_wbuf *out);
