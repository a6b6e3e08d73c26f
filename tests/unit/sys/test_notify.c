/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/notify.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct manager {
    char folder[32], name[64];
    int fd;
};

static void manager_init(struct manager *m, bool is_abstract)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    (void)snprintf(m->folder, sizeof(m->folder), "/tmp/sl-notify-XXXXXX");
    assert_non_null(mkdtemp(m->folder));
    (void)snprintf(m->name, sizeof(m->name), "%s%s/s", is_abstract ? "@" : "", m->folder);
    size_t len = strlen(m->name);
    memcpy(addr.sun_path, m->name, len);
    if (is_abstract) {
        addr.sun_path[0] = '\0';
    }
    m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(m->fd, (const struct sockaddr *)&addr,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                     0);
}

static void manager_expect(const struct manager *m, const char *text)
{
    char bytes[256] = "";
    ssize_t len = recv(m->fd, bytes, sizeof(bytes) - 1, 0);
    assert_int_equal(len, strlen(text));
    assert_string_equal(bytes, text);
}

static void manager_fini(struct manager *m)
{
    (void)close(m->fd);
    if (m->name[0] == '/') {
        (void)unlink(m->name);
    }
    (void)rmdir(m->folder);
}

static void lines_reach_sockets_of_both_kinds(void **state)
{
    SL_UNUSED(state);
    for (unsigned i = 0; i < 2; i++) {
        struct manager m;
        struct sl_notify notify;
        manager_init(&m, i == 1);
        const struct sl_notify_env env = { .socket = m.name };
        assert_int_equal(sl_notify_init(&env, &notify), SL_OK);
        assert_int_equal(notify.watchdog_ms, 0);
        assert_int_equal(sl_notify_say(&notify, "READY=1\nSTATUS=well"), SL_OK);
        manager_expect(&m, "READY=1\nSTATUS=well");
        assert_int_equal(sl_notify_say(&notify, "WATCHDOG=1"), SL_OK);
        manager_expect(&m, "WATCHDOG=1");
        manager_fini(&m);
        assert_int_equal(sl_notify_say(&notify, "READY=1"), SL_ERESET);
        sl_notify_fini(&notify);
        assert_int_equal(notify.fd, -1);
    }
}

static void a_manager_that_does_not_read_is_not_waited_for(void **state)
{
    struct manager m;
    struct sl_notify notify;
    enum sl_err rc = SL_OK;
    SL_UNUSED(state);
    manager_init(&m, false);
    const struct sl_notify_env env = { .socket = m.name };
    assert_int_equal(sl_notify_init(&env, &notify), SL_OK);
    for (size_t i = 0; rc == SL_OK; i++) {
        assert_true(i < 100000);
        rc = sl_notify_say(&notify, "WATCHDOG=1");
    }
    assert_int_equal(rc, SL_AGAIN);
    sl_notify_fini(&notify);
    manager_fini(&m);
}

static void without_a_manager_nothing_is_said(void **state)
{
    struct sl_notify notify;
    const struct sl_notify_env env = { .watchdog_usec = "1000000" };
    SL_UNUSED(state);
    assert_int_equal(sl_notify_init(&env, &notify), SL_OK);
    assert_int_equal(notify.fd, -1);
    assert_int_equal(notify.watchdog_ms, 0);
    assert_int_equal(sl_notify_say(&notify, "READY=1"), SL_OK);
    sl_notify_fini(&notify);
    sl_notify_fini(NULL);
}

static uint32_t watchdog_ms(const char *name, const char *usec, const char *pid)
{
    struct sl_notify notify;
    const struct sl_notify_env env = { .socket = name, .watchdog_usec = usec, .watchdog_pid = pid };
    assert_int_equal(sl_notify_init(&env, &notify), SL_OK);
    sl_notify_fini(&notify);
    return notify.watchdog_ms;
}

static void the_watchdog_is_fed_twice_as_often_as_it_wants(void **state)
{
    struct manager m;
    char pid[32];
    SL_UNUSED(state);
    manager_init(&m, false);
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    assert_int_equal(watchdog_ms(m.name, "30000000", NULL), 15000);
    assert_int_equal(watchdog_ms(m.name, "30000000", pid), 15000);
    assert_int_equal(watchdog_ms(m.name, "30000000", "1"), 0); /* it is meant for another */
    assert_int_equal(watchdog_ms(m.name, "1", NULL), 1);
    assert_int_equal(watchdog_ms(m.name, "18446744073709551615", NULL), UINT32_MAX);
    manager_fini(&m);
}

static void nonsense_is_refused(void **state)
{
    struct sl_notify notify = { .fd = 77 };
    char long_path[200];
    SL_UNUSED(state);
    memset(long_path, 'x', sizeof(long_path));
    long_path[0] = '/';
    long_path[sizeof(long_path) - 1] = '\0';
    const struct sl_notify_env bad[] = {
        { .socket = "" },
        { .socket = "relative" },
        { .socket = "/" },
        { .socket = "@" },
        { .socket = "vsock:2:1234" },
        { .socket = long_path },
        { .socket = "@x", .watchdog_usec = "0" },
        { .socket = "@x", .watchdog_usec = "-1" },
        { .socket = "@x", .watchdog_usec = "1s" },
        { .socket = "@x", .watchdog_usec = "18446744073709551616" },
        { .socket = "@x", .watchdog_usec = "1", .watchdog_pid = "me" },
    };
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        assert_int_equal(sl_notify_init(&bad[i], &notify), SL_EINVAL);
        assert_int_equal(notify.fd, 77);
    }
    const struct sl_notify_env gone = { .socket = "/nonexistent/s" };
    assert_int_equal(sl_notify_init(&gone, &notify), SL_EUNREACH);
    assert_int_equal(notify.fd, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_reach_sockets_of_both_kinds),
        cmocka_unit_test(a_manager_that_does_not_read_is_not_waited_for),
        cmocka_unit_test(without_a_manager_nothing_is_said),
        cmocka_unit_test(the_watchdog_is_fed_twice_as_often_as_it_wants),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
