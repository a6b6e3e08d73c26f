/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/socket.h"
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 10000 }; /* nothing takes that long */

struct ends {
    int client, server;
};

/* The three kinds of address that everything here is tried with. */
static struct sl_addr any_addr(unsigned kind, const char *path)
{
    struct sl_addr addr = { 0 };
    if (kind == 2) {
        assert_int_equal(sl_addr_from_path(sl_slice_cstr(path), &addr), SL_OK);
    } else {
        struct sl_slice host = kind == 0 ? SL_SLICE("127.0.0.1") : SL_SLICE("::1");
        assert_int_equal(sl_addr_from_ip(host, 0, &addr), SL_OK);
    }
    return addr;
}

static int folder_setup(void **state)
{
    char *folder = strdup("/tmp/sluice-test-XXXXXX");
    *state = folder;
    return folder != NULL && mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int folder_teardown(void **state)
{
    (void)unlink("socket");
    int rc = chdir("/") == 0 && rmdir(*state) == 0 ? 0 : -1;
    free(*state);
    return rc;
}

static void wait_for(int fd, short events)
{
    struct pollfd ready = { .fd = fd, .events = events };
    assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
}

static int listen_at(const struct sl_addr *addr, struct sl_addr *ret_local)
{
    struct sl_diag diag = { "" };
    int fd = -1;
    enum sl_err rc = sl_socket_listen(addr, &diag, &fd);
    assert_string_equal(diag.text, "");
    assert_int_equal(rc, SL_OK);
    assert_int_equal(sl_socket_local(fd, ret_local), SL_OK);
    return fd;
}

static struct ends ends_open(unsigned kind)
{
    struct sl_addr local, peer;
    struct sl_addr addr = any_addr(kind, "socket");
    int listen_fd = listen_at(&addr, &local);
    struct ends ends = { -1, -1 };
    assert_int_equal(sl_socket_accept(listen_fd, &ends.server, &peer), SL_AGAIN);
    enum sl_err rc = sl_socket_connect(&local, &ends.client);
    assert_true(rc == SL_OK || rc == SL_AGAIN);
    wait_for(ends.client, POLLOUT);
    assert_int_equal(sl_socket_connect_result(ends.client), SL_OK);
    wait_for(listen_fd, POLLIN);
    assert_int_equal(sl_socket_accept(listen_fd, &ends.server, &peer), SL_OK);
    assert_int_equal(peer.sa.any.sa_family, addr.sa.any.sa_family);
    sl_socket_close(&listen_fd);
    (void)unlink("socket");
    return ends;
}

static void ends_close(struct ends *ends)
{
    sl_socket_close(&ends->client);
    sl_socket_close(&ends->server);
    assert_int_equal(ends->server, -1);
    sl_socket_close(&ends->server);
}

static void sockets_neither_block_nor_survive_exec_nor_wait_for_more(void **state)
{
    SL_UNUSED(state);
    for (unsigned kind = 0; kind < 3; kind++) {
        struct ends ends = ends_open(kind);
        const int fds[] = { ends.client, ends.server };
        for (size_t i = 0; i < SL_COUNT(fds); i++) {
            assert_true((fcntl(fds[i], F_GETFL) & O_NONBLOCK) != 0);
            assert_true((fcntl(fds[i], F_GETFD) & FD_CLOEXEC) != 0);
            int is_nodelay = 0;
            socklen_t len = sizeof(is_nodelay);
            if (kind != 2) {
                if (fds[i] == ends.client) { /* who connects says it when it wants it */
                    sl_socket_set_nodelay(fds[i]);
                }
                assert_int_equal(getsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &is_nodelay, &len),
                                 0);
                assert_true(is_nodelay != 0);
            }
        }
        ends_close(&ends);
    }
}

