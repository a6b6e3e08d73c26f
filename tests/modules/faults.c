/* SPDX-License-Identifier: Apache-2.0 */
/** @file Preloaded into the program: calls of a worker fail now and then, and the wall clock is
 * wrong, as a file says that the test has mapped as well (tests/integration/faults.py). */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/** Of each kind: one call in `every` fails, 0 for none; how many were looked at, and failed. */
struct fault {
    _Atomic uint64_t every, calls_count, failed_count;
};

enum kind { ALLOC, SEND_ENOBUFS, RECV_ENOMEM, EINTR_IO, SHORT_IO, NO_FD, LOG_ENOSPC, KINDS_COUNT };

struct control {
    struct fault faults[KINDS_COUNT];
    _Atomic int64_t clock_offset_s; /* of the wall clock, in every process */
};

static struct control *control;
static bool is_worker;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static void __attribute__((constructor)) begin(int argc, char **argv)
{
    const char *path = getenv("SLUICE_FAULTS");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    void *mapped = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    control = mapped == MAP_FAILED ? NULL : mapped;
    is_worker = argc == 2 && strcmp(argv[1], "worker") == 0;
}

static bool fails(enum kind kind)
{
    if (control == NULL || !is_worker) {
        return false;
    }
    struct fault *fault = &control->faults[kind];
    const uint64_t every = atomic_load_explicit(&fault->every, memory_order_relaxed);
    if (every == 0 || atomic_fetch_add(&fault->calls_count, 1) % every != every - 1) {
        return false;
    }
    atomic_fetch_add(&fault->failed_count, 1);
    return true;
}

#define REAL(name)                                                                                 \
    static __typeof__(&(name)) real;                                                               \
    if (real == NULL) {                                                                            \
        *(void **)&real = dlsym(RTLD_NEXT, #name);                                                 \
    }

void *malloc(size_t size)
{
    if (fails(ALLOC)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (fails(ALLOC)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    if (fails(ALLOC)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(memory, size);
}

static bool is_interrupted(void)
{
    if (!fails(EINTR_IO)) {
        return false;
    }
    errno = EINTR;
    return true;
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    REAL(send)
    if (is_interrupted()) {
        return -1;
    }
    if (fails(SEND_ENOBUFS)) {
        errno = ENOBUFS;
        return -1;
    }
    return real(fd, bytes, fails(SHORT_IO) && len > 1 ? len / 2 : len, flags);
}

ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    REAL(recv)
    if (is_interrupted()) {
        return -1;
    }
    if (fails(RECV_ENOMEM)) {
        errno = ENOMEM;
        return -1;
    }
    return real(fd, bytes, len, flags);
}

int accept4(int fd, struct sockaddr *restrict addr, socklen_t *restrict addr_len, int flags)
{
    REAL(accept4)
    if (is_interrupted()) {
        return -1;
    }
    if (fails(NO_FD)) {
        errno = EMFILE;
        return -1;
    }
    return real(fd, addr, addr_len, flags);
}

int socket(int domain, int type, int protocol)
{
    REAL(socket)
    if (fails(NO_FD)) {
        errno = EMFILE;
        return -1;
    }
    return real(domain, type, protocol);
}

int epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
    REAL(epoll_wait)
    return is_interrupted() ? -1 : real(fd, events, count, timeout_ms);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    REAL(write)
    if (is_interrupted()) {
        return -1;
    }
    if (fails(LOG_ENOSPC)) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, bytes, len);
}

static int64_t offset_s(void)
{
    return control == NULL ? 0
                           : atomic_load_explicit(&control->clock_offset_s, memory_order_relaxed);
}

int clock_gettime(clockid_t id, struct timespec *ret_time)
{
    REAL(clock_gettime)
    const int rc = real(id, ret_time);
    if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        ret_time->tv_sec += offset_s();
    }
    return rc;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    REAL(gettimeofday)
    const int rc = real(ret_time, zone);
    ret_time->tv_sec += rc == 0 ? offset_s() : 0;
    return rc;
}

time_t time(time_t *ret_time)
{
    struct timespec now = { 0 };
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ret_time != NULL) {
        *ret_time = now.tv_sec;
    }
    return now.tv_sec;
}
