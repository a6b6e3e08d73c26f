/* SPDX-License-Identifier: Apache-2.0 */
/** @file The addresses that one connect URL stands for, with what SRV records say of them. */
#pragma once
#include "base/addr.h"

enum { SL_UPSTREAM_ADDRS_MAX = 16 }; /* addresses of one name that are tried */

/** Bytes that a set takes at most, as sl_addr_set_emit writes it. */
enum {
    SL_ADDR_SET_BYTES_MAX = 2 + SL_UPSTREAM_ADDRS_MAX * (2 + (int)sizeof(struct sockaddr_un) + 4)
};

/** RFC 2782; zeroes where there is no SRV record. */
struct sl_addr_rank {
    uint16_t priority; /* the least is tried first */
    uint16_t weight;   /* among those of one priority: how often it comes first */
};

/** Zeroed is empty. */
struct sl_addr_set {
    struct sl_addr addrs[SL_UPSTREAM_ADDRS_MAX];
    struct sl_addr_rank ranks[SL_UPSTREAM_ADDRS_MAX];
    size_t count;
};

/** Puts an address at its place: by priority, IPv6 first, by number; a second time it is passed
 * over. When all places are taken the last one loses its own: false when one did. */
bool sl_addr_set_add(struct sl_addr_set *set, const struct sl_addr *addr, struct sl_addr_rank rank);

/** As bytes for messages and bundles: u16 count, then of each vec16 sockaddr, u16 priority, u16
 * weight. SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_addr_set_emit(const struct sl_addr_set *set, struct sl_wbuf *out);

/** Reads all of `bytes`. SL_OK, SL_EINVAL (also an address that is not as long as its family's). */
SL_CHECKED enum sl_err sl_addr_set_parse(struct sl_slice bytes, struct sl_addr_set *ret_set);

/** The same addresses with the same ranks in the same order. */
bool sl_addr_set_is(const struct sl_addr_set *a, const struct sl_addr_set *b);

/**
 * The order for one connection: by priority; within one the weights draw lots (RFC 2782), and
 * where there are none the families take turns (RFC 8305 4), else the order stays.
 * @param dice       another number each time; it need not be a secret
 * @param ret_order  places in the set
 */
void sl_addr_set_order(const struct sl_addr *addrs, const struct sl_addr_rank *ranks, size_t count,
                       uint64_t dice, uint8_t ret_order[static SL_UPSTREAM_ADDRS_MAX]);
