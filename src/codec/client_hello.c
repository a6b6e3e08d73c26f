/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/client_hello.h"
#include "base/addr.h"
#include <string.h>

enum {
    CONTENT_HANDSHAKE = 0x16,  /* RFC 8446 5.1 */
    TLS_MAJOR = 0x03,          /* of every record version since SSL 3.0 */
    SSLV2_LONG_HEADER = 0x80,  /* two bytes of length, no padding */
    SSLV2_CLIENT_HELLO = 0x01, /* behind those two bytes */
    NAME_TYPE_HOST = 0,        /* RFC 6066 3 */
    HOST_NAME_MAX_BYTES = 255,
    DNS_NAME_MAX_BYTES = 253, /* as text, without the trailing dot (RFC 1035 2.3.4) */
    DNS_LABEL_MAX_BYTES = 63,
};

static const struct opening {
    struct sl_slice bytes;
    enum sl_first_bytes what;
} OPENINGS[] = {
    { SL_SLICE_INIT("GET "), SL_FIRST_HTTP },
    { SL_SLICE_INIT("POST "), SL_FIRST_HTTP },
    { SL_SLICE_INIT("HEAD "), SL_FIRST_HTTP },
    { SL_SLICE_INIT("PUT "), SL_FIRST_HTTP },
    { SL_SLICE_INIT("DELETE "), SL_FIRST_HTTP },
    { SL_SLICE_INIT("OPTIONS "), SL_FIRST_HTTP },
    { SL_SLICE_INIT("PATCH "), SL_FIRST_HTTP },
    { SL_SLICE_INIT("TRACE "), SL_FIRST_HTTP },
    { SL_SLICE_INIT("CONNECT "), SL_FIRST_HTTP },
    { SL_SLICE_INIT("PRI * HTTP/2"), SL_FIRST_HTTP }, /* RFC 9113 3.4 */
    { SL_SLICE_INIT("HTTP/"), SL_FIRST_HTTP },        /* a server's answer */
    { SL_SLICE_INIT("SSH-"), SL_FIRST_SSH },          /* RFC 4253 4.2 */
    { SL_SLICE_INIT("PROXY "), SL_FIRST_PROXY },
    { SL_SLICE_INIT("\r\n\r\n\0\r\nQUIT\n"), SL_FIRST_PROXY },
};

static enum sl_first_bytes classify_text(struct sl_slice in)
{
    enum sl_first_bytes what = SL_FIRST_OTHER;
    for (size_t i = 0; i < SL_COUNT(OPENINGS); i++) {
        if (sl_slice_starts(in, OPENINGS[i].bytes)) {
            return OPENINGS[i].what;
        }
        if (sl_slice_starts(OPENINGS[i].bytes, in)) {
            what = SL_FIRST_MORE;
        }
    }
    return what;
}

/* 80 2e 01 03 01: length, CLIENT-HELLO, version (RFC 5246 E.2). */
static enum sl_first_bytes classify_sslv2(struct sl_slice in)
{
    if (in.len >= 3 && in.ptr[2] != SSLV2_CLIENT_HELLO) {
        return SL_FIRST_OTHER;
    }
    if (in.len >= 4 && in.ptr[3] != TLS_MAJOR && in.ptr[3] != 0) {
        return SL_FIRST_OTHER;
    }
    if (in.len < 5) {
        return SL_FIRST_MORE;
    }
    bool is_version = in.ptr[3] == TLS_MAJOR || in.ptr[4] == 2;
    return is_version ? SL_FIRST_SSLV2 : SL_FIRST_OTHER;
}

enum sl_first_bytes sl_first_bytes_classify(struct sl_slice in)
{
    if (in.len == 0) {
        return SL_FIRST_MORE;
    }
    if (in.ptr[0] == CONTENT_HANDSHAKE) {
        if (in.len == 1) {
            return SL_FIRST_MORE;
        }
        return in.ptr[1] == TLS_MAJOR ? SL_FIRST_TLS : SL_FIRST_OTHER;
    }
    if ((in.ptr[0] & SSLV2_LONG_HEADER) != 0) {
        return classify_sslv2(in);
    }
    return classify_text(in);
}

const char *sl_first_bytes_name(enum sl_first_bytes what)
{
    switch (what) {
    case SL_FIRST_TLS:
        return "TLS";
    case SL_FIRST_SSLV2:
        return "SSLv2";
    case SL_FIRST_HTTP:
        return "HTTP";
    case SL_FIRST_SSH:
        return "SSH";
    case SL_FIRST_PROXY:
        return "a PROXY header";
    case SL_FIRST_MORE:
    case SL_FIRST_OTHER:
        break;
    }
    return "neither TLS nor another known protocol";
}

/* "a byte string using ASCII encoding" (RFC 6066 3). */
static bool is_host_name(struct sl_slice name)
{
    bool is_ascii = true;
    for (size_t i = 0; i < name.len; i++) {
        is_ascii = is_ascii && name.ptr[i] > ' ' && name.ptr[i] < 0x7f;
    }
    return is_ascii && name.len <= HOST_NAME_MAX_BYTES && !sl_slice_eq(name, SL_SLICE("."));
}

