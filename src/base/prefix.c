/* SPDX-License-Identifier: Apache-2.0 */
#include "base/prefix.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IPV4_BITS = 32, IPV6_BITS = 128, MAPPED_BITS = 96 };

static unsigned family_bits(enum sl_prefix_family family)
{
    return family == SL_PREFIX_IPV4 ? IPV4_BITS : family == SL_PREFIX_IPV6 ? IPV6_BITS : 0;
}

/* All bits of the address. */
static struct sl_prefix whole(const struct sl_addr *addr)
{
    struct sl_prefix prefix = { 0 };
    const int family = addr->len > 0 ? addr->sa.any.sa_family : AF_UNSPEC;
    if (family == AF_INET) {
        prefix.family = SL_PREFIX_IPV4;
        memcpy(prefix.bytes, &addr->sa.in.sin_addr, sizeof(addr->sa.in.sin_addr));
    } else if (family == AF_INET6) {
        prefix.family = SL_PREFIX_IPV6;
        memcpy(prefix.bytes, &addr->sa.in6.sin6_addr, sizeof(addr->sa.in6.sin6_addr));
    } else if (family == AF_UNIX) {
        prefix.family = SL_PREFIX_UNIX;
    }
    prefix.bits_count = (uint8_t)family_bits(prefix.family);
    return prefix;
}

static void unmap(struct sl_prefix *prefix)
{
    struct in6_addr in6;
    memcpy(&in6, prefix->bytes, sizeof(in6));
    if (prefix->family == SL_PREFIX_IPV6 && prefix->bits_count >= MAPPED_BITS &&
        IN6_IS_ADDR_V4MAPPED(&in6)) {
        struct sl_prefix ipv4 = { .family = SL_PREFIX_IPV4,
                                  .bits_count = (uint8_t)(prefix->bits_count - MAPPED_BITS) };
        memcpy(ipv4.bytes, prefix->bytes + MAPPED_BITS / 8, IPV4_BITS / 8);
        *prefix = ipv4;
    }
}

/* Leaves so many bits. @return false when others were not 0 */
static bool cut(struct sl_prefix *prefix, unsigned bits_count)
{
    bool is_clean = true;
    for (unsigned i = 0; i < sizeof(prefix->bytes); i++) {
        const unsigned kept = bits_count > i * 8 ? SL_MIN(bits_count - i * 8, 8U) : 0;
        const uint8_t mask = (uint8_t)(0xff00U >> kept);
        is_clean = is_clean && (prefix->bytes[i] & (uint8_t)~mask) == 0;
        prefix->bytes[i] &= mask;
    }
    prefix->bits_count = (uint8_t)bits_count;
    return is_clean;
}

enum sl_err sl_prefix_parse(struct sl_slice text, struct sl_prefix *ret_prefix)
{
    struct sl_addr addr;
    struct sl_slice rest = text;
    if (sl_slice_eq(text, SL_SLICE("unix"))) {
        *ret_prefix = (struct sl_prefix){ .family = SL_PREFIX_UNIX };
        return SL_OK;
    }
    const struct sl_slice host = sl_slice_cut(&rest, sl_slice_find(text, '/'));
    if (sl_addr_from_ip(host, 0, &addr) != SL_OK) {
        return SL_EINVAL;
    }
    struct sl_prefix prefix = whole(&addr);
    uint64_t bits_count = prefix.bits_count;
    if (rest.len > 0) {
        (void)sl_slice_cut(&rest, 1);
        if (sl_slice_number(rest, &bits_count) != SL_OK || bits_count > prefix.bits_count) {
            return SL_EINVAL;
        }
    }
    if (!cut(&prefix, (unsigned)bits_count)) {
        return SL_ERANGE;
    }
    unmap(&prefix);
    *ret_prefix = prefix;
    return SL_OK;
}

struct sl_prefix sl_prefix_of(const struct sl_addr *addr, unsigned ipv4_bits_count,
                              unsigned ipv6_bits_count)
{
    struct sl_prefix prefix = whole(addr);
    unmap(&prefix);
    const unsigned bits_count = prefix.family == SL_PREFIX_IPV4 ? ipv4_bits_count : ipv6_bits_count;
    (void)cut(&prefix, SL_MIN(bits_count, (unsigned)prefix.bits_count));
    return prefix;
}

bool sl_prefix_covers(const struct sl_prefix *outer, const struct sl_prefix *inner)
{
    struct sl_prefix same = *inner;
    if (outer->family == SL_PREFIX_NONE || outer->family != inner->family ||
        outer->bits_count > inner->bits_count) {
        return false;
    }
    (void)cut(&same, outer->bits_count);
    return memcmp(same.bytes, outer->bytes, sizeof(same.bytes)) == 0;
}

bool sl_prefix_has(const struct sl_prefix *prefix, const struct sl_addr *addr)
{
    const struct sl_prefix inner = sl_prefix_of(addr, IPV4_BITS, IPV6_BITS);
    return sl_prefix_covers(prefix, &inner);
}

void sl_prefix_format(const struct sl_prefix *prefix, char ret_text[static SL_PREFIX_TEXT_MAX])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    const bool is_ip = prefix->family == SL_PREFIX_IPV4 || prefix->family == SL_PREFIX_IPV6;
    if (!is_ip) {
        (void)snprintf(ret_text, SL_PREFIX_TEXT_MAX, "%s",
                       prefix->family == SL_PREFIX_UNIX ? "unix" : "none");
        return;
    }
    inet_ntop(prefix->family == SL_PREFIX_IPV4 ? AF_INET : AF_INET6, prefix->bytes, ip, sizeof(ip));
    (void)snprintf(ret_text, SL_PREFIX_TEXT_MAX, "%s/%u", ip, prefix->bits_count);
}

/* By family, then by the first address, the wider one first. */
static int compare(const void *a, const void *b)
{
    const struct sl_prefix *left = a, *right = b;
    if (left->family != right->family) {
        return left->family < right->family ? -1 : 1;
    }
    const int order = memcmp(left->bytes, right->bytes, sizeof(left->bytes));
    return order != 0 ? order : (int)left->bits_count - (int)right->bits_count;
}

size_t sl_prefixes_sort(struct sl_prefix *prefixes, size_t count)
{
    size_t left_count = 0;
    if (count > 0) {
        qsort(prefixes, count, sizeof(*prefixes), compare);
    }
    for (size_t i = 0; i < count; i++) {
        if (left_count == 0 || !sl_prefix_covers(&prefixes[left_count - 1], &prefixes[i])) {
            prefixes[left_count++] = prefixes[i];
        }
    }
    return left_count;
}

bool sl_prefixes_cover(const struct sl_prefix *prefixes, size_t count,
                       const struct sl_prefix *inner)
{
    size_t begin = 0, end = count;
    while (begin < end) {
        const size_t middle = begin + (end - begin) / 2;
        if (compare(&prefixes[middle], inner) <= 0) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    /* none covers another: only the last that does not begin behind it can */
    return begin > 0 && sl_prefix_covers(&prefixes[begin - 1], inner);
}

bool sl_prefixes_have(const struct sl_prefix *prefixes, size_t count, const struct sl_addr *addr)
{
    const struct sl_prefix whole_addr = sl_prefix_of(addr, IPV4_BITS, IPV6_BITS);
    return sl_prefixes_cover(prefixes, count, &whole_addr);
}
