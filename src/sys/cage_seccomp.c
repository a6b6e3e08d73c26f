/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/cage_impl.h"

#if defined(SL_HAS_SECCOMP)
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    IN_WORKER = 1U << SL_CAGE_WORKER,
    IN_KEYS = 1U << SL_CAGE_KEYS,
    IN_AGENT = 1U << SL_CAGE_AGENT,
    IN_ALL = IN_WORKER | IN_KEYS | IN_AGENT,
};
enum { TESTS_MAX = 3 };

/* What an argument must be; only its low 32 bits count, as for the kernel, which reads an int. */
struct test {
    unsigned argument;
    uint32_t mask, value; /* a mask of 0 ends the tests */
};

#define IS(argument, value)                                                                        \
    {                                                                                              \
        argument, UINT32_MAX, value                                                                \
    }
#define HAS(argument, mask, bits)                                                                  \
    {                                                                                              \
        argument, mask, bits                                                                       \
    }
#define HAS_NOT(argument, bits)                                                                    \
    {                                                                                              \
        argument, bits, 0                                                                          \
    }

enum { SOCKET_TYPE_MASK = 0xf }; /* SOCK_NONBLOCK and SOCK_CLOEXEC stand above */

/* One row for each way in which a system call may be made: all of its tests must hold. */
static const struct row {
    int number;
    unsigned roles; /* IN_… */
    struct test tests[TESTS_MAX];
} ROWS[] = {
    /* connections */
    { SCMP_SYS(accept4), IN_WORKER, { { 0 } } },
    { SCMP_SYS(connect), IN_WORKER | IN_AGENT, { { 0 } } },
    { SCMP_SYS(getsockname), IN_WORKER | IN_AGENT, { { 0 } } },
    { SCMP_SYS(getsockopt), IN_WORKER, { IS(1, SOL_SOCKET), IS(2, SO_ERROR) } },
    { SCMP_SYS(ioctl), IN_WORKER, { IS(1, SIOCOUTQ) } },
    { SCMP_SYS(recvfrom), IN_WORKER | IN_AGENT, { { 0 } } },
    { SCMP_SYS(sendto), IN_WORKER, { IS(5, 0) } }, /* never with an address */
    { SCMP_SYS(sendto), IN_AGENT, { { 0 } } },     /* c-ares 1.34 has one with TCP Fast Open */
    { SCMP_SYS(setsockopt), IN_WORKER, { IS(1, SOL_SOCKET), IS(2, SO_LINGER) } },
    { SCMP_SYS(bind), IN_WORKER, { { 0 } } }, /* upstream.source; there is no listen */
    { SCMP_SYS(setsockopt), IN_WORKER, { IS(1, IPPROTO_IP), IS(2, IP_BIND_ADDRESS_NO_PORT) } },
    { SCMP_SYS(setsockopt), IN_WORKER, { IS(1, SOL_SOCKET), IS(2, SO_KEEPALIVE) } },
    { SCMP_SYS(setsockopt), IN_WORKER, { IS(1, IPPROTO_TCP), IS(2, TCP_KEEPIDLE) } },
    { SCMP_SYS(setsockopt), IN_WORKER, { IS(1, IPPROTO_TCP), IS(2, TCP_KEEPINTVL) } },
    { SCMP_SYS(setsockopt), IN_WORKER, { IS(1, IPPROTO_TCP), IS(2, TCP_KEEPCNT) } },
    { SCMP_SYS(setsockopt), IN_WORKER, { IS(1, IPPROTO_TCP), IS(2, TCP_USER_TIMEOUT) } },
    { SCMP_SYS(setsockopt), IN_WORKER | IN_AGENT, { IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY) } },
    { SCMP_SYS(setsockopt), IN_AGENT, { IS(1, IPPROTO_TCP), IS(2, TCP_FASTOPEN_CONNECT) } },
    { SCMP_SYS(shutdown), IN_WORKER, { { 0 } } },
    { SCMP_SYS(socket),
      IN_WORKER,
      { IS(0, AF_INET), HAS(1, SOCKET_TYPE_MASK, SOCK_STREAM), IS(2, 0) } },
    { SCMP_SYS(socket),
      IN_WORKER,
      { IS(0, AF_INET6), HAS(1, SOCKET_TYPE_MASK, SOCK_STREAM), IS(2, 0) } },
    { SCMP_SYS(socket),
      IN_WORKER,
      { IS(0, AF_UNIX), HAS(1, SOCKET_TYPE_MASK, SOCK_STREAM), IS(2, 0) } },
    /* questions to name servers: by datagrams, and streams when an answer is long */
    { SCMP_SYS(socket), IN_AGENT, { IS(0, AF_INET), HAS(1, SOCKET_TYPE_MASK, SOCK_DGRAM) } },
    { SCMP_SYS(socket), IN_AGENT, { IS(0, AF_INET), HAS(1, SOCKET_TYPE_MASK, SOCK_STREAM) } },
    { SCMP_SYS(socket), IN_AGENT, { IS(0, AF_INET6), HAS(1, SOCKET_TYPE_MASK, SOCK_DGRAM) } },
    { SCMP_SYS(socket), IN_AGENT, { IS(0, AF_INET6), HAS(1, SOCKET_TYPE_MASK, SOCK_STREAM) } },
    { SCMP_SYS(fcntl), IN_AGENT, { IS(1, F_SETFD) } },
    { SCMP_SYS(fcntl), IN_AGENT, { IS(1, F_GETFD) } },
    { SCMP_SYS(fcntl), IN_AGENT, { IS(1, F_SETFL) } },
    { SCMP_SYS(fcntl), IN_AGENT, { IS(1, F_GETFL) } },
    /* the channels, the log, and the loop */
    { SCMP_SYS(close), IN_ALL, { { 0 } } },
    { SCMP_SYS(epoll_ctl), IN_ALL, { { 0 } } },
    { SCMP_SYS(epoll_wait), IN_ALL, { { 0 } } },
    { SCMP_SYS(poll), IN_ALL, { { 0 } } },
    { SCMP_SYS(read), IN_KEYS, { { 0 } } }, /* the files of keys */
    { SCMP_SYS(recvmsg), IN_ALL, { { 0 } } },
    { SCMP_SYS(sendmsg), IN_ALL, { { 0 } } },
    { SCMP_SYS(write), IN_ALL, { { 0 } } },
    { SCMP_SYS(fcntl), IN_WORKER, { IS(1, F_GET_SEALS) } }, /* of the next configuration, */
    { SCMP_SYS(lseek), IN_WORKER, { IS(2, SEEK_END) } },    /* and its size */
    /* memory, but none that can be run */
    { SCMP_SYS(brk), IN_ALL, { { 0 } } },
    { SCMP_SYS(mmap), IN_ALL, { HAS_NOT(2, PROT_EXEC) } },
    { SCMP_SYS(munmap), IN_ALL, { { 0 } } },
    /* what the C library and libcrypto ask for */
    { SCMP_SYS(futex), IN_ALL, { { 0 } } },
    { SCMP_SYS(getpid), IN_ALL, { { 0 } } },
    { SCMP_SYS(getrandom), IN_ALL, { { 0 } } },
    /* its end */
    { SCMP_SYS(exit_group), IN_ALL, { { 0 } } },
    { SCMP_SYS(rt_sigprocmask), IN_ALL, { { 0 } } }, /* also where a job's stack is left */
    /* what `./start trace` never sees, by what it is for; clocks that are no part of the vDSO: */
    { SCMP_SYS(clock_gettime), IN_ALL, { { 0 } } },
    { SCMP_SYS(clock_gettime64), IN_ALL, { { 0 } } },
    { SCMP_SYS(gettimeofday), IN_ALL, { { 0 } } },
    { SCMP_SYS(time), IN_ALL, { { 0 } } },
    /* names that other machines and C libraries have for what is used: */
    { SCMP_SYS(epoll_pwait), IN_ALL, { { 0 } } },
    { SCMP_SYS(mmap2), IN_ALL, { HAS_NOT(2, PROT_EXEC) } },
    { SCMP_SYS(ppoll), IN_ALL, { { 0 } } },
    /* malloc that grows a large piece, gives back memory or is told to use huge pages; stacks of
     * jobs with a guard page (OpenSSL 3.5): */
    { SCMP_SYS(madvise), IN_ALL, { { 0 } } },
    { SCMP_SYS(mprotect), IN_ALL, { HAS_NOT(2, PROT_EXEC) } },
    { SCMP_SYS(mremap), IN_ALL, { { 0 } } },
    /* locks of libcrypto that find another holder, though there is one thread: */
    { SCMP_SYS(sched_yield), IN_ALL, { { 0 } } },
    /* a wait that SIGSTOP and SIGCONT have interrupted: */
    { SCMP_SYS(restart_syscall), IN_ALL, { { 0 } } },
    /* assert() and a broken heap: the message, then SIGABRT to itself (see allow_abort) */
    { SCMP_SYS(gettid), IN_ALL, { { 0 } } },
    { SCMP_SYS(rt_sigaction), IN_ALL, { { 0 } } },
    { SCMP_SYS(writev), IN_ALL, { { 0 } } },
};

