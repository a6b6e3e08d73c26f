/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct sl_slice sl_slice_of(const void *ptr, size_t len)
{
    return (struct sl_slice){ .ptr = ptr, .len = len };
}

struct sl_slice sl_slice_cstr(const char *text)
{
    return sl_slice_of(text, text == NULL ? 0 : strlen(text));
}

bool sl_slice_eq(struct sl_slice a, struct sl_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static uint8_t ascii_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool sl_slice_eq_nocase(struct sl_slice a, struct sl_slice b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool sl_slice_starts(struct sl_slice s, struct sl_slice prefix)
{
    return s.len >= prefix.len && sl_slice_eq(sl_slice_of(s.ptr, prefix.len), prefix);
}

bool sl_slice_ends(struct sl_slice s, struct sl_slice suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 ||
            sl_slice_eq(sl_slice_of(s.ptr + (s.len - suffix.len), suffix.len), suffix));
}

size_t sl_slice_find(struct sl_slice s, uint8_t byte)
{
    const uint8_t *at = s.len == 0 ? NULL : memchr(s.ptr, byte, s.len);
    return at == NULL ? s.len : (size_t)(at - s.ptr);
}

struct sl_slice sl_slice_cut(struct sl_slice *s, size_t count)
{
    size_t len = SL_MIN(count, s->len);
    struct sl_slice front = sl_slice_of(s->ptr, len);
    if (len > 0) {
        s->ptr += len;
        s->len -= len;
    }
    return front;
}

enum sl_err sl_slice_number(struct sl_slice s, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < s.len; i++) {
        uint64_t digit = (uint64_t)s.ptr[i] - '0';
        if (digit > 9 || number > (UINT64_MAX - digit) / 10) {
            return SL_EINVAL;
        }
        number = number * 10 + digit;
    }
    if (s.len == 0) {
        return SL_EINVAL;
    }
    *ret_number = number;
    return SL_OK;
}

struct sl_wbuf sl_wbuf_of(void *ptr, size_t cap)
{
    return (struct sl_wbuf){ .ptr = ptr, .len = 0, .cap = cap };
}

size_t sl_wbuf_room(const struct sl_wbuf *buf)
{
    return buf->cap - buf->len;
}

struct sl_slice sl_wbuf_slice(const struct sl_wbuf *buf)
{
    return sl_slice_of(buf->ptr, buf->len);
}

enum sl_err sl_wbuf_put(struct sl_wbuf *buf, struct sl_slice bytes)
{
    if (bytes.len > sl_wbuf_room(buf)) {
        return SL_ENOSPC;
    }
    if (bytes.len > 0) {
        memcpy(buf->ptr + buf->len, bytes.ptr, bytes.len);
        buf->len += bytes.len;
    }
    return SL_OK;
}

enum sl_err sl_wbuf_put_u8(struct sl_wbuf *buf, uint8_t value)
{
    return sl_wbuf_put(buf, sl_slice_of(&value, sizeof(value)));
}

enum sl_err sl_wbuf_put_u16(struct sl_wbuf *buf, uint16_t value)
{
    const uint8_t bytes[] = { (uint8_t)(value >> 8), (uint8_t)value };
    return sl_wbuf_put(buf, sl_slice_of(bytes, sizeof(bytes)));
}

enum sl_err sl_wbuf_put_u32(struct sl_wbuf *buf, uint32_t value)
{
    const uint8_t bytes[] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value };
    return sl_wbuf_put(buf, sl_slice_of(bytes, sizeof(bytes)));
}

enum sl_err sl_wbuf_vprintf(struct sl_wbuf *buf, const char *format, va_list args)
{
    size_t room = sl_wbuf_room(buf);
    if (room == 0) {
        return SL_ENOSPC; /* `ptr` may be NULL, to which nothing may be added */
    }
    /* vsnprintf also wants a place for its NUL; that byte is never counted as written */
    int len = vsnprintf((char *)buf->ptr + buf->len, room, format, args);
    if (len < 0 || (size_t)len >= room) {
        return SL_ENOSPC;
    }
    buf->len += (size_t)len;
    return SL_OK;
}

enum sl_err sl_wbuf_printf(struct sl_wbuf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum sl_err rc = sl_wbuf_vprintf(buf, format, args);
    va_end(args);
    return rc;
}
