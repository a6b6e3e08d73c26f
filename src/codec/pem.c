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
