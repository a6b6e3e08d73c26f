/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/refusals.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct sl_loop loop;
    struct sl_log log;
    struct sl_refusals refusals;
    int fd;
    char text[65536];
};

static int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    if (w == NULL || sl_loop_init(&w->loop) != SL_OK) {
        return -1;
    }
    w->fd = memfd_create("log", MFD_CLOEXEC);
    sl_log_init(&w->log, w->fd, SL_LOG_TEXT, &w->loop);
    sl_refusals_init(&w->refusals, &w->log, 3);
    w->loop.now_ms = 1000000; /* moved by hand: the loop does not turn */
    *state = w;
    return 0;
}

static int world_teardown(void **state)
{
    struct world *w = *state;
    sl_refusals_fini(&w->refusals);
    sl_log_fini(&w->log);
    sl_loop_fini(&w->loop);
    (void)close(w->fd);
    free(w);
    return 0;
}

static void note(struct world *w, enum sl_reason reason, const char *service, uint16_t port)
{
    struct sl_addr addr;
    assert_int_equal(sl_addr_from_ip(SL_SLICE("192.0.2.1"), port, &addr), SL_OK);
    sl_refusals_note(&w->refusals, reason, service, &addr);
}

static void run_timer(struct world *w)
{
    w->refusals.timer.on_due(&w->refusals.timer);
}

/* What was written, from each line what stands behind its time. */
static void expect_lines(struct world *w, const char *wanted)
{
    char got[8192] = "";
    sl_log_flush(&w->log);
    ssize_t len = pread(w->fd, w->text, sizeof(w->text) - 1, 0);
    assert_true(len >= 0);
    w->text[len] = '\0';
    for (char *save = NULL, *line = strtok_r(w->text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        const char *from = strstr(line, "level=");
        assert_non_null(from);
        (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s\n", from);
    }
    assert_string_equal(got, wanted);
}

#define FIRST                                                                                      \
    "level=info event=refused worker=3 reason=rate_limit count=1 service=web "                     \
    "client=192.0.2.1:1\n"

static void the_first_is_told_at_once(void **state)
{
    struct world *w = *state;
    note(w, SL_REASON_RATE_LIMIT, "web", 1);
    expect_lines(w, FIRST);
}

static void a_flood_is_one_line_a_second(void **state)
{
    struct world *w = *state;
    for (uint16_t i = 1; i <= 1000; i++) {
        note(w, SL_REASON_RATE_LIMIT, "web", i);
    }
    expect_lines(w, FIRST);
    assert_true(sl_timer_is_set(&w->refusals.timer));
    w->loop.now_ms += SL_REFUSALS_TELL_MS;
    run_timer(w);
    expect_lines(w, FIRST "level=info event=refused worker=3 reason=rate_limit count=999 "
                          "service=web client=192.0.2.1:1000\n");
}

static void reasons_are_told_of_apart(void **state)
{
    struct world *w = *state;
    note(w, SL_REASON_RATE_LIMIT, "web", 1);
    note(w, SL_REASON_CONNECTIONS_LIMIT, "other", 2);
    expect_lines(w, FIRST "level=warn event=refused worker=3 reason=connections_limit count=1 "
                          "service=other client=192.0.2.1:2\n");
}

static void what_is_left_is_told_at_the_end(void **state)
{
    struct world *w = *state;
    note(w, SL_REASON_RATE_LIMIT, "web", 1);
    note(w, SL_REASON_RATE_LIMIT, "web", 2);
    sl_refusals_fini(&w->refusals);
    expect_lines(w, FIRST "level=info event=refused worker=3 reason=rate_limit count=1 "
                          "service=web client=192.0.2.1:2\n");
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(the_first_is_told_at_once),
        WITH_WORLD(a_flood_is_one_line_a_second),
        WITH_WORLD(reasons_are_told_of_apart),
        WITH_WORLD(what_is_left_is_told_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
