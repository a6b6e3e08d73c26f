/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"
#include "sys/process.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void signals_come_in_through_a_descriptor(void **state)
{
    SL_UNUSED(state);
    const int signals[] = { SIGUSR1, SIGHUP, 0 };
    int fd = -1, number = 0;
    assert_int_equal(sl_process_signals(signals, &fd), SL_OK);
    assert_int_equal(sl_process_signal_next(fd, &number), SL_AGAIN);
    assert_int_equal(raise(SIGUSR1), 0); /* blocked: it would end the program */
    assert_int_equal(raise(SIGHUP), 0);
    int seen = 0;
    while (sl_process_signal_next(fd, &number) == SL_OK) {
        seen |= number == SIGUSR1 ? 1 : number == SIGHUP ? 2 : 4;
    }
    assert_int_equal(seen, 3);
    (void)close(fd);
}

static void a_child_that_ended_is_collected_once(void **state)
{
    SL_UNUSED(state);
    pid_t pid = 0;
    int status = 0;
    assert_int_equal(sl_process_collect(&pid, &status), SL_AGAIN);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(7);
    }
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(sl_process_collect(&pid, &status), SL_OK);
    assert_int_equal(pid, child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_int_equal(sl_process_collect(&pid, &status), SL_AGAIN);
}

static void the_soft_limit_of_descriptors_becomes_the_hard_one(void **state)
{
    SL_UNUSED(state);
    struct rlimit before, after;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit low = { .rlim_cur = 64, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(sl_process_raise_fds_limit(), before.rlim_max);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
    assert_int_equal(after.rlim_cur, before.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(sl_process_cores_count() >= 1);
}

/* Also with a descriptor that would block: one that could not be opened anew. */
static void a_full_pipe_is_never_waited_for(void **state)
{
    SL_UNUSED(state);
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    enum sl_err rc = SL_OK;
    size_t lines_count = 0, len = 0;
    for (; rc == SL_OK; lines_count++) {
        rc = sl_process_log_write(fds[1], sl_process_may_block(fds[1]), SL_SLICE("a line\n"), &len);
        assert_true(lines_count < 100000);
    }
    assert_int_equal(rc, SL_AGAIN);
    char bytes[4096];
    assert_int_equal(read(fds[0], bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(
        sl_process_log_write(fds[1], sl_process_may_block(fds[1]), SL_SLICE("a line\n"), &len),
        SL_OK);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void a_reader_that_is_gone_is_an_error_and_no_signal(void **state)
{
    SL_UNUSED(state);
    void (*before)(int) = signal(SIGPIPE, SIG_IGN); /* as the program does at its start */
    int fds[2];
    size_t len = 0;
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    (void)close(fds[0]);
    assert_int_equal(
        sl_process_log_write(fds[1], sl_process_may_block(fds[1]), SL_SLICE("a line\n"), &len),
        SL_ESYS);
    (void)close(fds[1]);
    (void)signal(SIGPIPE, before);
}

static void the_log_is_opened_beside_stderr_without_changing_it(void **state)
{
    SL_UNUSED(state);
    int fds[2], log_fd = -1;
    size_t len = 0;
    int stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    enum sl_err rc = sl_process_open_log(&log_fd);
    int stderr_flags = fcntl(STDERR_FILENO, F_GETFL);
    assert_int_equal(dup2(stderr_fd, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(rc, SL_OK);
    assert_int_equal(stderr_flags & O_NONBLOCK, 0);
    assert_true((fcntl(log_fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(log_fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(
        sl_process_log_write(log_fd, sl_process_may_block(log_fd), SL_SLICE("x\n"), &len), SL_OK);
    char bytes[8];
    assert_int_equal(read(fds[0], bytes, sizeof(bytes)), 2);
    (void)close(fds[0]);
    (void)close(fds[1]);
    (void)close(log_fd);
    (void)close(stderr_fd);
}

static int hide(void)
{
    sl_process_hide_memory();
    return 0;
}

static int show(void)
{
    return 0;
}

static int is_hidden(void)
{
    return sl_process_is_hidden() ? 0 : 1;
}

static void memory_is_kept_from_cores_and_from_others(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(child_run(hide, is_hidden), 0);
    assert_int_equal(child_run(show, is_hidden), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_come_in_through_a_descriptor),
        cmocka_unit_test(a_child_that_ended_is_collected_once),
        cmocka_unit_test(the_soft_limit_of_descriptors_becomes_the_hard_one),
        cmocka_unit_test(a_full_pipe_is_never_waited_for),
        cmocka_unit_test(a_reader_that_is_gone_is_an_error_and_no_signal),
        cmocka_unit_test(the_log_is_opened_beside_stderr_without_changing_it),
        cmocka_unit_test(memory_is_kept_from_cores_and_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
