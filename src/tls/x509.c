/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/x509.h"
#include "codec/pem.h"
#include "tls/certificate.h"
#include "tls/error.h"
#include "tls/own.h"
#include <string.h>
#include <time.h>

static const char ELLIPSIS[] = "…";

int sl_x509_no_password(char *buf, int size, int rwflag, void *arg)
{
    SL_UNUSED(buf);
    SL_UNUSED(size);
    SL_UNUSED(rwflag);
    SL_UNUSED(arg);
    return -1;
}

static enum sl_err block_load(struct sl_slice block, const char *what, int number,
                              struct sl_diag *diag, X509 **ret_x509)
{
    if (block.len > SL_TLS_PEM_MAX) {
        sl_diag_set(diag, "%s: certificate %d is larger than %d bytes", what, number,
                    SL_TLS_PEM_MAX);
        return SL_ERANGE;
    }
    SL_CLEANUP(sl_own_bio) BIO *bio = BIO_new_mem_buf(block.ptr, (int)block.len);
    X509 *x509 = bio == NULL ? NULL : PEM_read_bio_X509_AUX(bio, NULL, sl_x509_no_password, NULL);
    if (x509 == NULL) {
        char where[64];
        (void)snprintf(where, sizeof(where), "%s: certificate %d", what, number);
        return sl_tls_error_take(SL_EINVAL, where, diag);
    }
    *ret_x509 = x509;
    return SL_OK;
}

static enum sl_err block_add(STACK_OF(X509) * chain, struct sl_slice block, const char *what,
                             int max, struct sl_diag *diag)
{
    int number = sk_X509_num(chain) + 1;
    if (number > max) {
        sl_diag_set(diag, "%s: more than %d certificates", what, max);
        return SL_ERANGE;
    }
    SL_CLEANUP(sl_own_x509) X509 *x509 = NULL;
    enum sl_err rc = block_load(block, what, number, diag, &x509);
    if (rc != SL_OK) {
        return rc;
    }
    if (sk_X509_push(chain, x509) <= 0) {
        return sl_tls_error_take(SL_ENOMEM, what, diag);
    }
    (void)SL_STEAL(x509);
    return SL_OK;
}

enum sl_err sl_x509_load(struct sl_slice pem, const char *what, int max, struct sl_diag *diag,
                         STACK_OF(X509) * *ret_chain)
{
    SL_CLEANUP(sl_own_chain) STACK_OF(X509) *chain = sk_X509_new_null();
    if (chain == NULL) {
        return sl_tls_error_take(SL_ENOMEM, what, diag);
    }
    struct sl_pem_block block;
    enum sl_err rc;
    while ((rc = sl_pem_next(&pem, &block)) == SL_OK) {
        if (!sl_pem_is_certificate(&block)) {
            continue;
        }
        rc = block_add(chain, block.whole, what, max, diag);
        if (rc != SL_OK) {
            return rc;
        }
    }
    if (rc != SL_EOF) {
        sl_diag_set(diag, "%s: a BEGIN line without its END line", what);
        return SL_EINVAL;
    }
    if (sk_X509_num(chain) == 0) {
        sl_diag_set(diag, "%s: there is no certificate in it", what);
        return SL_EINVAL;
    }
    *ret_chain = SL_STEAL(chain);
    return SL_OK;
}

enum sl_err sl_x509_add_der(STACK_OF(X509) * chain, struct sl_slice der, const char *what,
                            struct sl_diag *diag)
{
    const unsigned char *at = der.ptr;
    SL_CLEANUP(sl_own_x509) X509 *x509 = d2i_X509(NULL, &at, (long)der.len);
    if (x509 == NULL || at != der.ptr + der.len) {
        char where[64];
        (void)snprintf(where, sizeof(where), "%s: certificate %d", what, sk_X509_num(chain) + 1);
        return sl_tls_error_take(SL_EINVAL, where, diag);
    }
    if (sk_X509_push(chain, x509) <= 0) {
        return sl_tls_error_take(SL_ENOMEM, what, diag);
    }
    (void)SL_STEAL(x509);
    return SL_OK;
}

void sl_x509_text_cut(char *text, size_t limit_bytes)
{
    if (strlen(text) <= limit_bytes) {
        return;
    }
    size_t at = limit_bytes - (sizeof(ELLIPSIS) - 1);
    while (at > 0 && ((uint8_t)text[at] & 0xc0) == 0x80) {
        at--;
    }
    memcpy(text + at, ELLIPSIS, sizeof(ELLIPSIS));
}

void sl_x509_name_text(const X509_NAME *name, char *text, size_t size)
{
    text[0] = '\0';
    SL_CLEANUP(sl_own_bio) BIO *bio = BIO_new(BIO_s_mem());
    /* not ESC_MSB: UTF-8 stays readable, and the log escapes what is not UTF-8 */
    unsigned long flags = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    if (bio == NULL || name == NULL || X509_NAME_print_ex(bio, name, 0, flags) < 0) {
        return;
    }
    char *all = NULL;
    long len = BIO_get_mem_data(bio, &all);
    if (len <= 0) {
        return;
    }
    size_t fits = SL_MIN((size_t)len, size - 1);
    memcpy(text, all, fits);
    text[fits] = '\0';
    if ((size_t)len > fits) {
        text[fits - 1] = 'x'; /* so that the cut below sees one byte too many */
        sl_x509_text_cut(text, fits - 1);
    }
}

void sl_x509_common_name(const X509_NAME *name, char *text, size_t size)
{
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    unsigned char *utf8 = NULL;
    text[0] = '\0';
    if (at < 0) {
        return;
    }
    int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    /* a NUL within would end the name before its end: such a name is none */
    if (len > 0 && memchr(utf8, 0, (size_t)len) == NULL) {
        (void)snprintf(text, size, "%.*s", len, (const char *)utf8);
    }
    OPENSSL_free(utf8);
}

bool sl_x509_time_s(const ASN1_TIME *time, int64_t *ret_s)
{
    struct tm tm = { 0 };
    if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1) {
        return false;
    }
    *ret_s = (int64_t)timegm(&tm);
    return true;
}
