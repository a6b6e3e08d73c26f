/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of a plan with routes, over sockets; the upstream is the far end of another one. */
#include "ends.h"
#include "relay/conn.h"
#include "sys/socket.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHUNK_BYTES = 4096, LONG_MS = 60000, HELLO_MAX_BYTES = 512 };

struct world {
    struct sl_loop loop;
    struct sl_scratch scratch;
    struct sl_conn_env env;
    struct sl_conn_plan plan;
    struct sl_addr upstream_addr;
    int listen_fd, client_fd, upstream_fd; /* the far ends */
    bool has_no_way;
    /* what the hooks were told */
    unsigned routes_count, ends_count, freed_count;
    bool had_hello, was_named, was_protocolled;
    enum sl_reason reason;
    enum sl_stage last_stage;
};

static struct world *world_of(struct sl_conn *conn)
{
    return SL_CONTAINER_OF(conn->env, struct world, env);
}

static const struct sl_conn_way *hook_route(struct sl_conn *conn, const struct sl_hello *hello)
{
    static const struct sl_conn_way WAY = { .route = 1, .is_passed = true };
    struct world *w = world_of(conn);
    w->routes_count++;
    w->had_hello = hello != NULL;
    w->was_named = hello != NULL && sl_slice_eq(hello->server_name, SL_SLICE("a.example"));
    w->was_protocolled = hello != NULL && sl_slice_eq(hello->alpn, SL_SLICE("\2h2"));
    return w->has_no_way ? NULL : &WAY;
}

static void hook_connect(struct sl_conn *conn)
{
    struct world *w = world_of(conn);
    int fd = ends_connect(&w->upstream_addr);
    struct sl_ep_tcp *tcp = NULL;
    assert_true(conn->client_peeked.bytes.len <= HELLO_MAX_BYTES); /* held while connecting */
    assert_int_equal(
        sl_ep_tcp_create(&w->loop, &fd, sl_scratch_pending_max(&w->scratch), &conn->owner, &tcp),
        SL_OK);
    sl_conn_connected(conn, tcp, &w->upstream_addr, NULL, "tcp://test");
}

static void hook_ended(struct sl_conn *conn)
{
    struct world *w = world_of(conn);
    w->ends_count++;
    w->reason = conn->reason;
    w->last_stage = conn->last_stage;
}

static void hook_freed(struct sl_conn *conn)
{
    world_of(conn)->freed_count++;
}

static const struct sl_conn_hooks HOOKS = {
    .route = hook_route, .connect = hook_connect, .ended = hook_ended, .freed = hook_freed
};

static int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    if (w == NULL || sl_loop_init(&w->loop) != SL_OK ||
        sl_scratch_init(&w->scratch, CHUNK_BYTES) != SL_OK) {
        free(w);
        return -1;
    }
    w->env = (struct sl_conn_env){ .loop = &w->loop, .scratch = &w->scratch, .hooks = &HOOKS };
    sl_list_init(&w->env.conns);
    w->plan = (struct sl_conn_plan){ .service = "test",
                                     .has_routes = true,
                                     .is_hello_wanted = true,
                                     .handshake_ms = LONG_MS,
                                     .idle_ms = LONG_MS,
                                     .linger_ms = LONG_MS,
                                     .hello_max_bytes = HELLO_MAX_BYTES,
                                     .budget_bytes = 8192 };
    w->listen_fd = ends_listen(&w->upstream_addr);
    w->client_fd = w->upstream_fd = -1;
    *state = w;
    return 0;
}

static int world_teardown(void **state)
{
    struct world *w = *state;
    sl_socket_close(&w->listen_fd);
    sl_socket_close(&w->client_fd);
    sl_socket_close(&w->upstream_fd);
    const bool is_clean = w->env.conns_count == 0 && w->ends_count == w->freed_count;
    sl_loop_fini(&w->loop);
    sl_scratch_fini(&w->scratch);
    free(w);
    return is_clean ? 0 : -1;
}

static void start(struct world *w)
{
    int fds[2];
    struct sl_addr addr;
    ends_pair(fds);
    w->client_fd = fds[0];
    w->ends_count = w->freed_count = w->routes_count = 0;
    assert_int_equal(sl_socket_local(w->client_fd, &addr), SL_OK);
    assert_int_equal(sl_conn_start(&w->env, &w->plan, &fds[1], &addr, "tcp://listen"), SL_OK);
}

