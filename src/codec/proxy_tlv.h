/* SPDX-License-Identifier: Apache-2.0 */
/** @file The TLVs of PROXY protocol version 2 (the specification of HAProxy Technologies, 2.2): one
 * byte of type, two of length, the value. Pure. */
#pragma once
#include "base/slice.h"

enum sl_proxy_tlv {
    SL_PROXY_TLV_ALPN = 0x01,
    SL_PROXY_TLV_AUTHORITY = 0x02, /* the name that the client asked for: SNI */
    SL_PROXY_TLV_CRC32C = 0x03,
    SL_PROXY_TLV_NOOP = 0x04,
    SL_PROXY_TLV_UNIQUE_ID = 0x05,
    SL_PROXY_TLV_SSL = 0x20, /* flags, verify, and TLVs within: */
    SL_PROXY_TLV_SSL_VERSION = 0x21,
    SL_PROXY_TLV_SSL_CN = 0x22,
    SL_PROXY_TLV_SSL_CIPHER = 0x23,
    SL_PROXY_TLV_SSL_SIG_ALG = 0x24,
    SL_PROXY_TLV_SSL_KEY_ALG = 0x25,
    SL_PROXY_TLV_SSL_GROUP = 0x26,
    SL_PROXY_TLV_SSL_SIG_SCHEME = 0x27,
    SL_PROXY_TLV_SSL_CLIENT_CERT = 0x28,
    SL_PROXY_TLV_NETNS = 0x30,
    SL_PROXY_TLV_RESUMED = 0xe0, /* our own: one byte, whether the TLS session was resumed */
    SL_PROXY_TLV_COUNT = 256,
};

/** Bounds of values, in bytes. */
enum { SL_PROXY_CRC32C_LEN = 4, SL_PROXY_UNIQUE_ID_MAX = 128 };

/** A set of types. Zeroed is empty. */
struct sl_proxy_types {
    uint8_t bits[SL_PROXY_TLV_COUNT / 8];
};

void sl_proxy_types_add(struct sl_proxy_types *types, uint8_t type);
bool sl_proxy_types_have(const struct sl_proxy_types *types, uint8_t type);

/**
 * Takes the first TLV off `tlvs`.
 * @return SL_OK, SL_EOF (there is none left), SL_EPROTO (it is longer than what is left)
 */
SL_CHECKED enum sl_err sl_proxy_tlv_next(struct sl_slice *tlvs, uint8_t *ret_type,
                                         struct sl_slice *ret_value);

/** Appends one, or nothing. SL_OK, SL_ENOSPC (also a value over 65,535 bytes). */
SL_CHECKED enum sl_err sl_proxy_tlv_put(struct sl_wbuf *out, uint8_t type, struct sl_slice value);

/**
 * Whether all of `tlvs` can be read and no type but NOOP comes twice; `ret_types` are those that
 * come. TLVs within others are not looked at.
 * @return SL_OK, SL_EPROTO
 */
SL_CHECKED enum sl_err sl_proxy_tlvs_check(struct sl_slice tlvs, struct sl_proxy_types *ret_types);

/** Appends those of `tlvs`, which was checked, that are in `types`. SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_proxy_tlvs_copy(struct sl_slice tlvs, const struct sl_proxy_types *types,
                                          struct sl_wbuf *out);

/** The value of a type; ptr NULL when it does not come. */
struct sl_slice sl_proxy_tlvs_find(struct sl_slice tlvs, uint8_t type);

/**
 * Reads the name of a type that may be passed on ("alpn", "authority", "unique_id", "ssl",
 * "netns"), or the number of any that may, "0xEA" or "234".
 * @return SL_OK, SL_EINVAL (neither, or out of range), SL_EDENIED (what belongs to one header
 * alone, the checksum and NOOP, or stands only within SSL)
 */
SL_CHECKED enum sl_err sl_proxy_tlv_from_text(struct sl_slice text, uint8_t *ret_type);
