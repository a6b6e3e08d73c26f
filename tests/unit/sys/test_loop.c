/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/loop.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct watched {
    struct sl_watch watch;
    int peer_fd;
    unsigned events_count;
    uint32_t events;         /* of the last one */
    struct watched *closing; /* what its event closes */
    struct sl_loop *loop;
};

static int loop_setup(void **state)
{
    static struct sl_loop loop; /* the state of one test at a time */
    *state = &loop;
    return sl_loop_init(&loop) == SL_OK ? 0 : -1;
}

static int loop_teardown(void **state)
{
    sl_loop_fini(*state);
    return 0;
}

static void turn(struct sl_loop *loop)
{
    assert_int_equal(sl_loop_turn(loop, 0), SL_OK);
}

static void on_ready(struct sl_watch *watch, uint32_t events)
{
    struct watched *w = SL_CONTAINER_OF(watch, struct watched, watch);
    w->events_count++;
    w->events = events;
    if (w->closing != NULL && w->closing->watch.fd >= 0) {
        (void)close(w->closing->watch.fd);
        w->closing->watch.fd = -1;
    }
}

static void watched_init(struct sl_loop *loop, struct watched *w, enum sl_watch_mode mode)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    *w = (struct watched){ .watch = { .fd = fds[0], .on_ready = on_ready },
                           .peer_fd = fds[1],
                           .loop = loop };
    assert_int_equal(sl_loop_add(loop, &w->watch, mode), SL_OK);
}

static void watched_fini(struct watched *w)
{
    if (w->watch.fd >= 0) {
        (void)close(w->watch.fd);
    }
    if (w->peer_fd >= 0) {
        (void)close(w->peer_fd);
    }
}

static void say(const struct watched *w)
{
    assert_int_equal(write(w->peer_fd, "x", 1), 1);
}

static void a_stream_is_told_each_change_once(void **state)
{
    struct watched w;
    watched_init(*state, &w, SL_WATCH_STREAM);
    turn(*state);
    assert_int_equal(w.events_count, 1); /* it can be written */
    assert_int_equal(w.events, EPOLLOUT);
    turn(*state);
    assert_int_equal(w.events_count, 1);
    say(&w);
    turn(*state);
    turn(*state);
    assert_int_equal(w.events_count, 2); /* though nothing was read */
    assert_true((w.events & EPOLLIN) != 0);
    assert_int_equal(shutdown(w.peer_fd, SHUT_WR), 0);
    turn(*state);
    turn(*state);
    assert_int_equal(w.events_count, 3);
    assert_true((w.events & EPOLLRDHUP) != 0);
    watched_fini(&w);
}

static void input_is_told_as_long_as_there_is_some(void **state)
{
    struct watched w;
    watched_init(*state, &w, SL_WATCH_INPUT);
    turn(*state);
    assert_int_equal(w.events_count, 0);
    say(&w);
    turn(*state);
    turn(*state);
    assert_int_equal(w.events_count, 2);
    char byte;
    assert_int_equal(read(w.watch.fd, &byte, 1), 1);
    turn(*state);
    assert_int_equal(w.events_count, 2);
    watched_fini(&w);
}

static void a_shared_watch_is_told_as_well(void **state)
{
    struct watched w;
    watched_init(*state, &w, SL_WATCH_SHARED);
    say(&w);
    turn(*state);
    assert_int_equal(w.events_count, 1);
    watched_fini(&w);
}

static void what_is_closed_in_a_turn_gets_no_event_in_it(void **state)
{
    struct watched a, b;
    watched_init(*state, &a, SL_WATCH_INPUT);
    watched_init(*state, &b, SL_WATCH_INPUT);
    a.closing = &b; /* whichever comes first closes the other */
    b.closing = &a;
    say(&a);
    say(&b);
    turn(*state);
    assert_int_equal(a.events_count + b.events_count, 1);
    watched_fini(&a);
    watched_fini(&b);
}

