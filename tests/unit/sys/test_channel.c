/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/channel.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct ends {
    int near, far;
};

static struct ends ends_open(void)
{
    int fds[2];
    assert_int_equal(sl_channel_pair(fds), SL_OK);
    return (struct ends){ fds[0], fds[1] };
}

static void ends_close(struct ends *ends)
{
    if (ends->near >= 0) {
        (void)close(ends->near);
    }
    if (ends->far >= 0) {
        (void)close(ends->far);
    }
}

/* The number that the next descriptor will get: it tells whether one was left open. */
static int next_fd(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    (void)close(fd);
    return fd;
}

static void datagrams_keep_their_borders(void **state)
{
    SL_UNUSED(state);
    struct ends ends = ends_open();
    uint8_t bytes[16];
    struct sl_channel_fds fds = { 0 };
    struct sl_wbuf buf = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_channel_recv(ends.far, &buf, &fds), SL_AGAIN);
    assert_int_equal(sl_channel_send(ends.near, SL_SLICE("one"), NULL, 0), SL_OK);
    assert_int_equal(sl_channel_send(ends.near, SL_SLICE("three"), NULL, 0), SL_OK);
    assert_int_equal(sl_channel_recv(ends.far, &buf, &fds), SL_OK);
    assert_true(sl_slice_eq(sl_wbuf_slice(&buf), SL_SLICE("one")));
    assert_int_equal(sl_channel_recv(ends.far, &buf, &fds), SL_OK);
    assert_true(sl_slice_eq(sl_wbuf_slice(&buf), SL_SLICE("three")));
    assert_int_equal(fds.count, 0);
    ends_close(&ends);
}

static void descriptors_come_along_and_close_on_exec(void **state)
{
    SL_UNUSED(state);
    struct ends ends = ends_open(), sent = ends_open();
    assert_int_equal(sl_channel_send(ends.near, SL_SLICE("x"), &sent.near, 1), SL_OK);
    uint8_t bytes[16];
    struct sl_wbuf buf = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    assert_int_equal(sl_channel_recv(ends.far, &buf, &fds), SL_OK);
    assert_int_equal(fds.count, 1);
    assert_true((fcntl(fds.fds[0], F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(write(fds.fds[0], "y", 1), 1); /* it is the same pair */
    assert_int_equal(read(sent.far, bytes, 1), 1);
    int first = fds.fds[0];
    sl_channel_fds_close(&fds);
    assert_int_equal(fds.count, 0);
    assert_int_equal(fcntl(first, F_GETFD), -1);
    ends_close(&sent);
    ends_close(&ends);
}

/* A sender that does not use sl_channel_send. */
static void send_raw(int fd, size_t fds_count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * 16)];
    } control = { 0 };
    char byte = 'x';
    struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes };
    msg.msg_controllen = CMSG_SPACE(sizeof(int) * fds_count);
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fds_count);
    for (size_t i = 0; i < fds_count; i++) {
        memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &fd, sizeof(fd));
    }
    assert_int_equal(sendmsg(fd, &msg, 0), 1);
}

static void too_many_descriptors_are_refused_and_all_closed(void **state)
{
    SL_UNUSED(state);
    struct ends ends = ends_open();
    for (size_t count = SL_CHANNEL_FDS_MAX + 1; count <= 16; count++) {
        int before = next_fd();
        send_raw(ends.near, count);
        uint8_t bytes[16];
        struct sl_wbuf buf = sl_wbuf_of(bytes, sizeof(bytes));
        struct sl_channel_fds fds = { 0 };
        assert_int_equal(sl_channel_recv(ends.far, &buf, &fds), SL_EPROTO);
        assert_int_equal(fds.count, 0);
        assert_int_equal(next_fd(), before);
    }
    const int three[] = { 0, 1, 2 };
    assert_int_equal(sl_channel_send(ends.near, SL_SLICE("x"), three, 3), SL_ERANGE);
    ends_close(&ends);
}

