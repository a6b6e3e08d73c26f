/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/proxy_v2.h"
#include "base/reader.h"
#include <string.h>

enum { HEAD_BYTES = 16 };  /* signature, version and command, family, length */
enum { LENGTH_AT = 14 };   /* where the length of the rest stands */
enum { UNIX_BYTES = 108 }; /* of one path on the wire */
enum { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 }; /* with the version, 2, in the high half */
enum { SSL_TLS = 0x01, SSL_CERT_CONN = 0x02, SSL_CERT_SESSION = 0x04 };

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == UNIX_BYTES, "paths fit both ways");

enum tlv {
    TLV_ALPN = 0x01,
    TLV_AUTHORITY = 0x02,
    TLV_SSL = 0x20,
    TLV_SSL_VERSION = 0x21,
    TLV_SSL_CN = 0x22,
    TLV_SSL_CIPHER = 0x23,
    TLV_SSL_GROUP = 0x26,
    TLV_RESUMED = 0xe0,
};

static const struct sl_slice SIGNATURE = SL_SLICE_INIT("\r\n\r\n\0\r\nQUIT\n");

/* Every legal byte of family and transport. The first row of a family is the one that is sent. */
static const struct family {
    uint8_t byte;
    sa_family_t family;
    uint8_t each_bytes; /* of one address, port not counted */
} FAMILIES[] = {
    { 0x00, AF_UNSPEC, 0 },        { 0x11, AF_INET, 4 },   { 0x12, AF_INET, 4 },
    { 0x21, AF_INET6, 16 },        { 0x22, AF_INET6, 16 }, { 0x31, AF_UNIX, UNIX_BYTES },
    { 0x32, AF_UNIX, UNIX_BYTES },
};

static sa_family_t family_of(const struct sl_addr *addr)
{
    return addr->len == 0 ? AF_UNSPEC : addr->sa.any.sa_family;
}

static bool put_ip(struct sl_wbuf *out, const struct sl_addr *addr)
{
    bool is_v4 = family_of(addr) == AF_INET;
    const void *bytes = is_v4 ? (const void *)&addr->sa.in.sin_addr : &addr->sa.in6.sin6_addr;
    return sl_wbuf_put(out, sl_slice_of(bytes, is_v4 ? 4 : 16)) == SL_OK;
}

static bool put_path(struct sl_wbuf *out, const struct sl_addr *addr)
{
    uint8_t path[UNIX_BYTES] = { 0 };
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

/* A value too long for its length field is too long for `out` as well, so nothing of it is sent. */
static bool put_tlv(struct sl_wbuf *out, uint8_t type, struct sl_slice value)
{
    return value.len == 0 ||
           (sl_wbuf_put_u8(out, type) == SL_OK &&
            sl_wbuf_put_u16(out, (uint16_t)value.len) == SL_OK && sl_wbuf_put(out, value) == SL_OK);
}

static bool put_tls(struct sl_wbuf *out, const struct sl_proxy_v2 *header)
{
    uint8_t bytes[SL_PROXY_V2_MAX];
    struct sl_wbuf ssl = sl_wbuf_of(bytes, sizeof(bytes));
    uint8_t flags = SSL_TLS;
    if (header->has_client_cert) {
        flags |= SSL_CERT_SESSION;
        flags |= header->is_resumed ? 0 : SSL_CERT_CONN; /* a resumed session sends none again */
    }
    uint8_t resumed = header->is_resumed ? 1 : 0;
    return sl_wbuf_put_u8(&ssl, flags) == SL_OK &&
           sl_wbuf_put_u32(&ssl, header->has_client_cert ? 0 : 1) == SL_OK &&
           put_tlv(&ssl, TLV_SSL_VERSION, header->version) &&
           put_tlv(&ssl, TLV_SSL_CN, header->common_name) &&
           put_tlv(&ssl, TLV_SSL_CIPHER, header->cipher) &&
           put_tlv(&ssl, TLV_SSL_GROUP, header->group) &&
           put_tlv(out, TLV_SSL, sl_wbuf_slice(&ssl)) &&
           put_tlv(out, TLV_RESUMED, sl_slice_of(&resumed, 1));
}

static const struct family *family_by_address(sa_family_t family)
{
    for (size_t i = 0; i < SL_COUNT(FAMILIES); i++) {
        if (FAMILIES[i].family == family) {
            return &FAMILIES[i];
        }
    }
    return NULL;
}

enum sl_err sl_proxy_v2_emit(const struct sl_proxy_v2 *header, struct sl_wbuf *out)
{
    const struct family *family = family_by_address(family_of(&header->source));
    if (family == NULL || family_of(&header->destination) != family->family) {
        return SL_EINVAL;
    }
    uint8_t bytes[SL_PROXY_V2_MAX];
    struct sl_wbuf whole = sl_wbuf_of(bytes, sizeof(bytes));
    bool fits =
        sl_wbuf_put(&whole, SIGNATURE) == SL_OK && sl_wbuf_put_u8(&whole, COMMAND_PROXY) == SL_OK &&
        sl_wbuf_put_u8(&whole, family->byte) == SL_OK && sl_wbuf_put_u16(&whole, 0) == SL_OK &&
        put_addresses(&whole, header) && put_tlv(&whole, TLV_ALPN, header->alpn) &&
        put_tlv(&whole, TLV_AUTHORITY, header->authority) &&
        (!header->is_tls || put_tls(&whole, header));
    if (!fits) {
        return SL_ERANGE;
    }
    size_t rest = whole.len - HEAD_BYTES;
    bytes[LENGTH_AT] = (uint8_t)(rest >> 8);
    bytes[LENGTH_AT + 1] = (uint8_t)rest;
    return sl_wbuf_put(out, sl_wbuf_slice(&whole));
}

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
    struct sl_slice *value; /* ptr NULL until the type has come */
};

