/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/record.h"
#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum { TYPE_LEN = 1, REST_MIN = 256 }; /* bytes */

void sl_record_rest_drop(struct sl_record_rest *rest)
{
    free(rest->ptr);
    *rest = (struct sl_record_rest){ 0 };
}

/* What is held grows with what has come, not with what a header says will come. */
static enum sl_err rest_put(struct sl_record_rest *rest, struct sl_slice bytes)
{
    size_t len = rest->len + bytes.len;
    if (bytes.len == 0) {
        return SL_OK;
    }
    if (len > rest->cap) {
        const size_t record_max = SL_RECORD_HEADER_LEN + SL_RECORD_SEALED_MAX;
        size_t cap = SL_MAX(SL_MIN(2 * rest->cap, record_max), (size_t)REST_MIN);
        cap = SL_MAX(cap, len);
        uint8_t *grown = realloc(rest->ptr, cap);
        if (grown == NULL) {
            return SL_ENOMEM;
        }
        rest->ptr = grown;
        rest->cap = cap;
    }
    memcpy(rest->ptr + rest->len, bytes.ptr, bytes.len);
    rest->len = len;
    return SL_OK;
}

/* Bytes behind the header, as it says. */
static size_t sealed_len(const uint8_t *header)
{
    return (size_t)header[3] << 8 | header[4];
}

/* Everything an established connection carries looks like application data from outside, whatever
 * version it calls itself (RFC 8446 5.2). */
static enum sl_err header_check(const uint8_t *header, uint8_t *ret_alert)
{
    if (header[0] != SL_RECORD_DATA) {
        *ret_alert = SSL_AD_UNEXPECTED_MESSAGE;
        return SL_EPROTO;
    }
    if (sealed_len(header) > SL_RECORD_SEALED_MAX) {
        *ret_alert = SSL_AD_RECORD_OVERFLOW;
        return SL_EPROTO;
    }
    return SL_OK;
}

/* Copies the next `len` bytes, which are there, off both pieces. */
static void pieces_take(struct sl_record_pieces *pieces, uint8_t *to, size_t len)
{
    struct sl_slice *from[] = { &pieces->first, &pieces->second };
    for (size_t i = 0; i < SL_COUNT(from); i++) {
        struct sl_slice part = sl_slice_cut(from[i], len);
        if (part.len != 0) {
            memcpy(to, part.ptr, part.len);
            to += part.len;
            len -= part.len;
        }
    }
}

enum sl_err sl_record_cut(struct sl_record_rest *rest, struct sl_slice *in,
                          struct sl_record_pieces *ret_record, uint8_t *ret_alert)
{
    uint8_t header[SL_RECORD_HEADER_LEN];
    const struct sl_slice held = sl_slice_of(rest->ptr, rest->len);
    struct sl_record_pieces all = { held, *in };
    bool is_whole = false;
    size_t len = 0;
    if (held.len + in->len >= sizeof(header)) {
        pieces_take(&all, header, sizeof(header));
        enum sl_err rc = header_check(header, ret_alert);
        if (rc != SL_OK) {
            return rc;
        }
        len = sizeof(header) + sealed_len(header);
        is_whole = held.len + in->len >= len;
    }
    if (!is_whole) {
        enum sl_err rc = rest_put(rest, *in);
        if (rc == SL_OK) {
            (void)sl_slice_cut(in, in->len);
        }
        return rc == SL_OK ? SL_AGAIN : rc;
    }
    *ret_record =
        (struct sl_record_pieces){ .first = held, .second = sl_slice_cut(in, len - held.len) };
    return SL_OK;
}

size_t sl_record_room(const struct sl_record_pieces *record)
{
    size_t len = record->first.len + record->second.len;
    return len - SL_MIN(len, (size_t)(SL_RECORD_HEADER_LEN + SL_RECORD_TAG_LEN));
}

/* Decrypts both pieces up to the tag. */
static bool decrypt(EVP_CIPHER_CTX *cipher, struct sl_record_pieces *sealed, size_t plain_len,
                    uint8_t *to)
{
    struct sl_slice *from[] = { &sealed->first, &sealed->second };
    bool is_ok = true;
    for (size_t i = 0; i < SL_COUNT(from); i++) {
        int len = 0;
        const struct sl_slice part = sl_slice_cut(from[i], plain_len);
        is_ok = is_ok && (part.len == 0 ||
                          EVP_DecryptUpdate(cipher, to, &len, part.ptr, (int)part.len) == 1);
        to += part.len;
        plain_len -= part.len;
    }
    return is_ok;
}

