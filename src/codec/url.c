/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/url.h"
#include "base/addr.h"

enum { NAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63 }; /* RFC 1035 2.3.4, as text */
enum { PATH_MAX_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path) - 1 };
enum { PORT_MAX = 65535 };
enum { SHOWN_MAX = 60 }; /* bytes of the input that a message repeats */

static const char *const SCHEMES[] = {
    [SL_SCHEME_TCP] = "tcp",
    [SL_SCHEME_TLS] = "tls",
    [SL_SCHEME_UNIX] = "unix",
};

#define FORMS "tcp://HOST:PORT, tls://HOST:PORT or unix:PATH"

/* What is wrong and where, carried through the steps. */
struct problem {
    size_t at;
    struct sl_diag *diag;
};

static struct sl_slice shown(struct sl_slice s)
{
    return sl_slice_of(s.ptr, SL_MIN(s.len, (size_t)SHOWN_MAX));
}

static size_t offset_of(struct sl_slice text, struct sl_slice part)
{
    return (size_t)(part.ptr - text.ptr);
}

const char *sl_scheme_name(enum sl_scheme scheme)
{
    return SCHEMES[scheme];
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_label_byte(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

static enum sl_err bytes_check(struct sl_slice text, struct problem *problem)
{
    if (text.len == 0) {
        sl_diag_set(problem->diag, "the URL is empty: write " FORMS);
        return SL_EINVAL;
    }
    if (text.len > SL_URL_MAX) {
        problem->at = SL_URL_MAX;
        sl_diag_set(problem->diag, "the URL has %zu bytes: at most %d", text.len, SL_URL_MAX);
        return SL_ERANGE;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
            problem->at = i;
            sl_diag_set(problem->diag, "a control character (0x%02x) cannot be in a URL",
                        text.ptr[i]);
            return SL_EINVAL;
        }
    }
    return SL_OK;
}

static bool has_authority_mark(struct sl_slice text)
{
    size_t colon = sl_slice_find(text, ':');
    return sl_slice_starts(sl_slice_of(text.ptr + colon, text.len - colon), SL_SLICE("://"));
}

/* Cuts "tcp://", "tls://" or "unix:" off the front of `rest`. */
static enum sl_err scheme_cut(struct sl_slice *rest, enum sl_scheme *ret_scheme,
                              struct problem *problem)
{
    struct sl_slice name = sl_slice_of(rest->ptr, sl_slice_find(*rest, ':'));
    size_t scheme = 0;
    while (scheme < SL_COUNT(SCHEMES) &&
           !sl_slice_eq_nocase(name, sl_slice_cstr(SCHEMES[scheme]))) {
        scheme++;
    }
    if (name.len == rest->len || (scheme == SL_COUNT(SCHEMES) && !has_authority_mark(*rest))) {
        sl_diag_set(problem->diag, "'%.*s' has no scheme: write " FORMS,
                    SL_SLICE_FMT(shown(*rest)));
        return SL_EINVAL;
    }
    if (scheme == SL_COUNT(SCHEMES)) {
        sl_diag_set(problem->diag, "unknown scheme '%.*s': tcp, tls or unix",
                    SL_SLICE_FMT(shown(name)));
        return SL_EINVAL;
    }
    bool is_unix = scheme == SL_SCHEME_UNIX;
    if (is_unix == has_authority_mark(*rest)) {
        problem->at = name.len + 1;
        sl_diag_set(problem->diag,
                    is_unix ? "a Unix socket is written unix:PATH, without //"
                            : "// is missing behind '%s:': write %s://HOST:PORT",
                    SCHEMES[scheme], SCHEMES[scheme]);
        return SL_EINVAL;
    }
    (void)sl_slice_cut(rest, name.len + (is_unix ? sizeof(":") : sizeof("://")) - 1);
    *ret_scheme = (enum sl_scheme)scheme;
    return SL_OK;
}

static enum sl_err path_check(struct sl_slice path, struct problem *problem)
{
    if (path.len == 0) {
        sl_diag_set(problem->diag, "the path is missing: unix:PATH");
        return SL_EINVAL;
    }
    if (path.ptr[0] == '@') {
        sl_diag_set(problem->diag, "abstract sockets are not supported: give a path, unix:PATH");
        return SL_EINVAL;
    }
    if (path.len > PATH_MAX_BYTES) {
        sl_diag_set(problem->diag, "the path has %zu bytes: a Unix socket's has at most %d",
                    path.len, (int)PATH_MAX_BYTES);
        return SL_ERANGE;
    }
    return SL_OK;
}

static enum sl_err port_parse(struct sl_slice text, uint16_t *ret_port, struct problem *problem)
{
    uint32_t port = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (!is_digit(c)) {
            problem->at += i;
            sl_diag_set(problem->diag,
                        i > 0 && (c == '/' || c == '?' || c == '#')
                            ? "nothing may stand behind the port"
                            : "port '%.*s' is not a number: 1 to 65535, or 0 for any",
                        SL_SLICE_FMT(shown(text)));
            return SL_EINVAL;
        }
        port = SL_MIN(port * 10 + (c - '0'), (uint32_t)PORT_MAX + 1);
    }
    if (text.len == 0) {
        sl_diag_set(problem->diag,
                    "the port is missing behind the colon: 1 to 65535, or 0 for any");
        return SL_EINVAL;
    }
    if (port > PORT_MAX) {
        sl_diag_set(problem->diag, "port %.*s is out of range: 1 to 65535, or 0 for any",
                    SL_SLICE_FMT(shown(text)));
        return SL_ERANGE;
    }
    *ret_port = (uint16_t)port;
    return SL_OK;
}

