/* SPDX-License-Identifier: Apache-2.0 */
#include "ends.h"
#include "net/listener.h"
#include "sys/clock.h"
#include "sys/socket.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHUNK_BYTES = 4096, LONG_MS = 60000, CONNS_MAX = 2, CLIENTS_COUNT = 4 };

struct world {
    struct sl_loop loop;
    struct sl_scratch scratch;
    struct sl_conn_env env;
    struct sl_conn_plan plan;
    struct sl_conf_from from;
    struct sl_gate gate;
    struct sl_tally tally;
    struct sl_acceptor acceptor;
    struct sl_addr addrs[2];
    int supervisor_fds[2]; /* the same sockets, as another process holds them */
    int clients[CLIENTS_COUNT];
    unsigned pauses_count, listener_pauses_count, fds_count;
    enum sl_reason refused[CLIENTS_COUNT];
    unsigned refused_count;
    struct sl_watch waker; /* its event closes the acceptor */
};

/* Connections here never get further than this. */
static void hook_connect(struct sl_conn *conn)
{
    conn->connector = conn;
}

static void hook_connect_cancel(struct sl_conn *conn)
{
    conn->connector = NULL;
}

static void hook_ended(struct sl_conn *conn)
{
    SL_UNUSED(conn);
}

static void hook_freed(struct sl_conn *conn)
{
    sl_acceptor_resume(&SL_CONTAINER_OF(conn->env, struct world, env)->acceptor);
}

static const struct sl_conn_hooks HOOKS = { .connect = hook_connect,
                                            .connect_cancel = hook_connect_cancel,
                                            .ended = hook_ended,
                                            .freed = hook_freed };

static void on_pause(struct sl_acceptor *acceptor, struct sl_listener *listener)
{
    struct world *w = SL_CONTAINER_OF(acceptor, struct world, acceptor);
    w->pauses_count += listener == NULL;
    w->listener_pauses_count += listener != NULL;
}

static void on_refused(struct sl_acceptor *acceptor, const struct sl_listener *listener,
                       enum sl_reason reason, const struct sl_addr *client)
{
    struct world *w = SL_CONTAINER_OF(acceptor, struct world, acceptor);
    assert_non_null(listener);
    assert_int_not_equal(sl_addr_port(client), 0);
    assert_true(w->refused_count < CLIENTS_COUNT);
    w->refused[w->refused_count++] = reason;
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
    w->plan = (struct sl_conn_plan){
        .service = "test", .handshake_ms = LONG_MS, .idle_ms = LONG_MS, .linger_ms = LONG_MS
    };
    sl_acceptor_init(&w->acceptor, &w->env, CONNS_MAX, SL_ACCEPT_CONNECTIONS_LIMIT, on_pause);
    for (size_t i = 0; i < SL_COUNT(w->addrs); i++) {
        int fd = ends_listen(&w->addrs[i]);
        w->supervisor_fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        assert_int_equal(sl_acceptor_add(&w->acceptor, &fd, &w->plan, "tcp://test"), SL_OK);
        assert_int_equal(fd, -1);
    }
    for (size_t i = 0; i < CLIENTS_COUNT; i++) {
        w->clients[i] = -1;
    }
    *state = w;
    return 0;
}

static void kill_all(struct world *w)
{
    while (!sl_list_is_empty(&w->env.conns)) {
        struct sl_conn *conn = SL_CONTAINER_OF(w->env.conns.next, struct sl_conn, node);
        sl_conn_kill(conn, SL_REASON_SHUTDOWN);
        assert_int_equal(sl_loop_turn(&w->loop, 0), SL_OK);
    }
}

static int world_teardown(void **state)
{
    struct world *w = *state;
    sl_acceptor_close(&w->acceptor, false);
    kill_all(w);
    for (size_t i = 0; i < CLIENTS_COUNT; i++) {
        sl_socket_close(&w->clients[i]);
    }
    sl_socket_close(&w->supervisor_fds[0]);
    sl_socket_close(&w->supervisor_fds[1]);
    bool is_clean = w->env.conns_count == 0;
    sl_loop_fini(&w->loop);
    sl_scratch_fini(&w->scratch);
    is_clean = is_clean && ends_count_fds() == w->fds_count;
    free(w);
    return is_clean ? 0 : -1;
}

