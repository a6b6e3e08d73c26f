/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"
#include "sys/cage_impl.h"
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { ENTER_FAILED = 200 };

static int enter(enum sl_cage_role role, bool is_killing)
{
    bool is_well =
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && sl_cage_seccomp(role, is_killing) == SL_OK;
    return is_well ? 0 : ENTER_FAILED;
}

static int enter_worker(void)
{
    return enter(SL_CAGE_WORKER, false);
}

static int enter_killing(void)
{
    return enter(SL_CAGE_WORKER, true);
}

static int enter_keys(void)
{
    return enter(SL_CAGE_KEYS, false);
}

static int make_pipe(void)
{
    int fds[2];
    return child_errno(pipe(fds));
}

static int end_well(void)
{
    return 0;
}

static int abort_self(void)
{
    abort();
}

static int set_other_option(void)
{
    int value = 1;
    return child_errno(setsockopt(-1, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value)));
}

static int set_nodelay(void)
{
    int value = 1;
    return child_errno(setsockopt(-1, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)));
}

/* A protocol of its own behind a family and type that are allowed: MPTCP. */
static int open_other_protocol(void)
{
    return child_errno(socket(AF_INET, SOCK_STREAM, 262));
}

static int ask_unsent(void)
{
    int count = 0;
    return child_errno(ioctl(-1, SIOCOUTQ, &count));
}

static int ask_other(void)
{
    int count = 0;
    return child_errno(ioctl(-1, FIONREAD, &count));
}

static int accept_one(void)
{
    return child_errno(accept4(-1, NULL, NULL, SOCK_CLOEXEC));
}

static void what_is_not_allowed_is_an_error_or_the_end(void **state)
{
    SL_UNUSED(state);
    if ((sl_cage_unbuilt() & SL_CAGE_SECCOMP) != 0) {
        skip();
    }
    assert_int_equal(child_run(enter_worker, make_pipe), EPERM);
    assert_int_equal(child_run(enter_killing, make_pipe), CHILD_KILLED + SIGSYS);
    assert_int_equal(child_run(enter_killing, end_well), 0);
}

static void arguments_count(void **state)
{
    SL_UNUSED(state);
    if ((sl_cage_unbuilt() & SL_CAGE_SECCOMP) != 0) {
        skip();
    }
    assert_int_equal(child_run(enter_worker, set_other_option), EPERM);
    assert_int_equal(child_run(enter_worker, set_nodelay), EBADF);
    assert_int_equal(child_run(enter_worker, open_other_protocol), EPERM);
    assert_int_equal(child_run(enter_worker, ask_unsent), EBADF);
    assert_int_equal(child_run(enter_worker, ask_other), EPERM);
}

static void roles_differ(void **state)
{
    SL_UNUSED(state);
    if ((sl_cage_unbuilt() & SL_CAGE_SECCOMP) != 0) {
        skip();
    }
    assert_int_equal(child_run(enter_worker, accept_one), EBADF);
    assert_int_equal(child_run(enter_keys, accept_one), EPERM);
    assert_int_equal(child_run(enter_keys, set_nodelay), EPERM);
}

/* A mistake of our own still ends by SIGABRT, so that it is seen as one. */
static void an_assertion_still_aborts(void **state)
{
    SL_UNUSED(state);
    if ((sl_cage_unbuilt() & SL_CAGE_SECCOMP) != 0) {
        skip();
    }
    assert_int_equal(child_run(enter_worker, abort_self), CHILD_KILLED + SIGABRT);
    assert_int_equal(child_run(enter_killing, abort_self), CHILD_KILLED + SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_allowed_is_an_error_or_the_end),
        cmocka_unit_test(arguments_count),
        cmocka_unit_test(roles_differ),
        cmocka_unit_test(an_assertion_still_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
