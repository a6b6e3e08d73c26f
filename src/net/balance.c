/* SPDX-License-Identifier: Apache-2.0 */
#include "net/balance.h"
#include <math.h>

/* The finalizer of SplitMix64: every bit of what comes in changes half of what goes out. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t sl_balance_hash(struct sl_slice bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < bytes.len; i++) {
        hash = (hash ^ bytes.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return mix(hash);
}

uint64_t sl_balance_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(*state);
}

uint32_t sl_balance_share(uint32_t weight, uint64_t since_ms, uint32_t slow_start_ms)
{
    const uint64_t whole = (uint64_t)weight * SL_BALANCE_WEIGHT_ONE;
    if (weight == 0 || since_ms >= slow_start_ms) {
        return (uint32_t)whole;
    }
    return (uint32_t)SL_MAX(whole * since_ms / slow_start_ms, UINT64_C(1));
}

static size_t choose_first(const struct sl_share *shares, size_t count)
{
    size_t i = 0;
    while (i < count && shares[i].weight == 0) {
        i++;
    }
    return i < count ? i : SL_BALANCE_NONE;
}

/* Fewer connections for its weight. */
static bool is_lighter(const struct sl_share *a, const struct sl_share *b)
{
    return (uint64_t)a->active_count * b->weight < (uint64_t)b->active_count * a->weight;
}

static size_t lightest(const struct sl_share *shares, size_t count)
{
    size_t best = choose_first(shares, count);
    for (size_t i = 0; best != SL_BALANCE_NONE && i < count; i++) {
        if (shares[i].weight > 0 && is_lighter(&shares[i], &shares[best])) {
            best = i;
        }
    }
    return best;
}

/*
 * Smooth weighted round robin: each gains its weight, and who has most pays for all, so that a
 * heavy one does not get its turns in a row. Only those that are as light as `least` take part.
 */
static size_t choose_turn(const struct sl_share *shares, size_t count, int64_t *turns, size_t least)
{
    size_t best = SL_BALANCE_NONE;
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (shares[i].weight == 0 ||
            (least != SL_BALANCE_NONE && is_lighter(&shares[least], &shares[i]))) {
            continue;
        }
        turns[i] += shares[i].weight;
        total += shares[i].weight;
        if (best == SL_BALANCE_NONE || turns[i] > turns[best]) {
            best = i;
        }
    }
    if (best != SL_BALANCE_NONE) {
        turns[best] -= total;
    }
    return best;
}

/*
 * Weighted rendezvous hashing: every server draws a number for the client, and the best wins.
 * With -ln(u) / weight, u in (0, 1), each wins by its weight (the first of exponential clocks), and
 * one that comes or goes moves only the clients that it wins or has won.
 */
static size_t choose_hash(const struct sl_share *shares, size_t count, uint64_t number)
{
    size_t best = SL_BALANCE_NONE;
    double best_score = 0;
    for (size_t i = 0; i < count; i++) {
        if (shares[i].weight == 0) {
            continue;
        }
        const uint64_t draw = mix(number ^ shares[i].name_hash);
        const double u = ((double)(draw >> 11) + 0.5) * 0x1p-53;
        const double score = -log(u) / shares[i].weight;
        if (best == SL_BALANCE_NONE || score < best_score) {
            best = i;
            best_score = score;
        }
    }
    return best;
}

/* By weight, without `but`. */
static size_t draw(const struct sl_share *shares, size_t count, size_t but, uint32_t number)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += i == but ? 0 : shares[i].weight;
    }
    uint64_t left = total * number >> 32;
    for (size_t i = 0; i < count; i++) {
        const uint64_t weight = i == but ? 0 : shares[i].weight;
        if (left < weight) {
            return i;
        }
        left -= weight;
    }
    return SL_BALANCE_NONE;
}

static size_t choose_of_two(const struct sl_share *shares, size_t count, uint64_t number)
{
    const size_t one = draw(shares, count, SL_BALANCE_NONE, (uint32_t)(number >> 32));
    const size_t two = draw(shares, count, one, (uint32_t)number);
    if (one == SL_BALANCE_NONE || two == SL_BALANCE_NONE) {
        return one;
    }
    return is_lighter(&shares[two], &shares[one]) ? two : one;
}

size_t sl_balance_choose(enum sl_conf_balance balance, const struct sl_share *shares, size_t count,
                         int64_t *turns, uint64_t number)
{
    switch (balance) {
    case SL_BALANCE_ROUND_ROBIN:
        return choose_turn(shares, count, turns, SL_BALANCE_NONE);
    case SL_BALANCE_LEAST_CONNECTIONS:
        return choose_turn(shares, count, turns, lightest(shares, count));
    case SL_BALANCE_SOURCE_HASH:
        return choose_hash(shares, count, number);
    case SL_BALANCE_RANDOM_OF_TWO:
        return choose_of_two(shares, count, number);
    default:
        return choose_first(shares, count);
    }
}
