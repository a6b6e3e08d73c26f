/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/process.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_CANNOT_START = 127 };

/* In the child, between fork and exec: only what is safe there. */
static void exec_role(const char *role, int channel_fd, pid_t parent)
{
    char name[] = "sluice";
    char *argv[] = { name, (char *)(uintptr_t)role, NULL };
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) { /* it died before the line above */
        _exit(EXIT_CANNOT_START);
    }
    if (channel_fd == SL_PROCESS_CHANNEL_FD) {
        (void)fcntl(channel_fd, F_SETFD, 0);
    } else if (dup2(channel_fd, SL_PROCESS_CHANNEL_FD) < 0) {
        _exit(EXIT_CANNOT_START);
    }
    (void)close_range(SL_PROCESS_CHANNEL_FD + 1, ~0U, 0);
    (void)execv("/proc/self/exe", argv);
    _exit(EXIT_CANNOT_START);
}

enum sl_err sl_process_spawn(const char *role, int channel_fd, pid_t *ret_pid)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        return SL_ENOMEM;
    }
    if (pid == 0) {
        exec_role(role, channel_fd, parent);
    }
    *ret_pid = pid;
    return SL_OK;
}

static sigset_t set_of(const int *signals)
{
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; signals[i] != 0; i++) {
        (void)sigaddset(&set, signals[i]);
    }
    return set;
}

enum sl_err sl_process_hold_signals(const int *signals)
{
    const sigset_t set = set_of(signals);
    return sigprocmask(SIG_BLOCK, &set, NULL) == 0 ? SL_OK : SL_ESYS;
}

enum sl_err sl_process_signals(const int *signals, int *ret_fd)
{
    const sigset_t set = set_of(signals);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        return SL_ESYS;
    }
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) {
        return SL_EMFILE;
    }
    *ret_fd = fd;
    return SL_OK;
}

enum sl_err sl_process_signal_next(int fd, int *ret_signal)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
        return SL_AGAIN;
    }
    *ret_signal = (int)info.ssi_signo;
    return SL_OK;
}

enum sl_err sl_process_collect(pid_t *ret_pid, int *ret_status)
{
    int status = 0;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0) {
        return SL_AGAIN;
    }
    *ret_pid = pid;
    *ret_status = status;
    return SL_OK;
}

void sl_process_fill_stdio(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) { /* open takes the lowest number, which is this one */
            (void)open("/dev/null", O_RDWR);
        }
    }
}

void sl_process_set_name(const char *name)
{
    (void)prctl(PR_SET_NAME, name);
}

void sl_process_hide_memory(void)
{
    const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

bool sl_process_is_hidden(void)
{
    struct rlimit cores = { .rlim_cur = 1, .rlim_max = 1 };
    return getrlimit(RLIMIT_CORE, &cores) == 0 && cores.rlim_max == 0 &&
           prctl(PR_GET_DUMPABLE) == 0;
}

uint32_t sl_process_cores_count(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) != 0) {
        return 1;
    }
    return (uint32_t)SL_MAX(CPU_COUNT(&set), 1);
}

uint64_t sl_process_raise_fds_limit(void)
{
    struct rlimit limit = { 0 };
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = { .rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max };
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            limit = raised;
        }
    }
    return limit.rlim_cur;
}

enum sl_err sl_process_open_log(int *ret_fd)
{
    int fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    }
    if (fd < 0) {
        return SL_EMFILE;
    }
    *ret_fd = fd;
    return SL_OK;
}

bool sl_process_may_block(int fd)
{
    const int flags = fcntl(fd, F_GETFL);
    return flags < 0 || (flags & O_NONBLOCK) == 0;
}

enum sl_err sl_process_log_write(int fd, bool may_block, struct sl_slice text, size_t *ret_len)
{
    /* where the descriptor could not be opened anew it may be a blocking one */
    struct pollfd ready = { .fd = fd, .events = POLLOUT };
    if (may_block && (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)) {
        return SL_AGAIN;
    }
    ssize_t len;
    do {
        len = write(fd, text.ptr, text.len);
    } while (len < 0 && errno == EINTR);
    if (len < 0) {
        return errno == EAGAIN ? SL_AGAIN : SL_ESYS;
    }
    *ret_len = (size_t)len;
    return SL_OK;
}
