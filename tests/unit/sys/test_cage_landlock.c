/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"
#include "sys/cage_impl.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

enum { ENTER_FAILED = 200 };

static int enter(void)
{
    bool is_well = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                   sl_cage_landlock(sl_cage_landlock_abi()) == SL_OK;
    return is_well ? 0 : ENTER_FAILED;
}

static int open_file(void)
{
    return child_errno(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int list_folder(void)
{
    return child_errno(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int run_program(void)
{
    char name[] = "/bin/true";
    char *argv[] = { name, NULL };
    return child_errno(execv(name, argv));
}

static int bind_port(uint16_t port)
{
    const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return child_errno(bind(fd, (const struct sockaddr *)&any, sizeof(any)));
}

static int bind_some_port(void)
{
    return bind_port(0);
}

static int bind_tcp(void)
{
    return bind_port(64999);
}

static int signal_parent(void)
{
    return child_errno(kill(getppid(), 0));
}

static int connect_tcp(void)
{
    const struct sockaddr_in nobody = { .sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                        .sin_port = htons(1) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return child_errno(connect(fd, (const struct sockaddr *)&nobody, sizeof(nobody)));
}

static void no_file_is_left(void **state)
{
    SL_UNUSED(state);
    unsigned abi = sl_cage_landlock_abi();
    if (abi == 0) {
        skip();
    }
    assert_int_equal(child_run(enter, open_file), EACCES);
    assert_int_equal(child_run(enter, list_folder), EACCES);
    assert_int_equal(child_run(enter, run_program), EACCES);
    assert_int_equal(child_run(enter, bind_tcp), abi >= 4 ? EACCES : 0);
    assert_int_equal(child_run(enter, bind_some_port), 0); /* to connect from an address */
    assert_int_equal(child_run(enter, signal_parent), abi >= 6 ? EPERM : 0);
}

static int connect_unix(void)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", getenv("SL_TEST_SOCKET"));
    return child_errno(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)));
}

/* Upstreams may be sockets with a path: the file's permissions decide, not the cage. */
static void upstreams_are_still_reached(void **state)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    char folder[] = "/tmp/sl-cage-XXXXXX";
    SL_UNUSED(state);
    if (sl_cage_landlock_abi() == 0) {
        skip();
    }
    assert_non_null(mkdtemp(folder));
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/s", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(setenv("SL_TEST_SOCKET", addr.sun_path, 1), 0);
    int outcome = child_run(enter, connect_unix);
    (void)unlink(addr.sun_path);
    (void)rmdir(folder);
    (void)close(fd);
    assert_int_equal(outcome, 0);
    assert_int_equal(child_run(enter, connect_tcp), ECONNREFUSED);
}

static void a_kernel_without_it_is_said_to_lack_it(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(sl_cage_landlock(0), SL_ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_file_is_left),
        cmocka_unit_test(upstreams_are_still_reached),
        cmocka_unit_test(a_kernel_without_it_is_said_to_lack_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
