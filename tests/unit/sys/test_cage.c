/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"
#include "sys/cage.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

enum { TEST_ID = 4711, ENTER_FAILED = 200 };

static struct sl_cage_rules rules_of(enum sl_cage_role role)
{
    return (struct sl_cage_rules){ .role = role,
                                   .has_user = geteuid() == 0,
                                   .user = { .uid = TEST_ID, .gid = TEST_ID } };
}

static int enter(enum sl_cage_role role)
{
    struct sl_cage_report report = { 0 };
    const struct sl_cage_rules rules = rules_of(role);
    enum sl_err rc = sl_cage_enter(&rules, &report);
    return rc == SL_OK || report.lacks == sl_cage_unbuilt() ? 0 : ENTER_FAILED;
}

static int enter_worker(void)
{
    return enter(SL_CAGE_WORKER);
}

static int enter_keys(void)
{
    return enter(SL_CAGE_KEYS);
}

static int open_file(void)
{
    return child_errno(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static int make_file(void)
{
    return child_errno(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
}

static int open_netlink(void)
{
    return child_errno(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int open_packet(void)
{
    return child_errno(socket(AF_PACKET, SOCK_RAW, 0));
}

static int open_udp(void)
{
    return child_errno(socket(AF_INET, SOCK_DGRAM, 0));
}

static int open_unix_datagrams(void)
{
    return child_errno(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static int open_tcp(void)
{
    return child_errno(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

static int open_tcp6(void)
{
    return child_errno(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int listen_tcp(void)
{
    const struct sockaddr_in any = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool is_bound = fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0;
    return is_bound ? child_errno(listen(fd, 1)) : ENTER_FAILED;
}

static int run_program(void)
{
    char name[] = "/bin/true";
    char *argv[] = { name, NULL };
    return child_errno(execv(name, argv));
}

static int make_process(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    return child_errno(pid);
}

static int trace_parent(void)
{
    return child_errno(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
}

static int signal_parent(void)
{
    return child_errno(kill(getppid(), 0));
}

static int become_root(void)
{
    return child_errno(setuid(0));
}

static int map_code(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at != MAP_FAILED ? 0 : errno;
}

static int make_code(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? ENTER_FAILED : child_errno(mprotect(at, 4096, PROT_EXEC));
}

static int set_name(void)
{
    return child_errno(prctl(PR_SET_NAME, "x", 0, 0, 0));
}

static int raise_limit(void)
{
    const struct rlimit limit = { .rlim_cur = 10, .rlim_max = 10 };
    return child_errno(setrlimit(RLIMIT_NOFILE, &limit));
}

/* malloc of both kinds, a descriptor, the loop: what a worker does all day. */
static int do_work(void)
{
    void *small = malloc(100), *large = malloc(10 * 1024 * 1024);
    struct epoll_event event;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    bool is_well = small != NULL && large != NULL && fd >= 0 && epoll_wait(-1, &event, 1, 0) < 0 &&
                   errno == EBADF && close(fd) == 0;
    free(small);
    free(large);
    return is_well ? 0 : 1;
}

static void a_worker_can_do_its_work_and_nothing_else(void **state)
{
    static const struct {
        const char *name;
        child_trial *trial;
        int expected;
    } TRIALS[] = {
        { "open a file", open_file, EPERM },
        { "make a file", make_file, EPERM },
        { "a netlink socket", open_netlink, EPERM },
        { "a packet socket", open_packet, EPERM },
        { "a UDP socket", open_udp, EPERM },
        { "a Unix datagram socket", open_unix_datagrams, EPERM },
        { "listen", listen_tcp, EPERM },
        { "run a program", run_program, EPERM },
        { "fork", make_process, EPERM },
        { "ptrace", trace_parent, EPERM },
        { "kill", signal_parent, EPERM },
        { "setuid", become_root, EPERM },
        { "mmap of code", map_code, EPERM },
        { "mprotect to code", make_code, EPERM },
        { "prctl", set_name, EPERM },
        { "setrlimit", raise_limit, EPERM },
        { "a TCP socket", open_tcp, 0 },
        { "a TCP socket over IPv6", open_tcp6, 0 },
        { "work", do_work, 0 },
    };
    SL_UNUSED(state);
    if (sl_cage_unbuilt() != 0) {
        skip();
    }
    for (size_t i = 0; i < SL_COUNT(TRIALS); i++) {
        int outcome = child_run(enter_worker, TRIALS[i].trial);
        if (outcome != TRIALS[i].expected) {
            print_error("%s: %d\n", TRIALS[i].name, outcome);
        }
        assert_int_equal(outcome, TRIALS[i].expected);
    }
}

static void the_keys_have_no_socket_of_their_own(void **state)
{
    SL_UNUSED(state);
    if (sl_cage_unbuilt() != 0) {
        skip();
    }
    assert_int_equal(child_run(enter_keys, open_tcp), EPERM);
    assert_int_equal(child_run(enter_keys, open_file), EPERM);
    assert_int_equal(child_run(enter_keys, run_program), EPERM);
}

/* The line of /proc/self/status that begins so, read before seccomp could forbid it. */
static bool status_is(const char *name, const char *value)
{
    char line[256], wanted[256];
    bool is_found = false;
    FILE *file = fopen("/proc/self/status", "re");
    (void)snprintf(wanted, sizeof(wanted), "%s:\t%s\n", name, value);
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        is_found = is_found || strcmp(line, wanted) == 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return is_found;
}

static int check_ids(void)
{
    gid_t groups[1];
    bool is_other = getuid() == TEST_ID && geteuid() == TEST_ID && getgid() == TEST_ID &&
                    getegid() == TEST_ID && getgroups(1, groups) == 0;
    return is_other && setuid(0) != 0 && status_is("CapEff", "0000000000000000") &&
                   status_is("CapPrm", "0000000000000000") &&
                   status_is("CapBnd", "0000000000000000") && status_is("NoNewPrivs", "1")
               ? 0
               : 1;
}

static void root_becomes_another_user_without_capabilities(void **state)
{
    SL_UNUSED(state);
    if (geteuid() != 0 || (sl_cage_unbuilt() & SL_CAGE_LANDLOCK) == 0) {
        skip(); /* the cage keeps it from looking at itself: see tests/integration/test_cage.py */
    }
    assert_int_equal(child_run(enter_worker, check_ids), 0);
}

static int always(void)
{
    return 0;
}

static void a_trial_says_what_entering_says_and_leaves_us_free(void **state)
{
    struct sl_cage_report report = { 0 };
    const struct sl_cage_rules rules = rules_of(SL_CAGE_WORKER);
    SL_UNUSED(state);
    enum sl_err rc = sl_cage_try(&rules, &report);
    assert_int_equal(rc, report.lacks == 0 ? SL_OK : SL_ENOENT);
    assert_int_equal(report.lacks & ~SL_CAGE_LANDLOCK, sl_cage_unbuilt() & ~SL_CAGE_LANDLOCK);
    assert_int_equal(report.holds & report.lacks, 0);
    assert_int_equal((report.holds & SL_CAGE_USER) != 0, geteuid() == 0);
    assert_int_equal(open_file(), 0);
}

static int try_as_ordinary_user(void)
{
    struct sl_cage_report report = { 0 };
    struct sl_cage_rules rules = { .role = SL_CAGE_WORKER,
                                   .has_user = true,
                                   .user = { 1, 1, { 1 }, 1 } };
    if (geteuid() == 0 && setuid(TEST_ID) != 0) {
        return 1;
    }
    enum sl_err rc = sl_cage_try(&rules, &report);
    return rc == SL_ENOENT && (report.lacks & SL_CAGE_USER) != 0 &&
                   (report.holds & SL_CAGE_CAPABILITIES) != 0
               ? 0
               : 1;
}

static void a_change_of_user_that_is_refused_is_lacking(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(child_run(always, try_as_ordinary_user), 0);
}

static int lose_a_parent(void)
{
    int signal_number = 0;
    (void)prctl(PR_GET_PDEATHSIG, &signal_number);
    return signal_number == SIGTERM ? 0 : 1;
}

static int enter_bound_to_parent(void)
{
    struct sl_cage_report report = { 0 };
    const struct sl_cage_rules rules = rules_of(SL_CAGE_WORKER);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    return sl_cage_enter(&rules, &report) == SL_ESYS ? ENTER_FAILED : 0;
}

static void it_still_dies_with_its_parent(void **state)
{
    SL_UNUSED(state);
    if ((sl_cage_unbuilt() & SL_CAGE_SECCOMP) == 0) {
        skip(); /* seccomp forbids to ask: test_workers.py kills the parent */
    }
    assert_int_equal(child_run(enter_bound_to_parent, lose_a_parent), 0);
}

static void users_are_found_by_name_and_number(void **state)
{
    struct sl_cage_user user = { .uid = 1 };
    SL_UNUSED(state);
    assert_int_equal(sl_cage_user_find("root", &user), SL_OK);
    assert_int_equal(user.uid, 0);
    assert_int_equal(user.gid, 0);
    assert_true(user.groups_count >= 1);
    assert_int_equal(user.groups[0], 0);
    user.uid = 1;
    assert_int_equal(sl_cage_user_find("0", &user), SL_OK);
    assert_int_equal(user.uid, 0);
    user.uid = 1;
    static const char *const NONE[] = { "", "no such user", "0x", "-1", "4294967296", " 0" };
    for (size_t i = 0; i < SL_COUNT(NONE); i++) {
        assert_int_equal(sl_cage_user_find(NONE[i], &user), SL_ENOENT);
        assert_int_equal(user.uid, 1);
    }
}

static void parts_have_names(void **state)
{
    char text[256];
    struct sl_wbuf out = sl_wbuf_of(text, sizeof(text));
    SL_UNUSED(state);
    assert_int_equal(sl_cage_parts_put(SL_CAGE_LANDLOCK | SL_CAGE_SECCOMP, &out), SL_OK);
    assert_true(sl_slice_eq(sl_wbuf_slice(&out), SL_SLICE("Landlock, seccomp")));
    struct sl_wbuf all = sl_wbuf_of(text, sizeof(text));
    assert_int_equal(sl_cage_parts_put(SL_CAGE_ALL, &all), SL_OK);
    struct sl_wbuf small = sl_wbuf_of(text, 10);
    assert_int_equal(sl_cage_parts_put(SL_CAGE_ALL, &small), SL_ENOSPC);
    for (unsigned bit = 1; bit < SL_CAGE_ALL; bit <<= 1) {
        assert_string_not_equal(sl_cage_part_name((enum sl_cage_part)bit), "?");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_can_do_its_work_and_nothing_else),
        cmocka_unit_test(the_keys_have_no_socket_of_their_own),
        cmocka_unit_test(root_becomes_another_user_without_capabilities),
        cmocka_unit_test(a_trial_says_what_entering_says_and_leaves_us_free),
        cmocka_unit_test(a_change_of_user_that_is_refused_is_lacking),
        cmocka_unit_test(it_still_dies_with_its_parent),
        cmocka_unit_test(users_are_found_by_name_and_number),
        cmocka_unit_test(parts_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
