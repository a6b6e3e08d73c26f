/* SPDX-License-Identifier: Apache-2.0 */
#include "ends.h"
#include "relay/conn.h"
#include "sys/socket.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define V1 "PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n"
#define V2                                                                                         \
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x1a\xc0\x00\x02\x07\xc6\x33\x64\x01\xc8\x22\x01\xbb"         \
    "\x30\x00\x04"                                                                                 \
    "blue\xea\x00\x04vpce"
#define V2_LOCAL "\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"

enum { CHUNK_BYTES = 4096, LONG_MS = 60000, SHORT_MS = 60 };

struct world {
    struct sl_loop loop;
    struct sl_scratch scratch;
    struct sl_conn_env env;
    struct sl_conn_plan plan;
    struct sl_prefix from[2];
    struct sl_addr upstream_addr, peer;
    int listen_fd, client_fd, upstream_fd; /* the far ends */
    enum sl_reason verdict;                /* of who is asked whether to let it in */
    unsigned connects_count, admits_count, ends_count, freed_count;
    enum sl_reason reason;
    enum sl_stage last_stage;
    char client[SL_ADDR_TEXT_MAX], via[SL_ADDR_TEXT_MAX]; /* as of the end, "" for none */
    uint8_t tlvs[64];
    size_t tlvs_len;
};

static struct world *world_of(struct sl_conn *conn)
{
    return SL_CONTAINER_OF(conn->env, struct world, env);
}

static enum sl_reason hook_admit(struct sl_conn *conn)
{
    world_of(conn)->admits_count++;
    return world_of(conn)->verdict;
}

static void hook_connect(struct sl_conn *conn)
{
    struct world *w = world_of(conn);
    struct sl_ep_tcp *tcp = NULL;
    int fd = ends_connect(&w->upstream_addr);
    w->connects_count++;
    assert_int_equal(
        sl_ep_tcp_create(&w->loop, &fd, sl_scratch_pending_max(&w->scratch), &conn->owner, &tcp),
        SL_OK);
    sl_conn_connected(conn, tcp, &w->upstream_addr, NULL, "tcp://test");
}

static void hook_connect_cancel(struct sl_conn *conn)
{
    conn->connector = NULL;
}

static void hook_ended(struct sl_conn *conn)
{
    struct world *w = world_of(conn);
    w->ends_count++;
    w->reason = conn->reason;
    w->last_stage = conn->last_stage;
    sl_addr_format(&conn->client_addr, w->client);
    w->via[0] = '\0';
    w->tlvs_len = 0;
    if (conn->proxy != NULL) {
        sl_addr_format(&conn->proxy->via, w->via);
        w->tlvs_len = conn->proxy->tlvs_len;
        assert_true(w->tlvs_len <= sizeof(w->tlvs));
        memcpy(w->tlvs, conn->proxy->tlvs, w->tlvs_len);
    }
}

static void hook_freed(struct sl_conn *conn)
{
    world_of(conn)->freed_count++;
}

static const struct sl_conn_hooks HOOKS = { .admit = hook_admit,
                                            .connect = hook_connect,
                                            .connect_cancel = hook_connect_cancel,
                                            .ended = hook_ended,
                                            .freed = hook_freed };

static int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    if (w == NULL || sl_loop_init(&w->loop) != SL_OK ||
        sl_scratch_init(&w->scratch, CHUNK_BYTES) != SL_OK ||
        sl_prefix_parse(SL_SLICE("127.0.0.0/8"), &w->from[0]) != SL_OK ||
        sl_prefix_parse(SL_SLICE("unix"), &w->from[1]) != SL_OK) {
        return -1;
    }
    w->env = (struct sl_conn_env){ .loop = &w->loop, .scratch = &w->scratch, .hooks = &HOOKS };
    sl_list_init(&w->env.conns);
    w->plan =
        (struct sl_conn_plan){ .service = "test",
                               .proxy_in = { .from = w->from, .from_count = SL_COUNT(w->from) },
                               .handshake_ms = LONG_MS,
                               .idle_ms = LONG_MS,
                               .linger_ms = LONG_MS,
                               .hello_max_bytes = 16384,
                               .budget_bytes = 8192 };
    sl_proxy_types_add(&w->plan.proxy_in.pass, 0xea);
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
    bool is_clean = w->env.conns_count == 0 && w->ends_count == w->freed_count;
    sl_loop_fini(&w->loop);
    sl_scratch_fini(&w->scratch);
    free(w);
    return is_clean ? 0 : -1;
}