static enum sl_err label_check(struct sl_slice label, struct problem *problem)
{
    if (label.len == 0) {
        sl_diag_set(problem->diag, "a host name has no empty label between or behind its dots");
        return SL_EINVAL;
    }
    for (size_t i = 0; i < label.len; i++) {
        uint8_t c = label.ptr[i];
        if (!is_label_byte(c)) {
            problem->at += i;
            sl_diag_set(problem->diag,
                        c >= 0x80 ? "host names are ASCII: write the xn-- form"
                                  : "'%c' cannot be in a host name: letters, digits, '-', '_', '.'",
                        c);
            return SL_EINVAL;
        }
    }
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-') {
        sl_diag_set(problem->diag, "'%.*s' begins or ends with '-'", SL_SLICE_FMT(shown(label)));
        return SL_EINVAL;
    }
    if (label.len > LABEL_MAX_BYTES) {
        sl_diag_set(problem->diag, "a label of %zu bytes: at most %d between two dots", label.len,
                    LABEL_MAX_BYTES);
        return SL_ERANGE;
    }
    return SL_OK;
}

static bool is_number(struct sl_slice label)
{
    for (size_t i = 0; i < label.len; i++) {
        if (!is_digit(label.ptr[i])) {
            return false;
        }
    }
    return true;
}

static enum sl_err name_check(struct sl_slice name, struct problem *problem)
{
    const size_t begin = problem->at;
    if (name.len > NAME_MAX_BYTES) {
        sl_diag_set(problem->diag, "the host name has %zu bytes: at most %d", name.len,
                    NAME_MAX_BYTES);
        return SL_ERANGE;
    }
    struct sl_slice rest = name;
    for (;;) {
        struct sl_slice label = sl_slice_cut(&rest, sl_slice_find(rest, '.'));
        problem->at = begin + offset_of(name, label);
        enum sl_err rc = label_check(label, problem);
        if (rc != SL_OK) {
            return rc;
        }
        if (rest.len == 0) {
            /* resolvers take a name whose last label is a number for an address */
            if (is_number(label)) {
                problem->at = begin;
                sl_diag_set(problem->diag, "'%.*s' is not an IPv4 address",
                            SL_SLICE_FMT(shown(name)));
                return SL_EINVAL;
            }
            return SL_OK;
        }
        (void)sl_slice_cut(&rest, 1);
    }
}

/* Cuts "[IPv6]" off the front of `rest`, which begins with the bracket. */
static enum sl_err bracketed_cut(struct sl_slice *rest, struct sl_url *url, struct problem *problem)
{
    size_t close = sl_slice_find(*rest, ']');
    if (close == rest->len) {
        sl_diag_set(problem->diag, "the bracket is not closed: %s://[::1]:80",
                    SCHEMES[url->scheme]);
        return SL_EINVAL;
    }
    struct sl_slice host = sl_slice_of(rest->ptr + 1, close - 1);
    struct sl_addr addr;
    if (sl_slice_find(host, ':') == host.len || sl_addr_from_ip(host, 0, &addr) != SL_OK) {
        problem->at++;
        sl_diag_set(problem->diag, "'%.*s' is not an IPv6 address%s", SL_SLICE_FMT(shown(host)),
                    sl_slice_find(host, '%') < host.len ? ": zones are not supported" : "");
        return SL_EINVAL;
    }
    url->host = host;
    url->is_ip = true;
    (void)sl_slice_cut(rest, close + 1);
    return SL_OK;
}

