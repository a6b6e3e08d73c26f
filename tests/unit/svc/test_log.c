/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/log.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { PIPE_BYTES = 65536, LINES_COUNT = 3000 };

struct world {
    struct sl_loop loop;
    struct sl_log log;
    int read_fd, write_fd;
    /* what has come out */
    char *got;
    size_t got_len;
    unsigned long told_count; /* of the last log_dropped */
};

static int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    int fds[2];
    if (w == NULL || sl_loop_init(&w->loop) != SL_OK || pipe2(fds, O_CLOEXEC) != 0 ||
        fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) {
        return -1;
    }
    w->read_fd = fds[0];
    w->write_fd = fds[1]; /* blocking: it would hold up the test for ever */
    w->got = malloc(16U << 20);
    assert_non_null(w->got);
    assert_true(fcntl(w->write_fd, F_SETPIPE_SZ, PIPE_BYTES) >= PIPE_BYTES);
    sl_log_init(&w->log, w->write_fd, SL_LOG_TEXT, &w->loop);
    *state = w;
    return 0;
}

static int world_teardown(void **state)
{
    struct world *w = *state;
    if (w->read_fd >= 0) {
        (void)close(w->read_fd);
    }
    (void)close(w->write_fd);
    sl_loop_fini(&w->loop);
    free(w->got);
    free(w);
    return 0;
}

static void put(struct world *w, unsigned number, size_t pad_bytes)
{
    char pad[SL_LOGLINE_MAX];
    struct sl_logline line;
    memset(pad, 'x', pad_bytes);
    sl_log_begin(&w->log, &line, SL_LOG_INFO, "test");
    sl_logline_u64(&line, "number", number);
    sl_logline_str(&line, "pad", sl_slice_of(pad, pad_bytes));
    sl_logline_cstr(&line, "end", "yes");
    sl_log_put(&w->log, &line);
}

static void drain(struct world *w)
{
    ssize_t len;
    while ((len = read(w->read_fd, w->got + w->got_len, 65536)) > 0) {
        w->got_len += (size_t)len;
    }
}

/* Every line that came is whole, and they came in order. Gives how many. */
static unsigned check_lines(struct world *w)
{
    unsigned count = 0;
    long last = -1;
    w->got[w->got_len] = '\0';
    for (char *at = w->got; *at != '\0'; count++) {
        char *end = strchr(at, '\n');
        assert_non_null(end);
        *end = '\0';
        if (strstr(at, "event=log_dropped") != NULL) {
            w->told_count = strtoul(strstr(at, "lines=") + strlen("lines="), NULL, 10);
            at = end + 1;
            count--;
            continue;
        }
        const char *number = strstr(at, "number=");
        assert_non_null(number);
        long value = strtol(number + strlen("number="), NULL, 10);
        assert_true(value > last);
        last = value;
        assert_int_equal(strncmp(at, "time=", 5), 0);
        assert_string_equal(end - strlen(" end=yes"), " end=yes");
        at = end + 1;
    }
    return count;
}

static void lines_that_wait_go_where_the_log_turns_to(void **state)
{
    struct world *w = *state;
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    unsigned count = 0;
    for (; w->log.len == 0; count++) { /* until the old one is full */
        put(w, count, 1000);
        sl_log_flush(&w->log);
    }
    put(w, count++, 1);
    assert_int_equal(sl_log_turn(&w->log, fds[1], false, "stderr"), w->write_fd);
    put(w, count++, 1);
    assert_int_equal(sl_loop_turn(&w->loop, 0), SL_OK);
    assert_int_equal(w->log.len, 0);
    drain(w); /* the old one, then the new one: nothing is lost, torn or out of its order */
    assert_int_equal(close(w->read_fd), 0);
    w->read_fd = fds[0];
    drain(w);
    assert_int_equal(check_lines(w), count);
    assert_int_equal(w->log.dropped_count, 0);
    (void)close(fds[1]);
}

static void lines_go_out_at_the_end_of_the_turn(void **state)
{
    struct world *w = *state;
    put(w, 1, 1);
    put(w, 2, 1);
    drain(w);
    assert_int_equal(w->got_len, 0);
    assert_int_equal(sl_loop_turn(&w->loop, 0), SL_OK);
    drain(w);
    assert_int_equal(check_lines(w), 2);
    assert_int_equal(w->log.len, 0);
    assert_int_equal(w->log.dropped_count, 0);
}

static void what_waits_longer_than_one_write_goes_out_in_whole_lines(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 100; i++) {
        put(w, i, i * 5);
    }
    assert_int_equal(sl_loop_turn(&w->loop, 0), SL_OK);
    drain(w);
    assert_int_equal(check_lines(w), 100);
}

