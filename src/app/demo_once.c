/* SPDX-License-Identifier: Apache-2.0 */
#include "app/demo_once.h"
#include "app/cli.h"
#include "app/demo_fetch.h"
#include "sys/clock.h"
#include "sys/socket.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child as this process sees it. */
struct child {
    pid_t pid;
    int ready_fd; /* a byte: it is ready; the end: it is gone */
};

void sl_demo_once_ready(struct sl_demo_once *once)
{
    ssize_t len = write(once->ready_fd, "R", 1);
    SL_UNUSED(len); /* the other end dies only with the process that we die with */
}

/* Waits for a byte or the end. SL_OK, SL_EOF, SL_ETIMEDOUT. */
static enum sl_err wait_child(const struct child *child, uint64_t end_ms)
{
    for (;;) {
        const uint64_t now_ms = sl_clock_monotonic_ms();
        struct pollfd ready = { .fd = child->ready_fd, .events = POLLIN };
        int count = now_ms < end_ms ? poll(&ready, 1, (int)(end_ms - now_ms)) : 0;
        if (count == 0) {
            return SL_ETIMEDOUT;
        }
        char byte;
        ssize_t len = count > 0 ? read(child->ready_fd, &byte, 1) : -1;
        if (len >= 0) {
            return len == 1 ? SL_OK : SL_EOF;
        }
    }
}

static int run_child(struct sl_demo_once *once, pid_t parent, int ready_fd)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) { /* it died before the line above */
        return SL_EXIT_FAILED;
    }
    once->ready_fd = ready_fd;
    return once->serve(once);
}

/* SL_EXIT_DONE when it ended as it should. */
static int stop_child(struct child *child)
{
    int status = 0;
    const uint64_t end_ms = sl_clock_monotonic_ms() + SL_DEMO_ONCE_STOP_MS;
    (void)kill(child->pid, SIGTERM);
    enum sl_err rc = wait_child(child, end_ms);
    while (rc == SL_OK) {
        rc = wait_child(child, end_ms);
    }
    if (rc == SL_ETIMEDOUT) {
        (void)kill(child->pid, SIGKILL);
    }
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
    }
    sl_socket_close(&child->ready_fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : SL_EXIT_FAILED;
}

static int compare(const struct sl_demo_fetched *fetched)
{
    uint8_t bytes[SL_DEMO_BODY_MAX];
    struct sl_wbuf expected = sl_wbuf_of(bytes, sizeof(bytes));
    if (sl_demo_page_json(&fetched->facts, &expected) != SL_OK) {
        return SL_EXIT_FAILED;
    }
    (void)printf("%.*s", SL_SLICE_FMT(fetched->body));
    if (!sl_slice_eq(fetched->body, sl_wbuf_slice(&expected))) {
        (void)fflush(stdout);
        (void)fprintf(stderr, "sluice: the page is wrong: it should have said\n%.*s",
                      SL_SLICE_FMT(sl_wbuf_slice(&expected)));
        return SL_EXIT_FAILED;
    }
    return SL_EXIT_DONE;
}

static int try_demo(const struct sl_demo_once *once, uint64_t end_ms)
{
    struct sl_diag diag = { 0 };
    struct sl_demo_fetched fetched;
    const struct sl_demo_fetch fetch = { .ca_path = once->ca_path,
                                         .name = "localhost",
                                         .path = "/json",
                                         .port = once->port,
                                         .end_ms = end_ms };
    uint8_t *bytes = malloc(SL_DEMO_FETCH_BYTES_MAX);
    struct sl_wbuf buf = sl_wbuf_of(bytes, bytes == NULL ? 0 : SL_DEMO_FETCH_BYTES_MAX);
    int status = SL_EXIT_FAILED;
    if (sl_demo_fetch(&fetch, &buf, &diag, &fetched) == SL_OK) {
        status = compare(&fetched);
    } else {
        (void)fprintf(stderr, "sluice: cannot fetch the page: %s\n", diag.text);
    }
    free(bytes);
    return status;
}

static int try_child(const struct sl_demo_once *once, struct child *child)
{
    const uint64_t end_ms = sl_clock_monotonic_ms() + SL_DEMO_ONCE_TRY_MS;
    enum sl_err rc = wait_child(child, end_ms);
    int status = SL_EXIT_FAILED;
    if (rc == SL_OK) {
        status = try_demo(once, end_ms);
    } else if (rc == SL_ETIMEDOUT) {
        (void)fprintf(stderr, "sluice: the demo does not become ready\n");
    }
    int child_status = stop_child(child);
    if (status == SL_EXIT_DONE && child_status != SL_EXIT_DONE) {
        (void)fprintf(stderr, "sluice: the demo did not end as it should\n");
    }
    return status == SL_EXIT_DONE ? child_status : status;
}

int sl_demo_once_run(struct sl_demo_once *once)
{
    int ends[2] = { -1, -1 };
    if (pipe2(ends, O_CLOEXEC) != 0) {
        (void)fprintf(stderr, "sluice: no descriptors\n");
        return SL_EXIT_FAILED;
    }
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
        sl_socket_close(&ends[0]);
        return run_child(once, parent, ends[1]); /* its end stays open until it is gone */
    }
    sl_socket_close(&ends[1]);
    if (pid < 0) {
        (void)fprintf(stderr, "sluice: no memory for a process\n");
        sl_socket_close(&ends[0]);
        return SL_EXIT_FAILED;
    }
    struct child child = { .pid = pid, .ready_fd = ends[0] };
    int status = try_child(once, &child);
    if (status == SL_EXIT_DONE) {
        (void)printf("OK: fetched from https://localhost:%u/json, verified with %s\n", once->port,
                     once->ca_path);
        status = fflush(stdout) == 0 ? status : SL_EXIT_FAILED;
    }
    return status;
}
