/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/text.h"
#include <string.h>

enum { CODE_NEL = 0x85, CODE_LS = 0x2028, CODE_PS = 0x2029 };

size_t sl_text_char(struct sl_slice s, uint32_t *ret_code)
{
    static const uint32_t LOWEST[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint8_t c = s.ptr[0];
    size_t len = c < 0x80 ? 1 : (c & 0xe0) == 0xc0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : 4;
    if (len > s.len || (len == 4 && (c & 0xf8) != 0xf0)) {
        return 0;
    }
    uint32_t code = len == 1 ? c : c & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s.ptr[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (s.ptr[i] & 0x3fU);
    }
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < LOWEST[len] || is_surrogate || code > 0x10ffff) {
        return 0;
    }
    *ret_code = code;
    return len;
}

/* Cuts one character off the front; a byte that is not UTF-8 is one, with code point 0xfffd. */
static struct sl_slice char_cut(struct sl_slice *s, uint32_t *ret_code)
{
    size_t len = sl_text_char(*s, ret_code);
    if (len == 0) {
        *ret_code = 0xfffd;
        len = 1;
    }
    return sl_slice_cut(s, len);
}

size_t sl_text_count(struct sl_slice s)
{
    size_t count = 0;
    for (uint32_t code; s.len > 0; count++) {
        (void)char_cut(&s, &code);
    }
    return count;
}

bool sl_text_is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

size_t sl_text_break(struct sl_slice s)
{
    if (s.len == 0) {
        return 0;
    }
    if (s.ptr[0] == '\r') {
        return s.len > 1 && s.ptr[1] == '\n' ? 2 : 1;
    }
    uint32_t code = 0;
    size_t len = sl_text_char(s, &code);
    bool is_break = code == '\n' || code == CODE_NEL || code == CODE_LS || code == CODE_PS;
    return is_break ? len : 0;
}

struct sl_slice sl_text_skip_bom(struct sl_slice text)
{
    if (sl_slice_starts(text, SL_SLICE("\xef\xbb\xbf"))) {
        (void)sl_slice_cut(&text, 3);
    }
    return text;
}

/* Cuts a line and its break off the front of `rest`; false when it was the last, without break. */
static bool line_cut(struct sl_slice *rest, struct sl_slice *ret_line)
{
    const struct sl_slice whole = *rest;
    for (uint32_t code; rest->len > 0;) {
        size_t len = sl_text_break(*rest);
        if (len > 0) {
            *ret_line = sl_slice_of(whole.ptr, whole.len - rest->len);
            (void)sl_slice_cut(rest, len);
            return true;
        }
        (void)char_cut(rest, &code);
    }
    *ret_line = whole;
    return false;
}

enum sl_err sl_text_line(struct sl_slice text, uint32_t line, struct sl_slice *ret_line)
{
    struct sl_slice rest = sl_text_skip_bom(text);
    struct sl_slice found = { 0 };
    for (uint32_t number = 1; line > 0; number++) {
        bool has_next = line_cut(&rest, &found);
        if (number == line) {
            *ret_line = found;
            return SL_OK;
        }
        if (!has_next) {
            break;
        }
    }
    return SL_ENOENT;
}

struct sl_conf_pos sl_text_pos(struct sl_slice text, size_t offset)
{
    struct sl_slice body = sl_text_skip_bom(text);
    size_t skipped = text.len - body.len;
    struct sl_slice before =
        sl_slice_of(body.ptr, offset < skipped ? 0 : SL_MIN(offset - skipped, body.len));
    struct sl_slice line;
    uint32_t number = 1;
    while (line_cut(&before, &line)) {
        number++;
    }
    return (struct sl_conf_pos){ .line = number, .column = (uint32_t)sl_text_count(line) + 1 };
}

struct sl_text_shown sl_text_shown(struct sl_slice value)
{
    struct sl_text_shown shown = { 0 };
    size_t len = 0;
    const size_t room = sizeof(shown.text) - sizeof("...");
    while (value.len > 0) {
        uint32_t code;
        struct sl_slice bytes = char_cut(&value, &code);
        if (len + bytes.len > room) {
            memcpy(shown.text + len, "...", sizeof("..."));
            break;
        }
        if (sl_text_is_control(code) || code == 0xfffd) {
            shown.text[len++] = '?';
        } else {
            memcpy(shown.text + len, bytes.ptr, bytes.len);
            len += bytes.len;
        }
    }
    return shown;
}
