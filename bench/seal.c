/* SPDX-License-Identifier: Apache-2.0 */
#include "seal.h"
#include "die.h"
#include <string.h>

enum { HEADER_BYTES = 5, TAG_BYTES = 16, NONCE_BYTES = 12, APPLICATION_DATA = 23 };

static const uint8_t KEY[32] = "not a secret: of a benchmark";

static EVP_CIPHER_CTX *make_context(const char *name, bool is_seal)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bench_need(cipher != NULL && context != NULL &&
                   EVP_CipherInit_ex2(context, cipher, KEY, NULL, is_seal, NULL) == 1,
               name);
    EVP_CIPHER_free(cipher);
    return context;
}

void bench_seal_init(struct bench_seal *seal, const char *cipher, bool is_server)
{
    *seal = (struct bench_seal){ .seal = make_context(cipher, true),
                                 .open = make_context(cipher, false),
                                 .is_server = is_server };
}

void bench_seal_fini(struct bench_seal *seal)
{
    EVP_CIPHER_CTX_free(seal->seal);
    EVP_CIPHER_CTX_free(seal->open);
    *seal = (struct bench_seal){ 0 };
}

static void make_nonce(bool is_of_server, uint64_t number, uint8_t nonce[NONCE_BYTES])
{
    memset(nonce, 0, NONCE_BYTES);
    nonce[0] = is_of_server;
    memcpy(nonce + NONCE_BYTES - sizeof(number), &number, sizeof(number));
}

size_t bench_seal_record(struct bench_seal *seal, const uint8_t *plain, size_t len, uint8_t *out)
{
    static const uint8_t CONTENT_TYPE = APPLICATION_DATA;
    uint8_t nonce[NONCE_BYTES];
    make_nonce(seal->is_server, seal->sealed_count, nonce);
    seal->sealed_count++;
    size_t body = len + 1 + TAG_BYTES;
    out[0] = APPLICATION_DATA;
    out[1] = 3;
    out[2] = 3;
    out[3] = (uint8_t)(body >> 8);
    out[4] = (uint8_t)body;
    uint8_t *sealed = out + HEADER_BYTES;
    int done, more, last;
    bool is_good =
        EVP_EncryptInit_ex2(seal->seal, NULL, NULL, nonce, NULL) == 1 &&
        EVP_EncryptUpdate(seal->seal, NULL, &done, out, HEADER_BYTES) == 1 &&
        EVP_EncryptUpdate(seal->seal, sealed, &done, plain, (int)len) == 1 &&
        EVP_EncryptUpdate(seal->seal, sealed + done, &more, &CONTENT_TYPE, 1) == 1 &&
        EVP_EncryptFinal_ex(seal->seal, sealed + done + more, &last) == 1 &&
        EVP_CIPHER_CTX_ctrl(seal->seal, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, sealed + len + 1) == 1;
    bench_need(is_good, "sealing");
    return HEADER_BYTES + body;
}

size_t bench_seal_record_bytes(const uint8_t *in, size_t len)
{
    return len < HEADER_BYTES ? 0 : HEADER_BYTES + ((size_t)in[3] << 8) + in[4];
}

bool bench_seal_open(struct bench_seal *seal, const uint8_t *in, size_t len, uint8_t *out,
                     size_t *ret_len)
{
    if (len <= BENCH_RECORD_EXTRA_BYTES || len > BENCH_RECORD_MAX_BYTES) {
        return false;
    }
    uint8_t nonce[NONCE_BYTES], tag[TAG_BYTES], type = 0;
    make_nonce(!seal->is_server, seal->opened_count, nonce);
    seal->opened_count++;
    size_t plain = len - BENCH_RECORD_EXTRA_BYTES;
    memcpy(tag, in + len - TAG_BYTES, TAG_BYTES);
    int done, more, last;
    const uint8_t *sealed = in + HEADER_BYTES;
    bool is_good = EVP_DecryptInit_ex2(seal->open, NULL, NULL, nonce, NULL) == 1 &&
                   EVP_DecryptUpdate(seal->open, NULL, &done, in, HEADER_BYTES) == 1 &&
                   EVP_DecryptUpdate(seal->open, out, &done, sealed, (int)plain) == 1 &&
                   EVP_DecryptUpdate(seal->open, &type, &more, sealed + plain, 1) == 1 &&
                   EVP_CIPHER_CTX_ctrl(seal->open, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
                   EVP_DecryptFinal_ex(seal->open, &type, &last) == 1;
    if (!is_good || type != APPLICATION_DATA) {
        return false;
    }
    *ret_len = plain;
    return true;
}
