/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/key_load.h"
#include "codec/pem.h"
#include "tls/error.h"
#include "tls/own.h"
#include "tls/x509.h"
#include <openssl/pem.h>
#include <string.h>

enum sl_err sl_key_load(struct sl_slice pem, struct sl_diag *diag, EVP_PKEY **ret_key)
{
    struct sl_pem_block block;
    enum sl_err rc = sl_pem_next(&pem, &block);
    while (rc == SL_OK && !sl_pem_is_private(&block)) {
        rc = sl_pem_next(&pem, &block);
    }
    if (rc != SL_OK) {
        sl_diag_set(diag, rc == SL_EOF ? "key: there is no private key in it"
                                       : "key: a BEGIN line without its END line");
        return SL_EINVAL;
    }
    SL_CLEANUP(sl_own_bio) BIO *bio = BIO_new_mem_buf(block.whole.ptr, (int)block.whole.len);
    EVP_PKEY *key =
        bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, sl_x509_no_password, NULL);
    if (key == NULL) {
        bool is_encrypted = sl_slice_starts(block.label, SL_SLICE("ENCRYPTED "));
        rc = sl_tls_error_take(SL_EINVAL, "key", diag);
        if (is_encrypted && rc == SL_EINVAL) {
            sl_diag_set(diag, "key: it is encrypted with a password");
        } else if (rc == SL_EINVAL && diag != NULL && strcmp(diag->text, "key: unsupported") == 0) {
            /* a decoder's word for all that it cannot make sense of */
            sl_diag_set(diag, "key: it is damaged, or of a kind that is not known");
        }
        return rc;
    }
    *ret_key = key;
    return SL_OK;
}
