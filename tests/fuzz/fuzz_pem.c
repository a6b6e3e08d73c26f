/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/pem.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

/* What is decoded takes no more than three quarters, and with less room nothing is written. */
static void decode(const struct sl_pem_block *block)
{
    const size_t size = block->whole.len / 4 * 3;
    struct sl_wbuf out = sl_wbuf_of(malloc(size + 1), size);
    require(out.ptr != NULL);
    enum sl_err rc = sl_pem_decode(block, &out);
    require(rc == SL_OK || (rc == SL_EINVAL && out.len == 0));
    if (rc == SL_OK && out.len > 0) {
        struct sl_wbuf small = sl_wbuf_of(out.ptr, out.len - 1);
        require(sl_pem_decode(block, &small) == SL_ENOSPC && small.len == 0);
    }
    free(out.ptr);
}

/* The blocks of `in`: each inside it, behind the one before, and whole by itself. */
static enum sl_err walk(struct sl_slice in, size_t *ret_certs_len)
{
    struct sl_pem_block block, again;
    const uint8_t *at = in.ptr;
    size_t certs_len = 0;
    enum sl_err rc;
    while ((rc = sl_pem_next(&in, &block)) == SL_OK) {
        require(block.whole.ptr >= at && block.whole.ptr + block.whole.len == in.ptr);
        require(sl_slice_starts(block.whole, SL_SLICE("-----BEGIN ")));
        require(!(sl_pem_is_private(&block) && sl_pem_is_certificate(&block)));
        struct sl_slice whole = block.whole;
        require(sl_pem_next(&whole, &again) == SL_OK && whole.len == 0);
        require(sl_slice_eq(again.whole, block.whole) && sl_slice_eq(again.label, block.label));
        decode(&block);
        certs_len += sl_pem_is_certificate(&block) ? block.whole.len : 0;
        at = in.ptr;
    }
    *ret_certs_len = certs_len;
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_slice in = sl_slice_of(data, size);
    size_t certs_len = 0;
    enum sl_err walked = walk(in, &certs_len);
    struct sl_wbuf out = sl_wbuf_of(malloc(size + 1), size);
    require(out.ptr != NULL);
    enum sl_err rc = sl_pem_certificates(in, &out);
    require(rc == (walked == SL_EOF ? SL_OK : SL_EINVAL));
    require(out.len == (rc == SL_OK ? certs_len : 0));
    struct sl_slice certs = sl_wbuf_slice(&out);
    struct sl_pem_block block;
    while (sl_pem_next(&certs, &block) == SL_OK) {
        require(sl_pem_is_certificate(&block)); /* no key comes through */
    }
    free(out.ptr);
    return 0;
}
