/* SPDX-License-Identifier: Apache-2.0 */
#include "ends.h"
#include "pair.h"
#include "relay/conn.h"
#include "sys/clock.h"
#include "sys/socket.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHUNK_BYTES = 4096, LONG_MS = 60000, SHORT_MS = 60 };

/* How the connect of this test's connection goes. */
enum outcome { CONNECTS, REFUSES, NEVER_ENDS };

struct world {
    struct sl_loop loop;
    struct sl_scratch scratch;
    struct sl_conn_env env;
    struct sl_conn_plan plan;
    enum outcome outcome;
    struct sl_addr upstream_addr;
    int listen_fd, client_fd, upstream_fd; /* the far ends */
    /* what the hooks were told */
    unsigned connects_count, cancels_count, ends_count, freed_count;
    enum sl_reason reason;
    enum sl_side ended_by;
    enum sl_stage last_stage;
    uint64_t to_upstream_bytes, to_client_bytes;
    unsigned fds_count;
};

static struct world *world_of(struct sl_conn *conn)
{
    return SL_CONTAINER_OF(conn->env, struct world, env);
}

static void hook_connect(struct sl_conn *conn)
{
    struct world *w = world_of(conn);
    w->connects_count++;
    assert_non_null(sl_arena_alloc(&conn->arena, 100)); /* as a connector does */
    if (w->outcome == REFUSES) {
        sl_conn_not_connected(conn, SL_REASON_UPSTREAM_REFUSED, &w->upstream_addr, "tcp://nobody");
        return;
    }
    if (w->outcome == NEVER_ENDS) {
        conn->connector = w;
        return;
    }
    int fd = ends_connect(&w->upstream_addr);
    struct sl_ep_tcp *tcp = NULL;
    assert_int_equal(
        sl_ep_tcp_create(&w->loop, &fd, sl_scratch_pending_max(&w->scratch), &conn->owner, &tcp),
        SL_OK);
    sl_conn_connected(conn, tcp, &w->upstream_addr, NULL, "tcp://test");
}

static void hook_connect_cancel(struct sl_conn *conn)
{
    world_of(conn)->cancels_count++;
    conn->connector = NULL;
}

static void hook_ended(struct sl_conn *conn)
{
    struct world *w = world_of(conn);
    w->ends_count++;
    w->reason = conn->reason;
    w->ended_by = conn->ended_by;
    w->last_stage = conn->last_stage;
    w->to_upstream_bytes = conn->relay.to_upstream.bytes_count;
    w->to_client_bytes = conn->relay.to_client.bytes_count;
}

static void hook_freed(struct sl_conn *conn)
{
    world_of(conn)->freed_count++;
}

static const struct sl_conn_hooks HOOKS = { .connect = hook_connect,
                                            .connect_cancel = hook_connect_cancel,
                                            .ended = hook_ended,
                                            .freed = hook_freed };

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
                                     .hello_max_bytes = 16384,
                                     .budget_bytes = 8192 };
    w->listen_fd = ends_listen(&w->upstream_addr);
    w->client_fd = w->upstream_fd = -1;
    *state = w;
    return 0;
}

static int world_teardown(void **state)
{
    struct world *w = *state;
    sl_tls_ctx_unref(w->plan.client_tls);
    sl_socket_close(&w->listen_fd);
    sl_socket_close(&w->client_fd);
    sl_socket_close(&w->upstream_fd);
    bool is_clean = w->env.conns_count == 0 && w->ends_count == w->freed_count;
    sl_loop_fini(&w->loop);
    sl_scratch_fini(&w->scratch);
    is_clean = is_clean && ends_count_fds() == w->fds_count;
    free(w);
    return is_clean ? 0 : -1;
}

/* Begins a connection whose client is `client_fd`. */
static struct sl_conn *start(struct world *w)
{
    int fds[2];
    struct sl_addr addr;
    ends_pair(fds);
    w->client_fd = fds[0];
    assert_int_equal(sl_socket_local(w->client_fd, &addr), SL_OK);
    assert_int_equal(sl_conn_start(&w->env, &w->plan, &fds[1], &addr, "tcp://listen"), SL_OK);
    assert_int_equal(fds[1], -1);
    return sl_list_is_empty(&w->env.conns)
               ? NULL
               : SL_CONTAINER_OF(w->env.conns.next, struct sl_conn, node);
}