enum sl_err sl_hello_server_name(struct sl_slice body, struct sl_slice *ret_name)
{
    struct sl_reader whole = sl_reader_of(body);
    struct sl_reader list = sl_reader_of(sl_reader_vec16(&whole));
    if (!sl_reader_is_done(&whole) || list.in.len == 0) {
        return SL_EPROTO;
    }
    struct sl_slice host = { NULL, 0 };
    bool is_bad = false;
    while (!list.failed && list.in.len != 0) {
        uint8_t type = sl_reader_u8(&list);
        struct sl_slice name = sl_reader_vec16(&list);
        if (list.failed || type != NAME_TYPE_HOST) {
            continue;
        }
        if (name.len == 0) {
            return SL_EPROTO;
        }
        /* "MUST NOT contain more than one name of the same name_type" */
        is_bad = is_bad || host.ptr != NULL || !is_host_name(name);
        host = name;
    }
    if (!sl_reader_is_done(&list)) {
        return SL_EPROTO;
    }
    if (is_bad) {
        return SL_EINVAL;
    }
    if (host.ptr == NULL) {
        return SL_ENOENT;
    }
    if (host.ptr[host.len - 1] == '.') {
        host.len--;
    }
    *ret_name = host;
    return SL_OK;
}

bool sl_hello_is_dns_name(struct sl_slice name)
{
    struct sl_slice rest = name;
    struct sl_addr addr;
    bool is_name = name.len != 0 && name.len <= DNS_NAME_MAX_BYTES;
    while (is_name && rest.len != 0) {
        const struct sl_slice label = sl_slice_cut(&rest, sl_slice_find(rest, '.'));
        const bool has_dot = sl_slice_cut(&rest, 1).len != 0;
        is_name = label.len != 0 && label.len <= DNS_LABEL_MAX_BYTES && !(has_dot && rest.len == 0);
    }
    return is_name && sl_slice_find(name, '*') == name.len &&
           sl_slice_find(name, ':') == name.len && sl_addr_from_ip(name, 0, &addr) != SL_OK;
}

enum sl_err sl_hello_alpn(struct sl_slice body, struct sl_slice *ret_list)
{
    struct sl_reader whole = sl_reader_of(body);
    struct sl_slice list = sl_reader_vec16(&whole);
    if (!sl_reader_is_done(&whole) || list.len == 0) {
        return SL_EPROTO;
    }
    struct sl_reader r = sl_reader_of(list);
    while (!r.failed && r.in.len != 0) {
        struct sl_slice protocol = sl_reader_vec8(&r);
        if (!r.failed && protocol.len == 0) {
            return SL_EPROTO; /* RFC 7301 3.1: "Empty strings MUST NOT be included" */
        }
    }
    if (!sl_reader_is_done(&r)) {
        return SL_EPROTO;
    }
    *ret_list = list;
    return SL_OK;
}

enum sl_err sl_alpn_next(struct sl_slice *list, struct sl_slice *ret_protocol)
{
    struct sl_reader r = sl_reader_of(*list);
    struct sl_slice protocol = sl_reader_vec8(&r);
    if (r.failed) {
        return SL_EOF;
    }
    *list = r.in;
    *ret_protocol = protocol;
    return SL_OK;
}

enum sl_err sl_psk_next(struct sl_slice *identities, struct sl_slice *ret_identity)
{
    struct sl_reader r = sl_reader_of(*identities);
    const struct sl_slice identity = sl_reader_vec16(&r);
    (void)sl_reader_u32(&r); /* its age */
    if (r.failed || identity.len == 0) {
        return SL_EOF;
    }
    *identities = r.in;
    *ret_identity = identity;
    return SL_OK;
}

enum sl_err sl_hello_psks(struct sl_slice body, struct sl_slice *ret_identities)
{
    struct sl_reader whole = sl_reader_of(body);
    const struct sl_slice identities = sl_reader_vec16(&whole);
    (void)sl_reader_vec16(&whole); /* the binders, which are libssl's to check */
    struct sl_slice rest = identities, one;
    while (sl_psk_next(&rest, &one) == SL_OK) {
    }
    if (!sl_reader_is_done(&whole) || identities.len == 0 || rest.len != 0) {
        return SL_EPROTO;
    }
    *ret_identities = identities;
    return SL_OK;
}

enum sl_err sl_hello_signatures(struct sl_slice body, struct sl_hello_signatures *ret_kinds)
{
    enum { SHA256 = 4 }; /* RFC 5246 7.4.1.4.1 */
    struct sl_reader whole = sl_reader_of(body);
    struct sl_reader list = sl_reader_of(sl_reader_vec16(&whole));
    if (!sl_reader_is_done(&whole) || list.in.len == 0 || list.in.len % 2 != 0) {
        return SL_EPROTO;
    }
    struct sl_hello_signatures kinds = { .has_ecdsa = false };
    while (list.in.len != 0) {
        uint16_t scheme = sl_reader_u16(&list);
        uint8_t hash = (uint8_t)(scheme >> 8);
        uint8_t low = (uint8_t)(scheme & 0xff);
        if (hash >= 2 && hash <= 6) { /* RFC 5246 7.4.1.4.1: SHA-1 to SHA-512, then the key */
            kinds.has_rsa = kinds.has_rsa || low == 1;
            kinds.has_ecdsa = kinds.has_ecdsa || low == 3;
            if (low == 3 && hash >= SHA256) { /* of TLS 1.3, where each has its curve */
                kinds.ecdsa_curves |= (uint8_t)(1 << (hash - SHA256));
            }
        } else if (hash == 8) { /* RFC 8446 4.2.3 */
            kinds.has_rsa = kinds.has_rsa || (low >= 4 && low <= 6);
            kinds.has_eddsa = kinds.has_eddsa || low == 7 || low == 8;
        }
    }
    *ret_kinds = kinds;
    return SL_OK;
}
