/* SPDX-License-Identifier: Apache-2.0 */
#include "net/route.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ROUTES_MAX = 8 };

/* The routes of the one service of a configuration. */
struct world {
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf_service *service;
    struct sl_route routes[ROUTES_MAX];
};

static void world_init(struct world *w, const char *yaml)
{
    const struct sl_conf *conf = NULL;
    sl_arena_init(&w->arena, 0);
    sl_findings_init(&w->findings, &w->arena);
    const struct sl_conf_source source = { .yaml = sl_slice_cstr(yaml) };
    assert_int_equal(sl_conf_parse(&source, &w->arena, &w->findings, &conf), SL_OK);
    w->service = &conf->services[0];
    assert_true(w->service->routes_count <= ROUTES_MAX);
    for (size_t i = 0; i < w->service->routes_count; i++) {
        w->routes[i] = (struct sl_route){ .way.route = 0 };
        assert_int_equal(
            sl_route_init(&w->routes[i], w->service, &w->service->routes[i], &w->arena), SL_OK);
    }
}

/* The number of the route, 0 for none. */
static unsigned find(const struct world *w, const char *name, struct sl_slice alpn, const char *ip)
{
    struct sl_addr addr;
    const struct sl_hello hello = { .server_name = sl_slice_cstr(name), .alpn = alpn };
    assert_int_equal(sl_addr_from_ip(sl_slice_cstr(ip), 1, &addr), SL_OK);
    const struct sl_route *route =
        sl_route_find(w->routes, w->service->routes_count, &hello, &addr);
    assert_true(route == NULL || route->way.target == &route->target);
    return route == NULL ? 0 : route->way.route;
}

#define HEAD                                                                                       \
    "services:\n  s:\n    certificates: [{ chain: c.pem }]\n    listen: tls://:1\n    routes:\n"

static void the_first_that_fits_is_found(void **state)
{
    static struct world w;
    SL_UNUSED(state);
    world_init(&w, HEAD "      - { sni: '*.a', alpn: [x, y], connect: 'tcp://h:1' }\n"
                        "      - { sni: ['*.a', b], connect: 'tcp://h:1', terminate: no }\n"
                        "      - { from: 192.0.2.0/24, connect: 'tcp://h:1' }\n"
                        "    alpn: [y, z, x]\n");
    assert_int_equal(find(&w, "n.a", SL_SLICE("\1x"), "192.0.2.1"), 1);
    assert_int_equal(find(&w, "n.a", SL_SLICE("\1z"), "192.0.2.1"), 2);
    assert_int_equal(find(&w, "b", SL_SLICE("\1x"), "192.0.3.1"), 2);
    assert_int_equal(find(&w, "c", SL_SLICE("\1x"), "192.0.2.1"), 3);
    assert_int_equal(find(&w, "", SL_SLICE(""), "192.0.2.1"), 3);
    assert_int_equal(find(&w, "c", SL_SLICE("\1x"), "192.0.3.1"), 0);
    assert_false(w.routes[0].way.is_passed);
    assert_true(w.routes[1].way.is_passed);
    /* what is asked for there is chosen of, as the service prefers it */
    assert_int_equal(w.routes[0].way.protocols_count, 2);
    assert_string_equal(sl_conn_way_protocol(&w.routes[0].way, SL_SLICE("\1x\1y\1z")), "y");
    assert_string_equal(sl_conn_way_protocol(&w.routes[0].way, SL_SLICE("\1x\1z")), "x");
    assert_null(sl_conn_way_protocol(&w.routes[0].way, SL_SLICE("\1z")));
    assert_null(sl_conn_way_protocol(&w.routes[1].way, SL_SLICE("\1x")));
    sl_arena_fini(&w.arena);
}

static void a_hello_is_waited_for_where_it_decides(void **state)
{
    static const struct {
        const char *yaml;
        bool wants;
    } CASES[] = {
        { HEAD "      - { from: 192.0.2.0/24, connect: 'tcp://h:1' }\n", true },
        { "services: { s: { listen: 'tcp://:1', connect: 'tcp://h:1' } }", false },
        { "services: { s: { listen: 'tcp://:1', routes: [{ from: 10.0.0.0/8, connect: "
          "'tcp://h:1' }] } }",
          false },
        { "services: { s: { listen: 'tcp://:1', routes: [{ sni: a, connect: 'tcp://h:1' }] } }",
          true },
        { "services: { s: { listen: 'tcp://:1', routes: [{ alpn: a, connect: 'tcp://h:1' }] } }",
          true },
    };
    static struct world w;
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        world_init(&w, CASES[i].yaml);
        assert_int_equal(sl_route_wants_hello(w.service), CASES[i].wants);
        sl_arena_fini(&w.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_fits_is_found),
        cmocka_unit_test(a_hello_is_waited_for_where_it_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
