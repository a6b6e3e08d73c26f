/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/peer_rule.h"
#include "base/prefix.h"
#include "codec/pem.h"
#include <string.h>

enum { IPV4_LEN = 4, IPV6_LEN = 16 }; /* bytes */

static const char *const KIND_NAMES[SL_PEER_KINDS_COUNT] = {
    [SL_PEER_DNS] = "dns", [SL_PEER_EMAIL] = "email", [SL_PEER_URI] = "uri",   [SL_PEER_IP] = "ip",
    [SL_PEER_CN] = "cn",   [SL_PEER_OU] = "ou",       [SL_PEER_SPKI] = "spki",
};

const char *sl_peer_kind_name(enum sl_peer_kind kind)
{
    return KIND_NAMES[kind];
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool is_alnum(uint8_t c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
}

static struct sl_slice tail(struct sl_slice s, size_t from)
{
    (void)sl_slice_cut(&s, from);
    return s;
}

static size_t stars_count(struct sl_slice s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++) {
        count += s.ptr[i] == '*';
    }
    return count;
}

static struct sl_slice without_dot(struct sl_slice name)
{
    name.len -= name.len > 1 && name.ptr[name.len - 1] == '.' ? 1 : 0;
    return name;
}

static struct sl_slice label_cut(struct sl_slice *name)
{
    struct sl_slice label = sl_slice_cut(name, sl_slice_find(*name, '.'));
    (void)sl_slice_cut(name, 1);
    return label;
}

/* Labels of letters, digits, '-' and '_', with at most `stars_max` stars in each. */
static bool is_dns(struct sl_slice name, size_t stars_max)
{
    name = without_dot(name);
    if (name.len == 0 || name.ptr[name.len - 1] == '.') {
        return false;
    }
    while (name.len > 0) {
        struct sl_slice label = label_cut(&name);
        for (size_t i = 0; i < label.len; i++) {
            uint8_t c = label.ptr[i];
            if (!is_alnum(c) && c != '-' && c != '_' && c != '*') {
                return false;
            }
        }
        if (label.len == 0 || stars_count(label) > stars_max) {
            return false;
        }
    }
    return true;
}

static enum sl_err dns_check(struct sl_slice pattern, struct sl_diag *diag)
{
    if (!is_dns(pattern, 1)) {
        sl_diag_set(diag, "a dns pattern is labels of letters, digits, '-' and '_' between dots, "
                          "with at most one '*' in each");
        return SL_EINVAL;
    }
    return SL_OK;
}

static bool label_fits(struct sl_slice pattern, struct sl_slice label)
{
    size_t before = sl_slice_find(pattern, '*');
    if (before == pattern.len) {
        return sl_slice_eq_nocase(pattern, label);
    }
    size_t after = pattern.len - before - 1;
    return label.len > before + after &&
           sl_slice_eq_nocase(sl_slice_of(pattern.ptr, before), sl_slice_of(label.ptr, before)) &&
           sl_slice_eq_nocase(tail(pattern, before + 1), tail(label, label.len - after));
}

static bool dns_fits(struct sl_slice pattern, struct sl_slice name)
{
    if (!is_dns(name, 1)) {
        return false; /* "a.." would lose its empty label */
    }
    pattern = without_dot(pattern);
    name = without_dot(name);
    while (pattern.len > 0 && name.len > 0) {
        if (!label_fits(label_cut(&pattern), label_cut(&name))) {
            return false;
        }
    }
    return pattern.len == 0 && name.len == 0;
}

/* The place of the last '@', or the length. */
static size_t at_sign(struct sl_slice address)
{
    size_t i = address.len;
    while (i > 0 && address.ptr[i - 1] != '@') {
        i--;
    }
    return i == 0 ? address.len : i - 1;
}

static bool is_graphic(struct sl_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] <= 0x20 || s.ptr[i] >= 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_email(struct sl_slice address)
{
    size_t at = at_sign(address);
    return at > 0 && at < address.len && is_dns(tail(address, at + 1), 0);
}