static bool allow(scmp_filter_ctx filter, const struct row *row)
{
    struct scmp_arg_cmp compare[TESTS_MAX];
    unsigned count = 0;
    for (; count < TESTS_MAX && row->tests[count].mask != 0; count++) {
        const struct test *test = &row->tests[count];
        compare[count] = (struct scmp_arg_cmp){ .arg = test->argument,
                                                .op = SCMP_CMP_MASKED_EQ,
                                                .datum_a = test->mask,
                                                .datum_b = test->value };
    }
    /* a call that this architecture does not have is passed over */
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, row->number, count, compare) == 0;
}

static bool allow_abort(scmp_filter_ctx filter)
{
    const struct row row = { SCMP_SYS(tgkill), IN_ALL, { IS(0, (uint32_t)getpid()) } };
    return allow(filter, &row);
}

static void filter_cleanup(scmp_filter_ctx *filter)
{
    if (*filter != NULL) {
        seccomp_release(*filter);
    }
}

bool sl_cage_has_seccomp(void)
{
    return true;
}

enum sl_err sl_cage_seccomp(enum sl_cage_role role, bool is_killing)
{
    SL_CLEANUP(filter_cleanup)
    scmp_filter_ctx filter =
        seccomp_init(is_killing ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO((uint16_t)EPERM));
    if (filter == NULL) {
        return SL_ENOMEM;
    }
    /* a tree instead of a list that every system call would walk; older libraries have none */
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    bool is_built = allow_abort(filter);
    for (size_t i = 0; is_built && i < SL_COUNT(ROWS); i++) {
        if ((ROWS[i].roles & 1U << role) != 0) {
            is_built = allow(filter, &ROWS[i]);
        }
    }
    if (!is_built) {
        return SL_ENOMEM;
    }
    return seccomp_load(filter) == 0 ? SL_OK : SL_ENOENT;
}

#else /* built without libseccomp */

bool sl_cage_has_seccomp(void)
{
    return false;
}

enum sl_err sl_cage_seccomp(enum sl_cage_role role, bool is_killing)
{
    SL_UNUSED(role);
    SL_UNUSED(is_killing);
    return SL_ENOENT;
}

#endif
