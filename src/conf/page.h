/* SPDX-License-Identifier: Apache-2.0 */
/** @file A text that is printed piece by piece: what begins to fail is left out whole. For the
 * files in conf/ that render. */
#pragma once
#include "conf/schema.h"
#include <stdarg.h>

/* Writes until something did not fit, and remembers that. */
struct page {
    struct sl_wbuf *out;
    enum sl_err rc;
};

static inline void SL_PRINTF(2, 3) put(struct page *page, const char *format, ...)
{
    if (page->rc == SL_OK) {
        va_list args;
        va_start(args, format);
        page->rc = sl_wbuf_vprintf(page->out, format, args);
        va_end(args);
    }
}

static inline void range_put(struct page *page, const struct sl_schema_option *option)
{
    if (page->rc == SL_OK) {
        page->rc = sl_schema_range_put(option, page->out);
    }
}

/* `before`: bytes that stood in the buffer. */
SL_CHECKED static inline enum sl_err page_end(const struct page *page, size_t before)
{
    if (page->rc != SL_OK) {
        page->out->len = before;
    }
    return page->rc;
}
