/* SPDX-License-Identifier: Apache-2.0 */
#include "app/check_routes.h"
#include <stdio.h>

enum { LIST_SHOWN_MAX = 8, ROUTES_SHOWN_MAX = 100 };

static void more_print(size_t count, size_t shown_count)
{
    if (count > shown_count) {
        (void)printf(" and %zu more", count - shown_count);
    }
}

static void strings_print(const char *what, const struct sl_conf_string *strings, size_t count)
{
    for (size_t i = 0; i < SL_MIN(count, (size_t)LIST_SHOWN_MAX); i++) {
        (void)printf("%s%s", i == 0 ? what : ", ", strings[i].text);
    }
    more_print(count, LIST_SHOWN_MAX);
}

static void from_print(const struct sl_conf_route *route)
{
    for (size_t i = 0; i < SL_MIN(route->from_count, (size_t)LIST_SHOWN_MAX); i++) {
        char text[SL_PREFIX_TEXT_MAX];
        sl_prefix_format(&route->from[i], text);
        (void)printf("%s%s", i == 0 ? " from " : ", ", text);
    }
    more_print(route->from_count, LIST_SHOWN_MAX);
}

static void urls_print(const struct sl_conf_url *urls, size_t count)
{
    (void)printf(" ->");
    for (size_t i = 0; i < count; i++) {
        (void)printf(" %s", urls[i].text);
    }
}

static void route_print(const struct sl_conf_route *route, size_t number, bool has_tls_listen)
{
    (void)printf("    route %zu:", number);
    strings_print(" sni ", route->names, route->names_count);
    strings_print(" alpn ", route->alpn, route->alpn_count);
    from_print(route);
    if (route->names_count + route->alpn_count + route->from_count == 0) {
        (void)printf(" every connection");
    }
    urls_print(route->connects, route->connects_count);
    if (has_tls_listen) {
        (void)printf(route->is_terminated ? ", TLS ends here" : ", TLS goes on untouched");
    }
    (void)printf("\n");
}

void sl_check_routes_print(const struct sl_conf_service *service)
{
    const bool has_tls_listen = service->listens[0].url.scheme == SL_SCHEME_TLS;
    for (size_t i = 0; i < service->routes_count; i++) {
        if (i == ROUTES_SHOWN_MAX) {
            (void)printf("    and %zu more routes\n", service->routes_count - i);
            break;
        }
        route_print(&service->routes[i], i + 1, has_tls_listen);
    }
    if (service->routes_count > 0 && service->connects_count > 0) {
        (void)printf("    no route:");
        urls_print(service->connects, service->connects_count);
        (void)printf(has_tls_listen ? ", TLS ends here\n" : "\n");
    } else if (service->routes_count > 0) {
        (void)printf("    no route: closed\n");
    }
}