static void bytes_and_a_half_close_go_through(void **state)
{
    SL_UNUSED(state);
    for (unsigned kind = 0; kind < 3; kind++) {
        struct ends ends = ends_open(kind);
        char bytes[16];
        size_t len = 0;
        assert_int_equal(sl_socket_recv(ends.server, bytes, sizeof(bytes), &len), SL_AGAIN);
        assert_int_equal(sl_socket_send(ends.client, SL_SLICE("ping"), &len), SL_OK);
        assert_int_equal(len, 4);
        sl_socket_shut_write(ends.client);
        wait_for(ends.server, POLLIN);
        assert_int_equal(sl_socket_recv(ends.server, bytes, sizeof(bytes), &len), SL_OK);
        assert_int_equal(len, 4);
        wait_for(ends.server, POLLIN);
        assert_int_equal(sl_socket_recv(ends.server, bytes, sizeof(bytes), &len), SL_EOF);
        assert_int_equal(sl_socket_send(ends.server, SL_SLICE("pong"), &len), SL_OK);
        wait_for(ends.client, POLLIN);
        assert_int_equal(sl_socket_recv(ends.client, bytes, sizeof(bytes), &len), SL_OK);
        assert_memory_equal(bytes, "pong", 4);
        ends_close(&ends);
    }
}

static void a_reset_is_no_clean_end(void **state)
{
    SL_UNUSED(state);
    for (unsigned kind = 0; kind < 2; kind++) {
        struct ends ends = ends_open(kind);
        char bytes[16];
        size_t len = 0;
        sl_socket_reset(&ends.client);
        assert_int_equal(ends.client, -1);
        sl_socket_reset(&ends.client);
        wait_for(ends.server, POLLIN);
        assert_int_equal(sl_socket_recv(ends.server, bytes, sizeof(bytes), &len), SL_ERESET);
        /* writing to it is an error, and no signal */
        assert_int_equal(sl_socket_send(ends.server, SL_SLICE("x"), &len), SL_ERESET);
        ends_close(&ends);
    }
}

static void what_came_before_a_reset_can_be_read(void **state)
{
    SL_UNUSED(state);
    struct ends ends = ends_open(0);
    char bytes[16];
    size_t len = 0;
    assert_int_equal(sl_socket_send(ends.client, SL_SLICE("last"), &len), SL_OK);
    wait_for(ends.server, POLLIN);
    sl_socket_reset(&ends.client);
    wait_for(ends.server, POLLERR);
    assert_int_equal(sl_socket_recv(ends.server, bytes, sizeof(bytes), &len), SL_OK);
    assert_int_equal(len, 4);
    assert_int_equal(sl_socket_recv(ends.server, bytes, sizeof(bytes), &len), SL_ERESET);
    ends_close(&ends);
}

static void a_full_socket_is_not_waited_for(void **state)
{
    SL_UNUSED(state);
    static const uint8_t BYTES[65536];
    for (unsigned kind = 0; kind < 3; kind++) {
        struct ends ends = ends_open(kind);
        enum sl_err rc = SL_OK;
        for (unsigned i = 0; i < 10000 && rc == SL_OK; i++) {
            size_t len = 0;
            rc = sl_socket_send(ends.client, sl_slice_of(BYTES, sizeof(BYTES)), &len);
            assert_true(rc != SL_OK || len > 0);
        }
        assert_int_equal(rc, SL_AGAIN);
        ends_close(&ends);
    }
}

static void an_address_where_nobody_listens_refuses(void **state)
{
    SL_UNUSED(state);
    for (unsigned kind = 0; kind < 3; kind++) {
        struct sl_addr addr = any_addr(kind, "socket"), local;
        int fd = listen_at(&addr, &local);
        sl_socket_close(&fd);
        int client = -1;
        enum sl_err rc = sl_socket_connect(&local, &client);
        if (rc == SL_AGAIN) {
            wait_for(client, POLLOUT);
            rc = sl_socket_connect_result(client);
            sl_socket_close(&client);
        }
        assert_int_equal(rc, SL_EREFUSED);
        assert_int_equal(client, -1);
    }
    struct sl_addr nowhere = any_addr(2, "nowhere");
    int client = -1;
    assert_int_equal(sl_socket_connect(&nowhere, &client), SL_EREFUSED);
}

