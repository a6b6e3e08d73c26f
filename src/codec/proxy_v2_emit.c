/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"
#include "codec/proxy_v2_wire.h"
#include <string.h>

enum { TLV_HEAD = 3 }; /* bytes: type and length */

static sa_family_t family_of(const struct sl_addr *addr)
{
    return addr->len == 0 ? AF_UNSPEC : addr->sa.any.sa_family;
}

static enum sl_err family_byte(const struct sl_proxy_v2 *header, uint8_t *ret_byte)
{
    const sa_family_t family = family_of(&header->source);
    if (family_of(&header->destination) != family) {
        return SL_EINVAL;
    }
    switch (family) {
    case AF_UNSPEC:
        *ret_byte = SL_PROXY_V2_UNSPEC;
        return SL_OK;
    case AF_INET:
        *ret_byte = SL_PROXY_V2_TCP4;
        return SL_OK;
    case AF_INET6:
        *ret_byte = SL_PROXY_V2_TCP6;
        return SL_OK;
    case AF_UNIX:
        *ret_byte = SL_PROXY_V2_UNIX_STREAM;
        return SL_OK;
    default:
        return SL_EINVAL;
    }
}

static bool put_ip(struct sl_wbuf *out, const struct sl_addr *addr)
{
    bool is_v4 = family_of(addr) == AF_INET;
    const void *bytes = is_v4 ? (const void *)&addr->sa.in.sin_addr : &addr->sa.in6.sin6_addr;
    return sl_wbuf_put(out, sl_slice_of(bytes, is_v4 ? 4 : 16)) == SL_OK;
}

static bool put_path(struct sl_wbuf *out, const struct sl_addr *addr)
{
    uint8_t path[SL_PROXY_V2_PATH] = { 0 };
    size_t head = offsetof(struct sockaddr_un, sun_path);
    size_t len = addr->len > head ? addr->len - head : 0;
    memcpy(path, addr->sa.un.sun_path, SL_MIN(len, sizeof(path)));
    return sl_wbuf_put(out, sl_slice_of(path, sizeof(path))) == SL_OK;
}

static bool put_addresses(struct sl_wbuf *out, const struct sl_proxy_v2 *header)
{
    switch (family_of(&header->source)) {
    case AF_INET:
    case AF_INET6:
        return put_ip(out, &header->source) && put_ip(out, &header->destination) &&
               sl_wbuf_put_u16(out, sl_addr_port(&header->source)) == SL_OK &&
               sl_wbuf_put_u16(out, sl_addr_port(&header->destination)) == SL_OK;
    case AF_UNIX:
        return put_path(out, &header->source) && put_path(out, &header->destination);
    default:
        return true;
    }
}

static bool put_tlv(struct sl_wbuf *out, uint8_t type, struct sl_slice value)
{
    return value.len == 0 || sl_proxy_tlv_put(out, type, value) == SL_OK;
}

/* Writes a number at a place that was left for it; what is within a header is below 64 KiB. */
static void fill_length(struct sl_wbuf *out, size_t at, size_t len)
{
    out->ptr[at] = (uint8_t)(len >> 8);
    out->ptr[at + 1] = (uint8_t)len;
}

static bool put_tls(struct sl_wbuf *out, const struct sl_proxy_v2 *header)
{
    const size_t begin = out->len;
    const uint8_t resumed = header->is_resumed ? 1 : 0;
    uint8_t flags = SL_PROXY_SSL_TLS;
    if (header->has_client_cert) {
        flags |= SL_PROXY_SSL_CERT_SESSION;
        flags |= header->is_resumed ? 0 : SL_PROXY_SSL_CERT_CONN; /* such a session sends none */
    }
    bool is_ok =
        sl_proxy_tlv_put(out, SL_PROXY_TLV_SSL, sl_slice_of(NULL, 0)) == SL_OK &&
        sl_wbuf_put_u8(out, flags) == SL_OK &&
        sl_wbuf_put_u32(out, header->has_client_cert && header->is_verified ? 0 : 1) == SL_OK &&
        put_tlv(out, SL_PROXY_TLV_SSL_VERSION, header->version) &&
        put_tlv(out, SL_PROXY_TLV_SSL_CN, header->common_name) &&
        put_tlv(out, SL_PROXY_TLV_SSL_CIPHER, header->cipher) &&
        put_tlv(out, SL_PROXY_TLV_SSL_SIG_ALG, header->sig_alg) &&
        put_tlv(out, SL_PROXY_TLV_SSL_KEY_ALG, header->key_alg) &&
        put_tlv(out, SL_PROXY_TLV_SSL_GROUP, header->group) &&
        put_tlv(out, SL_PROXY_TLV_SSL_SIG_SCHEME, header->sig_scheme) &&
        put_tlv(out, SL_PROXY_TLV_SSL_CLIENT_CERT, header->client_cert);
    if (is_ok) {
        fill_length(out, begin + 1, out->len - begin - TLV_HEAD);
    }
    return is_ok && (!header->has_resumption ||
                     put_tlv(out, SL_PROXY_TLV_RESUMED, sl_slice_of(&resumed, 1)));
}