/* Cuts a name, an IPv4 literal or nothing off the front of `rest`, up to the colon. */
static enum sl_err plain_host_cut(struct sl_slice *rest, struct sl_url *url,
                                  struct problem *problem)
{
    struct sl_slice host = sl_slice_cut(rest, sl_slice_find(*rest, ':'));
    if (rest->len > 0 &&
        sl_slice_find(sl_slice_of(rest->ptr + 1, rest->len - 1), ':') + 1 < rest->len) {
        sl_diag_set(problem->diag, "IPv6 addresses stand in brackets: %s://[::1]:80",
                    SCHEMES[url->scheme]);
        return SL_EINVAL;
    }
    struct sl_addr addr;
    url->host = host;
    url->is_ip = sl_addr_from_ip(host, 0, &addr) == SL_OK;
    return url->is_ip || host.len == 0 ? SL_OK : name_check(host, problem);
}

/* What stands behind "_SERVICE._tcp."; empty when it does not begin so. */
static struct sl_slice domain_of(struct sl_slice host)
{
    struct sl_slice rest = host;
    const struct sl_slice service = sl_slice_cut(&rest, sl_slice_find(rest, '.'));
    (void)sl_slice_cut(&rest, 1);
    const struct sl_slice protocol = sl_slice_cut(&rest, sl_slice_find(rest, '.'));
    (void)sl_slice_cut(&rest, 1);
    const bool is_srv =
        service.len > 1 && service.ptr[0] == '_' && sl_slice_eq_nocase(protocol, SL_SLICE("_tcp"));
    return is_srv ? rest : sl_slice_of(NULL, 0);
}

struct sl_slice sl_url_srv_domain(const struct sl_url *url)
{
    return domain_of(url->host);
}

static enum sl_err authority_parse(struct sl_slice rest, struct sl_url *url,
                                   struct problem *problem)
{
    const struct sl_slice whole = rest;
    const size_t begin = problem->at;
    enum sl_err rc = rest.len > 0 && rest.ptr[0] == '[' ? bracketed_cut(&rest, url, problem)
                                                        : plain_host_cut(&rest, url, problem);
    if (rc != SL_OK) {
        return rc;
    }
    problem->at = begin + offset_of(whole, rest);
    const bool is_srv = !url->is_ip && domain_of(url->host).len > 0;
    if (is_srv && rest.len == 0) {
        url->is_srv = true;
        return SL_OK;
    }
    if (is_srv) {
        sl_diag_set(problem->diag, "the port of '%.*s' is in its SRV records: leave it out here",
                    SL_SLICE_FMT(shown(url->host)));
        return SL_EINVAL;
    }
    if (rest.len == 0 || rest.ptr[0] != ':') {
        sl_diag_set(problem->diag, "the port is missing: %s://HOST:PORT", SCHEMES[url->scheme]);
        return SL_EINVAL;
    }
    (void)sl_slice_cut(&rest, 1);
    problem->at++;
    return port_parse(rest, &url->port, problem);
}

enum sl_err sl_url_parse(struct sl_slice text, struct sl_url *ret_url, size_t *ret_at,
                         struct sl_diag *diag)
{
    struct problem problem = { .diag = diag };
    struct sl_url url = { 0 };
    struct sl_slice rest = text;
    enum sl_err rc = bytes_check(text, &problem);
    if (rc == SL_OK) {
        rc = scheme_cut(&rest, &url.scheme, &problem);
    }
    if (rc == SL_OK) {
        problem.at = offset_of(text, rest);
        if (url.scheme == SL_SCHEME_UNIX) {
            url.path = rest;
            rc = path_check(rest, &problem);
        } else {
            rc = authority_parse(rest, &url, &problem);
        }
    }
    if (rc != SL_OK) {
        *ret_at = problem.at;
        return rc;
    }
    *ret_url = url;
    return SL_OK;
}