static void finish(struct world *w, enum sl_reason reason, enum sl_stage stage)
{
    const uint64_t deadline_ms = ends_deadline();
    while (w->freed_count == 0) {
        ends_turn(&w->loop, deadline_ms);
    }
    assert_string_equal(sl_reason_row(w->reason)->word, sl_reason_row(reason)->word);
    assert_int_equal(w->last_stage, stage);
    sl_socket_close(&w->client_fd);
    sl_socket_close(&w->upstream_fd);
}

static void say(struct world *w, struct sl_slice bytes)
{
    size_t len = 0;
    assert_int_equal(sl_socket_send(w->client_fd, bytes, &len), SL_OK);
    assert_int_equal(len, bytes.len);
}

static void turns(struct world *w, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(sl_loop_turn(&w->loop, 1), SL_OK);
    }
}

static void expect_upstream(struct world *w, struct sl_slice bytes)
{
    struct sl_addr peer;
    const uint64_t deadline_ms = ends_deadline();
    while (sl_socket_accept(w->listen_fd, &w->upstream_fd, &peer) != SL_OK) {
        ends_turn(&w->loop, deadline_ms);
    }
    while (bytes.len > 0) {
        uint8_t got[CHUNK_BYTES];
        size_t len = 0;
        assert_int_equal(
            ends_recv(&w->loop, w->upstream_fd, got, SL_MIN(sizeof(got), bytes.len), &len), SL_OK);
        assert_memory_equal(got, sl_slice_cut(&bytes, len).ptr, len);
    }
}

/* A ClientHello for a.example and h2 in two records, then two bytes of what comes behind it. */
static const struct sl_slice HELLO = SL_SLICE_INIT("\x16\x03\x01\0\x14"
                                                   "\x01\0\0\x46\x03\x03"
                                                   "0123456789abcd"
                                                   "\x16\x03\x01\0\x36"
                                                   "efghijklmnopqrstuv"
                                                   "\0"
                                                   "\0\x02\x13\x01"
                                                   "\x01\0"
                                                   "\0\x1b"
                                                   "\0\0\0\x0e\0\x0c\0\0\x09"
                                                   "a.example"
                                                   "\0\x10\0\x05\0\x03\x02"
                                                   "h2"
                                                   "!!");

static void every_cut_of_a_hello_goes_the_same_way_with_the_same_bytes(void **state)
{
    struct world *w = *state;
    for (size_t cut = 0; cut <= HELLO.len; cut++) {
        start(w);
        struct sl_slice rest = HELLO;
        const struct sl_slice first = sl_slice_cut(&rest, cut);
        if (first.len > 0) {
            say(w, first);
            turns(w, 2);
        }
        assert_int_equal(w->routes_count, cut >= HELLO.len - 2 ? 1 : 0);
        if (rest.len > 0) {
            say(w, rest);
        }
        sl_socket_shut_write(w->client_fd);
        expect_upstream(w, HELLO);
        ends_expect_end(&w->loop, w->upstream_fd, SL_EOF);
        assert_true(w->routes_count == 1 && w->was_named && w->was_protocolled);
        sl_socket_shut_write(w->upstream_fd);
        ends_expect_end(&w->loop, w->client_fd, SL_EOF);
        finish(w, SL_REASON_DONE, SL_STAGE_RELAY);
    }
}

static void what_comes_behind_a_hello_waits_in_the_kernel(void **state)
{
    struct world *w = *state;
    static uint8_t bytes[3000];
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, HELLO.ptr, HELLO.len);
    start(w);
    say(w, sl_slice_of(bytes, sizeof(bytes)));
    expect_upstream(w, sl_slice_of(bytes, sizeof(bytes)));
    sl_socket_reset(&w->client_fd);
    finish(w, SL_REASON_CLIENT_RESET, SL_STAGE_RELAY);
}

static void what_is_no_tls_asks_for_nothing(void **state)
{
    struct world *w = *state;
    start(w);
    say(w, SL_SLICE("SSH-2.0-x\r\n"));
    expect_upstream(w, SL_SLICE("SSH-2.0-x\r\n"));
    assert_true(w->routes_count == 1 && !w->had_hello);
    sl_socket_reset(&w->client_fd);
    finish(w, SL_REASON_CLIENT_RESET, SL_STAGE_RELAY);
    start(w);
    say(w, SL_SLICE("SS"));
    turns(w, 2);
    assert_int_equal(w->routes_count, 0);
    sl_socket_shut_write(w->client_fd); /* and so it stays two letters */
    expect_upstream(w, SL_SLICE("SS"));
    ends_expect_end(&w->loop, w->upstream_fd, SL_EOF);
    sl_socket_shut_write(w->upstream_fd);
    finish(w, SL_REASON_DONE, SL_STAGE_RELAY);
}

