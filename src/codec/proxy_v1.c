/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/proxy_v1.h"
#include <arpa/inet.h>

static const struct sl_slice BEGIN = SL_SLICE_INIT("PROXY ");
static const struct sl_slice UNKNOWN = SL_SLICE_INIT("UNKNOWN");

/* The family that a line is about; AF_UNSPEC when it cannot say. */
static sa_family_t family_of(const struct sl_addr *source, const struct sl_addr *destination)
{
    const sa_family_t family = source->len == 0 ? AF_UNSPEC : source->sa.any.sa_family;
    const bool is_ip = family == AF_INET || family == AF_INET6;
    return is_ip && destination->len > 0 && destination->sa.any.sa_family == family ? family
                                                                                    : AF_UNSPEC;
}

static void ip_text(const struct sl_addr *addr, char ret_text[static INET6_ADDRSTRLEN])
{
    const bool is_v4 = addr->sa.any.sa_family == AF_INET;
    const void *bytes =
        is_v4 ? (const void *)&addr->sa.in.sin_addr : (const void *)&addr->sa.in6.sin6_addr;
    inet_ntop(addr->sa.any.sa_family, bytes, ret_text, INET6_ADDRSTRLEN);
}

enum sl_err sl_proxy_v1_emit(const struct sl_addr *source, const struct sl_addr *destination,
                             struct sl_wbuf *out)
{
    const sa_family_t family = family_of(source, destination);
    char from[INET6_ADDRSTRLEN] = "", to[INET6_ADDRSTRLEN] = "";
    if (family == AF_UNSPEC) {
        return sl_wbuf_put(out, SL_SLICE("PROXY UNKNOWN\r\n"));
    }
    ip_text(source, from);
    ip_text(destination, to);
    return sl_wbuf_printf(out, "PROXY %s %s %s %u %u\r\n", family == AF_INET ? "TCP4" : "TCP6",
                          from, to, sl_addr_port(source), sl_addr_port(destination));
}

/* The next word, which one space ends, or the end of the line. */
static struct sl_slice word_cut(struct sl_slice *line)
{
    const struct sl_slice word = sl_slice_cut(line, sl_slice_find(*line, ' '));
    (void)sl_slice_cut(line, 1);
    return word;
}

/* "Heading zeroes are not permitted in front of numbers." */
static enum sl_err port_read(struct sl_slice word, struct sl_addr *addr)
{
    uint64_t port = 0;
    const bool has_zero = word.len > 1 && word.ptr[0] == '0';
    if (has_zero || sl_slice_number(word, &port) != SL_OK || port > UINT16_MAX) {
        return SL_EPROTO;
    }
    sl_addr_set_port(addr, (uint16_t)port);
    return SL_OK;
}

static enum sl_err ip_read(struct sl_slice word, sa_family_t family, struct sl_addr *ret_addr)
{
    const enum sl_err rc = sl_addr_from_ip(word, 0, ret_addr);
    return rc == SL_OK && ret_addr->sa.any.sa_family == family ? SL_OK : SL_EPROTO;
}

/* What stands behind "PROXY ", without CRLF. */
static enum sl_err line_read(struct sl_slice line, struct sl_addr *source,
                             struct sl_addr *destination)
{
    const struct sl_slice protocol = word_cut(&line);
    if (sl_slice_eq(protocol, UNKNOWN)) {
        return SL_OK;
    }
    const bool is_v4 = sl_slice_eq(protocol, SL_SLICE("TCP4"));
    if (!is_v4 && !sl_slice_eq(protocol, SL_SLICE("TCP6"))) {
        return SL_EPROTO;
    }
    enum sl_err rc = ip_read(word_cut(&line), is_v4 ? AF_INET : AF_INET6, source);
    rc = rc == SL_OK ? ip_read(word_cut(&line), is_v4 ? AF_INET : AF_INET6, destination) : rc;
    rc = rc == SL_OK ? port_read(word_cut(&line), source) : rc;
    return rc == SL_OK ? port_read(line, destination) : rc;
}

enum sl_err sl_proxy_v1_cut(struct sl_slice *in, struct sl_addr *ret_source,
                            struct sl_addr *ret_destination)
{
    const size_t known = SL_MIN(in->len, BEGIN.len);
    struct sl_slice rest = sl_slice_of(in->ptr, SL_MIN(in->len, (size_t)SL_PROXY_V1_MAX));
    if (!sl_slice_eq(sl_slice_of(in->ptr, known), sl_slice_of(BEGIN.ptr, known))) {
        return SL_EPROTO;
    }
    const size_t line_len = sl_slice_find(rest, '\n');
    if (line_len == rest.len) { /* of a line that cannot end in time nothing more is waited for */
        return rest.len == SL_PROXY_V1_MAX ? SL_EPROTO : SL_AGAIN;
    }
    struct sl_slice line = sl_slice_cut(&rest, line_len);
    if (line.len <= BEGIN.len || line.ptr[line.len - 1] != '\r') {
        return SL_EPROTO;
    }
    line.len--;
    (void)sl_slice_cut(&line, BEGIN.len);
    struct sl_addr source = { 0 }, destination = { 0 };
    if (line_read(line, &source, &destination) != SL_OK) {
        return SL_EPROTO;
    }
    (void)sl_slice_cut(in, line_len + 1);
    *ret_source = source;
    *ret_destination = destination;
    return SL_OK;
}
