/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/pem.h"

static const struct sl_slice BEGIN = SL_SLICE_INIT("-----BEGIN ");
static const struct sl_slice END = SL_SLICE_INIT("-----END ");
static const struct sl_slice DASHES = SL_SLICE_INIT("-----");

/* Takes a line off the front of `in`, its newline included. */
static struct sl_slice line_cut(struct sl_slice *in)
{
    return sl_slice_cut(in, sl_slice_find(*in, '\n') + 1);
}

/* The label of a line that is `opening`, a label, five dashes and white space only. */
static bool label_of(struct sl_slice line, struct sl_slice opening, struct sl_slice *ret_label)
{
    if (!sl_slice_starts(line, opening)) {
        return false;
    }
    struct sl_slice label = sl_slice_of(line.ptr + opening.len, line.len - opening.len);
    while (label.len != 0 &&
           (label.ptr[label.len - 1] == '\n' || label.ptr[label.len - 1] == '\r' ||
            label.ptr[label.len - 1] == ' ' || label.ptr[label.len - 1] == '\t')) {
        label.len--;
    }
    if (!sl_slice_ends(label, DASHES)) {
        return false;
    }
    label.len -= DASHES.len;
    *ret_label = label;
    return true;
}

/* Reads on to the END line of the block that began at `begin` with `label`. */
static enum sl_err block_end(struct sl_slice *rest, struct sl_slice label, const uint8_t *begin,
                             struct sl_pem_block *ret_block)
{
    while (rest->len != 0) {
        struct sl_slice other, line = line_cut(rest);
        if (label_of(line, BEGIN, &other)) {
            return SL_EINVAL;
        }
        if (label_of(line, END, &other)) {
            if (!sl_slice_eq(label, other)) {
                return SL_EINVAL;
            }
            *ret_block = (struct sl_pem_block){
                .label = label,
                .whole = sl_slice_of(begin, (size_t)(line.ptr + line.len - begin)),
            };
            return SL_OK;
        }
    }
    return SL_EINVAL;
}

enum sl_err sl_pem_next(struct sl_slice *in, struct sl_pem_block *ret_block)
{
    struct sl_slice rest = *in;
    while (rest.len != 0) {
        struct sl_slice label, line = line_cut(&rest);
        if (!label_of(line, BEGIN, &label)) {
            continue;
        }
        enum sl_err rc = block_end(&rest, label, line.ptr, ret_block);
        if (rc == SL_OK) {
            *in = rest;
        }
        return rc;
    }
    return SL_EOF;
}

bool sl_pem_is_private(const struct sl_pem_block *block)
{
    return sl_slice_ends(block->label, SL_SLICE("PRIVATE KEY"));
}

bool sl_pem_is_certificate(const struct sl_pem_block *block)
{
    return sl_slice_eq(block->label, SL_SLICE("CERTIFICATE")) ||
           sl_slice_eq(block->label, SL_SLICE("X509 CERTIFICATE")) ||
           sl_slice_eq(block->label, SL_SLICE("TRUSTED CERTIFICATE"));
}

enum sl_err sl_pem_certificates(struct sl_slice in, struct sl_wbuf *out)
{
    struct sl_wbuf kept = *out;
    struct sl_pem_block block;
    for (;;) {
        enum sl_err rc = sl_pem_next(&in, &block);
        if (rc == SL_EOF) {
            *out = kept;
            return SL_OK;
        }
        if (rc == SL_OK && sl_pem_is_certificate(&block)) {
            rc = sl_wbuf_put(&kept, block.whole);
        }
        if (rc != SL_OK) {
            return rc;
        }
    }
}

enum { PAD = 64, SPACE = 65, BAD = 66 }; /* beside the 64 values */

static unsigned value_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return (unsigned)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (unsigned)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0') + 52;
    }
    switch (c) {
    case '+':
        return 62;
    case '/':
        return 63;
    case '=':
        return PAD;
    case '\n':
    case '\r':
    case '\t':
    case ' ':
        return SPACE;
    default:
        return BAD;
    }
}

enum sl_err sl_base64_decode(struct sl_slice text, struct sl_wbuf *out)
{
    uint32_t bits = 0;
    unsigned count = 0, pads = 0; /* characters in this group of four */
    bool is_done = false;
    for (size_t i = 0; i < text.len; i++) {
        const unsigned value = value_of(text.ptr[i]);
        if (value == SPACE) {
            continue;
        }
        if (value == BAD || is_done || (pads > 0 && value != PAD) || (value == PAD && count < 2)) {
            return SL_EINVAL;
        }
        pads += value == PAD;
        bits = bits << 6 | (value & 63U);
        if (++count < 4) {
            continue;
        }
        const uint8_t bytes[] = { (uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits };
        enum sl_err rc = sl_wbuf_put(out, sl_slice_of(bytes, 3 - pads));
        if (rc != SL_OK) {
            return rc;
        }
        is_done = pads > 0;
        bits = count = 0;
    }
    return count == 0 ? SL_OK : SL_EINVAL;
}

enum sl_err sl_pem_decode(const struct sl_pem_block *block, struct sl_wbuf *out)
{
    struct sl_slice body = block->whole;
    (void)line_cut(&body);
    struct sl_slice rest = body;
    body.len = 0;
    for (struct sl_slice line = line_cut(&rest); !sl_slice_starts(line, END);
         line = line_cut(&rest)) {
        if (line.len == 0) {
            return SL_EINVAL; /* cannot be: a block has its END line */
        }
        body.len += line.len;
    }
    struct sl_wbuf kept = *out;
    enum sl_err rc = sl_base64_decode(body, &kept);
    if (rc == SL_OK) {
        *out = kept;
    }
    return rc;
}
