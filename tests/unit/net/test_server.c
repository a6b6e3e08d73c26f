/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct sl_conf_ejection RULE = {
    .failures_count = 2, .within_ms = 1000, .time_ms = 100, .time_max_ms = 400
};

struct world {
    struct sl_servers servers;
    unsigned downs_count, ups_count;
    char reason[64];
    uint64_t out_ms;
};

static void on_event(struct sl_servers *servers, const struct sl_server_event *event)
{
    struct world *w = SL_CONTAINER_OF(servers, struct world, servers);
    w->downs_count += event->is_up ? 0 : 1;
    w->ups_count += event->is_up ? 1 : 0;
    w->out_ms = event->out_ms;
    (void)snprintf(w->reason, sizeof(w->reason), "%s", event->reason);
}

static struct sl_server *take(struct world *w, const char *service, const char *url)
{
    struct sl_server *server = NULL;
    assert_int_equal(sl_servers_take(&w->servers, service, url, &server), SL_OK);
    return server;
}

static void a_service_and_url_find_what_is_known(void **state)
{
    static struct world w;
    SL_UNUSED(state);
    sl_servers_init(&w.servers, 1);
    struct sl_server *one = take(&w, "web", "tcp://a:1");
    assert_ptr_equal(take(&w, "web", "tcp://a:1"), one);
    assert_ptr_not_equal(take(&w, "web", "tcp://b:1"), one);
    assert_ptr_not_equal(take(&w, "mail", "tcp://a:1"), one);
    assert_int_equal(one->refs_count, 2);
    one->active_count = 7;
    sl_server_unref(one); /* as the configuration before does */
    assert_int_equal(take(&w, "web", "tcp://a:1")->active_count, 7);
    sl_server_unref(one);
    sl_server_unref(one);
    assert_int_equal(take(&w, "web", "tcp://a:1")->active_count, 0); /* nobody knew it any more */
    for (size_t i = 0; i < SL_SERVERS_BUCKETS; i++) {
        for (struct sl_list *node; (node = w.servers.buckets[i].next) != &w.servers.buckets[i];) {
            sl_server_unref(SL_CONTAINER_OF(node, struct sl_server, node));
        }
    }
}

static void what_becomes_of_it_is_told_once(void **state)
{
    static struct world w;
    SL_UNUSED(state);
    sl_servers_init(&w.servers, 1);
    w.servers.on_event = on_event;
    struct sl_server *server = take(&w, "web", "tcp://a:1");
    sl_servers_worked(&w.servers, server, 1);
    sl_servers_failed(&w.servers, server, &RULE, SL_REASON_UPSTREAM_REFUSED, 2);
    assert_int_equal(w.downs_count + w.ups_count, 0);
    sl_servers_failed(&w.servers, server, &RULE, SL_REASON_CONNECT_TIMEOUT, 3);
    assert_int_equal(w.downs_count, 1);
    assert_string_equal(w.reason, "connect_timeout");
    assert_int_equal(w.out_ms, 100);
    sl_servers_failed(&w.servers, server, &RULE, SL_REASON_CONNECT_TIMEOUT, 4);
    assert_int_equal(w.downs_count, 1);
    sl_servers_worked(&w.servers, server, 200);
    sl_servers_worked(&w.servers, server, 201);
    assert_int_equal(w.ups_count, 1);
    assert_int_equal(w.servers.failures_count, 3);
    assert_int_equal(w.servers.ejections_count, 1);
    sl_server_unref(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_and_url_find_what_is_known),
        cmocka_unit_test(what_becomes_of_it_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