/* As start, with the upstream's far end as `upstream_fd`. */
static struct sl_conn *start_relay(struct world *w)
{
    struct sl_conn *conn = start(w);
    struct sl_addr peer;
    uint64_t deadline_ms = ends_deadline();
    while (sl_socket_accept(w->listen_fd, &w->upstream_fd, &peer) != SL_OK) {
        ends_turn(&w->loop, deadline_ms);
    }
    assert_int_equal(conn->stage, SL_STAGE_RELAY);
    return conn;
}

static void turn_until_freed(struct world *w)
{
    uint64_t deadline_ms = ends_deadline();
    while (w->freed_count == 0) {
        ends_turn(&w->loop, deadline_ms);
    }
}

static void assert_ended(struct world *w, enum sl_reason reason, enum sl_side side,
                         enum sl_stage stage)
{
    turn_until_freed(w);
    assert_int_equal(w->ends_count, 1);
    assert_int_equal(w->freed_count, 1);
    assert_int_equal(w->env.conns_count, 0);
    assert_true(sl_list_is_empty(&w->env.conns));
    assert_string_equal(sl_reason_row(w->reason)->word, sl_reason_row(reason)->word);
    assert_int_equal(w->ended_by, side);
    assert_string_equal(sl_stage_name(w->last_stage), sl_stage_name(stage));
}

static void both_directions_go_to_their_own_end(void **state)
{
    for (unsigned first = 0; first < 2; first++) {
        struct world *w = *state;
        w->ends_count = w->freed_count = 0;
        (void)start_relay(w);
        int early = first == 0 ? w->client_fd : w->upstream_fd;
        int late = first == 0 ? w->upstream_fd : w->client_fd;
        ends_say(early, "a question");
        sl_socket_shut_write(early);
        ends_expect(&w->loop, late, "a question");
        ends_expect_end(&w->loop, late, SL_EOF);
        ends_say(late, "an answer ");
        ends_expect(&w->loop, early, "an answer ");
        ends_say(late, "in two parts");
        sl_socket_shut_write(late);
        ends_expect(&w->loop, early, "in two parts");
        ends_expect_end(&w->loop, early, SL_EOF);
        assert_ended(w, SL_REASON_DONE, SL_SIDE_NONE, SL_STAGE_RELAY);
        assert_int_equal(w->to_upstream_bytes, first == 0 ? 10 : 22);
        assert_int_equal(w->to_client_bytes, first == 0 ? 22 : 10);
        sl_socket_close(&w->client_fd);
        sl_socket_close(&w->upstream_fd);
    }
}

static void a_reset_of_one_side_reaches_the_other_as_one(void **state)
{
    for (unsigned by = 0; by < 2; by++) {
        for (unsigned is_shut = 0; is_shut < 2; is_shut++) {
            struct world *w = *state;
            w->ends_count = w->freed_count = 0;
            (void)start_relay(w);
            int *gone = by == 0 ? &w->client_fd : &w->upstream_fd;
            int *other = by == 0 ? &w->upstream_fd : &w->client_fd;
            ends_say(*gone, "words before it");
            if (is_shut != 0) { /* a FIN before it does not make it clean */
                sl_socket_shut_write(*gone);
                ends_expect(&w->loop, *other, "words before it");
                ends_expect_end(&w->loop, *other, SL_EOF);
                ends_say(*other, "x");
                ends_expect(&w->loop, *gone, "x");
            }
            sl_socket_reset(gone);
            if (is_shut == 0) {
                ends_expect(&w->loop, *other, "words before it");
                ends_expect_end(&w->loop, *other, SL_ERESET);
            }
            assert_ended(w, by == 0 ? SL_REASON_CLIENT_RESET : SL_REASON_UPSTREAM_RESET,
                         by == 0 ? SL_SIDE_CLIENT : SL_SIDE_UPSTREAM, SL_STAGE_RELAY);
            sl_socket_close(other);
        }
    }
}

static void a_relay_that_waits_owns_no_memory(void **state)
{
    struct world *w = *state;
    struct sl_conn *conn = start_relay(w);
    ends_say(w->client_fd, "words");
    ends_expect(&w->loop, w->upstream_fd, "words");
    assert_null(conn->arena.blocks);
    assert_null(conn->client_tcp->out.ptr);
    assert_null(conn->upstream_tcp->out.ptr);
    assert_null(conn->client_tls.rest.ptr);
    sl_conn_kill(conn, SL_REASON_SHUTDOWN);
    turn_until_freed(w);
}

