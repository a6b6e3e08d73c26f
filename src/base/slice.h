/* SPDX-License-Identifier: Apache-2.0 */
/** @file Views of bytes (slice), and a bounded place to write them (wbuf). Neither owns memory. */
#pragma once
#include "base/err.h"
#include <stdarg.h>
#include <stdbool.h>

/** `len` bytes at `ptr`, not NUL-terminated, owned by somebody else. */
struct sl_slice {
    const uint8_t *ptr;
    size_t len; /* bytes */
};

#define SL_SLICE_INIT(literal)                                                                     \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }
#define SL_SLICE(literal) ((struct sl_slice)SL_SLICE_INIT(literal))

/** For printf's "%.*s". */
#define SL_SLICE_FMT(s) (int)(s).len, (const char *)(s).ptr

struct sl_slice sl_slice_of(const void *ptr, size_t len);

/** A view of the C string `text`, without its NUL; NULL gives the empty slice. */
struct sl_slice sl_slice_cstr(const char *text);

bool sl_slice_eq(struct sl_slice a, struct sl_slice b);

/** As sl_slice_eq, with ASCII letters compared without case, as DNS names are (RFC 4343). */
bool sl_slice_eq_nocase(struct sl_slice a, struct sl_slice b);

bool sl_slice_starts(struct sl_slice s, struct sl_slice prefix);
bool sl_slice_ends(struct sl_slice s, struct sl_slice suffix);

/** The position of the first `byte` in `s`, or `s.len` when there is none. */
size_t sl_slice_find(struct sl_slice s, uint8_t byte);

/** Takes `count` bytes (at most all) off the front of `s` and gives them. */
struct sl_slice sl_slice_cut(struct sl_slice *s, size_t count);

/** Reads decimal digits and nothing else. SL_OK, SL_EINVAL (also what 64 bits do not hold). */
SL_CHECKED enum sl_err sl_slice_number(struct sl_slice s, uint64_t *ret_number);

/** A place for `cap` bytes of which `len` are written. The memory is the caller's. */
struct sl_wbuf {
    uint8_t *ptr;
    size_t len; /* bytes written */
    size_t cap; /* bytes */
};

struct sl_wbuf sl_wbuf_of(void *ptr, size_t cap);

/** Bytes that still fit. */
size_t sl_wbuf_room(const struct sl_wbuf *buf);

/** What has been written. */
struct sl_slice sl_wbuf_slice(const struct sl_wbuf *buf);

/** Appends all of `bytes`, or nothing: SL_ENOSPC. */
SL_CHECKED enum sl_err sl_wbuf_put(struct sl_wbuf *buf, struct sl_slice bytes);

/** Appends one byte, or SL_ENOSPC. */
SL_CHECKED enum sl_err sl_wbuf_put_u8(struct sl_wbuf *buf, uint8_t value);

/** Appends `value` in network byte order, or SL_ENOSPC. */
SL_CHECKED enum sl_err sl_wbuf_put_u16(struct sl_wbuf *buf, uint16_t value);
SL_CHECKED enum sl_err sl_wbuf_put_u32(struct sl_wbuf *buf, uint32_t value);

/** Appends formatted text without its NUL, all or nothing: SL_ENOSPC. */
SL_CHECKED enum sl_err sl_wbuf_printf(struct sl_wbuf *buf, const char *format, ...) SL_PRINTF(2, 3);
SL_CHECKED enum sl_err sl_wbuf_vprintf(struct sl_wbuf *buf, const char *format, va_list args)
    SL_PRINTF(2, 0);
