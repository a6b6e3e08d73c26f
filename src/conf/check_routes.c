/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/check_routes.h"
#include "codec/route_rule.h"
#include "conf/text.h"

static bool is_tls(const struct sl_conf_url *urls)
{
    return urls[0].url.scheme == SL_SCHEME_TLS;
}

bool sl_check_routes_all_pass(const struct sl_conf_service *service)
{
    bool is_passed = service->connects_count == 0 && service->routes_count > 0;
    for (size_t i = 0; is_passed && i < service->routes_count; i++) {
        is_passed = !service->routes[i].is_terminated;
    }
    return is_passed;
}

static bool list_has(const struct sl_conf_string *list, size_t count, const char *text)
{
    bool has = false;
    for (size_t i = 0; !has && i < count; i++) {
        has = sl_slice_eq(sl_slice_cstr(list[i].text), sl_slice_cstr(text));
    }
    return has;
}

static bool alpn_covers(const struct sl_conf_route *outer, const struct sl_conf_route *inner)
{
    bool covers = outer->alpn_count == 0 || inner->alpn_count > 0;
    for (size_t i = 0; covers && outer->alpn_count > 0 && i < inner->alpn_count; i++) {
        covers = list_has(outer->alpn, outer->alpn_count, inner->alpn[i].text);
    }
    return covers;
}

static bool from_covers(const struct sl_conf_route *outer, const struct sl_conf_route *inner)
{
    bool covers = outer->from_count == 0 || inner->from_count > 0;
    for (size_t i = 0; covers && outer->from_count > 0 && i < inner->from_count; i++) {
        bool has = false;
        for (size_t j = 0; !has && j < outer->from_count; j++) {
            has = sl_prefix_covers(&outer->from[j], &inner->from[i]);
        }
        covers = has;
    }
    return covers;
}

/* NULL: any name, or none. */
static bool name_covers(const struct sl_conf_route *outer, const char *name)
{
    bool covers = outer->names_count == 0;
    for (size_t i = 0; !covers && name != NULL && i < outer->names_count; i++) {
        covers =
            sl_route_rule_name_covers(sl_slice_cstr(outer->names[i].text), sl_slice_cstr(name));
    }
    return covers;
}

/* The route before that one that takes every connection which it would, those of one name at least;
 * NULL for none. */
static const struct sl_conf_route *shadow_find(const struct sl_conf_service *service,
                                               const struct sl_conf_route *route, const char *name)
{
    for (const struct sl_conf_route *outer = service->routes; outer != route; outer++) {
        if (name_covers(outer, name) && alpn_covers(outer, route) && from_covers(outer, route)) {
            return outer;
        }
    }
    return NULL;
}

static void shadow_check(const struct sl_conf_service *service, const struct sl_conf_route *route,
                         struct sl_findings *findings)
{
    const struct sl_conf_route *shadow = shadow_find(service, route, NULL);
    size_t hidden_count = 0;
    for (size_t i = 0; shadow == NULL && i < route->names_count; i++) {
        hidden_count += shadow_find(service, route, route->names[i].text) != NULL ? 1 : 0;
    }
    if (shadow != NULL) {
        sl_findings_add(findings, SL_FINDING_ERROR, route->pos,
                        "this route is never taken: the one on line %u comes first, and takes all "
                        "that it is for",
                        shadow->pos.line);
    } else if (hidden_count > 0 && hidden_count == route->names_count) {
        sl_findings_add(findings, SL_FINDING_ERROR, route->pos,
                        "this route is never taken: those before it, first the one on line %u, "
                        "take all that it is for",
                        shadow_find(service, route, route->names[0].text)->pos.line);
    } else if (hidden_count > 0) {
        for (size_t i = 0; i < route->names_count; i++) {
            shadow = shadow_find(service, route, route->names[i].text);
            if (shadow != NULL) {
                sl_findings_add(findings, SL_FINDING_WARNING, route->names[i].pos,
                                "'%s' never comes here: the route on line %u comes first",
                                sl_text_shown(sl_slice_cstr(route->names[i].text)).text,
                                shadow->pos.line);
            }
        }
    }
}