static void a_watch_can_be_taken_out_and_put_back(void **state)
{
    struct watched w;
    watched_init(*state, &w, SL_WATCH_INPUT);
    say(&w);
    sl_loop_remove(*state, &w.watch);
    sl_loop_remove(*state, &w.watch);
    turn(*state);
    assert_int_equal(w.events_count, 0);
    assert_int_equal(sl_loop_add(*state, &w.watch, SL_WATCH_INPUT), SL_OK);
    assert_int_equal(sl_loop_add(*state, &w.watch, SL_WATCH_INPUT), SL_OK); /* again: no harm */
    turn(*state);
    assert_int_equal(w.events_count, 1);
    watched_fini(&w);
}

static void a_descriptor_that_cannot_be_watched_is_an_error(void **state)
{
    struct sl_watch watch = { .fd = -1, .on_ready = on_ready };
    assert_int_equal(sl_loop_add(*state, &watch, SL_WATCH_INPUT), SL_ESYS);
}

struct worker {
    struct sl_task task;
    struct sl_loop *loop;
    unsigned runs_count;
    bool is_again;
    struct worker *cancels;
};

static void run(struct sl_task *task)
{
    struct worker *w = SL_CONTAINER_OF(task, struct worker, task);
    w->runs_count++;
    if (w->is_again) {
        sl_loop_defer(w->loop, task);
    }
    if (w->cancels != NULL) {
        sl_task_cancel(&w->cancels->task);
    }
}

static void a_task_runs_once_however_often_it_is_asked_for(void **state)
{
    struct worker w = { .loop = *state };
    sl_task_init(&w.task, run);
    turn(*state);
    assert_int_equal(w.runs_count, 0);
    sl_loop_defer(*state, &w.task);
    sl_loop_defer(*state, &w.task);
    turn(*state);
    turn(*state);
    assert_int_equal(w.runs_count, 1);
}

static void a_task_that_puts_itself_off_runs_once_a_turn(void **state)
{
    struct worker w = { .loop = *state, .is_again = true };
    sl_task_init(&w.task, run);
    sl_loop_defer(*state, &w.task);
    /* with work to do the loop does not wait: this would take ten minutes */
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(sl_loop_turn(*state, SL_LOOP_WAIT_MAX_MS), SL_OK);
    }
    assert_int_equal(w.runs_count, 10);
    sl_task_cancel(&w.task);
    turn(*state);
    assert_int_equal(w.runs_count, 10);
}

static void a_task_can_cancel_one_of_the_same_turn(void **state)
{
    struct worker second = { .loop = *state };
    struct worker first = { .loop = *state, .cancels = &second };
    sl_task_init(&first.task, run);
    sl_task_init(&second.task, run);
    sl_loop_defer(*state, &first.task);
    sl_loop_defer(*state, &second.task);
    turn(*state);
    turn(*state);
    assert_int_equal(first.runs_count, 1);
    assert_int_equal(second.runs_count, 0);
}

/* Everything that a turn does, in the order in which it happened. */
struct story {
    struct sl_loop *loop;
    char text[16];
    size_t len;
    struct watched *watched;
    struct sl_watch watch;
    struct sl_timer timer;
    struct sl_task task;
    struct sl_reap first, second, third;
};

static void tell(struct story *story, char letter)
{
    assert_true(story->len + 1 < sizeof(story->text));
    story->text[story->len++] = letter;
}

static void tell_third(struct sl_reap *reap)
{
    tell(SL_CONTAINER_OF(reap, struct story, third), '3');
}

static void tell_second(struct sl_reap *reap)
{
    struct story *story = SL_CONTAINER_OF(reap, struct story, second);
    tell(story, '2');
    sl_loop_reap(story->loop, &story->third, tell_third); /* what dies with it dies as well */
}

static void tell_first(struct sl_reap *reap)
{
    tell(SL_CONTAINER_OF(reap, struct story, first), '1');
}