static void turn_until_accepted(struct world *w, uint64_t count)
{
    uint64_t deadline_ms = ends_deadline();
    while (w->acceptor.accepted_count < count) {
        ends_turn(&w->loop, deadline_ms);
    }
    assert_int_equal(w->acceptor.accepted_count, count);
}

/* Turns the loop for so long, and gives how often it woke. */
static unsigned turn_for(struct world *w, uint64_t ms)
{
    unsigned turns_count = 0;
    for (uint64_t end_ms = sl_clock_monotonic_ms() + ms; sl_clock_monotonic_ms() < end_ms;) {
        assert_int_equal(sl_loop_turn(&w->loop, ms), SL_OK);
        turns_count++;
    }
    return turns_count;
}

static void clients_of_every_listener_are_taken(void **state)
{
    struct world *w = *state;
    w->clients[0] = ends_connect(&w->addrs[0]);
    w->clients[1] = ends_connect(&w->addrs[1]);
    turn_until_accepted(w, 2);
    assert_int_equal(w->env.conns_count, 2);
    const struct sl_conn *conn = SL_CONTAINER_OF(w->env.conns.next, struct sl_conn, node);
    char text[SL_ADDR_TEXT_MAX], want[SL_ADDR_TEXT_MAX];
    struct sl_addr client;
    assert_int_equal(sl_socket_local(w->clients[0], &client), SL_OK);
    sl_addr_format(&conn->client_addr, text);
    sl_addr_format(&client, want);
    assert_string_equal(text, want);
    assert_string_equal(conn->listen_text, "tcp://test");
}

static void at_the_limit_clients_wait_until_one_has_gone(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < CLIENTS_COUNT; i++) {
        w->clients[i] = ends_connect(&w->addrs[i % 2]);
    }
    turn_until_accepted(w, CONNS_MAX);
    assert_true(turn_for(w, 100) < 10); /* no spinning while they wait */
    assert_int_equal(w->env.conns_count, CONNS_MAX);
    assert_int_equal(w->acceptor.state.paused, SL_ACCEPT_CONNECTIONS_LIMIT);
    assert_int_equal(w->pauses_count, 1);
    for (unsigned i = 1; i <= CLIENTS_COUNT - CONNS_MAX; i++) {
        struct sl_conn *conn = SL_CONTAINER_OF(w->env.conns.next, struct sl_conn, node);
        sl_conn_kill(conn, SL_REASON_SHUTDOWN);
        turn_until_accepted(w, CONNS_MAX + i);
        assert_int_equal(w->env.conns_count, CONNS_MAX);
    }
    kill_all(w);
    assert_int_equal(w->acceptor.state.paused, SL_ACCEPT_RUNS);
}

/* The first listener's service from now on has bounds. */
static void gate_begin(struct world *w)
{
    w->gate.from = &w->from;
    w->acceptor.on_refused = on_refused;
    w->plan.gate = &w->gate;
    w->plan.tally = &w->tally;
}

static void turn_until_refused(struct world *w, unsigned count)
{
    uint64_t deadline_ms = ends_deadline();
    while (w->refused_count < count) {
        ends_turn(&w->loop, deadline_ms);
    }
}

static void a_service_that_is_full_pauses_alone(void **state)
{
    struct world *w = *state;
    gate_begin(w);
    w->gate.bounds.conns_max_count = 1;
    w->clients[0] = ends_connect(&w->addrs[0]);
    w->clients[1] = ends_connect(&w->addrs[0]);
    turn_until_accepted(w, 1);
    assert_true(turn_for(w, 50) < 10);
    assert_int_equal(w->tally.conns_count, 1);
    assert_int_equal(w->acceptor.state.paused, SL_ACCEPT_RUNS);
    assert_int_equal(w->pauses_count, 0);
    assert_int_equal(w->listener_pauses_count, 1);
    kill_all(w);
    turn_until_accepted(w, 2);
    assert_int_equal(w->listener_pauses_count, 2);
    assert_int_equal(w->tally.conns_count, 1);
    kill_all(w);
    assert_int_equal(w->tally.conns_count, 0);
    assert_int_equal(w->tally.handshakes_count, 0);
    assert_int_equal(w->env.handshakes_count, 0);
}

