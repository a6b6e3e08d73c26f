/* SPDX-License-Identifier: Apache-2.0 */
/** @file Prefixes of addresses (RFC 4632 3.1, RFC 4291 2.3), and sorted lists of them. Pure. */
#pragma once
#include "base/addr.h"

/** The longest text of a prefix, NUL included. */
enum { SL_PREFIX_TEXT_MAX = 64 };

enum sl_prefix_family {
    SL_PREFIX_NONE, /* fits nothing */
    SL_PREFIX_IPV4,
    SL_PREFIX_IPV6,
    SL_PREFIX_UNIX, /* every peer of a Unix socket */
};

struct sl_prefix {
    uint8_t family;     /* enum sl_prefix_family */
    uint8_t bits_count; /* of `bytes`, from the front */
    uint8_t bytes[16];  /* in network order; what is behind the prefix is 0 */
};

/**
 * Reads "192.0.2.0/24", "2001:db8::/32", an address, which is the prefix of all its bits, or
 * "unix". IPv4 within IPv6 (RFC 4291 2.5.5.2) of 96 bits or more is the IPv4 prefix that it is.
 * @return SL_OK; SL_EINVAL: not written like that; SL_ERANGE: the address goes on behind the prefix
 */
SL_CHECKED enum sl_err sl_prefix_parse(struct sl_slice text, struct sl_prefix *ret_prefix);

/** The prefix of an address with so many bits, at most all of its family's; of IPv4 within IPv6
 * that of the IPv4 address. Of no address: SL_PREFIX_NONE. */
struct sl_prefix sl_prefix_of(const struct sl_addr *addr, unsigned ipv4_bits_count,
                              unsigned ipv6_bits_count);

/** Whether all addresses of `inner` are within `outer`. */
bool sl_prefix_covers(const struct sl_prefix *outer, const struct sl_prefix *inner);

/** Whether the address is within the prefix. "::/0" has no IPv4 address. */
bool sl_prefix_has(const struct sl_prefix *prefix, const struct sl_addr *addr);

/** As sl_prefix_parse reads it; "none" for SL_PREFIX_NONE. */
void sl_prefix_format(const struct sl_prefix *prefix, char ret_text[static SL_PREFIX_TEXT_MAX]);

/** Sorts the list and takes out what another entry covers. @return how many are left */
size_t sl_prefixes_sort(struct sl_prefix *prefixes, size_t count);

/** Whether an entry of a list that sl_prefixes_sort has left covers the prefix, in O(log count). */
bool sl_prefixes_cover(const struct sl_prefix *prefixes, size_t count,
                       const struct sl_prefix *inner);

/** The same of an address. */
bool sl_prefixes_have(const struct sl_prefix *prefixes, size_t count, const struct sl_addr *addr);