static void a_reader_that_does_not_read_costs_lines_and_no_time(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < LINES_COUNT; i++) {
        put(w, i, 200);
        if (i % 10 == 0) {
            assert_int_equal(sl_loop_turn(&w->loop, 0), SL_OK);
        }
        assert_true(w->log.len <= SL_LOG_BUFFER_BYTES);
    }
    assert_true(w->log.dropped_count > 0);
    /* it reads again: what waited comes by itself */
    for (unsigned i = 0; i < 1000 && w->log.len > 0; i++) {
        drain(w);
        assert_int_equal(sl_loop_turn(&w->loop, 100), SL_OK);
    }
    drain(w);
    assert_int_equal(w->log.len, 0);
    assert_int_equal(check_lines(w) + w->log.dropped_count, LINES_COUNT);
    assert_in_range(w->told_count, 1, w->log.dropped_count);
    w->loop.now_ms += 2000; /* what was dropped since is told when a line is written */
    put(w, LINES_COUNT, 1);
    sl_log_flush(&w->log);
    w->got_len = 0;
    drain(w);
    assert_int_equal(check_lines(w), 1);
    assert_int_equal(w->told_count, w->log.dropped_count);
}

static void lines_of_any_length_stay_whole_in_a_pipe_that_is_nearly_full(void **state)
{
    struct world *w = *state;
    unsigned seed = 5, count = LINES_COUNT;
    for (unsigned i = 0; i < count; i++) {
        put(w, i, (unsigned)rand_r(&seed) % 3900);
        sl_log_flush(&w->log);
        if (rand_r(&seed) % 3 == 0) {
            char *at = w->got + w->got_len;
            ssize_t len = read(w->read_fd, at, (unsigned)rand_r(&seed) % 9000);
            w->got_len += len > 0 ? (size_t)len : 0;
        }
    }
    do {
        drain(w);
        sl_log_flush(&w->log);
    } while (w->log.len > 0);
    drain(w);
    assert_int_equal(check_lines(w) + w->log.dropped_count, count);
}

/* What is written in part is gone on with; and when that fails, it is no line. */
static void a_line_that_a_full_disk_has_torn_is_counted(void **state)
{
    struct world *w = *state;
    enum { DISK_BYTES = 5000 };
    struct rlimit before, low;
    w->log.fd = memfd_create("disk", MFD_CLOEXEC);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    low = (struct rlimit){ .rlim_cur = DISK_BYTES, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    put(w, 0, 3000);
    put(w, 1, 3000);
    put(w, 2, 3000);
    sl_log_flush(&w->log);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(lseek(w->log.fd, 0, SEEK_CUR), DISK_BYTES);
    assert_int_equal(w->log.len, 0);
    assert_int_equal(w->log.dropped_count, 2);
    (void)close(w->log.fd);
}

static void lines_for_a_reader_that_is_gone_are_counted(void **state)
{
    struct world *w = *state;
    void (*before)(int) = signal(SIGPIPE, SIG_IGN); /* as the program does at its start */
    (void)close(w->read_fd);
    w->read_fd = -1;
    for (unsigned i = 0; i < 7; i++) {
        put(w, i, 1000);
    }
    sl_log_flush(&w->log);
    (void)signal(SIGPIPE, before);
    assert_int_equal(w->log.len, 0);
    assert_int_equal(w->log.dropped_count, 7);
}

static void a_line_below_the_level_is_not_written(void **state)
{
    struct world *w = *state;
    assert_true(sl_log_wants(&w->log, SL_LOG_INFO));
    assert_false(sl_log_wants(&w->log, SL_LOG_DEBUG));
    put(w, 1, 1);
    w->log.level = SL_LOG_WARN;
    put(w, 2, 1);
    assert_int_equal(sl_loop_turn(&w->loop, 0), SL_OK);
    drain(w);
    assert_int_equal(check_lines(w), 1);
    assert_int_equal(w->log.dropped_count, 0);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(lines_go_out_at_the_end_of_the_turn),
        WITH_WORLD(what_waits_longer_than_one_write_goes_out_in_whole_lines),
        WITH_WORLD(a_reader_that_does_not_read_costs_lines_and_no_time),
        WITH_WORLD(lines_of_any_length_stay_whole_in_a_pipe_that_is_nearly_full),
        WITH_WORLD(a_line_that_a_full_disk_has_torn_is_counted),
        WITH_WORLD(lines_for_a_reader_that_is_gone_are_counted),
        WITH_WORLD(a_line_below_the_level_is_not_written),
        WITH_WORLD(lines_that_wait_go_where_the_log_turns_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
