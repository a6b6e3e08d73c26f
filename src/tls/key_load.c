/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/key_load.h"
#include "codec/pem.h"
#include "tls/error.h"
#include "tls/own.h"
#include "tls/x509.h"
#include <openssl/pem.h>
#include <string.h>

/* PKCS#8 says so in its label, the older form in a header (RFC 1421 4.6.1.1). */
static bool is_encrypted(const struct sl_pem_block *block)
{
    static const char HEADER[] = "Proc-Type: 4,ENCRYPTED";
    return sl_slice_starts(block->label, SL_SLICE("ENCRYPTED ")) ||
           memmem(block->whole.ptr, block->whole.len, HEADER, sizeof(HEADER) - 1) != NULL;
}

static int give_passphrase(char *to, int size, int rwflag, void *arg)
{
    const struct sl_slice *passphrase = arg;
    SL_UNUSED(rwflag);
    if (passphrase->len > (size_t)size) {
        return -1;
    }
    memcpy(to, passphrase->ptr, passphrase->len);
    return (int)passphrase->len;
}

static enum sl_err block_load(const struct sl_pem_block *block, struct sl_slice passphrase,
                              struct sl_diag *diag, EVP_PKEY **ret_key)
{
    const bool has_passphrase = passphrase.ptr != NULL;
    if (is_encrypted(block) != has_passphrase) {
        sl_diag_set(diag, has_passphrase
                              ? "key: it is not encrypted: leave passphrase_file out"
                              : "key: it is encrypted: passphrase_file is to name its passphrase");
        return SL_EINVAL;
    }
    SL_CLEANUP(sl_own_bio) BIO *bio = BIO_new_mem_buf(block->whole.ptr, (int)block->whole.len);
    EVP_PKEY *key =
        bio == NULL
            ? NULL
            : PEM_read_bio_PrivateKey(
                  bio, NULL, has_passphrase ? give_passphrase : sl_x509_no_password, &passphrase);
    if (key == NULL) {
        enum sl_err rc = sl_tls_error_take(SL_EINVAL, "key", diag);
        if (has_passphrase && rc == SL_EINVAL) {
            sl_diag_set(diag, "key: the passphrase is wrong, or the key is damaged");
        } else if (rc == SL_EINVAL && diag != NULL && strcmp(diag->text, "key: unsupported") == 0) {
            /* a decoder's word for all that it cannot make sense of */
            sl_diag_set(diag, "key: it is damaged, or of a kind that is not known");
        }
        return rc;
    }
    *ret_key = key;
    return SL_OK;
}

enum sl_err sl_key_load(struct sl_slice pem, struct sl_slice passphrase, struct sl_diag *diag,
                        EVP_PKEY **ret_key)
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
    return block_load(&block, passphrase, diag, ret_key);
}
