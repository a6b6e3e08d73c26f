/* SPDX-License-Identifier: Apache-2.0 */
#include "app/demo_serve.h"
#include "app/cli.h"
#include "app/demo_http.h"
#include "sys/channel.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "sys/process.h"
#include "sys/socket.h"
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
    CONNS_MAX_COUNT = 64, /* one more, and the one that has been quiet for longest goes */
    QUIET_MS = 30 * 1000, /* for a request to come whole, or an answer to go out */
    STOP_WAIT_MS = 1000,  /* for the process to end by itself */
    STOP_LOOK_MS = 5,
    LINGER_MS = 2 * 1000,          /* for the client to close after us */
    REQUESTS_MAX_COUNT = 100,      /* on one connection */
    DISCARD_BYTES_MAX = 64 * 1024, /* of what comes behind the last request */
};

struct page {
    struct sl_loop loop;
    struct sl_watch channel, listener;
    struct sl_list conns; /* the one that has been quiet for longest first */
    size_t conns_count;
    int exit_status;
};

struct page_conn {
    struct page *page;
    struct sl_watch watch; /* owns the socket */
    struct sl_timer timer;
    struct sl_list node;
    struct sl_reap reap;
    struct sl_demo_facts facts;
    bool has_header, is_closing, is_shut;
    size_t requests_count, discarded_bytes;
    struct sl_slice left; /* of the answer, to be sent */
    size_t in_len;        /* bytes */
    uint8_t in[SL_DEMO_HEAD_MAX];
    uint8_t answer[SL_DEMO_ANSWER_MAX];
};

static void conn_free(struct sl_reap *reap)
{
    free(SL_CONTAINER_OF(reap, struct page_conn, reap));
}

static void conn_close(struct page_conn *conn)
{
    sl_timer_cancel(&conn->timer);
    sl_socket_close(&conn->watch.fd);
    sl_list_remove(&conn->node);
    conn->page->conns_count--;
    sl_loop_reap(&conn->page->loop, &conn->reap, conn_free);
}

static void on_conn_due(struct sl_timer *timer)
{
    conn_close(SL_CONTAINER_OF(timer, struct page_conn, timer));
}

/* It has done something worth waiting for: not a byte, which a client could send for ever. */
static void conn_touch(struct page_conn *conn, uint64_t wait_ms)
{
    sl_list_remove(&conn->node);
    sl_list_append(&conn->page->conns, &conn->node);
    sl_loop_timer(&conn->page->loop, &conn->timer, wait_ms);
}

static enum sl_err conn_flush(struct page_conn *conn)
{
    while (conn->left.len > 0) {
        size_t len = 0;
        enum sl_err rc = sl_socket_send(conn->watch.fd, conn->left, &len);
        if (rc != SL_OK) {
            return rc;
        }
        (void)sl_slice_cut(&conn->left, len);
    }
    return SL_OK;
}

static enum sl_err conn_answer(struct page_conn *conn, struct sl_demo_request *request)
{
    struct sl_wbuf out = sl_wbuf_of(conn->answer, sizeof(conn->answer));
    conn->requests_count++;
    request->is_keep_alive = request->is_keep_alive && conn->requests_count < REQUESTS_MAX_COUNT;
    conn->is_closing = !request->is_keep_alive;
    enum sl_err rc = sl_demo_http_answer(request, &conn->facts,
                                         (int64_t)(sl_clock_unix_ms() / SL_MS_PER_S), &out);
    conn->left = sl_wbuf_slice(&out);
    conn_touch(conn, QUIET_MS);
    return rc;
}

/* Takes the PROXY header or a request off what has come. SL_AGAIN: it is not whole. */
static enum sl_err conn_take(struct page_conn *conn)
{
    struct sl_slice in = sl_slice_of(conn->in, conn->in_len);
    struct sl_proxy_v2 header;
    struct sl_demo_request request;
    enum sl_err rc =
        conn->has_header ? sl_demo_http_cut(&in, &request) : sl_proxy_v2_cut(&in, &header);
    if (rc != SL_OK) {
        return rc;
    }
    if (conn->has_header) {
        rc = conn_answer(conn, &request);
    } else {
        sl_demo_facts_read(&header, &conn->facts);
        conn->has_header = true;
    }
    memmove(conn->in, in.ptr, in.len);
    conn->in_len = in.len;
    return rc;
}