/* Begins a connection whose client is `client_fd`, over TCP or a Unix socket. */
static struct sl_conn *start(struct world *w, bool is_unix)
{
    int fds[2];
    if (is_unix) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    } else {
        ends_pair(fds);
    }
    w->client_fd = fds[0];
    assert_int_equal(sl_socket_local(w->client_fd, &w->peer), SL_OK);
    assert_int_equal(sl_conn_start(&w->env, &w->plan, &fds[1], &w->peer, "tcp://listen"), SL_OK);
    return SL_CONTAINER_OF(w->env.conns.next, struct sl_conn, node);
}

static void say(const struct world *w, const char *bytes, size_t len)
{
    size_t sent = 0;
    assert_int_equal(sl_socket_send(w->client_fd, sl_slice_of(bytes, len), &sent), SL_OK);
    assert_int_equal(sent, len);
}

/* Turns until so many bytes of the header were taken, and no more. */
static void turn_until_held(struct world *w, const struct sl_conn *conn, size_t len)
{
    uint64_t deadline_ms = ends_deadline();
    while (len > 0 && (conn->proxy_part == NULL || conn->proxy_part->len < len)) {
        ends_turn(&w->loop, deadline_ms);
    }
    assert_int_equal(conn->stage, SL_STAGE_PROXY_IN);
    assert_true(len == 0 || conn->proxy_part->len == len);
}

static void expect_relayed(struct world *w, const char *text)
{
    struct sl_addr peer;
    uint64_t deadline_ms = ends_deadline();
    while (sl_socket_accept(w->listen_fd, &w->upstream_fd, &peer) != SL_OK) {
        ends_turn(&w->loop, deadline_ms);
    }
    ends_expect(&w->loop, w->upstream_fd, text);
}

static void end_all(struct world *w)
{
    uint64_t deadline_ms = ends_deadline();
    if (!sl_list_is_empty(&w->env.conns)) {
        sl_conn_kill(SL_CONTAINER_OF(w->env.conns.next, struct sl_conn, node), SL_REASON_SHUTDOWN);
    }
    while (w->freed_count < w->ends_count) {
        ends_turn(&w->loop, deadline_ms);
    }
    sl_socket_close(&w->client_fd);
    sl_socket_close(&w->upstream_fd);
}

static const struct {
    const char *bytes;
    size_t len;
    const char *client, *tlvs;
    size_t tlvs_len;
} HEADERS[] = {
    { V1, sizeof(V1) - 1, "192.0.2.7:51234", "", 0 },
    { V2, sizeof(V2) - 1, "192.0.2.7:51234", "\xea\x00\x04vpce", 7 },
};

static void where_a_header_is_cut_does_not_matter(void **state)
{
    struct world *w = *state;
    for (unsigned is_unix = 0; is_unix < 2; is_unix++) {
        for (size_t i = 0; i < SL_COUNT(HEADERS); i++) {
            for (size_t at = 0; at < HEADERS[i].len; at++) {
                struct sl_conn *conn = start(w, is_unix != 0);
                if (at > 0) {
                    say(w, HEADERS[i].bytes, at);
                }
                turn_until_held(w, conn, at);
                say(w, HEADERS[i].bytes + at, HEADERS[i].len - at);
                say(w, "words", 5);
                expect_relayed(w, "words");
                end_all(w);
                assert_string_equal(w->client, HEADERS[i].client);
                char own[SL_ADDR_TEXT_MAX];
                sl_addr_format(&w->peer, own);
                assert_string_equal(w->via, own);
                assert_int_equal(w->tlvs_len, HEADERS[i].tlvs_len);
                assert_memory_equal(w->tlvs, HEADERS[i].tlvs, w->tlvs_len);
            }
        }
    }
}

static void bytes_that_come_one_by_one_are_a_header_too(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < SL_COUNT(HEADERS); i++) {
        struct sl_conn *conn = start(w, false);
        for (size_t at = 0; at + 1 < HEADERS[i].len; at++) {
            say(w, HEADERS[i].bytes + at, 1);
            turn_until_held(w, conn, at + 1);
        }
        say(w, HEADERS[i].bytes + HEADERS[i].len - 1, 1);
        say(w, "words", 5);
        expect_relayed(w, "words");
        end_all(w);
        assert_string_equal(w->client, HEADERS[i].client);
    }
}