/* Finds the content type behind the content, in front of the padding (RFC 8446 5.4). */
static enum sl_err padding_cut(const uint8_t *inner, size_t inner_len, uint8_t *ret_type,
                               size_t *ret_len, uint8_t *ret_alert)
{
    if (inner_len > SL_RECORD_PLAIN_MAX + TYPE_LEN) {
        *ret_alert = SSL_AD_RECORD_OVERFLOW;
        return SL_EPROTO;
    }
    while (inner_len > 0 && inner[inner_len - 1] == 0) {
        inner_len--;
    }
    if (inner_len == 0) {
        *ret_alert = SSL_AD_UNEXPECTED_MESSAGE;
        return SL_EPROTO;
    }
    *ret_type = inner[inner_len - 1];
    *ret_len = inner_len - 1;
    return SL_OK;
}

enum sl_err sl_record_open(struct sl_record_way *way, const struct sl_record_pieces *record,
                           uint8_t *to, uint8_t *ret_type, size_t *ret_len, uint8_t *ret_alert)
{
    uint8_t header[SL_RECORD_HEADER_LEN], tag[SL_RECORD_TAG_LEN];
    struct sl_record_pieces sealed = *record;
    const size_t plain_len = sl_record_room(record);
    pieces_take(&sealed, header, sizeof(header));
    if (sealed.first.len + sealed.second.len < sizeof(tag)) {
        *ret_alert = SSL_AD_BAD_RECORD_MAC;
        return SL_EPROTO;
    }
    EVP_CIPHER_CTX *cipher = NULL;
    enum sl_err rc = sl_record_way_next(way, &cipher);
    if (rc != SL_OK) {
        ERR_clear_error();
        return rc;
    }
    int len = 0;
    uint8_t none[1];
    bool is_ok = EVP_DecryptUpdate(cipher, NULL, &len, header, sizeof(header)) == 1 &&
                 decrypt(cipher, &sealed, plain_len, to);
    pieces_take(&sealed, tag, sizeof(tag));
    if (!is_ok || EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) != 1 ||
        EVP_DecryptFinal_ex(cipher, none, &len) != 1) {
        ERR_clear_error();
        *ret_alert = SSL_AD_BAD_RECORD_MAC;
        return SL_EPROTO;
    }
    return padding_cut(to, plain_len, ret_type, ret_len, ret_alert);
}

enum sl_err sl_record_seal(struct sl_record_way *way, enum sl_record_type type,
                           struct sl_slice plain, struct sl_wbuf *out)
{
    const size_t sealed = plain.len + TYPE_LEN + SL_RECORD_TAG_LEN;
    assert(plain.len <= SL_RECORD_PLAIN_MAX);
    if (sl_wbuf_room(out) < SL_RECORD_HEADER_LEN + sealed) {
        return SL_ENOSPC;
    }
    EVP_CIPHER_CTX *cipher = NULL;
    enum sl_err rc = sl_record_way_next(way, &cipher);
    if (rc != SL_OK) {
        ERR_clear_error();
        return rc;
    }
    const uint8_t header[SL_RECORD_HEADER_LEN] = { SL_RECORD_DATA, 3, 3, (uint8_t)(sealed >> 8),
                                                   (uint8_t)sealed };
    const uint8_t inner_type = (uint8_t)type;
    uint8_t *to = out->ptr + out->len, *text = to + sizeof(header);
    int len = 0;
    memcpy(to, header, sizeof(header));
    bool is_ok =
        EVP_EncryptUpdate(cipher, NULL, &len, header, sizeof(header)) == 1 &&
        (plain.len == 0 || EVP_EncryptUpdate(cipher, text, &len, plain.ptr, (int)plain.len) == 1) &&
        EVP_EncryptUpdate(cipher, text + plain.len, &len, &inner_type, TYPE_LEN) == 1 &&
        EVP_EncryptFinal_ex(cipher, text + plain.len + TYPE_LEN, &len) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, SL_RECORD_TAG_LEN,
                            text + plain.len + TYPE_LEN) == 1;
    if (!is_ok) {
        ERR_clear_error();
        return SL_ETLS;
    }
    out->len += sizeof(header) + sealed;
    return SL_OK;
}