static enum sl_err conn_receive(struct page_conn *conn)
{
    size_t len = 0;
    enum sl_err rc = sl_socket_recv(conn->watch.fd, conn->in + conn->in_len,
                                    sizeof(conn->in) - conn->in_len, &len);
    conn->in_len += len;
    return rc;
}

/* The answer before was the last: a close with unread input would be a reset that may destroy it
 * on its way (RFC 9112 9.6). */
static enum sl_err conn_linger(struct page_conn *conn)
{
    if (!conn->is_shut) {
        conn->is_shut = true;
        sl_socket_shut_write(conn->watch.fd);
        conn_touch(conn, LINGER_MS);
    }
    enum sl_err rc = SL_OK;
    while (rc == SL_OK && conn->discarded_bytes < DISCARD_BYTES_MAX) {
        conn->in_len = 0;
        rc = conn_receive(conn);
        conn->discarded_bytes += conn->in_len;
    }
    return rc == SL_AGAIN ? SL_AGAIN : SL_EOF;
}

static void on_conn_ready(struct sl_watch *watch, uint32_t events)
{
    struct page_conn *conn = SL_CONTAINER_OF(watch, struct page_conn, watch);
    SL_UNUSED(events);
    enum sl_err rc = SL_OK;
    while (rc == SL_OK) {
        rc = conn_flush(conn);
        if (rc == SL_OK && conn->is_closing) {
            rc = conn_linger(conn);
        } else if (rc == SL_OK) {
            rc = conn_take(conn);
            rc = rc == SL_AGAIN ? conn_receive(conn) : rc;
        }
    }
    if (rc != SL_AGAIN) {
        conn_close(conn);
    }
}

static void conn_open(struct page *page, int fd)
{
    struct page_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) {
        sl_socket_close(&fd);
        return;
    }
    conn->page = page;
    conn->watch = (struct sl_watch){ .fd = fd, .on_ready = on_conn_ready };
    sl_timer_init(&conn->timer, on_conn_due);
    sl_list_init(&conn->node);
    page->conns_count++;
    conn_touch(conn, QUIET_MS);
    if (sl_loop_add(&page->loop, &conn->watch, SL_WATCH_STREAM) != SL_OK) {
        conn_close(conn);
    }
}

static void evict(struct page *page)
{
    struct sl_list *first = page->conns.next;
    conn_close(SL_CONTAINER_OF(first, struct page_conn, node));
}

static void on_listener_ready(struct sl_watch *watch, uint32_t events)
{
    struct page *page = SL_CONTAINER_OF(watch, struct page, listener);
    SL_UNUSED(events);
    for (size_t i = 0; i < CONNS_MAX_COUNT; i++) { /* then the others' turn */
        int fd = -1;
        struct sl_addr peer;
        enum sl_err rc = sl_socket_accept(watch->fd, &fd, &peer);
        if (rc == SL_OK) {
            if (page->conns_count == CONNS_MAX_COUNT) {
                evict(page);
            }
            conn_open(page, fd);
        } else if (rc == SL_EMFILE && page->conns_count > 0) {
            evict(page);
        } else if (rc == SL_AGAIN) {
            return;
        } else {
            page->exit_status = SL_EXIT_FAILED;
            sl_loop_stop(&page->loop);
            return;
        }
    }
}

/* First the listening socket comes; then only the end. */
static void on_channel_ready(struct sl_watch *watch, uint32_t events)
{
    struct page *page = SL_CONTAINER_OF(watch, struct page, channel);
    uint8_t byte;
    struct sl_wbuf in = sl_wbuf_of(&byte, sizeof(byte));
    struct sl_channel_fds fds = { 0 };
    SL_UNUSED(events);
    enum sl_err rc = sl_channel_recv(watch->fd, &in, &fds);
    if (rc == SL_AGAIN) {
        return;
    }
    if (rc != SL_OK || fds.count != 1 || page->listener.fd >= 0) {
        sl_channel_fds_close(&fds);
        sl_loop_stop(&page->loop);
        return;
    }
    page->listener.fd = fds.fds[0];
    if (sl_loop_add(&page->loop, &page->listener, SL_WATCH_INPUT) != SL_OK) {
        page->exit_status = SL_EXIT_FAILED;
        sl_loop_stop(&page->loop);
    }
}