static void nobody_is_waited_for_whose_bytes_do_not_matter(void **state)
{
    struct world *w = *state;
    w->plan.is_hello_wanted = false;
    start(w);
    expect_upstream(w, SL_SLICE(""));
    assert_int_equal(w->routes_count, 1);
    ends_say(w->upstream_fd, "220 who speaks first\r\n");
    ends_expect(&w->loop, w->client_fd, "220 who speaks first\r\n");
    sl_socket_reset(&w->upstream_fd);
    finish(w, SL_REASON_UPSTREAM_RESET, SL_STAGE_RELAY);
}

static void expect_alert(struct world *w, uint8_t alert)
{
    uint8_t got[16];
    size_t len = 0;
    assert_int_equal(ends_recv(&w->loop, w->client_fd, got, sizeof(got), &len), SL_OK);
    assert_int_equal(len, 7);
    assert_memory_equal(got, "\x15\x03\x01\0\2\2", 6);
    assert_int_equal(got[6], alert);
    ends_expect_end(&w->loop, w->client_fd, SL_EOF);
    sl_socket_close(&w->client_fd);
}

static void who_has_no_way_is_told_so(void **state)
{
    struct world *w = *state;
    w->has_no_way = true;
    start(w);
    say(w, HELLO);
    expect_alert(w, 112);
    finish(w, SL_REASON_NO_ROUTE, SL_STAGE_PEEK);
    start(w);
    say(w, SL_SLICE("words"));
    ends_expect_end(&w->loop, w->client_fd, SL_ERESET);
    finish(w, SL_REASON_NO_ROUTE, SL_STAGE_PEEK);
}

static void a_hello_that_is_none_or_too_large_gets_an_alert(void **state)
{
    struct world *w = *state;
    static uint8_t large[HELLO_MAX_BYTES];
    memcpy(large, "\x16\x03\x01\x10\0\x01\0\x01\xf8", 9);
    start(w);
    say(w, SL_SLICE("\x16\x03\x01\0\x04\x02\0\0\0"));
    expect_alert(w, 50);
    finish(w, SL_REASON_HANDSHAKE_FAILED, SL_STAGE_PEEK);
    start(w);
    say(w, sl_slice_of(large, sizeof(large) - 1));
    turns(w, 2);
    assert_int_equal(w->ends_count, 0);
    say(w, SL_SLICE("x"));
    expect_alert(w, 47);
    finish(w, SL_REASON_CLIENT_HELLO_TOO_LARGE, SL_STAGE_PEEK);
    start(w);
    say(w,
        SL_SLICE("\x16\x03\x01\x10\0\x01\0\x02\0")); /* one that says so itself is not waited for */
    expect_alert(w, 47);
    finish(w, SL_REASON_CLIENT_HELLO_TOO_LARGE, SL_STAGE_PEEK);
    assert_int_equal(w->routes_count, 0);
}

static void a_client_that_leaves_meanwhile_is_no_fault(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 3; i++) {
        start(w);
        if (i > 0) {
            say(w, sl_slice_of(HELLO.ptr, 20));
            turns(w, 2);
        }
        if (i == 2) {
            sl_socket_reset(&w->client_fd);
        } else {
            sl_socket_close(&w->client_fd);
        }
        finish(w, SL_REASON_CLIENT_CLOSED, SL_STAGE_PEEK);
    }
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(every_cut_of_a_hello_goes_the_same_way_with_the_same_bytes),
        WORLD_TEST(what_comes_behind_a_hello_waits_in_the_kernel),
        WORLD_TEST(what_is_no_tls_asks_for_nothing),
        WORLD_TEST(nobody_is_waited_for_whose_bytes_do_not_matter),
        WORLD_TEST(who_has_no_way_is_told_so),
        WORLD_TEST(a_hello_that_is_none_or_too_large_gets_an_alert),
        WORLD_TEST(a_client_that_leaves_meanwhile_is_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