static enum sl_err email_check(struct sl_slice pattern, struct sl_diag *diag)
{
    size_t at = at_sign(pattern);
    bool is_any = sl_slice_starts(pattern, SL_SLICE("*@"));
    if (!is_email(pattern) || !is_graphic(pattern) ||
        stars_count(sl_slice_of(pattern.ptr, at)) > (is_any ? 1 : 0)) {
        sl_diag_set(diag, "an email pattern is an address, or '*@' and a domain");
        return SL_EINVAL;
    }
    return SL_OK;
}

static bool email_fits(struct sl_slice pattern, struct sl_slice address)
{
    size_t at = at_sign(pattern), address_at = at_sign(address);
    struct sl_slice local = sl_slice_of(pattern.ptr, at);
    return sl_slice_eq_nocase(tail(pattern, at), tail(address, address_at)) &&
           (sl_slice_eq(local, SL_SLICE("*")) ||
            sl_slice_eq(local, sl_slice_of(address.ptr, address_at)));
}

/* The bytes of scheme and authority, in which case does not count; 0 when it is no URI. */
static size_t uri_head(struct sl_slice uri)
{
    size_t colon = sl_slice_find(uri, ':');
    if (colon == 0 || colon == uri.len || !is_alnum(uri.ptr[0])) {
        return 0;
    }
    size_t end = colon + 1;
    if (sl_slice_starts(tail(uri, end), SL_SLICE("//"))) {
        end += 2;
        while (end < uri.len && strchr("/?#", uri.ptr[end]) == NULL) {
            end++;
        }
    }
    return end;
}

static bool has_authority(struct sl_slice uri)
{
    return sl_slice_starts(tail(uri, sl_slice_find(uri, ':')), SL_SLICE("://"));
}

static enum sl_err uri_check(struct sl_slice pattern, struct sl_diag *diag)
{
    size_t head = uri_head(pattern), star = sl_slice_find(pattern, '*');
    if (head == 0 || !is_graphic(pattern)) {
        sl_diag_set(diag, "a uri pattern begins with a scheme and ':', and has no blanks");
        return SL_EINVAL;
    }
    if (star + 1 < pattern.len) {
        sl_diag_set(diag, "in a uri pattern one '*' may stand at the end");
        return SL_EINVAL;
    }
    if (star < pattern.len && (star < head || (has_authority(pattern) && star == head))) {
        sl_diag_set(diag,
                    "the '*' of a uri pattern stands behind the host and its '/', or it would "
                    "fit other hosts");
        return SL_EINVAL;
    }
    return SL_OK;
}

static bool uri_fits(struct sl_slice pattern, struct sl_slice uri)
{
    bool is_open = pattern.len > 0 && pattern.ptr[pattern.len - 1] == '*';
    pattern.len -= is_open ? 1 : 0;
    size_t head = uri_head(pattern);
    if (uri.len < pattern.len || (!is_open && uri.len != pattern.len) || uri_head(uri) != head) {
        return false;
    }
    uri.len = pattern.len;
    return sl_slice_eq_nocase(sl_slice_of(pattern.ptr, head), sl_slice_of(uri.ptr, head)) &&
           sl_slice_eq(tail(pattern, head), tail(uri, head));
}

static enum sl_err ip_check(struct sl_slice pattern, struct sl_diag *diag)
{
    struct sl_prefix prefix;
    const enum sl_err rc = sl_prefix_parse(pattern, &prefix);
    if (rc == SL_ERANGE) {
        sl_diag_set(diag, "the address has bits behind its prefix: all of them must be 0");
        return SL_EINVAL;
    }
    if (rc != SL_OK || prefix.family == SL_PREFIX_UNIX) {
        sl_diag_set(diag, "an ip pattern is an address, or a prefix such as 10.0.0.0/8");
        return SL_EINVAL;
    }
    return SL_OK;
}

