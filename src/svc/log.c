/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/log.h"
#include "sys/clock.h"
#include "sys/log_socket.h"
#include "sys/process.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RETRY_MS = 50, TELL_MS = 1000 };
enum { PREFIX_BYTES = 2 }; /* of a datagram in the buffer: its length */

static void on_flush(struct sl_task *task)
{
    sl_log_flush(SL_CONTAINER_OF(task, struct sl_log, flush));
}

static void on_retry(struct sl_timer *timer)
{
    sl_log_flush(SL_CONTAINER_OF(timer, struct sl_log, retry));
}

void sl_log_init(struct sl_log *log, int fd, enum sl_log_format format, struct sl_loop *loop)
{
    *log = (struct sl_log){ .fd = fd, .format = format, .level = SL_LOG_INFO, .loop = loop };
    log->may_block = sl_process_may_block(fd);
    sl_task_init(&log->flush, on_flush);
    sl_timer_init(&log->retry, on_retry);
}

bool sl_log_wants(const struct sl_log *log, enum sl_log_level level)
{
    return level >= log->level;
}

void sl_log_begin(struct sl_log *log, struct sl_logline *line, enum sl_log_level level,
                  const char *event)
{
    const enum sl_log_format format =
        log->way == SL_LOG_JOURNALD ? SL_LOG_TEXT : log->format; /* fields are made of it */
    sl_logline_begin(line, format, sl_clock_unix_ms(), level, event);
}

static void drop(struct sl_log *log, uint64_t count)
{
    log->dropped_count += count;
    log->lost_count += count;
}

void sl_log_put(struct sl_log *log, struct sl_logline *line)
{
    if (sl_log_wants(log, line->level)) {
        sl_log_force(log, line);
    }
}

/* As it stands in the buffer; empty when it has no room, which is never. */
static struct sl_slice datagram_of(const struct sl_log *log, const struct sl_logline *line,
                                   struct sl_slice text, uint8_t bytes[static 1], size_t cap)
{
    struct sl_wbuf out = sl_wbuf_of(bytes + PREFIX_BYTES, cap - PREFIX_BYTES);
    if (sl_logframe_put(log->way, line, text, (unsigned)getpid(), &out) != SL_OK) {
        return sl_slice_of(bytes, 0);
    }
    const uint16_t len = (uint16_t)sl_wbuf_slice(&out).len;
    memcpy(bytes, &len, PREFIX_BYTES);
    return sl_slice_of(bytes, PREFIX_BYTES + len);
}

void sl_log_force(struct sl_log *log, struct sl_logline *line)
{
    uint8_t bytes[PREFIX_BYTES + SL_LOGFRAME_MAX];
    struct sl_slice text = sl_logline_end(line);
    if (log->way != SL_LOG_STREAM) {
        text = datagram_of(log, line, text, bytes, sizeof(bytes));
    }
    if (text.len > sizeof(log->buffer) - log->len) {
        sl_log_flush(log);
    }
    if (text.len > sizeof(log->buffer) - log->len) {
        drop(log, 1);
        return;
    }
    if (text.len > sizeof(log->buffer) - log->head - log->len) {
        memmove(log->buffer, log->buffer + log->head, log->len);
        log->head = 0;
    }
    memcpy(log->buffer + log->head + log->len, text.ptr, text.len);
    log->len += text.len;
    sl_loop_defer(log->loop, &log->flush);
}

/* The whole lines at the front that go out in one write, which a pipe then takes whole or not. */
static size_t front_bytes(const struct sl_log *log)
{
    const char *front = log->buffer + log->head;
    if (log->way != SL_LOG_STREAM) {
        uint16_t len;
        memcpy(&len, front, PREFIX_BYTES);
        return (size_t)len + PREFIX_BYTES;
    }
    if (log->len <= SL_LOGLINE_MAX) {
        return log->len;
    }
    const char *end = memrchr(front, '\n', SL_LOGLINE_MAX);
    return end == NULL ? log->len : (size_t)(end - front) + 1;
}

static uint64_t count_lines(struct sl_slice text)
{
    uint64_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += text.ptr[i] == '\n';
    }
    return count;
}

/* Forgets what waits. */
static void drop_all(struct sl_log *log)
{
    while (log->len > 0) {
        const size_t len = front_bytes(log);
        drop(log, log->way != SL_LOG_STREAM
                      ? 1
                      : count_lines(sl_slice_of(log->buffer + log->head, len)));
        log->head += len;
        log->len -= len;
    }
    log->head = 0;
}

/* A daemon that was started again has another socket; until then lines wait for it. */
static enum sl_err write_out(struct sl_log *log, struct sl_slice front, size_t *ret_len)
{
    if (log->way == SL_LOG_STREAM) {
        return sl_process_log_write(log->fd, log->may_block, front, ret_len);
    }
    const struct sl_slice datagram =
        sl_slice_of(front.ptr + PREFIX_BYTES, front.len - PREFIX_BYTES);
    size_t len;
    enum sl_err rc = sl_process_log_write(log->fd, log->may_block, datagram, &len);
    if (rc != SL_OK && rc != SL_AGAIN) {
        rc = sl_log_socket_again(log->fd, log->path) != SL_OK
                 ? SL_AGAIN
                 : sl_process_log_write(log->fd, log->may_block, datagram, &len);
    }
    return rc;
}

/* Lines are written again: how many were not? */
static void tell_lost(struct sl_log *log)
{
    struct sl_logline line;
    const uint64_t now_ms = log->loop->now_ms;
    const bool is_soon = log->told_ms != 0 && now_ms - log->told_ms < TELL_MS;
    if (log->lost_count == log->told_count || is_soon ||
        log->len > sizeof(log->buffer) - SL_LOGLINE_MAX) {
        return;
    }
    log->told_count = log->lost_count;
    log->told_ms = now_ms;
    sl_log_begin(log, &line, SL_LOG_WARN, "log_dropped");
    sl_logline_u64(&line, "pid", (uint64_t)getpid());
    sl_logline_u64(&line, "lines", log->lost_count);
    sl_log_put(log, &line);
}

void sl_log_flush(struct sl_log *log)
{
    while (log->len > 0) {
        size_t len = front_bytes(log);
        struct sl_slice front = sl_slice_of(log->buffer + log->head, len);
        enum sl_err rc = write_out(log, front, &len);
        if (rc == SL_AGAIN) {
            sl_loop_timer(log->loop, &log->retry, RETRY_MS);
            return;
        }
        if (rc != SL_OK) { /* a full disk, a reader that is gone */
            drop(log, log->way == SL_LOG_STREAM ? count_lines(front) : 1);
        }
        log->len -= len;
        log->head = log->len == 0 ? 0 : log->head + len;
        if (rc == SL_OK) {
            tell_lost(log);
        }
    }
}

int sl_log_turn(struct sl_log *log, int fd, bool may_block, const char *to)
{
    const int old_fd = log->fd;
    const char *path;
    const enum sl_log_way way = sl_logframe_way(to, &path);
    sl_log_flush(log); /* the old one is not full for that the new one has room */
    if (way != log->way) {
        drop_all(log);
    }
    log->way = way;
    (void)snprintf(log->path, sizeof(log->path), "%s", path == NULL ? "" : path);
    log->fd = fd;
    log->may_block = may_block;
    if (log->len > 0) {
        sl_loop_defer(log->loop, &log->flush);
    }
    return old_fd;
}

void sl_log_fini(struct sl_log *log)
{
    if (log->loop == NULL) {
        return;
    }
    sl_log_flush(log);
    drop_all(log);
    sl_task_cancel(&log->flush);
    sl_timer_cancel(&log->retry);
}
