/* SPDX-License-Identifier: Apache-2.0 */
#include "net/route.h"
#include <stdio.h>

enum { NAME_MAX_BYTES = 320 }; /* of a name of the configuration, NUL included, and a label */

static const char **texts_make(const struct sl_conf_string *strings, size_t count,
                               struct sl_arena *arena)
{
    const char **texts = sl_arena_calloc(arena, count + 1, sizeof(*texts));
    for (size_t i = 0; texts != NULL && i < count; i++) {
        texts[i] = strings[i].text;
    }
    return texts;
}

static bool has_protocol(const struct sl_route_rule *rule, const char *protocol)
{
    bool has = false;
    for (size_t i = 0; !has && i < rule->protocols_count; i++) {
        has = sl_slice_eq(sl_slice_cstr(rule->protocols[i]), sl_slice_cstr(protocol));
    }
    return has;
}

/* Those of the service's protocols, in its order, for which clients are sent this way. */
static enum sl_err protocols_make(struct sl_route *route, const struct sl_conf_service *service,
                                  struct sl_arena *arena)
{
    const char **protocols = sl_arena_calloc(arena, service->alpn_count + 1, sizeof(*protocols));
    size_t count = 0;
    for (size_t i = 0; protocols != NULL && i < service->alpn_count; i++) {
        if (has_protocol(&route->rule, service->alpn[i].text)) {
            protocols[count++] = service->alpn[i].text;
        }
    }
    route->way.protocols = protocols;
    route->way.protocols_count = count;
    return protocols == NULL ? SL_ENOMEM : SL_OK;
}

enum sl_err sl_route_init(struct sl_route *route, const struct sl_conf_service *service,
                          const struct sl_conf_route *conf, struct sl_arena *arena)
{
    const char **names = texts_make(conf->names, conf->names_count, arena);
    const char **protocols = texts_make(conf->alpn, conf->alpn_count, arena);
    if (names == NULL || protocols == NULL) {
        return SL_ENOMEM;
    }
    route->rule = (struct sl_route_rule){ .names = names,
                                          .names_count = conf->names_count,
                                          .protocols = protocols,
                                          .protocols_count = conf->alpn_count,
                                          .from = conf->from,
                                          .from_count = conf->from_count };
    route->way.target = &route->target;
    route->way.route = (unsigned)(conf - service->routes) + 1;
    route->way.is_passed = !conf->is_terminated;
    return protocols_make(route, service, arena);
}

void sl_route_check_names(const struct sl_conf_service *service, const struct sl_conf_route *conf,
                          const struct sl_tls_ctx *ctx, struct sl_findings *findings)
{
    const bool is_strict = service->sni == SL_SNI_STRICT;
    for (size_t i = 0; conf->is_terminated && i < conf->names_count; i++) {
        const char *pattern = conf->names[i].text;
        const bool is_wild = pattern[0] == '*';
        char name[NAME_MAX_BYTES];
        (void)snprintf(name, sizeof(name), "%s%s", is_wild ? "any-name" : "", pattern + is_wild);
        if (!sl_tls_ctx_has_name(ctx, sl_slice_cstr(name))) {
            sl_findings_add(findings, is_strict ? SL_FINDING_ERROR : SL_FINDING_WARNING,
                            conf->names[i].pos, "no certificate is for %s'%s': clients %s",
                            is_wild ? "every name of " : "", pattern,
                            is_strict ? "are refused, as 'sni' is strict"
                                      : "get the first certificate");
        }
    }
}

size_t sl_route_connects_count(const struct sl_conf_service *service)
{
    size_t count = service->connects_count;
    for (size_t i = 0; i < service->routes_count; i++) {
        count += service->routes[i].connects_count;
    }
    return count;
}

const struct sl_conf_url *sl_route_tls_url(const struct sl_conf_service *service)
{
    const struct sl_conf_url *first = service->connects_count > 0 ? service->connects : NULL;
    for (size_t i = 0; i < service->routes_count; i++) {
        if (first == NULL || first->url.scheme != SL_SCHEME_TLS) {
            first = service->routes[i].connects;
        }
    }
    return first != NULL && first->url.scheme == SL_SCHEME_TLS ? first : NULL;
}

bool sl_route_wants_hello(const struct sl_conf_service *service)
{
    bool wants = service->routes_count > 0 && service->listens[0].url.scheme == SL_SCHEME_TLS;
    for (size_t i = 0; !wants && i < service->routes_count; i++) {
        wants = service->routes[i].names_count > 0 || service->routes[i].alpn_count > 0;
    }
    return wants;
}

const struct sl_route *sl_route_find(const struct sl_route *routes, size_t routes_count,
                                     const struct sl_hello *hello, const struct sl_addr *client)
{
    for (size_t i = 0; i < routes_count; i++) {
        if (sl_route_rule_fits(&routes[i].rule, hello, client)) {
            return &routes[i];
        }
    }
    return NULL;
}
