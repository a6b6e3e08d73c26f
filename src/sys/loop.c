/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/loop.h"
#include "sys/clock.h"
#include <errno.h>
#include <unistd.h>

enum sl_err sl_loop_init(struct sl_loop *loop)
{
    *loop = (struct sl_loop){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
    loop->now_ms = sl_clock_monotonic_ms();
    sl_wheel_init(&loop->wheel, loop->now_ms);
    sl_list_init(&loop->tasks);
    sl_list_init(&loop->dead);
    return loop->epoll_fd < 0 ? SL_ESYS : SL_OK;
}

static void reap_all(struct sl_loop *loop)
{
    for (;;) {
        struct sl_list *node = sl_list_shift(&loop->dead);
        if (node == NULL) {
            return;
        }
        struct sl_reap *reap = SL_CONTAINER_OF(node, struct sl_reap, node);
        reap->destroy(reap);
    }
}

void sl_loop_fini(struct sl_loop *loop)
{
    reap_all(loop);
    if (loop->epoll_fd >= 0) {
        (void)close(loop->epoll_fd);
        loop->epoll_fd = -1;
    }
}

enum sl_err sl_loop_add(struct sl_loop *loop, struct sl_watch *watch, enum sl_watch_mode mode)
{
    struct epoll_event event = { .data.ptr = watch };
    switch (mode) {
    case SL_WATCH_STREAM:
        event.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;
        break;
    case SL_WATCH_INPUT:
        event.events = EPOLLIN;
        break;
    case SL_WATCH_SHARED:
        event.events = EPOLLIN | EPOLLEXCLUSIVE;
        break;
    }
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) != 0 && errno != EEXIST) {
        return errno == ENOMEM || errno == ENOSPC ? SL_ENOMEM : SL_ESYS;
    }
    return SL_OK;
}

void sl_loop_remove(struct sl_loop *loop, struct sl_watch *watch)
{
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
}

void sl_loop_timer(struct sl_loop *loop, struct sl_timer *timer, uint64_t in_ms)
{
    sl_wheel_set(&loop->wheel, timer, loop->now_ms, in_ms);
}

void sl_task_init(struct sl_task *task, void (*run)(struct sl_task *task))
{
    sl_list_init(&task->node);
    task->run = run;
}

void sl_loop_defer(struct sl_loop *loop, struct sl_task *task)
{
    if (sl_list_is_empty(&task->node)) {
        sl_list_append(&loop->tasks, &task->node);
    }
}

void sl_task_cancel(struct sl_task *task)
{
    sl_list_remove(&task->node);
}

void sl_loop_reap(struct sl_loop *loop, struct sl_reap *reap, void (*destroy)(struct sl_reap *reap))
{
    reap->destroy = destroy;
    sl_list_append(&loop->dead, &reap->node);
}

/* Runs the tasks that stood there when the turn began; what they put off waits for the next. */
static void run_tasks(struct sl_loop *loop)
{
    struct sl_list now;
    sl_list_init(&now);
    for (;;) {
        struct sl_list *node = sl_list_shift(&loop->tasks);
        if (node == NULL) {
            break;
        }
        sl_list_append(&now, node);
    }
    for (;;) {
        struct sl_list *node = sl_list_shift(&now);
        if (node == NULL) {
            return;
        }
        struct sl_task *task = SL_CONTAINER_OF(node, struct sl_task, node);
        task->run(task);
    }
}

enum sl_err sl_loop_turn(struct sl_loop *loop, uint64_t wait_max_ms)
{
    struct epoll_event events[SL_LOOP_EVENTS_MAX];
    uint64_t wait_ms = 0;
    if (sl_list_is_empty(&loop->tasks)) {
        wait_ms = sl_wheel_next_ms(&loop->wheel, sl_clock_monotonic_ms(), wait_max_ms);
    }
    int count = epoll_wait(loop->epoll_fd, events, SL_LOOP_EVENTS_MAX, (int)wait_ms);
    if (count < 0 && errno != EINTR) {
        return SL_ESYS;
    }
    loop->now_ms = sl_clock_monotonic_ms();
    for (int i = 0; i < count; i++) {
        struct sl_watch *watch = events[i].data.ptr;
        if (watch->fd >= 0) { /* else it was closed earlier in this turn */
            watch->on_ready(watch, events[i].events);
        }
    }
    sl_wheel_advance(&loop->wheel, loop->now_ms);
    run_tasks(loop);
    reap_all(loop);
    return SL_OK;
}

enum sl_err sl_loop_run(struct sl_loop *loop)
{
    while (!loop->is_stopped) {
        enum sl_err rc = sl_loop_turn(loop, SL_LOOP_WAIT_MAX_MS);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

void sl_loop_stop(struct sl_loop *loop)
{
    loop->is_stopped = true;
}