int sl_demo_serve_main(void)
{
    struct page page = {
        .channel = { .fd = SL_PROCESS_CHANNEL_FD, .on_ready = on_channel_ready },
        .listener = { .fd = -1, .on_ready = on_listener_ready },
    };
    /* a terminal's ^C goes to all of us; connections that drain still want their answers */
    static const int IGNORED[] = { SIGINT, SIGQUIT, SIGTERM, SIGPIPE };
    for (size_t i = 0; i < SL_COUNT(IGNORED); i++) {
        (void)signal(IGNORED[i], SIG_IGN);
    }
    sl_list_init(&page.conns);
    enum sl_err rc = sl_loop_init(&page.loop);
    rc = rc == SL_OK ? sl_loop_add(&page.loop, &page.channel, SL_WATCH_INPUT) : rc;
    rc = rc == SL_OK ? sl_loop_run(&page.loop) : rc;
    while (!sl_list_is_empty(&page.conns)) {
        evict(&page);
    }
    sl_loop_fini(&page.loop);
    sl_socket_close(&page.listener.fd);
    sl_socket_close(&page.channel.fd);
    return rc == SL_OK ? page.exit_status : SL_EXIT_FAILED;
}

static enum sl_err listener_open(struct sl_diag *diag, int *ret_fd, uint16_t *ret_port)
{
    struct sl_addr addr;
    int fd = -1;
    enum sl_err rc = sl_addr_from_ip(SL_SLICE("127.0.0.1"), 0, &addr);
    rc = rc == SL_OK ? sl_socket_listen(&addr, diag, &fd) : rc;
    rc = rc == SL_OK ? sl_socket_local(fd, &addr) : rc;
    if (rc != SL_OK) {
        sl_socket_close(&fd);
        return rc;
    }
    *ret_fd = fd;
    *ret_port = sl_addr_port(&addr);
    return SL_OK;
}

enum sl_err sl_demo_server_start(struct sl_diag *diag, struct sl_demo_server *ret_server)
{
    int ends[2] = { -1, -1 }, listener_fd = -1;
    struct sl_demo_server server = { 0 };
    enum sl_err rc = listener_open(diag, &listener_fd, &server.port);
    rc = rc == SL_OK ? sl_channel_pair(ends) : rc;
    rc = rc == SL_OK ? sl_channel_send(ends[0], SL_SLICE("L"), &listener_fd, 1) : rc;
    rc = rc == SL_OK ? sl_process_spawn(SL_DEMO_SERVE_ROLE, ends[1], &server.pid) : rc;
    sl_socket_close(&listener_fd);
    sl_socket_close(&ends[1]);
    if (rc != SL_OK) {
        sl_socket_close(&ends[0]);
        return rc;
    }
    server.channel_fd = ends[0];
    *ret_server = server;
    return SL_OK;
}

/* True when it is collected, here or by somebody else of this process. */
static bool is_gone(pid_t pid)
{
    int status;
    return waitpid(pid, &status, WNOHANG) != 0;
}

void sl_demo_server_stop(struct sl_demo_server *server)
{
    if (server->pid <= 0) {
        return;
    }
    sl_socket_close(&server->channel_fd);
    uint64_t end_ms = sl_clock_monotonic_ms() + STOP_WAIT_MS;
    bool is_over = is_gone(server->pid);
    while (!is_over && sl_clock_monotonic_ms() < end_ms) {
        (void)poll(NULL, 0, STOP_LOOK_MS);
        is_over = is_gone(server->pid);
    }
    if (!is_over) { /* not collected, so the number is still its own */
        (void)kill(server->pid, SIGKILL);
        (void)waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
}
