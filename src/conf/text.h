/* SPDX-License-Identifier: Apache-2.0 */
/** @file The configuration's text by lines and characters, counted as libyaml counts them. Pure. */
#pragma once
#include "conf/finding.h"

enum { SL_TEXT_SHOWN_MAX = 72 }; /* bytes, NUL included */

/** A value as messages repeat it: cut, and without control characters. */
struct sl_text_shown {
    char text[SL_TEXT_SHOWN_MAX];
};

/**
 * The length in bytes of the character at the front of `s`, which is not empty; 0 when it is not
 * UTF-8 (RFC 3629). Its code point goes to `ret_code` unless that is 0.
 */
size_t sl_text_char(struct sl_slice s, uint32_t *ret_code);

/** Characters in `s`; a byte that is not UTF-8 counts as one. */
size_t sl_text_count(struct sl_slice s);

/** True for C0 and C1 controls and DEL: nothing that a terminal should be sent. */
bool sl_text_is_control(uint32_t code);

/** The length in bytes of the line break at the front of `s` (YAML 1.1 4.2), or 0. */
size_t sl_text_break(struct sl_slice s);

/** `text` without a byte order mark at its front. */
struct sl_slice sl_text_skip_bom(struct sl_slice text);

/** The line of that number, from 1, without its break; SL_ENOENT when `text` has not so many. */
SL_CHECKED enum sl_err sl_text_line(struct sl_slice text, uint32_t line, struct sl_slice *ret_line);

/** The place of the byte at `offset`. */
struct sl_conf_pos sl_text_pos(struct sl_slice text, size_t offset);

struct sl_text_shown sl_text_shown(struct sl_slice value);