/* A sender of as much as it can, and a reader that does not read: then one that does. */
static void a_slow_reader_costs_a_bounded_buffer_and_loses_nothing(void **state)
{
    struct world *w = *state;
    static uint8_t bytes[16384];
    struct sl_conn *conn = start_relay(w);
    uint64_t sent = 0, got = 0;
    unsigned stalls_count = 0;
    while (stalls_count < 20) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)((sent + i) % 253);
        }
        size_t len = 0;
        enum sl_err rc = sl_socket_send(w->upstream_fd, sl_slice_of(bytes, sizeof(bytes)), &len);
        sent += rc == SL_OK ? len : 0;
        stalls_count += rc == SL_AGAIN ? 1 : 0;
        ends_turn(&w->loop, ends_deadline());
        assert_true(sl_ep_pending(&conn->client_tcp->ep) <= CHUNK_BYTES);
        assert_true(sent < 1U << 28);
    }
    assert_true(sl_ep_pending(&conn->client_tcp->ep) > 0);
    sl_socket_shut_write(w->upstream_fd);
    while (got < sent) {
        size_t len = 0;
        assert_int_equal(ends_recv(&w->loop, w->client_fd, bytes, sizeof(bytes), &len), SL_OK);
        for (size_t i = 0; i < len; i++) {
            assert_int_equal(bytes[i], (got + i) % 253);
        }
        got += len;
    }
    ends_expect_end(&w->loop, w->client_fd, SL_EOF);
    sl_socket_shut_write(w->client_fd);
    assert_ended(w, SL_REASON_DONE, SL_SIDE_NONE, SL_STAGE_RELAY);
    assert_int_equal(w->to_client_bytes, sent);
}

static void an_idle_connection_ends_by_a_reset_and_a_busy_one_goes_on(void **state)
{
    struct world *w = *state;
    w->plan.idle_ms = 4 * SHORT_MS;
    (void)start_relay(w);
    uint64_t begin_ms = sl_clock_monotonic_ms(), last_ms = begin_ms;
    while (sl_clock_monotonic_ms() < begin_ms + 12 * SHORT_MS) {
        ends_say(w->client_fd, "tick");
        ends_expect(&w->loop, w->upstream_fd, "tick");
        assert_int_equal(w->ends_count, 0);
        last_ms = sl_clock_monotonic_ms();
    }
    ends_expect_end(&w->loop, w->upstream_fd, SL_ERESET);
    ends_expect_end(&w->loop, w->client_fd, SL_ERESET);
    /* the time of the last byte is that of the begin of its turn */
    assert_true(sl_clock_monotonic_ms() >= last_ms + 3 * SHORT_MS);
    assert_ended(w, SL_REASON_IDLE_TIMEOUT, SL_SIDE_NONE, SL_STAGE_RELAY);
}

static void an_upstream_that_refuses_ends_the_client_at_once(void **state)
{
    struct world *w = *state;
    w->outcome = REFUSES;
    (void)start(w);
    ends_expect_end(&w->loop, w->client_fd, SL_ERESET);
    assert_ended(w, SL_REASON_UPSTREAM_REFUSED, SL_SIDE_UPSTREAM, SL_STAGE_CONNECT);
    assert_int_equal(w->cancels_count, 0);
}

static void a_client_that_resets_while_connecting_cancels_the_connect(void **state)
{
    struct world *w = *state;
    w->outcome = NEVER_ENDS;
    (void)start(w);
    ends_say(w->client_fd, "words");
    assert_int_equal(sl_loop_turn(&w->loop, 10), SL_OK);
    sl_socket_reset(&w->client_fd);
    assert_ended(w, SL_REASON_CLIENT_CLOSED, SL_SIDE_CLIENT, SL_STAGE_CONNECT);
    assert_int_equal(w->connects_count, 1);
    assert_int_equal(w->cancels_count, 1);
}