/* Reads TLVs to the end of `r`: one of `fields` that comes twice fails, the others are skipped. */
static void read_tlvs(struct sl_reader *r, const struct field *fields, size_t fields_count)
{
    while (!r->failed && r->in.len > 0) {
        uint8_t type = sl_reader_u8(r);
        struct sl_slice value = sl_reader_vec16(r);
        for (size_t i = 0; i < fields_count; i++) {
            if (fields[i].type == type) {
                r->failed = r->failed || fields[i].value->ptr != NULL;
                *fields[i].value = value;
            }
        }
    }
}

/* The value of the SSL TLV; false when it is malformed. */
static bool read_tls(struct sl_slice value, struct sl_proxy_v2 *header)
{
    struct sl_reader r = sl_reader_of(value);
    struct sl_proxy_v2 tls = { 0 };
    uint8_t flags = sl_reader_u8(&r);
    uint32_t verify = sl_reader_u32(&r);
    const struct field fields[] = {
        { TLV_SSL_VERSION, &tls.version },
        { TLV_SSL_CN, &tls.common_name },
        { TLV_SSL_CIPHER, &tls.cipher },
        { TLV_SSL_GROUP, &tls.group },
    };
    read_tlvs(&r, fields, SL_COUNT(fields));
    if (!r.failed && (flags & SSL_TLS) != 0) {
        header->is_tls = true;
        header->has_client_cert = (flags & (SSL_CERT_CONN | SSL_CERT_SESSION)) != 0 && verify == 0;
        header->version = tls.version;
        header->common_name = tls.common_name;
        header->cipher = tls.cipher;
        header->group = tls.group;
    }
    return !r.failed;
}

/* All behind the fixed head; false when it is malformed. */
static bool read_rest(struct sl_slice rest, const struct family *family, struct sl_proxy_v2 *header)
{
    struct sl_reader r = sl_reader_of(rest);
    struct sl_slice ssl = { 0 }, resumed = { 0 };
    const struct field fields[] = {
        { TLV_ALPN, &header->alpn },
        { TLV_AUTHORITY, &header->authority },
        { TLV_SSL, &ssl },
        { TLV_RESUMED, &resumed },
    };
    read_addresses(&r, family, header);
    read_tlvs(&r, fields, SL_COUNT(fields));
    if (r.failed || (ssl.ptr != NULL && !read_tls(ssl, header))) {
        return false;
    }
    /* the type is for private use: what others send in it has another length */
    header->is_resumed = header->is_tls && resumed.len == 1 && resumed.ptr[0] == 1;
    return true;
}

enum sl_err sl_proxy_v2_cut(struct sl_slice *in, struct sl_proxy_v2 *ret_header)
{
    size_t known = SL_MIN(in->len, SIGNATURE.len);
    if (!sl_slice_eq(sl_slice_of(in->ptr, known), sl_slice_of(SIGNATURE.ptr, known))) {
        return SL_EPROTO;
    }
    if (in->len < HEAD_BYTES) {
        return SL_AGAIN;
    }
    struct sl_reader head = sl_reader_of(sl_slice_of(in->ptr, HEAD_BYTES));
    (void)sl_reader_bytes(&head, SIGNATURE.len);
    uint8_t command = sl_reader_u8(&head);
    const struct family *family = family_by_byte(sl_reader_u8(&head));
    size_t whole_bytes = HEAD_BYTES + (size_t)sl_reader_u16(&head);
    if ((command != COMMAND_LOCAL && command != COMMAND_PROXY) ||
        (family == NULL && command == COMMAND_PROXY) || whole_bytes > SL_PROXY_V2_MAX) {
        return SL_EPROTO;
    }
    if (in->len < whole_bytes) {
        return SL_AGAIN;
    }
    struct sl_slice rest = sl_slice_of(in->ptr + HEAD_BYTES, whole_bytes - HEAD_BYTES);
    struct sl_proxy_v2 header = { 0 };
    if (command == COMMAND_PROXY && !read_rest(rest, family, &header)) {
        return SL_EPROTO;
    }
    (void)sl_slice_cut(in, whole_bytes);
    *ret_header = header;
    return SL_OK;
}