static bool ip_fits(struct sl_slice pattern, struct sl_slice address)
{
    struct sl_prefix prefix;
    struct sl_addr addr = { 0 };
    if (address.len == IPV4_LEN) {
        addr.len = sizeof(addr.sa.in);
        addr.sa.in.sin_family = AF_INET;
        memcpy(&addr.sa.in.sin_addr, address.ptr, IPV4_LEN);
    } else if (address.len == IPV6_LEN) {
        addr.len = sizeof(addr.sa.in6);
        addr.sa.in6.sin6_family = AF_INET6;
        memcpy(&addr.sa.in6.sin6_addr, address.ptr, IPV6_LEN);
    }
    return sl_prefix_parse(pattern, &prefix) == SL_OK && sl_prefix_has(&prefix, &addr);
}

static enum sl_err text_check(struct sl_slice pattern, struct sl_diag *diag)
{
    if (pattern.len == 0) {
        sl_diag_set(diag, "a pattern is not empty");
        return SL_EINVAL;
    }
    return SL_OK;
}

/* Where `s` first begins with `part`, without case; `s.len + 1` for nowhere. */
static size_t text_find(struct sl_slice s, struct sl_slice part)
{
    for (size_t at = 0; at + part.len <= s.len; at++) {
        if (sl_slice_eq_nocase(sl_slice_of(s.ptr + at, part.len), part)) {
            return at;
        }
    }
    return s.len + 1;
}

static bool text_fits(struct sl_slice pattern, struct sl_slice text)
{
    struct sl_slice first = sl_slice_cut(&pattern, sl_slice_find(pattern, '*'));
    if (pattern.len == 0) {
        return sl_slice_eq_nocase(first, text);
    }
    if (text.len < first.len || !sl_slice_eq_nocase(first, sl_slice_of(text.ptr, first.len))) {
        return false;
    }
    (void)sl_slice_cut(&text, first.len);
    for (;;) { /* between two stars the first place is as good as any */
        (void)sl_slice_cut(&pattern, 1);
        struct sl_slice part = sl_slice_cut(&pattern, sl_slice_find(pattern, '*'));
        if (pattern.len == 0) {
            return text.len >= part.len &&
                   sl_slice_eq_nocase(part, tail(text, text.len - part.len));
        }
        size_t at = text_find(text, part);
        if (at > text.len) {
            return false;
        }
        (void)sl_slice_cut(&text, at + part.len);
    }
}

static int hex_value(uint8_t c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10
                                                : -1;
}

static enum sl_err hex_parse(struct sl_slice text, struct sl_wbuf *out)
{
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        int high = hex_value(text.ptr[i]), low = hex_value(text.ptr[i + 1]);
        if (high < 0 || low < 0 || sl_wbuf_put_u8(out, (uint8_t)(high << 4 | low)) != SL_OK) {
            return SL_EINVAL;
        }
    }
    return SL_OK;
}

enum sl_err sl_pin_parse(struct sl_slice text, uint8_t ret_pin[static SL_PIN_LEN])
{
    static const struct sl_slice MARK = SL_SLICE_INIT("sha256//");
    uint8_t pin[SL_PIN_LEN];
    struct sl_wbuf out = sl_wbuf_of(pin, sizeof(pin));
    (void)sl_slice_cut(&text, sl_slice_starts(text, MARK) ? MARK.len : 0);
    enum sl_err rc = text.len == (size_t)2 * SL_PIN_LEN ? hex_parse(text, &out)
                     : is_graphic(text)                 ? sl_base64_decode(text, &out)
                                                        : SL_EINVAL;
    if (rc != SL_OK || out.len != SL_PIN_LEN) {
        return SL_EINVAL;
    }
    memcpy(ret_pin, pin, sizeof(pin));
    return SL_OK;
}

static enum sl_err spki_check(struct sl_slice pattern, struct sl_diag *diag)
{
    uint8_t pin[SL_PIN_LEN];
    if (sl_pin_parse(pattern, pin) != SL_OK) {
        sl_diag_set(diag, "a pin is the SHA-256 of a SubjectPublicKeyInfo, in base64 or as 64 "
                          "hexadecimal digits");
        return SL_EINVAL;
    }
    return SL_OK;
}