static void a_service_that_is_full_refuses_where_that_is_wanted(void **state)
{
    struct world *w = *state;
    gate_begin(w);
    w->gate.bounds = (struct sl_bounds){ .conns_max_count = 1, .is_refusing = true };
    for (size_t i = 0; i < 3; i++) {
        w->clients[i] = ends_connect(&w->addrs[0]);
    }
    turn_until_refused(w, 2);
    assert_int_equal(w->refused[0], SL_REASON_CONNECTIONS_LIMIT);
    assert_int_equal(w->env.conns_count, 1);
    assert_int_equal(w->listener_pauses_count, 0);
}

static void at_the_limit_of_all_more_are_refused_where_that_is_wanted(void **state)
{
    struct world *w = *state;
    gate_begin(w);
    w->acceptor.bounds.is_refusing = true;
    for (size_t i = 0; i < CLIENTS_COUNT; i++) {
        w->clients[i] = ends_connect(&w->addrs[0]);
    }
    turn_until_refused(w, CLIENTS_COUNT - CONNS_MAX);
    assert_int_equal(w->env.conns_count, CONNS_MAX);
    assert_int_equal(w->pauses_count, 0);
    assert_int_equal(w->refused[0], SL_REASON_CONNECTIONS_LIMIT);
}

static void without_descriptors_nobody_is_refused(void **state)
{
    struct world *w = *state;
    gate_begin(w);
    w->acceptor.bounds.is_refusing = true;
    w->acceptor.max_reason = SL_ACCEPT_NO_DESCRIPTORS;
    for (size_t i = 0; i < CLIENTS_COUNT; i++) {
        w->clients[i] = ends_connect(&w->addrs[0]);
    }
    turn_until_accepted(w, CONNS_MAX);
    (void)turn_for(w, 50);
    assert_int_equal(w->refused_count, 0);
    assert_int_equal(w->acceptor.state.paused, SL_ACCEPT_NO_DESCRIPTORS);
}

static void who_is_denied_is_refused_before_there_is_a_connection(void **state)
{
    struct world *w = *state;
    gate_begin(w);
    struct sl_prefix all;
    assert_int_equal(sl_prefix_parse(SL_SLICE("127.0.0.0/8"), &all), SL_OK);
    w->from = (struct sl_conf_from){ .deny = &all, .deny_count = 1 };
    w->clients[0] = ends_connect(&w->addrs[0]);
    turn_until_refused(w, 1);
    assert_int_equal(w->refused[0], SL_REASON_ADDRESS_DENIED);
    assert_int_equal(w->env.conns_count, 0);
}

static void held_memory_pauses_and_its_end_is_noticed(void **state)
{
    struct world *w = *state;
    gate_begin(w);
    w->scratch.held_max_bytes = 1000;
    w->scratch.held_bytes = 1000;
    w->clients[0] = ends_connect(&w->addrs[0]);
    assert_true(turn_for(w, 400) < 20);
    assert_int_equal(w->acceptor.state.paused, SL_ACCEPT_MEMORY_LIMIT);
    assert_int_equal(w->acceptor.accepted_count, 0);
    w->scratch.held_bytes = 999;
    turn_until_accepted(w, 1);
}

/* What keeps it from going on may change while it waits. */
static void another_reason_takes_over_while_it_pauses(void **state)
{
    struct world *w = *state;
    w->scratch.held_max_bytes = 1000;
    for (size_t i = 0; i <= CONNS_MAX; i++) {
        w->clients[i] = ends_connect(&w->addrs[0]);
    }
    turn_until_accepted(w, CONNS_MAX);
    (void)turn_for(w, 50);
    assert_int_equal(w->acceptor.state.paused, SL_ACCEPT_CONNECTIONS_LIMIT);
    w->scratch.held_bytes = 1000;
    kill_all(w);
    assert_int_equal(w->acceptor.state.paused, SL_ACCEPT_MEMORY_LIMIT);
    w->scratch.held_bytes = 0; /* and no connection ends any more */
    turn_until_accepted(w, CONNS_MAX + 1);
}

