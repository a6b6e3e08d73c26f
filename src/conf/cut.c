/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf.h"
#include "conf/text.h"
#include <string.h>

/* Takes `count` characters off the front of `text` and gives them. */
static struct sl_slice chars_cut(struct sl_slice *text, size_t count)
{
    size_t len = 0;
    while (len < text->len && (count > 0 || (text->ptr[len] & 0xc0) == 0x80)) {
        count -= (text->ptr[len] & 0xc0) != 0x80;
        len++;
    }
    return sl_slice_cut(text, len);
}

/* The part behind the last line break. */
static struct sl_slice last_line(struct sl_slice text)
{
    size_t len = text.len;
    while (len > 0 && text.ptr[len - 1] != '\n') {
        len--;
    }
    return sl_slice_of(text.ptr + len, text.len - len);
}

static enum sl_err repeat(struct sl_wbuf *out, uint8_t byte, size_t count)
{
    enum sl_err rc = SL_OK;
    for (size_t i = 0; rc == SL_OK && i < count; i++) {
        rc = sl_wbuf_put_u8(out, byte);
    }
    return rc;
}

static enum sl_err lines_put(struct sl_slice text, struct sl_wbuf *out)
{
    enum sl_err rc = SL_OK;
    while (rc == SL_OK && text.len > 0) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        (void)sl_slice_cut(&text, end == NULL ? text.len : (size_t)(end - text.ptr) + 1);
        rc = end == NULL ? SL_OK : sl_wbuf_put_u8(out, '\n');
    }
    return rc;
}

/* An empty list of the same size: what comes behind it stays where it was. */
static enum sl_err hole_put(struct sl_slice list, bool is_last, struct sl_wbuf *out)
{
    const struct sl_slice line = last_line(list);
    const bool is_block = list.ptr[0] == '-';
    enum sl_err rc;
    if (is_block ? line.len == list.len && !is_last : list.ptr[0] != '[') {
        return sl_wbuf_put(out, list); /* what is rare stays */
    }
    if (is_block) { /* behind a blank, because '-' may stand where a key could */
        rc = sl_wbuf_put(out, SL_SLICE(" []"));
        rc = rc == SL_OK ? lines_put(list, out) : rc;
        return rc == SL_OK && !is_last ? sl_wbuf_put(out, line) : rc;
    }
    rc = sl_wbuf_put_u8(out, '[');
    rc = rc == SL_OK ? lines_put(list, out) : rc;
    /* the brackets are in it, on one line or on two */
    const size_t brackets = line.len == list.len ? 2 : 1;
    rc = rc == SL_OK ? repeat(out, ' ', sl_text_count(line) - brackets) : rc;
    return rc == SL_OK ? sl_wbuf_put_u8(out, ']') : rc;
}

enum sl_err sl_conf_cut(struct sl_slice yaml, const struct sl_conf *conf, struct sl_wbuf *out)
{
    struct sl_slice rest = sl_text_skip_bom(yaml);
    size_t at = 0; /* characters that are cut off */
    enum sl_err rc = SL_OK;
    for (size_t i = 0; rc == SL_OK && i < conf->services_count; i++) {
        const struct sl_conf_span span = conf->services[i].certificates_span;
        if (span.end <= span.begin || span.begin < at) {
            continue;
        }
        rc = sl_wbuf_put(out, chars_cut(&rest, span.begin - at));
        const struct sl_slice list = chars_cut(&rest, span.end - span.begin);
        rc = rc == SL_OK ? hole_put(list, rest.len == 0, out) : rc;
        at = span.end;
    }
    return rc == SL_OK ? sl_wbuf_put(out, rest) : rc;
}
