/* SPDX-License-Identifier: Apache-2.0 */
#include "ends.h"
#include "net/connector.h"
#include "net/server.h"
#include "sys/clock.h"
#include "sys/socket.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHUNK_BYTES = 4096, LONG_MS = 60000, SHORT_MS = 60, FILLERS_MAX = 16, URLS_MAX = 4 };

static const struct sl_conf_ejection RULE = {
    .failures_count = 2, .within_ms = LONG_MS, .time_ms = LONG_MS, .time_max_ms = LONG_MS
};

struct world {
    struct sl_loop loop;
    struct sl_scratch scratch;
    struct sl_conn_env env;
    struct sl_conn_plan plan;
    struct sl_upstream upstreams[URLS_MAX];
    struct sl_addr addrs[URLS_MAX][SL_UPSTREAM_ADDRS_MAX];
    struct sl_addr_rank ranks[SL_UPSTREAM_ADDRS_MAX]; /* zeroes */
    struct sl_target target;
    struct sl_servers servers;
    unsigned downs_count, ups_count;
    uint32_t connect_ms;
    struct sl_addr good, black; /* one that answers, and one that says nothing at all */
    int good_fd, black_fd, client_fd, server_fd;
    int fillers[FILLERS_MAX];
    unsigned fds_count, starts_count, ends_count, freed_count;
    uint32_t tries_count;
    enum sl_reason reason;
    char upstream[SL_ADDR_TEXT_MAX];
    const char *upstream_text;
    bool has_nagle; /* the connection that it got, after one send */
};

static struct world *world_of(struct sl_conn *conn)
{
    return SL_CONTAINER_OF(conn->env, struct world, env);
}

static void hook_connect(struct sl_conn *conn)
{
    struct world *w = world_of(conn);
    sl_connector_start(conn, &w->target, w->connect_ms);
}

static bool hook_upstream_failed(struct sl_conn *conn, enum sl_reason reason)
{
    return sl_connector_retry(conn, reason, world_of(conn)->connect_ms);
}

static void on_event(struct sl_servers *servers, const struct sl_server_event *event)
{
    struct world *w = SL_CONTAINER_OF(servers, struct world, servers);
    w->downs_count += event->is_up ? 0 : 1;
    w->ups_count += event->is_up ? 1 : 0;
}

static void hook_ended(struct sl_conn *conn)
{
    struct world *w = world_of(conn);
    w->tries_count = conn->tries.count;
    sl_connector_release(conn);
    w->ends_count++;
    w->reason = conn->reason;
    w->upstream_text = conn->upstream_text;
    sl_addr_format(&conn->upstream_addr, w->upstream);
    w->has_nagle = conn->upstream_tcp != NULL && conn->upstream_tcp->has_nagle;
}

static void hook_freed(struct sl_conn *conn)
{
    world_of(conn)->freed_count++;
}

static const struct sl_conn_hooks HOOKS = { .connect = hook_connect,
                                            .connect_cancel = sl_connector_cancel,
                                            .upstream_failed = hook_upstream_failed,
                                            .upstream_ready = sl_connector_ready,
                                            .ended = hook_ended,
                                            .freed = hook_freed };

/* A listener whose queue is full: what knocks there gets no answer. */
static void fill(struct world *w)
{
    w->black_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(sl_addr_from_ip(SL_SLICE("127.0.0.1"), 0, &w->black), SL_OK);
    assert_int_equal(bind(w->black_fd, &w->black.sa.any, w->black.len), 0);
    assert_int_equal(listen(w->black_fd, 0), 0);
    assert_int_equal(sl_socket_local(w->black_fd, &w->black), SL_OK);
    for (size_t i = 0; i < FILLERS_MAX; i++) {
        enum sl_err rc = sl_socket_connect(&w->black, &w->fillers[i]);
        assert_true(rc == SL_OK || rc == SL_AGAIN);
    }
}