/* All zeroes: it is of the header as it is with these. */
static bool put_checksum(struct sl_wbuf *out)
{
    static const uint8_t ZEROES[SL_PROXY_CRC32C_LEN] = { 0 };
    return put_tlv(out, SL_PROXY_TLV_CRC32C, sl_slice_of(ZEROES, sizeof(ZEROES)));
}

static bool put_rest(struct sl_wbuf *out, const struct sl_proxy_v2 *header)
{
    return put_addresses(out, header) && (!header->has_checksum || put_checksum(out)) &&
           put_tlv(out, SL_PROXY_TLV_ALPN, header->alpn) &&
           put_tlv(out, SL_PROXY_TLV_AUTHORITY, header->authority) &&
           put_tlv(out, SL_PROXY_TLV_UNIQUE_ID, header->unique_id) &&
           (!header->is_tls || put_tls(out, header)) && sl_wbuf_put(out, header->passed) == SL_OK;
}

/* The checksum is the first TLV. */
static void fill_checksum(struct sl_wbuf *out, size_t at)
{
    const uint32_t crc = sl_crc32c(0, sl_wbuf_slice(out));
    for (unsigned i = 0; i < SL_PROXY_CRC32C_LEN; i++) {
        out->ptr[at + i] = (uint8_t)(crc >> (24 - 8 * i));
    }
}

static size_t addresses_bytes(uint8_t family)
{
    return family == SL_PROXY_V2_UNSPEC ? 0
           : family == SL_PROXY_V2_TCP4 ? 12
           : family == SL_PROXY_V2_TCP6 ? 36
                                        : 2 * SL_PROXY_V2_PATH;
}

enum sl_err sl_proxy_v2_emit(const struct sl_proxy_v2 *header, struct sl_wbuf *out)
{
    uint8_t family = SL_PROXY_V2_UNSPEC;
    const uint8_t command = header->is_local ? SL_PROXY_V2_LOCAL : SL_PROXY_V2_PROXY;
    enum sl_err rc = header->is_local ? SL_OK : family_byte(header, &family);
    if (rc != SL_OK) {
        return rc;
    }
    const size_t room = sl_wbuf_room(out);
    struct sl_wbuf whole = sl_wbuf_of(out->ptr + out->len, SL_MIN(room, (size_t)SL_PROXY_V2_MAX));
    const bool fits =
        sl_wbuf_put(&whole, SL_SLICE(SL_PROXY_V2_SIGNATURE)) == SL_OK &&
        sl_wbuf_put_u8(&whole, command) == SL_OK && sl_wbuf_put_u8(&whole, family) == SL_OK &&
        sl_wbuf_put_u16(&whole, 0) == SL_OK && (header->is_local || put_rest(&whole, header));
    if (!fits) {
        return room < SL_PROXY_V2_MAX ? SL_ENOSPC : SL_ERANGE;
    }
    fill_length(&whole, SL_PROXY_V2_LENGTH_AT, whole.len - SL_PROXY_V2_HEAD);
    if (header->has_checksum && !header->is_local) {
        fill_checksum(&whole, SL_PROXY_V2_HEAD + addresses_bytes(family) + TLV_HEAD);
    }
    out->len += whole.len;
    return SL_OK;
}
