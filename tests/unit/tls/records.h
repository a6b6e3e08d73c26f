/* SPDX-License-Identifier: Apache-2.0 */
/** @file What tests of TLS 1.3's records begin with: the provider, and secrets that are made up. */
#pragma once
#include "base/def.h"
#include "tls/fast.h"
#include "tls/library.h"
#include "tls/record.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static inline struct sl_fast *records_begin(void)
{
    bool is_used = false;
    assert_int_equal(sl_tls_library_init(), SL_OK);
    assert_int_equal(sl_tls_fast_use(true, &is_used), SL_OK);
    assert_true(is_used);
    assert_int_equal(sl_tls_fast_records(true), SL_OK);
    assert_non_null(sl_fast_find());
    return sl_fast_find();
}

/* A secret for `suite`, of bytes that follow from `seed`. */
static inline struct sl_fast_secret records_secret(enum sl_record_suite suite, uint8_t seed)
{
    struct sl_fast_secret secret = {
        .digest = &sl_fast_find()->digests[suite == SL_RECORD_AES_256_GCM ? 1 : 0]
    };
    for (size_t i = 0; i < sizeof(secret.bytes); i++) {
        secret.bytes[i] = (uint8_t)(seed + 7 * i);
    }
    return secret;
}

/* Appends a record with this whole TLSInnerPlaintext, however wrong. */
static inline void records_seal_raw(struct sl_record_way *way, struct sl_slice inner,
                                    struct sl_wbuf *out)
{
    EVP_CIPHER_CTX *cipher = NULL;
    const size_t sealed = inner.len + SL_RECORD_TAG_LEN;
    uint8_t *to = out->ptr + out->len;
    int len = 0;
    assert_true(sl_wbuf_room(out) >= SL_RECORD_HEADER_LEN + sealed);
    to[0] = SL_RECORD_DATA;
    to[1] = to[2] = 3;
    to[3] = (uint8_t)(sealed >> 8);
    to[4] = (uint8_t)sealed;
    assert_int_equal(sl_record_way_next(way, &cipher), SL_OK);
    assert_int_equal(EVP_EncryptUpdate(cipher, NULL, &len, to, SL_RECORD_HEADER_LEN), 1);
    to += SL_RECORD_HEADER_LEN;
    if (inner.len > 0) {
        assert_int_equal(EVP_EncryptUpdate(cipher, to, &len, inner.ptr, (int)inner.len), 1);
    }
    assert_int_equal(EVP_EncryptFinal_ex(cipher, to + inner.len, &len), 1);
    assert_int_equal(
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, SL_RECORD_TAG_LEN, to + inner.len), 1);
    out->len += SL_RECORD_HEADER_LEN + sealed;
}