static void names_check(const struct sl_conf_route *route, struct sl_findings *findings)
{
    for (size_t i = 0; i < route->names_count; i++) {
        struct sl_diag diag = { 0 };
        const struct sl_slice name = sl_slice_cstr(route->names[i].text);
        if (sl_route_rule_check_name(name, &diag) != SL_OK) {
            sl_findings_add(findings, SL_FINDING_ERROR, route->names[i].pos,
                            "'sni' cannot be '%s': %s", sl_text_shown(name).text, diag.text);
        }
    }
}

/* A client that is sent here for a protocol has to get it. */
static void alpn_check(const struct sl_conf_service *service, const struct sl_conf_route *route,
                       struct sl_findings *findings)
{
    const bool is_upstreams_choice = is_tls(route->connects) && service->alpn_count == 0 &&
                                     service->upstream.proxy_out != SL_PROXY_V2;
    for (size_t i = 0; !is_upstreams_choice && i < route->alpn_count; i++) {
        if (!list_has(service->alpn, service->alpn_count, route->alpn[i].text)) {
            sl_findings_add(findings, SL_FINDING_WARNING, route->alpn[i].pos,
                            "'%s' is not in the service's 'alpn': clients that come here for it "
                            "do not get it",
                            sl_text_shown(sl_slice_cstr(route->alpn[i].text)).text);
        }
    }
}

/* A route of a service that ends TLS. */
static void tls_check(const struct sl_conf_service *service, const struct sl_conf_route *route,
                      struct sl_findings *findings)
{
    if (route->is_terminated) {
        alpn_check(service, route, findings);
        return;
    }
    if (is_tls(route->connects)) {
        sl_findings_add(findings, SL_FINDING_ERROR, route->connects[0].pos,
                        "with 'terminate: no' the client's TLS is the upstream's: a tcp:// or "
                        "unix: URL is wanted");
    }
    if (service->clients.verify != SL_CLIENT_VERIFY_OFF) {
        sl_findings_add(findings, SL_FINDING_WARNING, route->terminate_pos,
                        "clients of this route are asked for a certificate by the upstream alone, "
                        "if at all: 'clients' is for TLS that ends here");
    }
}

/* A route of a service that listens without TLS. */
static void plain_check(const struct sl_conf_route *route, struct sl_findings *findings)
{
    const bool wants_tls = route->names_count > 0 || route->alpn_count > 0;
    if (route->terminate_pos.line != 0) {
        sl_findings_add(findings, SL_FINDING_ERROR, route->terminate_pos,
                        "'terminate' is for a tls:// listen URL: this service has none, and passes "
                        "on what comes");
    }
    if (wants_tls && is_tls(route->connects)) {
        sl_findings_add(findings, SL_FINDING_ERROR, route->connects[0].pos,
                        "a client with '%s' speaks TLS itself, and its bytes go on untouched: a "
                        "tcp:// or unix: URL is wanted",
                        route->names_count > 0 ? "sni" : "alpn");
    }
}

static void whole_check(const struct sl_conf_service *service, bool has_tls_listen,
                        struct sl_findings *findings)
{
    for (size_t i = 0; service->connects_count > 0 && i < service->routes_count; i++) {
        const struct sl_conf_route *route = &service->routes[i];
        if (route->names_count == 0 && route->alpn_count == 0 && route->from_count == 0) {
            sl_findings_add(findings, SL_FINDING_WARNING, service->connects[0].pos,
                            "nothing comes here: the route on line %u takes every connection",
                            route->pos.line);
            break;
        }
    }
    if (has_tls_listen && sl_check_routes_all_pass(service)) {
        sl_findings_add(findings, SL_FINDING_ERROR, service->listens[0].pos,
                        "no TLS ends here, every route has 'terminate: no': listen on tcp://, "
                        "where the same routes pass TLS on");
    }
}

void sl_check_routes(const struct sl_conf_service *service, struct sl_findings *findings)
{
    const bool has_tls_listen = is_tls(service->listens);
    size_t names_count = 0;
    for (size_t i = 0; i < service->routes_count; i++) {
        const struct sl_conf_route *route = &service->routes[i];
        names_count += route->names_count;
        names_check(route, findings);
        if (has_tls_listen) {
            tls_check(service, route, findings);
        } else {
            plain_check(route, findings);
        }
    }
    for (size_t i = 0; names_count <= SL_CHECK_ROUTES_NAMES_MAX && i < service->routes_count; i++) {
        shadow_check(service, &service->routes[i], findings);
    }
    whole_check(service, has_tls_listen, findings);
}