static void without_descriptors_accepting_pauses_and_goes_on_by_itself(void **state)
{
    struct world *w = *state;
    struct rlimit before, low;
    w->clients[0] = ends_connect(&w->addrs[0]);
    int next_fd = fcntl(w->clients[0], F_DUPFD_CLOEXEC, 3);
    (void)close(next_fd);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = (struct rlimit){ .rlim_cur = (rlim_t)next_fd, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(sl_loop_turn(&w->loop, 100), SL_OK);
    enum sl_accept_pause paused = w->acceptor.state.paused;
    unsigned turns_count = turn_for(w, 600);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(paused, SL_ACCEPT_NO_DESCRIPTORS);
    assert_true(turns_count < 20);
    assert_int_equal(w->acceptor.accepted_count, 0);
    turn_until_accepted(w, 1);
    assert_int_equal(w->acceptor.state.paused, SL_ACCEPT_RUNS);
}

/* Closing a descriptor does not end its watch when another process holds the same socket. */
static void what_is_closed_is_not_listened_to_though_another_holds_it_open(void **state)
{
    struct world *w = *state;
    sl_acceptor_close(&w->acceptor, false);
    w->clients[0] = ends_connect(&w->addrs[0]); /* it waits for the next worker */
    assert_true(turn_for(w, 50) < 10);
    assert_int_equal(w->acceptor.accepted_count, 0);
    struct sl_addr peer;
    int fd = -1;
    assert_int_equal(sl_socket_accept(w->supervisor_fds[0], &fd, &peer), SL_OK);
    sl_socket_close(&fd);
}

static void on_wake(struct sl_watch *watch, uint32_t events)
{
    SL_UNUSED(events);
    sl_acceptor_close(&SL_CONTAINER_OF(watch, struct world, waker)->acceptor, false);
}

static void a_listener_can_be_closed_in_the_turn_of_its_own_event(void **state)
{
    struct world *w = *state;
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    w->waker = (struct sl_watch){ .fd = fds[0], .on_ready = on_wake };
    assert_int_equal(sl_loop_add(&w->loop, &w->waker, SL_WATCH_INPUT), SL_OK);
    assert_int_equal(write(fds[1], "x", 1), 1); /* its event comes first */
    w->clients[0] = ends_connect(&w->addrs[0]);
    w->clients[1] = ends_connect(&w->addrs[1]);
    assert_int_equal(sl_loop_turn(&w->loop, 100), SL_OK);
    assert_int_equal(w->env.conns_count, 0);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void draining_takes_what_already_waits(void **state)
{
    struct world *w = *state;
    w->clients[0] = ends_connect(&w->addrs[0]);
    w->clients[1] = ends_connect(&w->addrs[1]);
    sl_acceptor_close(&w->acceptor, true);
    assert_int_equal(w->env.conns_count, 2);
    assert_int_equal(w->acceptor.accepted_count, 2);
}

static void draining_at_the_limit_leaves_the_rest_waiting(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < CLIENTS_COUNT; i++) {
        w->clients[i] = ends_connect(&w->addrs[0]);
    }
    sl_acceptor_close(&w->acceptor, true);
    assert_int_equal(w->env.conns_count, CONNS_MAX);
    kill_all(w); /* room again, and nobody who listens */
    assert_int_equal(w->env.conns_count, 0);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(clients_of_every_listener_are_taken),
        WITH_WORLD(at_the_limit_clients_wait_until_one_has_gone),
        WITH_WORLD(a_service_that_is_full_pauses_alone),
        WITH_WORLD(a_service_that_is_full_refuses_where_that_is_wanted),
        WITH_WORLD(at_the_limit_of_all_more_are_refused_where_that_is_wanted),
        WITH_WORLD(without_descriptors_nobody_is_refused),
        WITH_WORLD(who_is_denied_is_refused_before_there_is_a_connection),
        WITH_WORLD(another_reason_takes_over_while_it_pauses),
        WITH_WORLD(held_memory_pauses_and_its_end_is_noticed),
        WITH_WORLD(without_descriptors_accepting_pauses_and_goes_on_by_itself),
        WITH_WORLD(what_is_closed_is_not_listened_to_though_another_holds_it_open),
        WITH_WORLD(a_listener_can_be_closed_in_the_turn_of_its_own_event),
        WITH_WORLD(draining_takes_what_already_waits),
        WITH_WORLD(draining_at_the_limit_leaves_the_rest_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
