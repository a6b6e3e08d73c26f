/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/check_limits.h"
#include <inttypes.h>

/* A bound that another one keeps from ever being reached. */
static void bound_check(struct sl_findings *findings, struct sl_conf_pos pos, const char *key,
                        uint64_t count, const char *other, uint64_t other_count)
{
    if (pos.line != 0 && count != 0 && other_count != 0 && count > other_count) {
        sl_findings_add(findings, SL_FINDING_ERROR, pos,
                        "'%s' is above %s, which is %" PRIu64 ": it would never be reached", key,
                        other, other_count);
    }
}

static void from_check(const struct sl_conf_from *from, struct sl_findings *findings)
{
    for (size_t i = 0; i < from->allow_count; i++) {
        if (sl_prefixes_cover(from->deny, from->deny_count, &from->allow[i])) {
            char text[SL_PREFIX_TEXT_MAX];
            sl_prefix_format(&from->allow[i], text);
            sl_findings_add(findings, SL_FINDING_ERROR, from->allow_pos,
                            "'allow' has %s, of which 'deny' lets nobody in", text);
            return;
        }
    }
}

void sl_check_limits(const struct sl_conf *conf, const struct sl_conf_service *service,
                     struct sl_findings *findings)
{
    const struct sl_conf_service_limits *limits = &service->limits;
    const struct sl_conf_timeouts *timeouts = &service->timeouts;
    if (limits->burst_pos.line != 0 && limits->burst_count != 0 && limits->rate_count == 0) {
        sl_findings_add(findings, SL_FINDING_ERROR, limits->burst_pos,
                        "'burst' is for a 'rate': this service has none");
    }
    bound_check(findings, limits->handshakes_pos, "handshakes", limits->handshakes_count,
                "'connections'", limits->connections_count);
    bound_check(findings, limits->connections_pos, "connections", limits->connections_count,
                "'limits.connections' of all services", conf->limits.connections_count);
    bound_check(findings, limits->handshakes_pos, "handshakes", limits->handshakes_count,
                "'limits.handshakes' of all services", conf->limits.handshakes_count);
    if (timeouts->half_close_pos.line != 0 && timeouts->half_close_ms > timeouts->idle_ms) {
        sl_findings_add(findings, SL_FINDING_ERROR, timeouts->half_close_pos,
                        "'half_close' is longer than 'idle', which ends the connection before");
    }
    from_check(&service->from, findings);
}

void sl_check_limits_top(const struct sl_conf *conf, struct sl_findings *findings)
{
    const struct sl_conf_limits *limits = &conf->limits;
    bound_check(findings, limits->handshakes_pos, "handshakes", limits->handshakes_count,
                "'connections'", limits->connections_count);
}
