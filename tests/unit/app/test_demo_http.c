/* SPDX-License-Identifier: Apache-2.0 */
#include "app/demo_http.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct sl_demo_request cut(const char *text)
{
    struct sl_slice in = sl_slice_cstr(text);
    struct sl_demo_request request;
    assert_int_equal(sl_demo_http_cut(&in, &request), SL_OK);
    assert_int_equal(in.len, 0);
    return request;
}

static void expect_status(const char *text, uint16_t status, bool is_keep_alive)
{
    struct sl_demo_request request = cut(text);
    assert_int_equal(request.status, status);
    assert_int_equal(request.is_keep_alive, is_keep_alive);
}

/* NUL-terminated, in memory that the next call takes again. */
static const char *answer(const struct sl_demo_request *request)
{
    static char text[SL_DEMO_ANSWER_MAX + 1];
    const struct sl_demo_facts facts = { .version = "TLSv1.3" };
    struct sl_wbuf out = sl_wbuf_of(text, SL_DEMO_ANSWER_MAX);
    assert_int_equal(sl_demo_http_answer(request, &facts, 784111777, &out), SL_OK);
    text[out.len] = '\0';
    return text;
}

static void get_and_head_of_both_resources_are_answered(void **state)
{
    SL_UNUSED(state);
    struct sl_demo_request request = cut("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(request.status, 200);
    assert_int_equal(request.resource, SL_DEMO_PAGE);
    assert_false(request.is_head);
    assert_true(request.is_keep_alive);
    request = cut("HEAD /json?x=/ HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_int_equal(request.status, 200);
    assert_int_equal(request.resource, SL_DEMO_JSON);
    assert_true(request.is_head);
}

static void an_absolute_target_is_the_same(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(cut("GET HTTPS://a:1/json HTTP/1.1\r\nHost: a\r\n\r\n").resource,
                     SL_DEMO_JSON);
    assert_int_equal(cut("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n").resource, SL_DEMO_PAGE);
}

static void what_is_not_there_or_not_allowed_keeps_the_connection(void **state)
{
    SL_UNUSED(state);
    expect_status("GET /favicon.ico HTTP/1.1\r\nHost: a\r\n\r\n", 404, true);
    expect_status("GET /json/ HTTP/1.1\r\nHost: a\r\n\r\n", 404, true);
    expect_status("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405, true);
    expect_status("get / HTTP/1.1\r\nHost: a\r\n\r\n", 405, true);
}

static void what_is_not_http_ends_the_connection(void **state)
{
    SL_UNUSED(state);
    static const char *const BAD[] = {
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nx y: z\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nx\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
        "GET /\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "hello\n\n",
    };
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        struct sl_demo_request request = cut(BAD[i]);
        assert_true(request.status == 400 || request.status == 505);
        assert_false(request.is_keep_alive);
    }
    expect_status("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, false);
}

static void a_client_may_want_the_connection_to_end(void **state)
{
    SL_UNUSED(state);
    expect_status("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, false);
    expect_status("GET / HTTP/1.1\r\nHost: a\r\nCONNECTION: x,\t Close \r\n\r\n", 200, false);
    expect_status("GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", 200, true);
    expect_status("GET / HTTP/1.0\r\n\r\n", 200, false);
    expect_status("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, false);
}

static void a_request_with_a_body_is_the_last(void **state)
{
    SL_UNUSED(state);
    expect_status("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 200, false);
    expect_status("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n",
                  200, false);
    expect_status("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nContent-Length: 0\r\n\r\n",
                  200, false);
    expect_status("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 405, false);
}

static void requests_do_not_depend_on_where_tcp_cuts(void **state)
{
    static const char TEXT[] = "\r\nGET /json HTTP/1.1\r\nHost: a\r\nX: y\n\r\nHEAD / HTTP/1.1\r\n";
    const size_t first_len = sizeof(TEXT) - 1 - strlen("HEAD / HTTP/1.1\r\n");
    SL_UNUSED(state);
    for (size_t len = 0; len < sizeof(TEXT); len++) {
        struct sl_slice in = sl_slice_of(TEXT, len);
        struct sl_demo_request request;
        enum sl_err rc = sl_demo_http_cut(&in, &request);
        assert_int_equal(rc, len < first_len ? SL_AGAIN : SL_OK);
        assert_int_equal(in.len, rc == SL_OK ? len - first_len : len);
        if (rc == SL_OK) {
            assert_int_equal(request.resource, SL_DEMO_JSON);
            assert_int_equal(request.status, 200);
        }
    }
}

static void a_head_without_end_is_refused_once_it_is_too_long(void **state)
{
    static uint8_t bytes[SL_DEMO_HEAD_MAX];
    struct sl_demo_request request;
    SL_UNUSED(state);
    for (size_t kind = 0; kind < 2; kind++) {
        memset(bytes, kind == 0 ? 'a' : '\n', sizeof(bytes));
        struct sl_slice in = sl_slice_of(bytes, sizeof(bytes) - 1);
        assert_int_equal(sl_demo_http_cut(&in, &request), SL_AGAIN);
        in = sl_slice_of(bytes, sizeof(bytes));
        assert_int_equal(sl_demo_http_cut(&in, &request), SL_OK);
        assert_int_equal(request.status, 431);
        assert_false(request.is_keep_alive);
        assert_int_equal(in.len, 0);
    }
}

static size_t content_length(const char *text)
{
    const char *at = strstr(text, "Content-Length: ");
    size_t value = 0;
    assert_non_null(at);
    for (at += strlen("Content-Length: "); *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (size_t)(*at - '0');
    }
    return value;
}

static void an_answer_is_as_long_as_it_says(void **state)
{
    SL_UNUSED(state);
    static const struct sl_demo_request REQUESTS[] = {
        { .status = 200, .resource = SL_DEMO_PAGE, .is_keep_alive = true },
        { .status = 200, .resource = SL_DEMO_JSON, .is_keep_alive = true },
        { .status = 404, .resource = SL_DEMO_ELSE },
        { .status = 431, .resource = SL_DEMO_ELSE },
    };
    for (size_t i = 0; i < SL_COUNT(REQUESTS); i++) {
        const char *text = answer(&REQUESTS[i]);
        const char *body = strstr(text, "\r\n\r\n");
        assert_non_null(body);
        assert_int_equal(strlen(body + 4), content_length(text));
        assert_int_equal(strstr(text, "Connection: close\r\n") == NULL, REQUESTS[i].is_keep_alive);
    }
}

static void the_answer_to_head_has_the_length_and_no_body(void **state)
{
    const struct sl_demo_request get = { .status = 200, .resource = SL_DEMO_JSON };
    const struct sl_demo_request head = { .status = 200,
                                          .resource = SL_DEMO_JSON,
                                          .is_head = true };
    SL_UNUSED(state);
    const size_t length = content_length(answer(&get));
    const char *text = answer(&head);
    assert_int_equal(content_length(text), length);
    assert_string_equal(text + strlen(text) - 4, "\r\n\r\n");
    assert_ptr_equal(strstr(text, "\r\n\r\n"), text + strlen(text) - 4);
}

static void answers_name_their_status_type_and_date(void **state)
{
    SL_UNUSED(state);
    const char *text =
        answer(&(const struct sl_demo_request){ .status = 200, .resource = SL_DEMO_PAGE });
    assert_int_equal(strncmp(text, "HTTP/1.1 200 OK\r\n", 17), 0);
    assert_non_null(strstr(text, "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Type: text/html; charset=utf-8\r\n"));
    text = answer(&(const struct sl_demo_request){ .status = 405, .resource = SL_DEMO_JSON });
    assert_int_equal(strncmp(text, "HTTP/1.1 405 Method Not Allowed\r\n", 33), 0);
    assert_non_null(strstr(text, "\r\nAllow: GET, HEAD\r\n"));
    assert_null(strstr(text, "{"));
}

static void an_answer_without_room_is_not_begun(void **state)
{
    const struct sl_demo_request request = { .status = 200, .resource = SL_DEMO_JSON };
    const struct sl_demo_facts facts = { .version = "TLSv1.3" };
    uint8_t bytes[SL_DEMO_ANSWER_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    SL_UNUSED(state);
    assert_int_equal(sl_demo_http_answer(&request, &facts, 0, &out), SL_OK);
    struct sl_wbuf small = sl_wbuf_of(bytes, out.len - 1);
    assert_int_equal(sl_demo_http_answer(&request, &facts, 0, &small), SL_ENOSPC);
    assert_int_equal(small.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_and_head_of_both_resources_are_answered),
        cmocka_unit_test(an_absolute_target_is_the_same),
        cmocka_unit_test(what_is_not_there_or_not_allowed_keeps_the_connection),
        cmocka_unit_test(what_is_not_http_ends_the_connection),
        cmocka_unit_test(a_client_may_want_the_connection_to_end),
        cmocka_unit_test(a_request_with_a_body_is_the_last),
        cmocka_unit_test(requests_do_not_depend_on_where_tcp_cuts),
        cmocka_unit_test(a_head_without_end_is_refused_once_it_is_too_long),
        cmocka_unit_test(an_answer_is_as_long_as_it_says),
        cmocka_unit_test(the_answer_to_head_has_the_length_and_no_body),
        cmocka_unit_test(answers_name_their_status_type_and_date),
        cmocka_unit_test(an_answer_without_room_is_not_begun),
    };
    return cmocka_run_group_tests_name("app/demo_http", tests, NULL, NULL);
}