/* Such a client may still wait for an answer. */
static void a_client_that_half_closes_while_connecting_is_served(void **state)
{
    struct world *w = *state;
    w->outcome = NEVER_ENDS;
    struct sl_conn *conn = start(w);
    ends_say(w->client_fd, "a question");
    sl_socket_shut_write(w->client_fd);
    uint64_t deadline_ms = ends_deadline();
    while (!conn->client_tcp->has_fin) {
        ends_turn(&w->loop, deadline_ms);
    }
    assert_int_equal(w->ends_count, 0);
    w->outcome = CONNECTS;
    conn->connector = NULL;
    hook_connect(conn);
    struct sl_addr peer;
    while (sl_socket_accept(w->listen_fd, &w->upstream_fd, &peer) != SL_OK) {
        ends_turn(&w->loop, deadline_ms);
    }
    ends_expect(&w->loop, w->upstream_fd, "a question");
    ends_expect_end(&w->loop, w->upstream_fd, SL_EOF);
    ends_say(w->upstream_fd, "an answer");
    sl_socket_shut_write(w->upstream_fd);
    ends_expect(&w->loop, w->client_fd, "an answer");
    assert_ended(w, SL_REASON_DONE, SL_SIDE_NONE, SL_STAGE_RELAY);
}

static void a_proxy_header_goes_before_everything_else(void **state)
{
    struct world *w = *state;
    w->plan.proxy_out.version = SL_PROXY_V2;
    (void)start_relay(w);
    ends_say(w->client_fd, "words");
    uint8_t head[16];
    size_t at = 0, len = 0;
    while (at < sizeof(head)) {
        assert_int_equal(ends_recv(&w->loop, w->upstream_fd, head + at, sizeof(head) - at, &len),
                         SL_OK);
        at += len;
    }
    assert_memory_equal(head, "\r\n\r\n\0\r\nQUIT\n", 12);
    for (size_t left = (size_t)head[14] << 8 | head[15]; left > 0; left -= len) {
        uint8_t rest[64];
        assert_int_equal(
            ends_recv(&w->loop, w->upstream_fd, rest, SL_MIN(left, sizeof(rest)), &len), SL_OK);
    }
    ends_expect(&w->loop, w->upstream_fd, "words");
    sl_conn_kill(SL_CONTAINER_OF(w->env.conns.next, struct sl_conn, node), SL_REASON_SHUTDOWN);
    assert_ended(w, SL_REASON_SHUTDOWN, SL_SIDE_NONE, SL_STAGE_RELAY);
}

static void speak_tls(struct world *w)
{
    struct fixture f;
    fixture_init(&f);
    const struct sl_policy policy = fixture_policy("intermediate");
    w->plan.client_tls = fixture_server(&(struct sl_tls_server_conf){
        .service = "test", .policy = &policy, .certs = &f.cert_ec, .certs_count = 1 });
    fixture_fini(&f);
}

static void a_silent_client_is_gone_after_the_handshake_timeout(void **state)
{
    struct world *w = *state;
    speak_tls(w);
    w->plan.handshake_ms = SHORT_MS;
    uint64_t begin_ms = w->loop.now_ms;
    (void)start(w);
    ends_say(w->client_fd, "\x16\x03\x01");
    ends_expect_end(&w->loop, w->client_fd, SL_ERESET);
    assert_true(w->loop.now_ms >= begin_ms + SHORT_MS);
    assert_ended(w, SL_REASON_HANDSHAKE_TIMEOUT, SL_SIDE_NONE, SL_STAGE_HANDSHAKE);
    assert_int_equal(w->connects_count, 0);
}

static void a_client_that_leaves_within_the_handshake_is_no_error(void **state)
{
    struct world *w = *state;
    speak_tls(w);
    (void)start(w);
    sl_socket_close(&w->client_fd);
    assert_ended(w, SL_REASON_CLIENT_CLOSED, SL_SIDE_CLIENT, SL_STAGE_HANDSHAKE);
}

/* The alert, then FIN; and the connection stays until the client has read both, or for so long. */
static void a_client_without_tls_gets_an_alert_and_not_a_reset(void **state)
{
    for (unsigned is_stubborn = 0; is_stubborn < 2; is_stubborn++) {
        struct world *w = *state;
        w->ends_count = w->freed_count = 0;
        w->plan.linger_ms = is_stubborn != 0 ? SHORT_MS : LONG_MS;
        sl_tls_ctx_unref(SL_STEAL(w->plan.client_tls));
        speak_tls(w);
        struct sl_conn *conn = start(w);
        ends_say(w->client_fd, "SSH-2.0-x\r\n");
        uint8_t bytes[16];
        size_t len = 0;
        assert_int_equal(ends_recv(&w->loop, w->client_fd, bytes, sizeof(bytes), &len), SL_OK);
        assert_int_equal(bytes[0], 0x15);
        ends_expect_end(&w->loop, w->client_fd, SL_EOF);
        assert_int_equal(w->ends_count, 1);
        if (is_stubborn == 0) {
            assert_int_equal(w->freed_count, 0);
            assert_int_equal(conn->stage, SL_STAGE_LINGER);
            ends_say(w->client_fd, "more words, which nobody reads");
            assert_int_equal(sl_loop_turn(&w->loop, 10), SL_OK);
            sl_socket_close(&w->client_fd);
        }
        assert_ended(w, SL_REASON_NOT_TLS, SL_SIDE_CLIENT, SL_STAGE_HANDSHAKE);
        sl_socket_close(&w->client_fd);
    }
}

