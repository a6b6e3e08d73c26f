/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/psk_key.h"
#include "codec/pem.h"
#include <string.h>

enum { NO_DIGIT = 16, BLANK = 17 };

static unsigned digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
        return (unsigned)(c | 0x20) - 'a' + 10;
    }
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' ? BLANK : NO_DIGIT;
}

static bool is_hex(struct sl_slice text)
{
    bool is_hex = true;
    for (size_t i = 0; i < text.len; i++) {
        is_hex = is_hex && digit_of(text.ptr[i]) != NO_DIGIT;
    }
    return is_hex;
}

static enum sl_err hex_decode(struct sl_slice text, struct sl_wbuf *out)
{
    unsigned byte = 0, count = 0;
    enum sl_err rc = SL_OK;
    for (size_t i = 0; rc == SL_OK && i < text.len; i++) {
        const unsigned digit = digit_of(text.ptr[i]);
        if (digit != BLANK) {
            byte = byte << 4 | digit;
            rc = ++count % 2 == 0 ? sl_wbuf_put_u8(out, (uint8_t)byte) : SL_OK;
        }
    }
    return rc != SL_OK ? rc : count % 2 == 0 ? SL_OK : SL_EINVAL;
}

enum sl_err sl_psk_key_parse(struct sl_slice text, struct sl_wbuf *out)
{
    uint8_t bytes[SL_PSK_KEY_MAX];
    struct sl_wbuf key = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = text.len > SL_PSK_TEXT_MAX ? SL_ERANGE
                     : is_hex(text)             ? hex_decode(text, &key)
                                                : sl_base64_decode(text, &key);
    if (rc == SL_ENOSPC || (rc == SL_OK && key.len < SL_PSK_KEY_MIN)) {
        rc = SL_ERANGE;
    }
    rc = rc == SL_OK ? sl_wbuf_put(out, sl_wbuf_slice(&key)) : rc;
    explicit_bzero(bytes, sizeof(bytes));
    return rc;
}