static int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        return -1;
    }
    w->fds_count = ends_count_fds();
    if (sl_loop_init(&w->loop) != SL_OK || sl_scratch_init(&w->scratch, CHUNK_BYTES) != SL_OK) {
        return -1;
    }
    w->env = (struct sl_conn_env){ .loop = &w->loop, .scratch = &w->scratch, .hooks = &HOOKS };
    sl_list_init(&w->env.conns);
    w->plan = (struct sl_conn_plan){ .service = "test",
                                     .handshake_ms = LONG_MS,
                                     .idle_ms = LONG_MS,
                                     .linger_ms = LONG_MS,
                                     .budget_bytes = 8192 };
    w->connect_ms = LONG_MS;
    static const char *const NAMES[URLS_MAX] = { "first", "second", "third", "fourth" };
    sl_servers_init(&w->servers, 1);
    w->servers.on_event = on_event;
    w->target =
        (struct sl_target){ .upstreams = w->upstreams, .ejection = &RULE, .servers = &w->servers };
    for (size_t i = 0; i < URLS_MAX; i++) {
        w->upstreams[i] = (struct sl_upstream){
            .text = NAMES[i], .addrs = w->addrs[i], .ranks = w->ranks, .weight = 1
        };
        if (sl_servers_take(&w->servers, "test", NAMES[i], &w->upstreams[i].server) != SL_OK) {
            return -1;
        }
    }
    w->good_fd = ends_listen(&w->good);
    w->client_fd = w->server_fd = w->black_fd = -1;
    memset(w->fillers, -1, sizeof(w->fillers));
    *state = w;
    return 0;
}

static int world_teardown(void **state)
{
    struct world *w = *state;
    int *const fds[] = { &w->good_fd, &w->black_fd, &w->client_fd, &w->server_fd };
    for (size_t i = 0; i < SL_COUNT(fds); i++) {
        sl_socket_close(fds[i]);
    }
    for (size_t i = 0; i < FILLERS_MAX; i++) {
        sl_socket_close(&w->fillers[i]);
    }
    bool is_clean = w->env.conns_count == 0 && w->ends_count == w->freed_count &&
                    w->ends_count > 0 && w->loop.tasks.next == &w->loop.tasks;
    for (size_t i = 0; i < URLS_MAX; i++) {
        is_clean = is_clean && w->upstreams[i].server->active_count == 0 &&
                   w->upstreams[i].server->refs_count == 1;
        sl_server_unref(w->upstreams[i].server);
    }
    sl_loop_fini(&w->loop);
    sl_scratch_fini(&w->scratch);
    is_clean = is_clean && ends_count_fds() == w->fds_count;
    free(w);
    return is_clean ? 0 : -1;
}

/* The addresses of one URL: 'g' answers, 'r' refuses, 'b' is a black hole, 'u' is unreachable. */
static void upstream_add(struct world *w, const char *kinds)
{
    struct sl_upstream *upstream = &w->upstreams[w->target.upstreams_count++];
    for (; *kinds != '\0'; kinds++) {
        struct sl_addr *addr = &upstream->addrs[upstream->addrs_count++];
        switch (*kinds) {
        case 'g':
            *addr = w->good;
            break;
        case 'r':
            *addr = ends_nobody();
            break;
        case 'b':
            if (w->black_fd < 0) {
                fill(w);
            }
            *addr = w->black;
            break;
        default: /* the kernel refuses to send to a broadcast address over TCP */
            assert_int_equal(sl_addr_from_ip(SL_SLICE("255.255.255.255"), 9, addr), SL_OK);
            break;
        }
    }
}

static void start(struct world *w)
{
    int fds[2];
    struct sl_addr addr;
    ends_pair(fds);
    w->client_fd = fds[0];
    w->starts_count++;
    assert_int_equal(sl_socket_local(w->client_fd, &addr), SL_OK);
    assert_int_equal(sl_conn_start(&w->env, &w->plan, &fds[1], &addr, "listen"), SL_OK);
}

static void turn_until_freed(struct world *w)
{
    uint64_t deadline_ms = ends_deadline();
    while (w->freed_count < w->starts_count) {
        ends_turn(&w->loop, deadline_ms);
    }
    assert_int_equal(w->ends_count, w->freed_count);
}

/* Bytes go to the address that answers; gives how long it took to get there. */
static uint64_t assert_connected(struct world *w, const char *text)
{
    struct sl_addr peer;
    uint64_t begin_ms = w->loop.now_ms, deadline_ms = ends_deadline();
    start(w);
    while (sl_socket_accept(w->good_fd, &w->server_fd, &peer) != SL_OK) {
        ends_turn(&w->loop, deadline_ms);
    }
    uint64_t took_ms = sl_clock_monotonic_ms() - begin_ms;
    ends_say(w->client_fd, "words");
    ends_expect(&w->loop, w->server_fd, "words");
    sl_socket_shut_write(w->client_fd);
    sl_socket_shut_write(w->server_fd);
    turn_until_freed(w);
    assert_int_equal(w->reason, SL_REASON_DONE);
    assert_string_equal(w->upstream_text, text);
    char good[SL_ADDR_TEXT_MAX];
    sl_addr_format(&w->good, good);
    assert_string_equal(w->upstream, good);
    assert_true(w->has_nagle); /* until the second send */
    return took_ms;
}