static void a_unix_socket_left_behind_is_replaced_and_a_live_one_is_not(void **state)
{
    SL_UNUSED(state);
    struct sl_addr addr = any_addr(2, "socket"), local;
    int first = listen_at(&addr, &local), second = -1;
    struct sl_diag diag = { "" };
    assert_int_equal(sl_socket_listen(&addr, &diag, &second), SL_ESYS);
    assert_non_null(strstr(diag.text, "unix:socket"));
    assert_int_equal(second, -1);
    int client = -1;
    assert_int_equal(sl_socket_connect(&addr, &client), SL_OK); /* it still answers */
    sl_socket_close(&client);
    sl_socket_close(&first);
    first = listen_at(&addr, &local);
    assert_int_equal(sl_socket_connect(&addr, &client), SL_OK);
    sl_socket_close(&client);
    sl_socket_close(&first);
}

static void a_live_unix_socket_with_a_full_queue_is_not_replaced(void **state)
{
    SL_UNUSED(state);
    struct sl_addr addr = any_addr(2, "socket");
    (void)unlink("socket"); /* of the test before */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), clients[8], count = 0, other = -1;
    assert_int_equal(bind(fd, &addr.sa.any, addr.len), 0);
    assert_int_equal(listen(fd, 0), 0);
    enum sl_err rc = SL_OK;
    while (count < 8 && rc == SL_OK) {
        rc = sl_socket_connect(&addr, &clients[count]);
        count += rc == SL_OK ? 1 : 0;
    }
    assert_int_equal(rc, SL_ENOSPC);
    assert_int_equal(sl_socket_listen(&addr, NULL, &other), SL_ESYS);
    struct stat st;
    assert_int_equal(stat("socket", &st), 0);
    while (count > 0) {
        sl_socket_close(&clients[--count]);
    }
    sl_socket_close(&fd);
}

static void a_file_that_is_no_socket_is_never_removed(void **state)
{
    SL_UNUSED(state);
    struct sl_addr addr = any_addr(2, "socket");
    (void)unlink("socket"); /* of the test before */
    int fd = open("socket", O_CREAT | O_WRONLY | O_CLOEXEC, 0600), other = -1;
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(sl_socket_listen(&addr, NULL, &other), SL_ESYS);
    assert_int_equal(access("socket", F_OK), 0);
}

static void one_port_can_be_bound_once_for_each_worker(void **state)
{
    SL_UNUSED(state);
    struct sl_addr addr = any_addr(0, NULL), local, again;
    int first = listen_at(&addr, &local);
    assert_true(sl_addr_port(&local) != 0);
    int second = listen_at(&local, &again);
    assert_int_equal(sl_addr_port(&again), sl_addr_port(&local));
    sl_socket_close(&first);
    sl_socket_close(&second);
}

static void the_ipv6_wildcard_takes_ipv4_clients(void **state)
{
    SL_UNUSED(state);
    struct sl_addr addr, local;
    assert_int_equal(sl_addr_from_ip(SL_SLICE("::"), 0, &addr), SL_OK);
    int fd = listen_at(&addr, &local), client = -1;
    struct sl_addr v4 = any_addr(0, NULL);
    sl_addr_set_port(&v4, sl_addr_port(&local));
    enum sl_err rc = sl_socket_connect(&v4, &client);
    assert_true(rc == SL_OK || rc == SL_AGAIN);
    wait_for(fd, POLLIN);
    sl_socket_close(&client);
    sl_socket_close(&fd);
}