static bool spki_fits(struct sl_slice pattern, struct sl_slice digest)
{
    uint8_t pin[SL_PIN_LEN];
    return sl_pin_parse(pattern, pin) == SL_OK &&
           sl_slice_eq(sl_slice_of(pin, sizeof(pin)), digest);
}

static const struct kind_row {
    enum sl_err (*check)(struct sl_slice pattern, struct sl_diag *diag);
    bool (*fits)(struct sl_slice pattern, struct sl_slice value);
} KINDS[SL_PEER_KINDS_COUNT] = {
    [SL_PEER_DNS] = { dns_check, dns_fits },    [SL_PEER_EMAIL] = { email_check, email_fits },
    [SL_PEER_URI] = { uri_check, uri_fits },    [SL_PEER_IP] = { ip_check, ip_fits },
    [SL_PEER_CN] = { text_check, text_fits },   [SL_PEER_OU] = { text_check, text_fits },
    [SL_PEER_SPKI] = { spki_check, spki_fits },
};

enum sl_err sl_peer_pattern_check(enum sl_peer_kind kind, struct sl_slice pattern,
                                  struct sl_diag *diag)
{
    return KINDS[kind].check(pattern, diag);
}

bool sl_peer_pattern_fits(enum sl_peer_kind kind, struct sl_slice pattern, struct sl_slice value)
{
    return KINDS[kind].fits(pattern, value);
}

/* "." and "..", also as "%2e" (RFC 3986 6.2.2.3): what takes them away sees another path. */
static bool has_dot_segment(struct sl_slice path)
{
    path.len = SL_MIN(sl_slice_find(path, '?'), sl_slice_find(path, '#'));
    while (path.len > 0) {
        struct sl_slice segment = sl_slice_cut(&path, sl_slice_find(path, '/'));
        size_t dots_count = 0;
        (void)sl_slice_cut(&path, 1);
        while (segment.len > 0 && dots_count < 3) {
            bool is_coded = segment.len >= 3 && segment.ptr[0] == '%' && segment.ptr[1] == '2' &&
                            lower(segment.ptr[2]) == 'e';
            if (segment.ptr[0] != '.' && !is_coded) {
                break;
            }
            (void)sl_slice_cut(&segment, is_coded ? 3 : 1);
            dots_count++;
        }
        if (segment.len == 0 && (dots_count == 1 || dots_count == 2)) {
            return true;
        }
    }
    return false;
}

bool sl_peer_name_is_sound(const struct sl_peer_name *name)
{
    const struct sl_slice value = name->value;
    switch (name->kind) {
    case SL_PEER_DNS:
        return is_dns(value, 1);
    case SL_PEER_EMAIL:
        return is_graphic(value) && is_email(value);
    case SL_PEER_URI:
        return is_graphic(value) && uri_head(value) > 0 &&
               !has_dot_segment(tail(value, uri_head(value)));
    case SL_PEER_IP:
        return value.len == IPV4_LEN || value.len == IPV6_LEN;
    case SL_PEER_SPKI:
        return value.len == SL_PIN_LEN;
    default:
        return value.len > 0 && sl_slice_find(value, 0) == value.len;
    }
}

static bool rule_fits(const struct sl_peer_rule *rule, const struct sl_peer_name *names,
                      size_t names_count)
{
    for (size_t kind = 0; kind < SL_PEER_KINDS_COUNT; kind++) {
        const struct sl_slice pattern = sl_slice_cstr(rule->patterns[kind]);
        bool is_found = rule->patterns[kind] == NULL;
        for (size_t i = 0; !is_found && i < names_count; i++) {
            is_found = (size_t)names[i].kind == kind && KINDS[kind].fits(pattern, names[i].value);
        }
        if (!is_found) {
            return false;
        }
    }
    return true;
}

size_t sl_peer_rules_find(const struct sl_peer_rule *rules, size_t rules_count,
                          const struct sl_peer_name *names, size_t names_count)
{
    size_t i = 0;
    while (i < rules_count && !rule_fits(&rules[i], names, names_count)) {
        i++;
    }
    return i;
}
