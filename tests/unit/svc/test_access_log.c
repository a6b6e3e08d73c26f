/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/access_log.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A connection without TLS on either side, as it stands when its end is known. */
static void conn_init(struct sl_conn *conn, struct sl_conn_env *env,
                      const struct sl_conn_plan *plan)
{
    *conn = (struct sl_conn){ .env = env,
                              .plan = plan,
                              .listen_text = "tcp://127.0.0.1:1",
                              .reason = SL_REASON_UPSTREAM_RESET,
                              .ended_by = SL_SIDE_UPSTREAM,
                              .last_stage = SL_STAGE_RELAY };
    assert_int_equal(sl_addr_from_ip(SL_SLICE("192.0.2.1"), 1234, &conn->client_addr), SL_OK);
    assert_int_equal(sl_addr_from_path(SL_SLICE("/run/a b\n"), &conn->upstream_addr), SL_OK);
    conn->upstream_text = "unix:/run/a";
    conn->relay.to_upstream.bytes_count = 17;
    conn->relay.to_client.bytes_count = UINT64_C(5000000000);
    conn->stage_ms[SL_STAGE_CONNECT] = 4;
    conn->begin_ms = env->loop->now_ms - 1000;
}

static size_t line_of(const struct sl_conn *conn, enum sl_log_format format, char *text, size_t cap)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    struct sl_log log;
    sl_log_init(&log, fds[1], format, conn->env->loop);
    const struct sl_conf_service_log rule = { 0 };
    sl_access_log_put(&log, &rule, conn, 3);
    sl_log_flush(&log);
    sl_task_cancel(&log.flush);
    ssize_t len = read(fds[0], text, cap - 1);
    assert_true(len > 0);
    text[len] = '\0';
    (void)close(fds[0]);
    (void)close(fds[1]);
    return (size_t)len;
}

static void a_line_says_what_is_known_and_nothing_else(void **state)
{
    SL_UNUSED(state);
    struct sl_loop loop;
    assert_int_equal(sl_loop_init(&loop), SL_OK);
    struct sl_conn_env env = { .loop = &loop };
    const struct sl_conn_plan plan = { .service = "web" };
    struct sl_conn conn;
    conn_init(&conn, &env, &plan);
    char text[SL_LOGLINE_MAX + 1];
    size_t len = line_of(&conn, SL_LOG_TEXT, text, sizeof(text));
    const char *const WANT[] = { "level=warn",
                                 "event=connection",
                                 "service=web",
                                 "worker=3",
                                 "client=192.0.2.1:1234",
                                 "listen=tcp://127.0.0.1:1",
                                 "bytes_to_upstream=17",
                                 "bytes_to_client=5000000000",
                                 "connect_ms=4",
                                 "total_ms=1000",
                                 "stage=relay",
                                 "reason=upstream_reset",
                                 "side=upstream" };
    for (size_t i = 0; i < SL_COUNT(WANT); i++) {
        if (strstr(text, WANT[i]) == NULL) {
            fail_msg("%s is not in %s", WANT[i], text);
        }
    }
    const char *const WANT_NOT[] = { "sni=",
                                     "alpn=",
                                     "version=",
                                     "resumed=",
                                     "detail=",
                                     " handshake_ms=",
                                     "upstream_handshake_ms=" };
    for (size_t i = 0; i < SL_COUNT(WANT_NOT); i++) {
        assert_null(strstr(text, WANT_NOT[i]));
    }
    assert_ptr_equal(strchr(text, '\n'), text + len - 1); /* also of a path with a newline */
    sl_loop_fini(&loop);
}

static void a_connection_that_never_got_far_has_a_line_too(void **state)
{
    SL_UNUSED(state);
    struct sl_loop loop;
    assert_int_equal(sl_loop_init(&loop), SL_OK);
    struct sl_conn_env env = { .loop = &loop };
    const struct sl_conn_plan plan = { .service = "web" };
    struct sl_conn conn = { .env = &env,
                            .plan = &plan,
                            .listen_text = "tcp://127.0.0.1:1",
                            .begin_ms = loop.now_ms,
                            .reason = SL_REASON_SHUTDOWN,
                            .detail = "quoted \"words\" \\ and \x01" };
    char text[SL_LOGLINE_MAX + 1];
    size_t len = line_of(&conn, SL_LOG_JSON, text, sizeof(text));
    assert_int_equal(text[0], '{');
    assert_int_equal(text[len - 2], '}');
    assert_non_null(strstr(text, "\"reason\":\"shutdown\""));
    assert_non_null(strstr(text, "\"detail\":\"quoted \\\"words\\\" \\\\ and \\u0001\""));
    assert_null(strstr(text, "\"side\""));
    assert_null(strstr(text, "\"connect_ms\""));
    assert_null(strstr(text, "\"client\""));
    sl_loop_fini(&loop);
}

/* How many of the lines of so many connections are there. */
static size_t count_of(struct sl_log *log, const struct sl_conf_service_log *rule,
                       const struct sl_conn *conn, size_t conns_count)
{
    size_t lines_count = 0;
    for (size_t i = 0; i < conns_count; i++) {
        const size_t len = log->len;
        sl_access_log_put(log, rule, conn, 3);
        lines_count += log->len > len;
    }
    return lines_count;
}

static void a_service_has_a_level_of_its_own_and_samples_what_ended_well(void **state)
{
    SL_UNUSED(state);
    static struct sl_log log;
    struct sl_loop loop;
    assert_int_equal(sl_loop_init(&loop), SL_OK);
    struct sl_conn_env env = { .loop = &loop };
    struct sl_tally tally = { 0 };
    const struct sl_conn_plan plan = { .service = "web", .tally = &tally };
    struct sl_conn conn;
    conn_init(&conn, &env, &plan);
    sl_log_init(&log, -1, SL_LOG_TEXT, &loop);
    const struct sl_conf_service_log sampled = { .sample_count = 3 };
    assert_int_equal(count_of(&log, &sampled, &conn, 4), 4); /* upstream_reset */
    conn.reason = SL_REASON_DONE;
    assert_int_equal(count_of(&log, &sampled, &conn, 7), 3);
    assert_non_null(memmem(log.buffer, log.len, "sample=3\n", strlen("sample=3\n")));
    const struct sl_conf_service_log quiet = { .level = SL_LOG_WARN, .sample_count = 1 };
    assert_int_equal(count_of(&log, &quiet, &conn, 2), 0);
    log.level = SL_LOG_ERROR;
    const struct sl_conf_service_log loud = { .level = SL_LOG_INFO, .sample_count = 1 };
    assert_int_equal(count_of(&log, &loud, &conn, 2), 2);
    assert_int_equal(count_of(&log, &sampled, &conn, 3), 0);
    sl_task_cancel(&log.flush);
    sl_loop_fini(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_says_what_is_known_and_nothing_else),
        cmocka_unit_test(a_connection_that_never_got_far_has_a_line_too),
        cmocka_unit_test(a_service_has_a_level_of_its_own_and_samples_what_ended_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
