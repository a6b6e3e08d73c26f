/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"
#include "base/reader.h"
#include "codec/proxy_v2_wire.h"
#include <string.h>

static const struct sl_slice SIGNATURE = SL_SLICE_INIT(SL_PROXY_V2_SIGNATURE);

/* Every legal byte of family and transport. */
static const struct family {
    uint8_t byte;
    sa_family_t family;
    uint8_t each_bytes; /* of one address, port not counted */
} FAMILIES[] = {
    { SL_PROXY_V2_UNSPEC, AF_UNSPEC, 0 },
    { SL_PROXY_V2_TCP4, AF_INET, 4 },
    { SL_PROXY_V2_UDP4, AF_INET, 4 },
    { SL_PROXY_V2_TCP6, AF_INET6, 16 },
    { SL_PROXY_V2_UDP6, AF_INET6, 16 },
    { SL_PROXY_V2_UNIX_STREAM, AF_UNIX, SL_PROXY_V2_PATH },
    { SL_PROXY_V2_UNIX_DGRAM, AF_UNIX, SL_PROXY_V2_PATH },
};

static const struct family *family_by_byte(uint8_t byte)
{
    for (size_t i = 0; i < SL_COUNT(FAMILIES); i++) {
        if (FAMILIES[i].byte == byte) {
            return &FAMILIES[i];
        }
    }
    return NULL;
}

static struct sl_addr ip_of(sa_family_t family, struct sl_slice bytes)
{
    struct sl_addr addr = { 0 };
    addr.sa.any.sa_family = family;
    if (family == AF_INET) {
        memcpy(&addr.sa.in.sin_addr, bytes.ptr, sizeof(addr.sa.in.sin_addr));
        addr.len = sizeof(addr.sa.in);
    } else {
        memcpy(&addr.sa.in6.sin6_addr, bytes.ptr, sizeof(addr.sa.in6.sin6_addr));
        addr.len = sizeof(addr.sa.in6);
    }
    return addr;
}

/* An abstract name begins with a NUL; its length is not sent, so the zeroes behind it are cut. */
static struct sl_addr path_of(struct sl_slice bytes)
{
    struct sl_addr addr = { 0 };
    size_t len = bytes.len;
    while (len > 0 && bytes.ptr[len - 1] == 0) {
        len--;
    }
    if (len > 0 && bytes.ptr[0] != 0) {
        len = SL_MIN(sl_slice_find(bytes, 0) + 1, bytes.len); /* its NUL counts, as in the kernel */
    }
    addr.sa.un.sun_family = AF_UNIX;
    memcpy(addr.sa.un.sun_path, bytes.ptr, len);
    addr.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return addr;
}

static void read_addresses(struct sl_reader *r, const struct family *family,
                           struct sl_proxy_v2 *header)
{
    struct sl_slice source = sl_reader_bytes(r, family->each_bytes);
    struct sl_slice destination = sl_reader_bytes(r, family->each_bytes);
    bool is_ip = family->family == AF_INET || family->family == AF_INET6;
    uint16_t source_port = is_ip ? sl_reader_u16(r) : 0;
    uint16_t destination_port = is_ip ? sl_reader_u16(r) : 0;
    if (r->failed || family->family == AF_UNSPEC) {
        return;
    }
    header->source = is_ip ? ip_of(family->family, source) : path_of(source);
    header->destination = is_ip ? ip_of(family->family, destination) : path_of(destination);
    sl_addr_set_port(&header->source, source_port);
    sl_addr_set_port(&header->destination, destination_port);
}

/* A type that is wanted, and where its value goes. */
struct field {
    uint8_t type;
    struct sl_slice *value;
};

/* Checks `tlvs` and reads those of `fields`. */
static enum sl_err read_tlvs(struct sl_slice tlvs, const struct field *fields, size_t fields_count)
{
    struct sl_proxy_types types;
    const enum sl_err rc = sl_proxy_tlvs_check(tlvs, &types);
    for (size_t i = 0; rc == SL_OK && i < fields_count; i++) {
        *fields[i].value = sl_proxy_tlvs_find(tlvs, fields[i].type);
    }
    return rc;
}

/* The value of the SSL TLV. */
static enum sl_err read_tls(struct sl_slice value, struct sl_proxy_v2 *header)
{
    struct sl_reader r = sl_reader_of(value);
    struct sl_proxy_v2 tls = { 0 };
    const uint8_t flags = sl_reader_u8(&r);
    const uint32_t verify = sl_reader_u32(&r);
    const struct field fields[] = {
        { SL_PROXY_TLV_SSL_VERSION, &tls.version },
        { SL_PROXY_TLV_SSL_CN, &tls.common_name },
        { SL_PROXY_TLV_SSL_CIPHER, &tls.cipher },
        { SL_PROXY_TLV_SSL_SIG_ALG, &tls.sig_alg },
        { SL_PROXY_TLV_SSL_KEY_ALG, &tls.key_alg },
        { SL_PROXY_TLV_SSL_GROUP, &tls.group },
        { SL_PROXY_TLV_SSL_SIG_SCHEME, &tls.sig_scheme },
        { SL_PROXY_TLV_SSL_CLIENT_CERT, &tls.client_cert },
    };
    if (r.failed || read_tlvs(r.in, fields, SL_COUNT(fields)) != SL_OK) {
        return SL_EPROTO;
    }
    if ((flags & SL_PROXY_SSL_TLS) != 0) {
        header->is_tls = true;
        header->has_client_cert =
            (flags & (SL_PROXY_SSL_CERT_CONN | SL_PROXY_SSL_CERT_SESSION)) != 0;
        header->is_verified = header->has_client_cert && verify == 0;
        header->version = tls.version;
        header->common_name = tls.common_name;
        header->cipher = tls.cipher;
        header->sig_alg = tls.sig_alg;
        header->key_alg = tls.key_alg;
        header->group = tls.group;
        header->sig_scheme = tls.sig_scheme;
        header->client_cert = tls.client_cert;
    }
    return SL_OK;
}

