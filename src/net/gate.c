/* SPDX-License-Identifier: Apache-2.0 */
#include "net/gate.h"
#include "net/balance.h"
#include <string.h>

static const uint64_t NS_IN_MS = 1000000, NS_IN_S = 1000000000;

uint64_t sl_portion_of(const struct sl_portion *portion, uint64_t total_count)
{
    if (portion->count == 0 || total_count == 0) {
        return total_count;
    }
    const uint64_t rest_count = total_count % portion->count;
    return SL_MAX(total_count / portion->count + (portion->index < rest_count ? 1 : 0),
                  UINT64_C(1));
}

/* The rate is dealt out by time, so that parts below one a second are right as well. */
static struct sl_rate_limit rate_of(const struct sl_conf_service_limits *limits,
                                    const struct sl_portion *portion)
{
    if (limits->rate_count == 0) {
        return (struct sl_rate_limit){ 0 };
    }
    const uint64_t workers_count = SL_MAX(portion->count, 1U);
    const uint64_t burst_count =
        limits->burst_count != 0 ? limits->burst_count : limits->rate_count;
    return (struct sl_rate_limit){
        .interval_ns = NS_IN_S * workers_count / limits->rate_count,
        .burst_count = SL_MAX(burst_count / workers_count, UINT64_C(1)),
    };
}

struct sl_gate sl_gate_of(const struct sl_conf *conf, uint32_t service_index,
                          const struct sl_portion *portion)
{
    const struct sl_conf_service *service = &conf->services[service_index];
    const struct sl_conf_service_limits *limits = &service->limits;
    return (struct sl_gate){
        .service_hash = sl_balance_hash(sl_slice_cstr(service->name)),
        .from = &service->from,
        .bounds = { .conns_max_count = sl_portion_of(portion, limits->connections_count),
                    .handshakes_max_count = sl_portion_of(portion, limits->handshakes_count),
                    .is_refusing = limits->over == SL_OVER_REFUSE },
        .rate = rate_of(limits, portion),
        .ipv4_bits_count = conf->limits.rate_ipv4_bits_count,
        .ipv6_bits_count = conf->limits.rate_ipv6_bits_count,
    };
}

static bool is_allowed(const struct sl_conf_from *from, const struct sl_addr *client)
{
    if (sl_prefixes_have(from->deny, from->deny_count, client)) {
        return false;
    }
    return from->allow_count == 0 || sl_prefixes_have(from->allow, from->allow_count, client);
}

/* Who comes over a Unix socket has no address: they are one source together. */
static bool is_in_time(const struct sl_gate *gate, struct sl_rate *rate,
                       const struct sl_addr *client, uint64_t now_ms)
{
    const struct sl_prefix source =
        sl_prefix_of(client, gate->ipv4_bits_count, gate->ipv6_bits_count);
    uint8_t name[sizeof(gate->service_hash) + sizeof(source)];
    memcpy(name, &gate->service_hash, sizeof(gate->service_hash));
    memcpy(name + sizeof(gate->service_hash), &source, sizeof(source));
    return sl_rate_take(rate, &gate->rate, sl_slice_of(name, sizeof(name)),
                        (now_ms + 1) * NS_IN_MS);
}

enum sl_reason sl_gate_admit(const struct sl_gate *gate, struct sl_rate *rate,
                             const struct sl_addr *client, uint64_t now_ms)
{
    if (!is_allowed(gate->from, client)) {
        return SL_REASON_ADDRESS_DENIED;
    }
    if (rate != NULL && gate->rate.interval_ns != 0 && !is_in_time(gate, rate, client, now_ms)) {
        return SL_REASON_RATE_LIMIT;
    }
    return SL_REASON_DONE;
}
