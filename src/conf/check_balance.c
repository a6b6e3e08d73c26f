/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/check_balance.h"
#include <stdio.h>

static void SL_PRINTF(3, 4)
    error(struct sl_findings *findings, struct sl_conf_pos pos, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sl_findings_add(findings, SL_FINDING_ERROR, pos, "%s", text);
}

static void weights_check(const struct sl_conf_service *service, const struct sl_conf_url *connects,
                          size_t connects_count, struct sl_findings *findings)
{
    uint64_t weights = 0;
    size_t backups_count = 0;
    for (size_t i = 0; i < connects_count; i++) {
        const struct sl_conf_url *connect = &connects[i];
        weights += connect->weight;
        backups_count += connect->is_backup ? 1 : 0;
        if (connect->weight > 1 && service->balance == SL_BALANCE_FIRST) {
            error(findings, connect->weight_pos,
                  "'weight' is a share, and 'balance: first' gives all to the first server that is "
                  "up: set 'balance' to round-robin or another");
            break;
        }
    }
    const struct sl_conf_url *first = &connects[0];
    if (weights == 0) {
        error(findings, first->weight_pos,
              "every server has the weight 0: none would take a connection");
    }
    if (backups_count == connects_count) {
        error(findings, first->backup_pos,
              "every server is a backup: of what? One at least must not be");
    }
}

/* What is known of a server while running is known by its URL. */
static void twice_check(const struct sl_conf_url *connects, size_t connects_count,
                        struct sl_findings *findings)
{
    for (size_t i = 1; i < connects_count; i++) {
        const struct sl_slice text = sl_slice_cstr(connects[i].text);
        for (size_t j = 0; j < i; j++) {
            if (sl_slice_eq(text, sl_slice_cstr(connects[j].text))) {
                error(findings, connects[i].pos,
                      "%s stands in 'connect' twice, first on line %u: a weight gives it a larger "
                      "share",
                      connects[i].text, connects[j].pos.line);
                break;
            }
        }
    }
}

static bool has_tls(const struct sl_conf_service *service)
{
    bool has = service->connects_count > 0 && service->connects[0].url.scheme == SL_SCHEME_TLS;
    for (size_t i = 0; !has && i < service->routes_count; i++) {
        has = service->routes[i].connects[0].url.scheme == SL_SCHEME_TLS;
    }
    return has;
}

static void health_check(const struct sl_conf_service *service, bool knows_connect,
                         struct sl_findings *findings)
{
    const struct sl_conf_health *health = &service->health;
    if (health->pos.line == 0) {
        return;
    }
    if (health->type == SL_HEALTH_TLS && knows_connect && !has_tls(service)) {
        error(findings, health->type_pos,
              "'type: tls' is for tls:// connect URLs: this service has none");
    }
    if (health->timeout_ms > health->interval_ms) {
        error(
            findings, health->timeout_pos.line != 0 ? health->timeout_pos : health->pos,
            "'timeout', %u ms, is longer than 'interval', %u ms: one check would not be over when "
            "the next is due",
            health->timeout_ms, health->interval_ms);
    }
}

static size_t family_count_of(const struct sl_conf_url *connects, size_t connects_count, int family)
{
    size_t count = 0;
    for (size_t i = 0; i < connects_count; i++) {
        const struct sl_url *url = &connects[i].url;
        struct sl_addr addr;
        if (url->scheme == SL_SCHEME_UNIX) {
            continue;
        }
        /* what a name stands for is not known here */
        bool may_be = !url->is_ip || (sl_addr_from_ip(url->host, 0, &addr) == SL_OK &&
                                      addr.sa.any.sa_family == family);
        count += may_be ? 1 : 0;
    }
    return count;
}

static size_t family_count(const struct sl_conf_service *service, int family)
{
    size_t count = family_count_of(service->connects, service->connects_count, family);
    for (size_t i = 0; i < service->routes_count; i++) {
        const struct sl_conf_route *route = &service->routes[i];
        count += family_count_of(route->connects, route->connects_count, family);
    }
    return count;
}

static void sources_check(const struct sl_conf_service *service, bool knows_connect,
                          struct sl_findings *findings)
{
    const struct sl_conf_upstream *upstream = &service->upstream;
    for (size_t i = 0; i < upstream->sources_count; i++) {
        const struct sl_conf_addr *source = &upstream->sources[i];
        const int family = source->addr.sa.any.sa_family;
        const char *name = family == AF_INET6 ? "IPv6" : "IPv4";
        if (i > 0 && upstream->sources[0].addr.sa.any.sa_family == family) {
            error(findings, source->pos, "'source' has a second %s address: one for each family",
                  name);
        } else if (knows_connect && family_count(service, family) == 0) {
            error(findings, source->pos, "no server of this service has an %s address", name);
        }
    }
}

static void tcp_check(const struct sl_conf_service *service, struct sl_findings *findings)
{
    const struct {
        const char *key;
        struct sl_conf_pos pos;
    } settings[] = {
        { "keepalive", service->upstream.keepalive.pos },
        { "user_timeout", service->upstream.user_timeout_pos },
    };
    if (family_count(service, AF_INET) + family_count(service, AF_INET6) > 0) {
        return;
    }
    for (size_t i = 0; i < SL_COUNT(settings); i++) {
        if (settings[i].pos.line != 0) {
            error(findings, settings[i].pos,
                  "'%s' is for TCP: every server of this service is a Unix socket",
                  settings[i].key);
        }
    }
}

void sl_check_balance(const struct sl_conf_service *service, bool knows_connect,
                      struct sl_findings *findings)
{
    const struct sl_conf_ejection *ejection = &service->ejection;
    if (ejection->time_ms > ejection->time_max_ms) {
        error(findings, ejection->pos, "'time', %u ms, is longer than 'time_max', %u ms",
              ejection->time_ms, ejection->time_max_ms);
    }
    health_check(service, knows_connect, findings);
    sources_check(service, knows_connect, findings);
    if (!knows_connect) {
        return;
    }
    tcp_check(service, findings);
    if (service->connects_count > 0) {
        weights_check(service, service->connects, service->connects_count, findings);
        twice_check(service->connects, service->connects_count, findings);
    }
    for (size_t i = 0; i < service->routes_count; i++) {
        const struct sl_conf_route *route = &service->routes[i];
        weights_check(service, route->connects, route->connects_count, findings);
        twice_check(route->connects, route->connects_count, findings);
    }
}
