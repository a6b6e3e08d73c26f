/* SPDX-License-Identifier: Apache-2.0 */
#include "ends.h"
#include "sys/clock.h"
#include "sys/socket.h"
#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { TURN_WAIT_MS = 5 };

int ends_listen(struct sl_addr *ret_local)
{
    struct sl_addr addr;
    int fd = -1;
    assert_int_equal(sl_addr_from_ip(SL_SLICE("127.0.0.1"), 0, &addr), SL_OK);
    assert_int_equal(sl_socket_listen(&addr, NULL, &fd), SL_OK);
    assert_int_equal(sl_socket_local(fd, ret_local), SL_OK);
    return fd;
}

struct sl_addr ends_nobody(void)
{
    struct sl_addr addr;
    int fd = ends_listen(&addr);
    sl_socket_close(&fd);
    return addr;
}

static void wait_for(int fd, short events)
{
    struct pollfd ready = { .fd = fd, .events = events };
    assert_int_equal(poll(&ready, 1, ENDS_WAIT_MS), 1);
}

int ends_connect(const struct sl_addr *addr)
{
    int fd = -1;
    enum sl_err rc = sl_socket_connect(addr, &fd);
    assert_true(rc == SL_OK || rc == SL_AGAIN);
    wait_for(fd, POLLOUT);
    assert_int_equal(sl_socket_connect_result(fd), SL_OK);
    return fd;
}

void ends_pair(int ret_fds[static 2])
{
    struct sl_addr local, peer;
    int listen_fd = ends_listen(&local);
    ret_fds[0] = ends_connect(&local);
    wait_for(listen_fd, POLLIN);
    assert_int_equal(sl_socket_accept(listen_fd, &ret_fds[1], &peer), SL_OK);
    sl_socket_close(&listen_fd);
}

uint64_t ends_deadline(void)
{
    return sl_clock_monotonic_ms() + ENDS_WAIT_MS;
}

void ends_turn(struct sl_loop *loop, uint64_t deadline_ms)
{
    assert_true(sl_clock_monotonic_ms() < deadline_ms);
    assert_int_equal(sl_loop_turn(loop, TURN_WAIT_MS), SL_OK);
}

enum sl_err ends_recv(struct sl_loop *loop, int fd, void *buf, size_t cap, size_t *ret_len)
{
    uint64_t deadline_ms = ends_deadline();
    for (;;) {
        enum sl_err rc = sl_socket_recv(fd, buf, cap, ret_len);
        if (rc != SL_AGAIN) {
            return rc;
        }
        ends_turn(loop, deadline_ms);
    }
}

void ends_expect(struct sl_loop *loop, int fd, const char *text)
{
    size_t at = 0;
    while (at < strlen(text)) {
        char bytes[256];
        size_t len = 0;
        assert_int_equal(ends_recv(loop, fd, bytes, SL_MIN(sizeof(bytes), strlen(text) - at), &len),
                         SL_OK);
        assert_memory_equal(bytes, text + at, len);
        at += len;
    }
}

void ends_expect_end(struct sl_loop *loop, int fd, enum sl_err end)
{
    char byte;
    size_t len = 0;
    assert_int_equal(ends_recv(loop, fd, &byte, 1, &len), end);
}

void ends_say(int fd, const char *text)
{
    size_t len = 0;
    assert_int_equal(sl_socket_send(fd, sl_slice_cstr(text), &len), SL_OK);
    assert_int_equal(len, strlen(text));
}

unsigned ends_count_fds(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count;
}