static void a_header_of_the_senders_own_leaves_its_address(void **state)
{
    struct world *w = *state;
    char own[SL_ADDR_TEXT_MAX];
    (void)start(w, false);
    say(w, V2_LOCAL "words", sizeof(V2_LOCAL) - 1 + 5);
    expect_relayed(w, "words");
    end_all(w);
    sl_addr_format(&w->peer, own);
    assert_string_equal(w->client, own);
    assert_string_equal(w->via, "");
    assert_int_equal(w->admits_count, 1);
}

static void who_is_not_listed_is_asked_for_no_header(void **state)
{
    struct world *w = *state;
    w->plan.proxy_in.from = w->from + 1; /* unix alone */
    w->plan.proxy_in.from_count = 1;
    struct sl_conn *conn = start(w, false);
    assert_int_not_equal(conn->stage, SL_STAGE_PROXY_IN);
    say(w, V1, sizeof(V1) - 1);
    expect_relayed(w, V1);
    end_all(w);
    assert_int_equal(w->admits_count, 0);
}

static void expect_refused(struct world *w, enum sl_reason reason)
{
    ends_expect_end(&w->loop, w->client_fd, SL_ERESET);
    assert_string_equal(sl_reason_row(w->reason)->word, sl_reason_row(reason)->word);
    assert_int_equal(w->last_stage, SL_STAGE_PROXY_IN);
    assert_int_equal(w->connects_count, 0);
    end_all(w);
}

static void what_is_no_header_ends_with_its_reason(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum sl_reason reason;
    } CASES[] = {
        { "\x16\x03\x01", 3, SL_REASON_PROXY_HEADER_MISSING },
        { "GET / HTTP/1.1\r\n", 16, SL_REASON_PROXY_HEADER_MISSING },
        { "PROXY TCP4 a b 1 2\r\n", 20, SL_REASON_PROXY_HEADER_INVALID },
        { "\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", 16, SL_REASON_PROXY_HEADER_INVALID },
        { "\r\n\r\n\0\r\nQUIT\n\x21\x00\x00\x07\x03\x00\x04zzzz", 23,
          SL_REASON_PROXY_HEADER_INVALID },
    };
    struct world *w = *state;
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        (void)start(w, false);
        say(w, CASES[i].bytes, CASES[i].len);
        expect_refused(w, CASES[i].reason);
    }
}

static void half_a_header_ends_with_the_peer_or_by_the_clock(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < SL_COUNT(HEADERS); i++) {
        (void)start(w, false);
        say(w, HEADERS[i].bytes, HEADERS[i].len / 2);
        sl_socket_shut_write(w->client_fd);
        expect_refused(w, SL_REASON_CLIENT_CLOSED);
    }
    w->plan.handshake_ms = SHORT_MS;
    for (size_t i = 0; i < SL_COUNT(HEADERS); i++) {
        (void)start(w, false);
        say(w, HEADERS[i].bytes, HEADERS[i].len / 2);
        expect_refused(w, SL_REASON_PROXY_HEADER_TIMEOUT);
    }
    (void)start(w, false);
    expect_refused(w, SL_REASON_PROXY_HEADER_TIMEOUT);
}

static void the_address_of_a_header_may_be_kept_out(void **state)
{
    struct world *w = *state;
    w->verdict = SL_REASON_CLIENT_DENIED;
    (void)start(w, false);
    say(w, V1 "words", sizeof(V1) - 1 + 5);
    expect_refused(w, SL_REASON_CLIENT_DENIED);
    assert_string_equal(w->client, "192.0.2.7:51234");
    assert_int_equal(w->admits_count, 1);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(where_a_header_is_cut_does_not_matter),
        TEST(bytes_that_come_one_by_one_are_a_header_too),
        TEST(a_header_of_the_senders_own_leaves_its_address),
        TEST(who_is_not_listed_is_asked_for_no_header),
        TEST(what_is_no_header_ends_with_its_reason),
        TEST(half_a_header_ends_with_the_peer_or_by_the_clock),
        TEST(the_address_of_a_header_may_be_kept_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