static void an_empty_datagram_is_no_end(void **state)
{
    SL_UNUSED(state);
    struct ends ends = ends_open();
    uint8_t bytes[4];
    struct sl_wbuf buf = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    assert_int_equal(sl_channel_send(ends.near, SL_SLICE(""), NULL, 0), SL_OK);
    assert_int_equal(sl_channel_recv(ends.far, &buf, &fds), SL_EPROTO);
    assert_int_equal(sl_channel_recv(ends.far, &buf, &fds), SL_AGAIN);
    (void)close(ends.near);
    ends.near = -1;
    assert_int_equal(sl_channel_recv(ends.far, &buf, &fds), SL_EOF);
    ends_close(&ends);
}

static void a_datagram_larger_than_the_buffer_is_refused_with_its_descriptors(void **state)
{
    SL_UNUSED(state);
    struct ends ends = ends_open();
    int before = next_fd();
    assert_int_equal(sl_channel_send(ends.near, SL_SLICE("12345"), &ends.near, 1), SL_OK);
    uint8_t bytes[4];
    struct sl_wbuf buf = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    assert_int_equal(sl_channel_recv(ends.far, &buf, &fds), SL_EPROTO);
    assert_int_equal(buf.len, 0);
    assert_int_equal(next_fd(), before);
    /* the next one is not harmed */
    assert_int_equal(sl_channel_send(ends.near, SL_SLICE("1234"), NULL, 0), SL_OK);
    assert_int_equal(sl_channel_recv(ends.far, &buf, &fds), SL_OK);
    assert_int_equal(buf.len, 4);
    ends_close(&ends);
}

static void descriptors_that_found_no_number_are_not_passed_over_in_silence(void **state)
{
    SL_UNUSED(state);
    struct ends ends = ends_open();
    struct rlimit before, low;
    assert_int_equal(sl_channel_send(ends.near, SL_SLICE("x"), &ends.near, 1), SL_OK);
    int next = next_fd();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = (struct rlimit){ .rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    uint8_t bytes[16];
    struct sl_wbuf buf = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    enum sl_err rc = sl_channel_recv(ends.far, &buf, &fds);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(rc, SL_EPROTO);
    assert_int_equal(fds.count, 0);
    assert_int_equal(next_fd(), next);
    ends_close(&ends);
}

static void the_end_of_the_other_is_seen_after_what_it_had_sent(void **state)
{
    SL_UNUSED(state);
    struct ends ends = ends_open();
    uint8_t bytes[16];
    struct sl_wbuf buf = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    assert_int_equal(sl_channel_send(ends.near, SL_SLICE("last"), NULL, 0), SL_OK);
    (void)close(ends.near);
    ends.near = -1;
    assert_int_equal(sl_channel_recv(ends.far, &buf, &fds), SL_OK);
    assert_int_equal(sl_channel_recv(ends.far, &buf, &fds), SL_EOF);
    assert_int_equal(sl_channel_send(ends.far, SL_SLICE("x"), NULL, 0), SL_ERESET);
    ends_close(&ends);
}

static void one_who_does_not_read_is_not_waited_for(void **state)
{
    SL_UNUSED(state);
    struct ends ends = ends_open();
    static const uint8_t BYTES[1024];
    enum sl_err rc = SL_OK;
    for (unsigned i = 0; i < 100000 && rc == SL_OK; i++) {
        rc = sl_channel_send(ends.near, sl_slice_of(BYTES, sizeof(BYTES)), NULL, 0);
    }
    assert_int_equal(rc, SL_AGAIN);
    ends_close(&ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_keep_their_borders),
        cmocka_unit_test(descriptors_come_along_and_close_on_exec),
        cmocka_unit_test(too_many_descriptors_are_refused_and_all_closed),
        cmocka_unit_test(an_empty_datagram_is_no_end),
        cmocka_unit_test(a_datagram_larger_than_the_buffer_is_refused_with_its_descriptors),
        cmocka_unit_test(descriptors_that_found_no_number_are_not_passed_over_in_silence),
        cmocka_unit_test(the_end_of_the_other_is_seen_after_what_it_had_sent),
        cmocka_unit_test(one_who_does_not_read_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