static void a_client_that_lingers_cannot_send_for_ever(void **state)
{
    struct world *w = *state;
    static const uint8_t ZEROS[65536];
    speak_tls(w);
    (void)start(w);
    enum sl_err rc = SL_OK;
    uint64_t sent = 0, deadline_ms = ends_deadline();
    while (rc == SL_OK || rc == SL_AGAIN) {
        size_t len = 0;
        rc = sl_socket_send(w->client_fd, sl_slice_of(ZEROS, sizeof(ZEROS)), &len);
        sent += rc == SL_OK ? len : 0;
        ends_turn(&w->loop, deadline_ms);
    }
    assert_true(sent < 16U << 20);
    assert_ended(w, SL_REASON_NOT_TLS, SL_SIDE_CLIENT, SL_STAGE_HANDSHAKE);
}

static void a_connection_can_be_killed_in_every_stage(void **state)
{
    for (unsigned stage = 0; stage < 4; stage++) {
        struct world *w = *state;
        struct sl_conn *conn = NULL;
        w->ends_count = w->freed_count = 0;
        w->outcome = stage == 0 ? NEVER_ENDS : CONNECTS;
        if (stage == 2) {
            speak_tls(w);
        }
        conn = stage == 1 ? start_relay(w) : start(w);
        if (stage == 3) {
            ends_say(w->client_fd, "not TLS");
            ends_expect(&w->loop, w->client_fd, "\x15");
            assert_int_equal(conn->stage, SL_STAGE_LINGER);
        }
        sl_conn_kill(conn, SL_REASON_SHUTDOWN);
        sl_conn_kill(conn, SL_REASON_SHUTDOWN);
        sl_conn_step(conn); /* somebody else's event of the same turn */
        turn_until_freed(w);
        assert_int_equal(w->ends_count, 1);
        assert_int_equal(w->reason, stage == 3 ? SL_REASON_NOT_TLS : SL_REASON_SHUTDOWN);
        sl_socket_close(&w->client_fd);
        sl_socket_close(&w->upstream_fd);
    }
}

static void a_socket_that_cannot_be_watched_stays_the_callers(void **state)
{
    struct world *w = *state;
    int fd = 1 << 20; /* not open */
    struct sl_addr addr = { 0 };
    assert_int_equal(sl_conn_start(&w->env, &w->plan, &fd, &addr, "tcp://listen"), SL_ESYS);
    assert_int_equal(fd, 1 << 20);
    assert_int_equal(w->env.conns_count, 0);
    assert_int_equal(w->ends_count, 0);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(both_directions_go_to_their_own_end),
        WITH_WORLD(a_reset_of_one_side_reaches_the_other_as_one),
        WITH_WORLD(a_relay_that_waits_owns_no_memory),
        WITH_WORLD(a_slow_reader_costs_a_bounded_buffer_and_loses_nothing),
        WITH_WORLD(an_idle_connection_ends_by_a_reset_and_a_busy_one_goes_on),
        WITH_WORLD(an_upstream_that_refuses_ends_the_client_at_once),
        WITH_WORLD(a_client_that_resets_while_connecting_cancels_the_connect),
        WITH_WORLD(a_client_that_half_closes_while_connecting_is_served),
        WITH_WORLD(a_proxy_header_goes_before_everything_else),
        WITH_WORLD(a_silent_client_is_gone_after_the_handshake_timeout),
        WITH_WORLD(a_client_that_leaves_within_the_handshake_is_no_error),
        WITH_WORLD(a_client_without_tls_gets_an_alert_and_not_a_reset),
        WITH_WORLD(a_client_that_lingers_cannot_send_for_ever),
        WITH_WORLD(a_connection_can_be_killed_in_every_stage),
        WITH_WORLD(a_socket_that_cannot_be_watched_stays_the_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
