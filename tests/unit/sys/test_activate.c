/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/activate.h"
#include "sys/socket.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { FIRST_FD = 200, PASSED_COUNT = 4 };

/* What a manager passes: a socket that listens, one that does not, datagrams, and a file. */
static void pass(void)
{
    struct sl_addr addr;
    struct sl_diag diag = { "" };
    int fds[PASSED_COUNT] = { -1 };
    assert_int_equal(sl_addr_from_ip(SL_SLICE("127.0.0.1"), 0, &addr), SL_OK);
    assert_int_equal(sl_socket_listen(&addr, &diag, &fds[0]), SL_OK);
    fds[1] = socket(AF_INET6, SOCK_STREAM, 0);
    fds[2] = socket(AF_INET, SOCK_DGRAM, 0);
    fds[3] = open("/dev/null", O_RDONLY);
    for (int i = 0; i < PASSED_COUNT; i++) {
        assert_int_equal(dup2(fds[i], FIRST_FD + i), FIRST_FD + i); /* without close-on-exec */
        assert_int_equal(close(fds[i]), 0);
        int flags = fcntl(FIRST_FD + i, F_GETFL);
        assert_int_equal(fcntl(FIRST_FD + i, F_SETFL, flags & ~O_NONBLOCK), 0);
    }
}

static void unpass(void)
{
    for (int i = 0; i < PASSED_COUNT; i++) {
        (void)close(FIRST_FD + i);
    }
}

static enum sl_err take(const char *pid, const char *fds, const char *names,
                        struct sl_activated *activated, struct sl_diag *diag)
{
    char own[32];
    (void)snprintf(own, sizeof(own), "%d", (int)getpid());
    const struct sl_activate_env env = {
        .pid = pid == NULL ? own : pid, .fds = fds, .names = names, .first_fd = FIRST_FD
    };
    return sl_activate_init(&env, diag, activated);
}

static void every_descriptor_is_looked_at(void **state)
{
    struct sl_activated a = { 0 };
    struct sl_diag diag = { "" };
    SL_UNUSED(state);
    pass();
    assert_int_equal(take(NULL, "4", "web:db::x.socket", &a, &diag), SL_OK);
    static const struct {
        const char *name;
        bool is_stream, is_listening;
    } EXPECTED[] = {
        { "web", true, true }, { "db", true, false }, { "", false, false }, { "x.socket", 0, 0 }
    };
    assert_int_equal(a.count, SL_COUNT(EXPECTED));
    for (size_t i = 0; i < a.count; i++) {
        assert_int_equal(a.list[i].fd, FIRST_FD + (int)i);
        assert_int_equal(a.list[i].number, FIRST_FD + (int)i);
        assert_string_equal(a.list[i].name, EXPECTED[i].name);
        assert_int_equal(a.list[i].is_stream, EXPECTED[i].is_stream);
        assert_int_equal(a.list[i].is_listening, EXPECTED[i].is_listening);
        assert_int_equal(fcntl(a.list[i].fd, F_GETFD), FD_CLOEXEC);
        assert_true((fcntl(a.list[i].fd, F_GETFL) & O_NONBLOCK) != 0);
    }
    char text[SL_ADDR_TEXT_MAX];
    sl_addr_format(&a.list[0].addr, text);
    assert_int_equal(strncmp(text, "127.0.0.1:", 10), 0);
    sl_activate_fini(&a);
}

static void what_somebody_has_taken_stays_open_and_the_rest_is_closed(void **state)
{
    struct sl_activated a = { 0 };
    SL_UNUSED(state);
    pass();
    assert_int_equal(take(NULL, "2", NULL, &a, NULL), SL_OK);
    assert_string_equal(a.list[0].name, "");
    a.list[0].fd = -1;
    sl_activate_fini(&a);
    assert_int_equal(a.count, 0);
    assert_true(fcntl(FIRST_FD, F_GETFD) >= 0);
    assert_int_equal(fcntl(FIRST_FD + 1, F_GETFD), -1);
    assert_true(fcntl(FIRST_FD + 2, F_GETFD) >= 0); /* not one of the two */
    unpass();
}

static void what_is_for_another_process_or_for_nobody_is_left_alone(void **state)
{
    struct sl_activated a = { .count = 77 };
    SL_UNUSED(state);
    pass();
    assert_int_equal(take("1", "4", NULL, &a, NULL), SL_OK);
    assert_int_equal(a.count, 0);
    a.count = 77;
    assert_int_equal(take(NULL, NULL, "web", &a, NULL), SL_OK);
    assert_int_equal(a.count, 0);
    assert_int_equal(take(NULL, "0", NULL, &a, NULL), SL_OK);
    assert_int_equal(a.count, 0);
    assert_int_equal(fcntl(FIRST_FD, F_GETFD), 0);
    unpass();
}

static void nonsense_is_refused_and_named(void **state)
{
    static const struct {
        const char *pid, *fds, *names, *text;
    } BAD[] = {
        { "me", "1", NULL, "LISTEN_PID=me" },
        { "", "1", NULL, "LISTEN_PID=" },
        { NULL, "-1", NULL, "LISTEN_FDS=-1" },
        { NULL, "1 ", NULL, "LISTEN_FDS=1 " },
        { NULL, "4097", NULL, "LISTEN_FDS=4097" },
        { NULL, "5", NULL, "descriptor 204 is not open" },
        { NULL, "2", "web", "LISTEN_FDNAMES=web names 1 descriptors, LISTEN_FDS 2" },
        { NULL, "2", "a:b:c", "names 3 descriptors" },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        struct sl_activated a = { .count = 77 };
        struct sl_diag diag = { "" };
        pass();
        assert_int_equal(take(BAD[i].pid, BAD[i].fds, BAD[i].names, &a, &diag), SL_EINVAL);
        assert_non_null(strstr(diag.text, BAD[i].text));
        assert_int_equal(a.count, 77);
        unpass();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_descriptor_is_looked_at),
        cmocka_unit_test(what_somebody_has_taken_stays_open_and_the_rest_is_closed),
        cmocka_unit_test(what_is_for_another_process_or_for_nobody_is_left_alone),
        cmocka_unit_test(nonsense_is_refused_and_named),
    };
    return cmocka_run_group_tests_name("sys/activate", tests, NULL, NULL);
}
