/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/bio.h"
#include <string.h>

static size_t take(struct sl_slice *from, char *to, size_t size)
{
    struct sl_slice part = sl_slice_cut(from, size);
    if (part.len != 0) {
        memcpy(to, part.ptr, part.len);
    }
    return part.len;
}

static int buffers_read(BIO *bio, char *to, size_t size, size_t *ret_len)
{
    struct sl_tls_bio *io = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (io->asides_count > SL_TLS_ASIDES_MAX) { /* no more input: what is in it has cost enough */
        *ret_len = 0;
        return -1; /* without the retry flag it is the end */
    }
    size_t len = take(&io->before, to, size);
    if (io->in != NULL) {
        len += take(io->in, to + len, size - len);
    }
    *ret_len = len;
    if (len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    return 1;
}

static int buffers_write(BIO *bio, const char *from, size_t size, size_t *ret_len)
{
    struct sl_tls_bio *io = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *ret_len = 0;
    if (io->out == NULL || io->is_full || sl_wbuf_put(io->out, sl_slice_of(from, size)) != SL_OK) {
        io->is_full = true;
        return -1; /* without a retry flag: fatal */
    }
    *ret_len = size;
    return 1;
}

static long buffers_ctrl(BIO *bio, int command, long number, void *arg)
{
    SL_UNUSED(bio);
    SL_UNUSED(number);
    SL_UNUSED(arg);
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD *sl_tls_bio_method_create(void)
{
    /* no BIO_get_new_index: there are 127 for the life of a process, and contexts come and go */
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "buffers");
    if (method != NULL && (BIO_meth_set_read_ex(method, buffers_read) != 1 ||
                           BIO_meth_set_write_ex(method, buffers_write) != 1 ||
                           BIO_meth_set_ctrl(method, buffers_ctrl) != 1)) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

BIO *sl_tls_bio_create(const BIO_METHOD *method, struct sl_tls_bio *io)
{
    BIO *bio = BIO_new(method);
    if (bio != NULL) {
        BIO_set_data(bio, io);
        BIO_set_init(bio, 1);
    }
    return bio;
}