static void an_address_of_somebody_else_cannot_be_listened_on(void **state)
{
    SL_UNUSED(state);
    struct sl_addr addr;
    struct sl_diag diag = { "" };
    int fd = -1;
    assert_int_equal(sl_addr_from_ip(SL_SLICE("192.0.2.1"), 0, &addr), SL_OK); /* RFC 5737 */
    assert_int_equal(sl_socket_listen(&addr, &diag, &fd), SL_ESYS);
    assert_non_null(strstr(diag.text, "192.0.2.1"));
    assert_int_equal(fd, -1);
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void a_connection_is_set_as_it_is_wanted(void **state)
{
    struct sl_socket_tuning tuning = { .keepalive_idle_s = 61,
                                       .keepalive_interval_s = 7,
                                       .keepalive_count = 3,
                                       .user_timeout_ms = 12345 };
    struct sl_addr addr, from;
    SL_UNUSED(state);
    int listen_fd = -1, fd = -1;
    assert_int_equal(sl_addr_from_ip(SL_SLICE("127.0.0.1"), 0, &addr), SL_OK);
    assert_int_equal(sl_socket_listen(&addr, NULL, &listen_fd), SL_OK);
    assert_int_equal(sl_socket_local(listen_fd, &addr), SL_OK);
    assert_int_equal(sl_addr_from_ip(SL_SLICE("::1"), 0, &tuning.sources[0]), SL_OK);
    assert_int_equal(sl_addr_from_ip(SL_SLICE("127.0.0.77"), 0, &tuning.sources[1]), SL_OK);
    enum sl_err rc = sl_socket_connect_from(&addr, &tuning, &fd);
    assert_true(rc == SL_OK || rc == SL_AGAIN);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 61);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 7);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 12345);
    assert_int_equal(option_of(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT), 1);
    assert_int_equal(sl_socket_local(fd, &from), SL_OK);
    assert_int_equal(from.sa.in.sin_addr.s_addr, tuning.sources[1].sa.in.sin_addr.s_addr);
    sl_socket_close(&fd);
    assert_int_equal(sl_addr_from_ip(SL_SLICE("192.0.2.1"), 0, &tuning.sources[1]), SL_OK);
    assert_int_equal(sl_socket_connect_from(&addr, &tuning, &fd), SL_EUNREACH);
    assert_int_equal(fd, -1);
    sl_socket_close(&listen_fd);
}

/* What listens hands its settings on to what it accepts. */
static void what_is_accepted_is_set_as_what_listens(void **state)
{
    const struct sl_socket_tuning tuning = { .keepalive_idle_s = 62,
                                             .keepalive_interval_s = 8,
                                             .keepalive_count = 4,
                                             .user_timeout_ms = 54321 };
    struct sl_addr addr, peer;
    SL_UNUSED(state);
    int listen_fd = -1, fd = -1, accepted_fd = -1;
    assert_int_equal(sl_addr_from_ip(SL_SLICE("127.0.0.1"), 0, &addr), SL_OK);
    assert_int_equal(sl_socket_listen(&addr, NULL, &listen_fd), SL_OK);
    sl_socket_tune(listen_fd, &tuning);
    assert_int_equal(sl_socket_local(listen_fd, &addr), SL_OK);
    enum sl_err rc = sl_socket_connect(&addr, &fd);
    assert_true(rc == SL_OK || rc == SL_AGAIN);
    struct pollfd waits = { .fd = listen_fd, .events = POLLIN };
    assert_int_equal(poll(&waits, 1, 10000), 1);
    assert_int_equal(sl_socket_accept(listen_fd, &accepted_fd, &peer), SL_OK);
    assert_int_equal(option_of(accepted_fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(accepted_fd, IPPROTO_TCP, TCP_KEEPIDLE), 62);
    assert_int_equal(option_of(accepted_fd, IPPROTO_TCP, TCP_KEEPINTVL), 8);
    assert_int_equal(option_of(accepted_fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
    assert_int_equal(option_of(accepted_fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 54321);
    sl_socket_close(&accepted_fd);
    sl_socket_close(&fd);
    sl_socket_close(&listen_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_set_as_it_is_wanted),
        cmocka_unit_test(what_is_accepted_is_set_as_what_listens),
        cmocka_unit_test(sockets_neither_block_nor_survive_exec_nor_wait_for_more),
        cmocka_unit_test(bytes_and_a_half_close_go_through),
        cmocka_unit_test(a_reset_is_no_clean_end),
        cmocka_unit_test(what_came_before_a_reset_can_be_read),
        cmocka_unit_test(a_full_socket_is_not_waited_for),
        cmocka_unit_test(an_address_where_nobody_listens_refuses),
        cmocka_unit_test(a_unix_socket_left_behind_is_replaced_and_a_live_one_is_not),
        cmocka_unit_test(a_live_unix_socket_with_a_full_queue_is_not_replaced),
        cmocka_unit_test(a_file_that_is_no_socket_is_never_removed),
        cmocka_unit_test(one_port_can_be_bound_once_for_each_worker),
        cmocka_unit_test(the_ipv6_wildcard_takes_ipv4_clients),
        cmocka_unit_test(an_address_of_somebody_else_cannot_be_listened_on),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