static void assert_failed(struct world *w, enum sl_reason reason, const char *text)
{
    start(w);
    ends_expect_end(&w->loop, w->client_fd, SL_ERESET);
    turn_until_freed(w);
    assert_string_equal(sl_reason_row(w->reason)->word, sl_reason_row(reason)->word);
    assert_string_equal(w->upstream_text, text);
}

static void the_first_address_that_answers_is_taken(void **state)
{
    upstream_add(*state, "g");
    (void)assert_connected(*state, "first");
}

/* Its timers stand in memory that is freed when relaying begins. */
static void nothing_of_the_connect_is_left_when_it_is_over(void **state)
{
    struct world *w = *state;
    upstream_add(w, "bgb");
    w->connect_ms = SL_CONNECT_STAGGER_MS + SHORT_MS;
    start(w);
    const struct sl_conn *conn = SL_CONTAINER_OF(w->env.conns.next, struct sl_conn, node);
    uint64_t deadline_ms = ends_deadline();
    while (conn->stage != SL_STAGE_RELAY) {
        ends_turn(&w->loop, deadline_ms);
    }
    assert_null(conn->arena.blocks);
    uint64_t begin_ms = w->loop.now_ms;
    while (w->loop.now_ms < begin_ms + SL_CONNECT_STAGGER_MS + 2 * SHORT_MS) {
        ends_turn(&w->loop, deadline_ms);
    }
    assert_int_equal(w->ends_count, 0);
    sl_socket_reset(&w->client_fd);
    turn_until_freed(w);
    assert_int_equal(w->reason, SL_REASON_CLIENT_RESET);
}

static void an_address_that_refuses_is_followed_by_the_next_at_once(void **state)
{
    upstream_add(*state, "rrrug");
    assert_true(assert_connected(*state, "first") < SL_CONNECT_STAGGER_MS);
}

static void a_url_that_refuses_is_followed_by_the_next(void **state)
{
    upstream_add(*state, "rr");
    upstream_add(*state, "rg");
    (void)assert_connected(*state, "second");
}

static void an_address_that_is_silent_is_overtaken_by_the_next(void **state)
{
    upstream_add(*state, "bg");
    uint64_t took_ms = assert_connected(*state, "first");
    assert_in_range(took_ms, SL_CONNECT_STAGGER_MS - 10, 4 * SL_CONNECT_STAGGER_MS);
}

static void a_refusal_among_silent_ones_brings_the_next_at_once(void **state)
{
    upstream_add(*state, "brg");
    uint64_t took_ms = assert_connected(*state, "first");
    assert_in_range(took_ms, SL_CONNECT_STAGGER_MS - 10, 2 * SL_CONNECT_STAGGER_MS);
}

static void a_url_that_is_silent_gives_way_after_its_time(void **state)
{
    struct world *w = *state;
    upstream_add(w, "bb");
    upstream_add(w, "g");
    w->connect_ms = 800;
    uint64_t took_ms = assert_connected(w, "second");
    assert_in_range(took_ms, 400, 800); /* half of it is the second's */
}

static void all_that_refuse_are_said_so(void **state)
{
    upstream_add(*state, "rr");
    upstream_add(*state, "rrr");
    assert_failed(*state, SL_REASON_UPSTREAM_REFUSED, "second");
}

static void all_that_are_silent_are_said_so(void **state)
{
    struct world *w = *state;
    upstream_add(w, "r");
    upstream_add(w, "bb");
    w->connect_ms = SHORT_MS;
    assert_failed(w, SL_REASON_CONNECT_TIMEOUT, "second");
}

static void so_many_are_tried_as_may_be(void **state)
{
    struct world *w = *state;
    upstream_add(w, "r");
    upstream_add(w, "r");
    upstream_add(w, "g");
    w->target.tries_count = 2;
    assert_failed(w, SL_REASON_UPSTREAM_REFUSED, "second");
    assert_int_equal(w->tries_count, 2);
    assert_int_equal(w->servers.retries_count, 1);
}

static void one_that_fails_too_often_is_tried_last(void **state)
{
    struct world *w = *state;
    upstream_add(w, "r");
    upstream_add(w, "g");
    for (unsigned i = 0; i < 3; i++) {
        (void)assert_connected(w, "second");
        assert_int_equal(w->tries_count, i < RULE.failures_count ? 2 : 1);
        sl_socket_close(&w->client_fd);
        sl_socket_close(&w->server_fd);
    }
    assert_int_equal(w->downs_count, 1);
    assert_int_equal(w->servers.failures_count, 2);
}

