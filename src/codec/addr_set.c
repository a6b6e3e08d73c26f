/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/addr_set.h"
#include "base/reader.h"
#include <assert.h>
#include <string.h>

static int compare(const struct sl_addr *a, struct sl_addr_rank rank_a, const struct sl_addr *b,
                   struct sl_addr_rank rank_b)
{
    if (rank_a.priority != rank_b.priority) {
        return rank_a.priority < rank_b.priority ? -1 : 1;
    }
    if (a->len != b->len) {
        return a->len > b->len ? -1 : 1; /* those of IPv6 are longer */
    }
    return memcmp(&a->sa, &b->sa, a->len);
}

bool sl_addr_set_add(struct sl_addr_set *set, const struct sl_addr *addr, struct sl_addr_rank rank)
{
    size_t at = 0;
    int order = 1;
    while (at < set->count && (order = compare(addr, rank, &set->addrs[at], set->ranks[at])) > 0) {
        at++;
    }
    if (at < set->count && order == 0) {
        return true;
    }
    const bool is_full = set->count == SL_UPSTREAM_ADDRS_MAX;
    if (at == SL_UPSTREAM_ADDRS_MAX) {
        return false;
    }
    set->count += is_full ? 0 : 1;
    const size_t behind_count = set->count - at - 1;
    memmove(&set->addrs[at + 1], &set->addrs[at], behind_count * sizeof(set->addrs[0]));
    memmove(&set->ranks[at + 1], &set->ranks[at], behind_count * sizeof(set->ranks[0]));
    set->addrs[at] = *addr;
    set->ranks[at] = rank;
    return !is_full;
}

enum sl_err sl_addr_set_emit(const struct sl_addr_set *set, struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_put_u16(out, (uint16_t)set->count);
    for (size_t i = 0; rc == SL_OK && i < set->count; i++) {
        const struct sl_addr *addr = &set->addrs[i];
        rc = sl_wbuf_put_u16(out, (uint16_t)addr->len);
        rc = rc == SL_OK ? sl_wbuf_put(out, sl_slice_of(&addr->sa, addr->len)) : rc;
        rc = rc == SL_OK ? sl_wbuf_put_u16(out, set->ranks[i].priority) : rc;
        rc = rc == SL_OK ? sl_wbuf_put_u16(out, set->ranks[i].weight) : rc;
    }
    return rc;
}

static bool has_family_length(const struct sl_addr *addr)
{
    switch (addr->sa.any.sa_family) {
    case AF_INET:
        return addr->len == sizeof(addr->sa.in);
    case AF_INET6:
        return addr->len == sizeof(addr->sa.in6);
    default:
        return addr->sa.any.sa_family == AF_UNIX;
    }
}

enum sl_err sl_addr_set_parse(struct sl_slice bytes, struct sl_addr_set *ret_set)
{
    struct sl_reader r = sl_reader_of(bytes);
    struct sl_addr_set set = { .count = sl_reader_u16(&r) };
    if (r.failed || set.count > SL_UPSTREAM_ADDRS_MAX) {
        return SL_EINVAL;
    }
    for (size_t i = 0; i < set.count; i++) {
        struct sl_slice raw = sl_reader_vec16(&r);
        set.ranks[i].priority = sl_reader_u16(&r);
        set.ranks[i].weight = sl_reader_u16(&r);
        if (r.failed || raw.len < sizeof(sa_family_t) || raw.len > sizeof(set.addrs[i].sa)) {
            return SL_EINVAL;
        }
        memcpy(&set.addrs[i].sa, raw.ptr, raw.len);
        set.addrs[i].len = (socklen_t)raw.len;
        if (!has_family_length(&set.addrs[i])) {
            return SL_EINVAL;
        }
    }
    if (!sl_reader_is_done(&r)) {
        return SL_EINVAL;
    }
    *ret_set = set;
    return SL_OK;
}

bool sl_addr_set_is(const struct sl_addr_set *a, const struct sl_addr_set *b)
{
    bool is = a->count == b->count;
    for (size_t i = 0; is && i < a->count; i++) {
        is = compare(&a->addrs[i], a->ranks[i], &b->addrs[i], b->ranks[i]) == 0 &&
             a->ranks[i].weight == b->ranks[i].weight;
    }
    return is;
}

/* A number that looks like any other for each input (the finalizer of splitmix64). */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void swap_in(uint8_t *order, size_t to, size_t from)
{
    const uint8_t chosen = order[from];
    memmove(&order[to + 1], &order[to], from - to);
    order[to] = chosen;
}

/* One after the other, each with a chance by its weight; one without any has next to none (RFC
 * 2782: "a very small chance"). */
static void draw_lots(const struct sl_addr_rank *ranks, uint8_t *order, size_t count, uint64_t dice)
{
    for (size_t i = 0; i + 1 < count; i++) {
        uint64_t sum = 0;
        for (size_t j = i; j < count; j++) {
            sum += (uint64_t)ranks[order[j]].weight * 256 + 1;
        }
        dice = mix(dice);
        uint64_t lot = dice % sum;
        size_t j = i;
        for (;; j++) {
            const uint64_t share = (uint64_t)ranks[order[j]].weight * 256 + 1;
            if (lot < share) {
                break;
            }
            lot -= share;
        }
        swap_in(order, i, j);
    }
}

static void take_turns(const struct sl_addr *addrs, uint8_t *order, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const int want_not = addrs[order[i - 1]].sa.any.sa_family;
        size_t at = i;
        while (at < count && addrs[order[at]].sa.any.sa_family == want_not) {
            at++;
        }
        if (at == count) {
            return; /* only one family is left */
        }
        swap_in(order, i, at);
    }
}

void sl_addr_set_order(const struct sl_addr *addrs, const struct sl_addr_rank *ranks, size_t count,
                       uint64_t dice, uint8_t ret_order[static SL_UPSTREAM_ADDRS_MAX])
{
    assert(count <= SL_UPSTREAM_ADDRS_MAX);
    for (size_t i = 0; i < count; i++) {
        ret_order[i] = (uint8_t)i;
    }
    for (size_t begin = 0, end; begin < count; begin = end) {
        bool has_weights = false;
        for (end = begin; end < count && ranks[end].priority == ranks[begin].priority; end++) {
            has_weights = has_weights || ranks[end].weight > 0;
        }
        if (has_weights) {
            draw_lots(ranks, ret_order + begin, end - begin, dice);
        } else {
            take_turns(addrs, ret_order + begin, end - begin);
        }
    }
}