static void tell_event(struct sl_watch *watch, uint32_t events)
{
    struct story *story = SL_CONTAINER_OF(watch, struct story, watch);
    SL_UNUSED(events);
    tell(story, 'e');
    sl_loop_reap(story->loop, &story->first, tell_first);
    sl_loop_defer(story->loop, &story->task);
}

static void tell_timer(struct sl_timer *timer)
{
    struct story *story = SL_CONTAINER_OF(timer, struct story, timer);
    tell(story, 't');
    sl_loop_reap(story->loop, &story->second, tell_second);
}

static void tell_task(struct sl_task *task)
{
    tell(SL_CONTAINER_OF(task, struct story, task), 'w');
}

static void a_turn_is_events_then_timers_then_tasks_then_the_reaper(void **state)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    struct story story = { .loop = *state, .watch = { .fd = fds[0], .on_ready = tell_event } };
    sl_timer_init(&story.timer, tell_timer);
    sl_task_init(&story.task, tell_task);
    assert_int_equal(sl_loop_add(*state, &story.watch, SL_WATCH_INPUT), SL_OK);
    assert_int_equal(write(fds[1], "x", 1), 1);
    /* due when the loop wakes, without a wait of the test's own */
    story.loop->wheel.base_ms -= 1000;
    sl_wheel_set(&story.loop->wheel, &story.timer, story.loop->wheel.base_ms, 0);
    turn(*state);
    assert_string_equal(story.text, "etw123");
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void the_reaper_runs_a_last_time_at_the_end(void **state)
{
    SL_UNUSED(state);
    struct sl_loop loop;
    assert_int_equal(sl_loop_init(&loop), SL_OK);
    struct story story = { .loop = &loop };
    sl_loop_reap(&loop, &story.second, tell_second);
    sl_loop_fini(&loop);
    assert_string_equal(story.text, "23");
}

struct stopper {
    struct sl_timer timer;
    struct sl_loop *loop;
};

static void stop(struct sl_timer *timer)
{
    sl_loop_stop(SL_CONTAINER_OF(timer, struct stopper, timer)->loop);
}

static void the_loop_runs_until_it_is_stopped_and_keeps_time(void **state)
{
    struct stopper stopper = { .loop = *state };
    sl_timer_init(&stopper.timer, stop);
    uint64_t before_ms = stopper.loop->now_ms;
    sl_loop_timer(*state, &stopper.timer, 30);
    assert_int_equal(sl_loop_run(*state), SL_OK);
    assert_true(stopper.loop->now_ms >= before_ms + 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stream_is_told_each_change_once, loop_setup,
                                        loop_teardown),
        cmocka_unit_test_setup_teardown(input_is_told_as_long_as_there_is_some, loop_setup,
                                        loop_teardown),
        cmocka_unit_test_setup_teardown(a_shared_watch_is_told_as_well, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(what_is_closed_in_a_turn_gets_no_event_in_it, loop_setup,
                                        loop_teardown),
        cmocka_unit_test_setup_teardown(a_watch_can_be_taken_out_and_put_back, loop_setup,
                                        loop_teardown),
        cmocka_unit_test_setup_teardown(a_descriptor_that_cannot_be_watched_is_an_error, loop_setup,
                                        loop_teardown),
        cmocka_unit_test_setup_teardown(a_task_runs_once_however_often_it_is_asked_for, loop_setup,
                                        loop_teardown),
        cmocka_unit_test_setup_teardown(a_task_that_puts_itself_off_runs_once_a_turn, loop_setup,
                                        loop_teardown),
        cmocka_unit_test_setup_teardown(a_task_can_cancel_one_of_the_same_turn, loop_setup,
                                        loop_teardown),
        cmocka_unit_test_setup_teardown(a_turn_is_events_then_timers_then_tasks_then_the_reaper,
                                        loop_setup, loop_teardown),
        cmocka_unit_test(the_reaper_runs_a_last_time_at_the_end),
        cmocka_unit_test_setup_teardown(the_loop_runs_until_it_is_stopped_and_keeps_time,
                                        loop_setup, loop_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
