/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/proxy_tlv.h"
#include "base/reader.h"

static const struct {
    struct sl_slice name;
    uint8_t type;
} NAMES[] = {
    { SL_SLICE_INIT("alpn"), SL_PROXY_TLV_ALPN },
    { SL_SLICE_INIT("authority"), SL_PROXY_TLV_AUTHORITY },
    { SL_SLICE_INIT("unique_id"), SL_PROXY_TLV_UNIQUE_ID },
    { SL_SLICE_INIT("ssl"), SL_PROXY_TLV_SSL },
    { SL_SLICE_INIT("netns"), SL_PROXY_TLV_NETNS },
};

void sl_proxy_types_add(struct sl_proxy_types *types, uint8_t type)
{
    types->bits[type / 8] |= (uint8_t)(1U << type % 8);
}

bool sl_proxy_types_have(const struct sl_proxy_types *types, uint8_t type)
{
    return (types->bits[type / 8] >> type % 8 & 1) != 0;
}

enum sl_err sl_proxy_tlv_next(struct sl_slice *tlvs, uint8_t *ret_type, struct sl_slice *ret_value)
{
    struct sl_reader r = sl_reader_of(*tlvs);
    if (tlvs->len == 0) {
        return SL_EOF;
    }
    const uint8_t type = sl_reader_u8(&r);
    const struct sl_slice value = sl_reader_vec16(&r);
    if (r.failed) {
        return SL_EPROTO;
    }
    *tlvs = r.in;
    *ret_type = type;
    *ret_value = value;
    return SL_OK;
}

enum sl_err sl_proxy_tlv_put(struct sl_wbuf *out, uint8_t type, struct sl_slice value)
{
    const size_t begin = out->len;
    if (value.len <= UINT16_MAX && sl_wbuf_put_u8(out, type) == SL_OK &&
        sl_wbuf_put_u16(out, (uint16_t)value.len) == SL_OK && sl_wbuf_put(out, value) == SL_OK) {
        return SL_OK;
    }
    out->len = begin;
    return SL_ENOSPC;
}

enum sl_err sl_proxy_tlvs_check(struct sl_slice tlvs, struct sl_proxy_types *ret_types)
{
    struct sl_proxy_types types = { 0 };
    for (;;) {
        uint8_t type;
        struct sl_slice value;
        const enum sl_err rc = sl_proxy_tlv_next(&tlvs, &type, &value);
        if (rc == SL_EOF) {
            *ret_types = types;
            return SL_OK;
        }
        if (rc != SL_OK || (type != SL_PROXY_TLV_NOOP && sl_proxy_types_have(&types, type))) {
            return SL_EPROTO;
        }
        sl_proxy_types_add(&types, type);
    }
}

enum sl_err sl_proxy_tlvs_copy(struct sl_slice tlvs, const struct sl_proxy_types *types,
                               struct sl_wbuf *out)
{
    uint8_t type;
    struct sl_slice value;
    enum sl_err rc = SL_OK;
    while (rc == SL_OK && sl_proxy_tlv_next(&tlvs, &type, &value) == SL_OK) {
        rc = sl_proxy_types_have(types, type) ? sl_proxy_tlv_put(out, type, value) : SL_OK;
    }
    return rc;
}

struct sl_slice sl_proxy_tlvs_find(struct sl_slice tlvs, uint8_t type)
{
    uint8_t found;
    struct sl_slice value;
    while (sl_proxy_tlv_next(&tlvs, &found, &value) == SL_OK) {
        if (found == type) {
            return value;
        }
    }
    return sl_slice_of(NULL, 0);
}

static int digit_of(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* "0xEA": one or two digits. */
static enum sl_err hex_read(struct sl_slice digits, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < digits.len; i++) {
        const int digit = digit_of(digits.ptr[i]);
        if (digit < 0 || i > 1) {
            return SL_EINVAL;
        }
        number = number * 16 + (uint64_t)digit;
    }
    *ret_number = number;
    return digits.len == 0 ? SL_EINVAL : SL_OK;
}

static bool may_pass(uint8_t type)
{
    return type != SL_PROXY_TLV_CRC32C && type != SL_PROXY_TLV_NOOP &&
           (type < SL_PROXY_TLV_SSL_VERSION || type > SL_PROXY_TLV_SSL_CLIENT_CERT);
}

enum sl_err sl_proxy_tlv_from_text(struct sl_slice text, uint8_t *ret_type)
{
    for (size_t i = 0; i < SL_COUNT(NAMES); i++) {
        if (sl_slice_eq(text, NAMES[i].name)) {
            *ret_type = NAMES[i].type;
            return SL_OK;
        }
    }
    uint64_t number = 0;
    struct sl_slice digits = text;
    enum sl_err rc;
    if (sl_slice_starts(text, SL_SLICE("0x"))) {
        (void)sl_slice_cut(&digits, 2);
        rc = hex_read(digits, &number);
    } else {
        rc = sl_slice_number(text, &number);
    }
    if (rc != SL_OK || number == 0 || number >= SL_PROXY_TLV_COUNT) {
        return SL_EINVAL;
    }
    if (!may_pass((uint8_t)number)) {
        return SL_EDENIED;
    }
    *ret_type = (uint8_t)number;
    return SL_OK;
}