static void for_want_of_others_those_that_are_out_are_tried(void **state)
{
    struct world *w = *state;
    upstream_add(w, "r");
    upstream_add(w, "g");
    for (size_t i = 0; i < 2; i++) {
        w->upstreams[i].server->ejection =
            (struct sl_ejection){ .until_ms = UINT64_MAX, .times_count = 1 };
    }
    (void)assert_connected(w, "second");
    assert_int_equal(w->ups_count, 1);
    assert_false(sl_ejection_is_out(&w->upstreams[1].server->ejection, w->loop.now_ms));
}

static void a_backup_is_used_when_no_other_is_up(void **state)
{
    struct world *w = *state;
    upstream_add(w, "g");
    upstream_add(w, "r");
    upstream_add(w, "g");
    w->upstreams[0].is_backup = true;
    (void)assert_connected(w, "third");
    sl_socket_close(&w->client_fd);
    sl_socket_close(&w->server_fd);
    w->upstreams[2].server->ejection =
        (struct sl_ejection){ .until_ms = UINT64_MAX, .times_count = 1 };
    (void)assert_connected(w, "first");
}

static void one_of_weight_0_takes_nobody(void **state)
{
    struct world *w = *state;
    upstream_add(w, "g");
    upstream_add(w, "r");
    w->upstreams[0].weight = 0;
    assert_failed(w, SL_REASON_UPSTREAM_REFUSED, "second");
    w->upstreams[1].weight = 0;
    sl_socket_close(&w->client_fd);
    assert_failed(w, SL_REASON_UPSTREAM_UNREACHABLE, "first");
}

static void a_name_without_addresses_is_passed_over(void **state)
{
    upstream_add(*state, "");
    upstream_add(*state, "g");
    (void)assert_connected(*state, "second");
}

static void one_that_cannot_be_reached_is_said_so(void **state)
{
    upstream_add(*state, "u");
    assert_failed(*state, SL_REASON_UPSTREAM_UNREACHABLE, "first");
}

static void a_client_that_leaves_ends_every_attempt(void **state)
{
    struct world *w = *state;
    upstream_add(w, "bbb");
    start(w);
    uint64_t begin_ms = w->loop.now_ms;
    while (w->loop.now_ms < begin_ms + SL_CONNECT_STAGGER_MS + SHORT_MS) { /* two under way */
        ends_turn(&w->loop, ends_deadline());
    }
    sl_socket_reset(&w->client_fd);
    turn_until_freed(w);
    assert_int_equal(w->reason, SL_REASON_CLIENT_CLOSED);
    /* no timer of it is left in the wheel: nothing of it may run any more */
    begin_ms = w->loop.now_ms;
    while (w->loop.now_ms < begin_ms + SL_CONNECT_STAGGER_MS + SHORT_MS) {
        ends_turn(&w->loop, ends_deadline());
    }
}

static void a_path_where_nobody_listens_refuses(void **state)
{
    struct world *w = *state;
    upstream_add(w, "r");
    assert_int_equal(sl_addr_from_path(SL_SLICE("/nowhere/at/all"), &w->addrs[0][0]), SL_OK);
    assert_failed(w, SL_REASON_UPSTREAM_REFUSED, "first");
    assert_string_equal(w->upstream, "unix:/nowhere/at/all");
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(the_first_address_that_answers_is_taken),
        WITH_WORLD(nothing_of_the_connect_is_left_when_it_is_over),
        WITH_WORLD(an_address_that_refuses_is_followed_by_the_next_at_once),
        WITH_WORLD(a_url_that_refuses_is_followed_by_the_next),
        WITH_WORLD(an_address_that_is_silent_is_overtaken_by_the_next),
        WITH_WORLD(a_refusal_among_silent_ones_brings_the_next_at_once),
        WITH_WORLD(a_url_that_is_silent_gives_way_after_its_time),
        WITH_WORLD(all_that_refuse_are_said_so),
        WITH_WORLD(all_that_are_silent_are_said_so),
        WITH_WORLD(so_many_are_tried_as_may_be),
        WITH_WORLD(one_that_fails_too_often_is_tried_last),
        WITH_WORLD(for_want_of_others_those_that_are_out_are_tried),
        WITH_WORLD(a_backup_is_used_when_no_other_is_up),
        WITH_WORLD(one_of_weight_0_takes_nobody),
        WITH_WORLD(a_name_without_addresses_is_passed_over),
        WITH_WORLD(one_that_cannot_be_reached_is_said_so),
        WITH_WORLD(a_client_that_leaves_ends_every_attempt),
        WITH_WORLD(a_path_where_nobody_listens_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
