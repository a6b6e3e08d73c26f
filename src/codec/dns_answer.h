/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a DNS response says about the name that it was asked for (RFC 1035 4). Pure.
 *
 * Whoever answers may lie, or be somebody else than who was asked: only records of the name itself
 * count, and of those that it is an alias of; and no address that nothing can be connected to.
 */
#pragma once
#include "base/addr.h"
#include "base/slice.h"

enum { SL_DNS_RECORDS_MAX = 16 }; /* that are kept of one answer */
enum { SL_DNS_HOST_MAX = 253 };   /* bytes of a host name as text */

/** What is asked for; the numbers of RFC 1035, 3596 and 2782. */
enum sl_dns_type { SL_DNS_A = 1, SL_DNS_AAAA = 28, SL_DNS_SRV = 33 };

/** One record; which members count is said by the type. */
struct sl_dns_record {
    struct sl_addr addr; /* A, AAAA; its port is 0 */
    uint16_t priority, weight, port;
    char target[SL_DNS_HOST_MAX + 1]; /* SRV */
};

struct sl_dns_answer {
    uint32_t ttl_s; /* the least of all records that led here, aliases too */
    struct sl_dns_record records[SL_DNS_RECORDS_MAX];
    size_t records_count;
    size_t unusable_count; /* that cannot be connected to, or are no host name */
    size_t surplus_count;  /* over SL_DNS_RECORDS_MAX */
};

/** Whether anything can be connected there: not the unspecified address, multicast, reserved and
 * broadcast ones, link-local ones of IPv6 (which want a zone), nor IPv4 within IPv6. */
bool sl_dns_is_usable(const struct sl_addr *addr);

/**
 * Reads a response to one question. Records come out in one order, however the server has shuffled
 * them: by priority (SRV), then by port and target, or by address; the first
 * SL_DNS_RECORDS_MAX of them are kept, none twice.
 *
 * @return SL_OK (at least one record), SL_ENOENT (no such name, or nothing of that type),
 * SL_EDENIED (all that there is is unusable: `unusable_count` is set), SL_EREFUSED (the server
 * fails or refuses), SL_EPROTO (malformed, cut short, or aliases that lead nowhere)
 */
SL_CHECKED enum sl_err sl_dns_answer_parse(struct sl_slice message, enum sl_dns_type type,
                                           struct sl_dns_answer *ret_answer);