/* `sum` stands within `whole`, which counts with zeroes in its place. */
static enum sl_err checksum_check(struct sl_slice whole, struct sl_slice sum)
{
    static const uint8_t ZEROES[SL_PROXY_CRC32C_LEN] = { 0 };
    if (sum.len != SL_PROXY_CRC32C_LEN) {
        return SL_EPROTO;
    }
    struct sl_slice behind = whole;
    struct sl_reader r = sl_reader_of(sum);
    uint32_t crc = sl_crc32c(0, sl_slice_cut(&behind, (size_t)(sum.ptr - whole.ptr)));
    (void)sl_slice_cut(&behind, sum.len);
    crc = sl_crc32c(crc, sl_slice_of(ZEROES, sizeof(ZEROES)));
    return sl_crc32c(crc, behind) == sl_reader_u32(&r) ? SL_OK : SL_EVERIFY;
}

/* All behind the fixed head. */
static enum sl_err read_rest(struct sl_slice whole, const struct family *family,
                             struct sl_proxy_v2 *header)
{
    struct sl_reader r = sl_reader_of(whole);
    struct sl_slice ssl = { 0 }, resumed = { 0 }, checksum = { 0 };
    const struct field fields[] = {
        { SL_PROXY_TLV_ALPN, &header->alpn }, { SL_PROXY_TLV_AUTHORITY, &header->authority },
        { SL_PROXY_TLV_CRC32C, &checksum },   { SL_PROXY_TLV_UNIQUE_ID, &header->unique_id },
        { SL_PROXY_TLV_SSL, &ssl },           { SL_PROXY_TLV_RESUMED, &resumed },
    };
    (void)sl_reader_bytes(&r, SL_PROXY_V2_HEAD);
    read_addresses(&r, family, header);
    header->tlvs = r.in;
    if (r.failed || read_tlvs(r.in, fields, SL_COUNT(fields)) != SL_OK ||
        header->unique_id.len > SL_PROXY_UNIQUE_ID_MAX) {
        return SL_EPROTO;
    }
    enum sl_err rc = checksum.ptr == NULL ? SL_OK : checksum_check(whole, checksum);
    rc = rc == SL_OK && ssl.ptr != NULL ? read_tls(ssl, header) : rc;
    /* the type is for private use: what others send in it has another length */
    header->has_resumption = header->is_tls && resumed.len == 1 && resumed.ptr[0] <= 1;
    header->is_resumed = header->has_resumption && resumed.ptr[0] == 1;
    return rc;
}

enum sl_err sl_proxy_v2_cut(struct sl_slice *in, struct sl_proxy_v2 *ret_header)
{
    size_t known = SL_MIN(in->len, SIGNATURE.len);
    if (!sl_slice_eq(sl_slice_of(in->ptr, known), sl_slice_of(SIGNATURE.ptr, known))) {
        return SL_EPROTO;
    }
    if (in->len < SL_PROXY_V2_HEAD) {
        return SL_AGAIN;
    }
    struct sl_reader head = sl_reader_of(sl_slice_of(in->ptr, SL_PROXY_V2_HEAD));
    (void)sl_reader_bytes(&head, SIGNATURE.len);
    uint8_t command = sl_reader_u8(&head);
    const struct family *family = family_by_byte(sl_reader_u8(&head));
    size_t whole_bytes = SL_PROXY_V2_HEAD + (size_t)sl_reader_u16(&head);
    if ((command != SL_PROXY_V2_LOCAL && command != SL_PROXY_V2_PROXY) ||
        (family == NULL && command == SL_PROXY_V2_PROXY)) {
        return SL_EPROTO;
    }
    if (whole_bytes > SL_PROXY_V2_MAX) {
        return SL_ERANGE;
    }
    if (in->len < whole_bytes) {
        return SL_AGAIN;
    }
    struct sl_proxy_v2 header = { .is_local = command == SL_PROXY_V2_LOCAL };
    if (!header.is_local) {
        enum sl_err rc = read_rest(sl_slice_of(in->ptr, whole_bytes), family, &header);
        if (rc != SL_OK) {
            return rc;
        }
    }
    (void)sl_slice_cut(in, whole_bytes);
    *ret_header = header;
    return SL_OK;
}
