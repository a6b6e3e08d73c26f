/* SPDX-License-Identifier: Apache-2.0 */
#include "net/target.h"
#include "net/health.h"

/* In which order kinds of servers are asked for. */
enum tier { TIER_UP, TIER_UP_BACKUP, TIER_OUT, TIER_OUT_BACKUP, TIER_COUNT };

static bool is_up(const struct sl_upstream *upstream, uint64_t now_ms)
{
    return (upstream->server == NULL || !sl_ejection_is_out(&upstream->server->ejection, now_ms)) &&
           (upstream->health == NULL || !sl_health_is_down(upstream->health));
}

/* When it last came back; 0: it never was away. */
static uint64_t back_ms_of(const struct sl_upstream *upstream)
{
    const uint64_t health_ms = upstream->health == NULL ? 0 : sl_health_up_ms(upstream->health);
    return upstream->server == NULL ? health_ms
                                    : SL_MAX(health_ms, upstream->server->ejection.until_ms);
}

static enum tier tier_of(const struct sl_upstream *upstream, uint64_t now_ms)
{
    if (is_up(upstream, now_ms)) {
        return upstream->is_backup ? TIER_UP_BACKUP : TIER_UP;
    }
    return upstream->is_backup ? TIER_OUT_BACKUP : TIER_OUT;
}

static struct sl_share share_of(const struct sl_target *target, const struct sl_upstream *upstream,
                                uint64_t now_ms)
{
    const struct sl_server *server = upstream->server;
    const uint64_t back_ms = back_ms_of(upstream);
    /* a clock of another process may be a little ahead */
    const uint64_t since_ms = back_ms == 0 ? UINT64_MAX : now_ms - SL_MIN(back_ms, now_ms);
    return (struct sl_share){ .weight = sl_balance_share(upstream->weight, since_ms,
                                                         target->slow_start_ms),
                              .active_count = server == NULL ? 0 : server->active_count,
                              .name_hash = server == NULL ? 0 : server->url_hash };
}

static uint64_t client_hash(const struct sl_addr *client)
{
    struct sl_slice ip = { 0 };
    if (client->len > 0 && client->sa.any.sa_family == AF_INET) {
        ip = sl_slice_of(&client->sa.in.sin_addr, sizeof(client->sa.in.sin_addr));
    } else if (client->len > 0 && client->sa.any.sa_family == AF_INET6) {
        ip = sl_slice_of(&client->sa.in6.sin6_addr, sizeof(client->sa.in6.sin6_addr));
    }
    return sl_balance_hash(ip);
}

static uint64_t number_of(const struct sl_target *target, const struct sl_addr *client)
{
    if (target->balance == SL_BALANCE_SOURCE_HASH) {
        return client_hash(client);
    }
    return target->servers == NULL ? 0 : sl_balance_random(&target->servers->random);
}

size_t sl_target_choose(const struct sl_target *target, uint64_t tried,
                        const struct sl_addr *client, uint64_t now_ms)
{
    struct sl_share shares[SL_BALANCE_MAX] = { 0 };
    enum tier tiers[SL_BALANCE_MAX];
    enum tier best = TIER_COUNT;
    const size_t count = SL_MIN(target->upstreams_count, (size_t)SL_BALANCE_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct sl_upstream *upstream = &target->upstreams[i];
        const bool is_out = (tried & UINT64_C(1) << i) != 0 || upstream->weight == 0;
        tiers[i] = is_out ? TIER_COUNT : tier_of(upstream, now_ms);
        best = SL_MIN(best, tiers[i]);
    }
    for (size_t i = 0; i < count && best < TIER_COUNT; i++) {
        if (tiers[i] == best) {
            shares[i] = share_of(target, &target->upstreams[i], now_ms);
        }
    }
    return sl_balance_choose(target->balance, shares, count, target->turns,
                             number_of(target, client));
}

size_t sl_target_tries_left(const struct sl_target *target, size_t tried_count)
{
    size_t count = 0;
    for (size_t i = 0; i < target->upstreams_count; i++) {
        count += target->upstreams[i].weight > 0 ? 1 : 0;
    }
    count = target->tries_count == 0 ? count : SL_MIN(count, (size_t)target->tries_count);
    return count > tried_count ? count - tried_count : 0;
}
