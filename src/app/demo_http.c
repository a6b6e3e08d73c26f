/* SPDX-License-Identifier: Apache-2.0 */
#include "app/demo_http.h"
#include <string.h>
#include <time.h>

static const struct status_row {
    uint16_t status;
    const char *phrase;
} STATUSES[] = {
    { 200, "OK" },
    { 400, "Bad Request" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 431, "Request Header Fields Too Large" },
    { 505, "HTTP Version Not Supported" },
};

/* What of the header fields counts. */
struct fields {
    size_t hosts_count;
    bool is_bad, has_body, wants_close;
};

/* A line without its end, which may be a bare LF (RFC 9112 2.2). */
static enum sl_err cut_line(struct sl_slice *in, struct sl_slice *ret_line)
{
    size_t len = sl_slice_find(*in, '\n');
    if (len == in->len) {
        return SL_AGAIN;
    }
    struct sl_slice line = sl_slice_cut(in, len);
    (void)sl_slice_cut(in, 1);
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
        line.len--;
    }
    *ret_line = line;
    return SL_OK;
}

static struct sl_slice trim(struct sl_slice text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        (void)sl_slice_cut(&text, 1);
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

static bool has_word(struct sl_slice list, struct sl_slice word)
{
    while (list.len > 0) {
        struct sl_slice item = sl_slice_cut(&list, sl_slice_find(list, ','));
        (void)sl_slice_cut(&list, 1);
        if (sl_slice_eq_nocase(trim(item), word)) {
            return true;
        }
    }
    return false;
}

/* RFC 9112 5: a name, a colon right behind it, a value. */
static void read_field(struct sl_slice line, struct fields *fields)
{
    struct sl_slice name = sl_slice_cut(&line, sl_slice_find(line, ':'));
    bool is_name = name.len > 0 && line.len > 0;
    for (size_t i = 0; i < name.len; i++) {
        is_name = is_name && name.ptr[i] > ' ' && name.ptr[i] < 0x7f;
    }
    if (!is_name) {
        fields->is_bad = true;
        return;
    }
    (void)sl_slice_cut(&line, 1);
    struct sl_slice value = trim(line);
    if (sl_slice_eq_nocase(name, SL_SLICE("host"))) {
        fields->hosts_count++;
    } else if (sl_slice_eq_nocase(name, SL_SLICE("connection"))) {
        fields->wants_close = fields->wants_close || has_word(value, SL_SLICE("close"));
    } else if (sl_slice_eq_nocase(name, SL_SLICE("content-length"))) {
        fields->has_body = fields->has_body || !sl_slice_eq(value, SL_SLICE("0"));
    } else if (sl_slice_eq_nocase(name, SL_SLICE("transfer-encoding"))) {
        fields->has_body = true;
    }
}

static enum sl_err read_fields(struct sl_slice *in, struct fields *fields)
{
    for (;;) {
        struct sl_slice line;
        enum sl_err rc = cut_line(in, &line);
        if (rc != SL_OK || line.len == 0) {
            return rc;
        }
        read_field(line, fields);
    }
}

/* "/x?query" or "http://host/x?query" (RFC 9112 3.2) */
static enum sl_demo_resource read_target(struct sl_slice target)
{
    static const char *const SCHEMES[] = { "http://", "https://" };
    for (size_t i = 0; i < SL_COUNT(SCHEMES); i++) {
        struct sl_slice scheme = sl_slice_cstr(SCHEMES[i]);
        struct sl_slice head = sl_slice_of(target.ptr, SL_MIN(target.len, scheme.len));
        if (sl_slice_eq_nocase(head, scheme)) {
            (void)sl_slice_cut(&target, scheme.len);
            (void)sl_slice_cut(&target, sl_slice_find(target, '/'));
            target = target.len == 0 ? SL_SLICE("/") : target;
            break;
        }
    }
    struct sl_slice path = sl_slice_cut(&target, sl_slice_find(target, '?'));
    return sl_slice_eq(path, SL_SLICE("/"))       ? SL_DEMO_PAGE
           : sl_slice_eq(path, SL_SLICE("/json")) ? SL_DEMO_JSON
                                                  : SL_DEMO_ELSE;
}

/* METHOD SP TARGET SP VERSION (RFC 9112 3) */
static void read_request_line(struct sl_slice line, struct sl_demo_request *request)
{
    struct sl_slice method = sl_slice_cut(&line, sl_slice_find(line, ' '));
    (void)sl_slice_cut(&line, 1);
    struct sl_slice target = sl_slice_cut(&line, sl_slice_find(line, ' '));
    (void)sl_slice_cut(&line, 1);
    bool is_1_1 = sl_slice_eq(line, SL_SLICE("HTTP/1.1"));
    request->is_head = sl_slice_eq(method, SL_SLICE("HEAD"));
    request->is_keep_alive = is_1_1;
    request->resource = read_target(target);
    if (method.len == 0 || target.len == 0 || !sl_slice_starts(line, SL_SLICE("HTTP/"))) {
        request->status = 400;
    } else if (!is_1_1 && !sl_slice_eq(line, SL_SLICE("HTTP/1.0"))) {
        request->status = 505;
    } else if (!request->is_head && !sl_slice_eq(method, SL_SLICE("GET"))) {
        request->status = 405;
    } else {
        request->status = request->resource == SL_DEMO_ELSE ? 404 : 200;
    }
}

enum sl_err sl_demo_http_cut(struct sl_slice *in, struct sl_demo_request *ret_request)
{
    struct sl_slice rest = *in, line = { 0 };
    struct fields fields = { 0 };
    enum sl_err rc = SL_OK;
    while (rc == SL_OK && line.len == 0) { /* RFC 9112 2.2: empty lines before it are ignored */
        rc = cut_line(&rest, &line);
    }
    rc = rc == SL_OK ? read_fields(&rest, &fields) : rc;
    if (rc != SL_OK) {
        if (in->len < SL_DEMO_HEAD_MAX) {
            return SL_AGAIN;
        }
        (void)sl_slice_cut(in, in->len);
        *ret_request = (struct sl_demo_request){ .status = 431, .resource = SL_DEMO_ELSE };
        return SL_OK;
    }
    struct sl_demo_request request = { 0 };
    read_request_line(line, &request);
    bool is_1_1 = request.is_keep_alive;
    if (fields.is_bad || fields.hosts_count > 1 || (is_1_1 && fields.hosts_count == 0)) {
        request.status = 400; /* RFC 9112 3.2 */
    }
    request.is_keep_alive =
        is_1_1 && request.status != 400 && !fields.has_body && !fields.wants_close;
    *in = rest;
    *ret_request = request;
    return SL_OK;
}

static const char *phrase_of(uint16_t status)
{
    size_t i = 0;
    while (i + 1 < SL_COUNT(STATUSES) && STATUSES[i].status != status) {
        i++;
    }
    return STATUSES[i].phrase;
}

static enum sl_err put_head(const struct sl_demo_request *request, const char *type,
                            size_t body_len, int64_t now_s, struct sl_wbuf *out)
{
    char date[64] = "";
    struct tm tm;
    time_t now = (time_t)now_s;
    if (gmtime_r(&now, &tm) != NULL) { /* RFC 9110 5.6.7; the locale is C */
        (void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    }
    return sl_wbuf_printf(out,
                          "HTTP/1.1 %u %s\r\n"
                          "Date: %s\r\n"
                          "Content-Type: %s\r\n"
                          "Content-Length: %zu\r\n"
                          "Cache-Control: no-store\r\n"
                          "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
                          "img-src data:; base-uri 'none'; form-action 'none'; "
                          "frame-ancestors 'none'\r\n"
                          "X-Content-Type-Options: nosniff\r\n"
                          "Referrer-Policy: no-referrer\r\n"
                          "%s%s\r\n",
                          request->status, phrase_of(request->status), date, type, body_len,
                          request->status == 405 ? "Allow: GET, HEAD\r\n" : "",
                          request->is_keep_alive ? "" : "Connection: close\r\n");
}

static enum sl_err put_body(const struct sl_demo_request *request,
                            const struct sl_demo_facts *facts, struct sl_wbuf *out)
{
    if (request->status != 200) {
        return sl_wbuf_printf(out, "%u %s\n", request->status, phrase_of(request->status));
    }
    return request->resource == SL_DEMO_JSON ? sl_demo_page_json(facts, out)
                                             : sl_demo_page_html(facts, out);
}

enum sl_err sl_demo_http_answer(const struct sl_demo_request *request,
                                const struct sl_demo_facts *facts, int64_t now_s,
                                struct sl_wbuf *out)
{
    uint8_t bytes[SL_DEMO_BODY_MAX];
    struct sl_wbuf body = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_wbuf answer = *out;
    const char *type = request->status != 200              ? "text/plain; charset=utf-8"
                       : request->resource == SL_DEMO_JSON ? "application/json"
                                                           : "text/html; charset=utf-8";
    enum sl_err rc = put_body(request, facts, &body);
    rc = rc == SL_OK ? put_head(request, type, body.len, now_s, &answer) : rc;
    if (rc == SL_OK && !request->is_head) {
        rc = sl_wbuf_put(&answer, sl_wbuf_slice(&body));
    }
    if (rc == SL_OK) {
        *out = answer;
    }
    return rc;
}
