/* SPDX-License-Identifier: Apache-2.0 */
#include "net/upstream.h"
#include <string.h>

void sl_upstream_tune(const struct sl_conf_keepalive *keepalive, uint32_t user_timeout_ms,
                      struct sl_socket_tuning *tuning)
{
    tuning->user_timeout_ms = user_timeout_ms;
    if (keepalive->pos.line != 0) {
        tuning->keepalive_idle_s = (uint32_t)(keepalive->idle_ms / SL_MS_PER_S);
        tuning->keepalive_interval_s = (uint32_t)(keepalive->interval_ms / SL_MS_PER_S);
        tuning->keepalive_count = keepalive->count;
    }
}

struct sl_url sl_upstream_url(const struct sl_upstream *upstream)
{
    struct sl_url url = { 0 };
    size_t at = 0;
    enum sl_err rc = sl_url_parse(sl_slice_cstr(upstream->text), &url, &at, NULL);
    SL_UNUSED(rc); /* it was read before: that it can be is known */
    return url;
}

void sl_upstream_use(struct sl_upstream *upstream, const struct sl_addr_set *set)
{
    memcpy(upstream->addrs, set->addrs, set->count * sizeof(*set->addrs));
    memcpy(upstream->ranks, set->ranks, set->count * sizeof(*set->ranks));
    upstream->addrs_count = set->count;
    const uint16_t port = sl_upstream_url(upstream).port;
    for (size_t i = 0; i < set->count; i++) {
        if (sl_addr_port(&upstream->addrs[i]) == 0) {
            sl_addr_set_port(&upstream->addrs[i], port);
        }
    }
}
