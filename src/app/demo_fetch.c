/* SPDX-License-Identifier: Apache-2.0 */
#include "app/demo_fetch.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/socket.h"
#include "tls/mint.h"
#include "tls/session.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IN_BYTES = 32 * 1024 };

static const char STATUS_OK[] = "HTTP/1.1 200 ";

struct client {
    const struct sl_demo_fetch *fetch;
    struct sl_diag *diag;
    struct sl_tls_store *store;
    struct sl_tls_ctx *ctx;
    struct sl_tls *tls;
    int fd;
    struct sl_wbuf out;
    struct sl_slice in; /* not decrypted yet */
    uint8_t *in_bytes, *out_bytes;
};

static enum sl_err fail(const struct client *c, enum sl_err rc, const char *what)
{
    if (c->diag->text[0] == '\0') {
        sl_diag_set(c->diag, "%s: %s", what, sl_err_name(rc));
    }
    return rc;
}

static enum sl_err wait_ready(const struct client *c, short events)
{
    struct pollfd ready = { .fd = c->fd, .events = events };
    const uint64_t now_ms = sl_clock_monotonic_ms();
    if (now_ms >= c->fetch->end_ms ||
        poll(&ready, 1, (int)SL_MIN(c->fetch->end_ms - now_ms, UINT64_C(60000))) == 0) {
        return SL_ETIMEDOUT;
    }
    return SL_OK;
}

static enum sl_err send_out(struct client *c)
{
    struct sl_slice left = sl_wbuf_slice(&c->out);
    enum sl_err rc = SL_OK;
    while (rc == SL_OK && left.len > 0) {
        size_t len = 0;
        rc = sl_socket_send(c->fd, left, &len);
        (void)sl_slice_cut(&left, len);
        rc = rc == SL_AGAIN ? wait_ready(c, POLLOUT) : rc;
    }
    c->out.len = 0;
    return rc;
}

/* All of `in` is taken: waits for more. SL_EOF: a FIN. */
static enum sl_err receive_in(struct client *c)
{
    size_t len = 0;
    enum sl_err rc = SL_AGAIN;
    while (rc == SL_AGAIN) {
        rc = wait_ready(c, POLLIN);
        rc = rc == SL_OK ? sl_socket_recv(c->fd, c->in_bytes, IN_BYTES, &len) : rc;
    }
    c->in = sl_slice_of(c->in_bytes, len);
    return rc;
}

static enum sl_err client_context(struct client *c)
{
    static const char *const ALPN[] = { "http/1.1" };
    SL_CLEANUP(sl_blob_fini) struct sl_blob ca = { 0 };
    enum sl_err rc = sl_file_read(c->fetch->ca_path, SL_TLS_MINT_PEM_MAX, c->diag, &ca);
    rc = rc == SL_OK ? sl_tls_store_create(sl_blob_slice(&ca), c->diag, &c->store) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_tls_client_conf conf = { .policy = sl_policy_find(SL_SLICE("intermediate")),
                                             .is_verified = true,
                                             .store = c->store,
                                             .name = c->fetch->name,
                                             .alpn = ALPN,
                                             .alpn_count = SL_COUNT(ALPN) };
    rc = sl_tls_client_ctx_create(&conf, c->diag, &c->ctx);
    return rc == SL_OK ? sl_tls_connect_create(c->ctx, sl_slice_of(NULL, 0), &c->tls) : rc;
}

static enum sl_err client_connect(struct client *c)
{
    struct sl_addr addr;
    enum sl_err rc = sl_addr_from_ip(SL_SLICE("127.0.0.1"), c->fetch->port, &addr);
    rc = rc == SL_OK ? sl_socket_connect(&addr, &c->fd) : rc;
    if (rc == SL_AGAIN) {
        rc = wait_ready(c, POLLOUT);
        rc = rc == SL_OK ? sl_socket_connect_result(c->fd) : rc;
    }
    return rc;
}

static enum sl_err client_handshake(struct client *c)
{
    for (;;) {
        enum sl_err rc = sl_tls_handshake(c->tls, &c->in, &c->out, c->diag);
        enum sl_err sent = send_out(c); /* an alert too */
        if (rc != SL_AGAIN) {
            return rc == SL_OK ? sent : rc;
        }
        rc = sent == SL_OK ? receive_in(c) : sent;
        if (rc != SL_OK) {
            return rc == SL_EOF ? SL_ETRUNC : rc;
        }
    }
}

static enum sl_err client_ask(struct client *c)
{
    uint8_t bytes[512];
    struct sl_wbuf request = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_wbuf_printf(&request,
                                    "GET %s HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: sluice\r\n"
                                    "Accept: */*\r\nConnection: close\r\n\r\n",
                                    c->fetch->path, c->fetch->name, c->fetch->port);
    rc = rc == SL_OK ? sl_tls_encrypt(c->tls, sl_wbuf_slice(&request), &c->out, c->diag) : rc;
    return rc == SL_OK ? send_out(c) : rc;
}

static enum sl_err client_hear(struct client *c, struct sl_wbuf *buf)
{
    for (;;) {
        enum sl_err rc = sl_tls_decrypt(c->tls, &c->in, buf, &c->out, c->diag);
        if (rc == SL_EOF) {
            rc = sl_tls_close_notify(c->tls, &c->out);
            return rc == SL_OK ? send_out(c) : rc;
        }
        if (rc != SL_AGAIN) {
            return rc;
        }
        rc = send_out(c);
        rc = rc == SL_OK ? receive_in(c) : rc;
        if (rc != SL_OK) {
            return rc == SL_EOF ? SL_ETRUNC : rc;
        }
    }
}

static void copy_fact(char text[static SL_DEMO_TEXT_MAX], struct sl_slice value)
{
    (void)snprintf(text, SL_DEMO_TEXT_MAX, "%.*s", SL_SLICE_FMT(value));
}

static enum sl_err read_facts(const struct client *c, struct sl_demo_facts *ret_facts)
{
    struct sl_addr local;
    struct sl_tls_info info;
    enum sl_err rc = sl_socket_local(c->fd, &local);
    if (rc != SL_OK) {
        return rc;
    }
    sl_tls_info(c->tls, &info);
    *ret_facts = (struct sl_demo_facts){ .is_resumed = info.is_resumed };
    copy_fact(ret_facts->version, sl_slice_cstr(info.version));
    copy_fact(ret_facts->cipher, sl_slice_cstr(info.cipher));
    copy_fact(ret_facts->group, sl_slice_cstr(info.group));
    copy_fact(ret_facts->alpn, info.alpn);
    copy_fact(ret_facts->sni, info.server_name);
    sl_addr_format(&local, ret_facts->client);
    return SL_OK;
}

static enum sl_err cut_head(struct client *c, struct sl_slice *answer)
{
    struct sl_slice line = sl_slice_of(answer->ptr, sl_slice_find(*answer, '\r'));
    if (!sl_slice_starts(line, sl_slice_cstr(STATUS_OK))) {
        sl_diag_set(c->diag, line.len == 0 ? "there was no answer" : "the page answered: %.*s",
                    SL_SLICE_FMT(line));
        return SL_EPROTO;
    }
    const uint8_t *end = memmem(answer->ptr, answer->len, "\r\n\r\n", 4);
    if (end == NULL) {
        sl_diag_set(c->diag, "the page's answer has no end of its head");
        return SL_EPROTO;
    }
    (void)sl_slice_cut(answer, (size_t)(end - answer->ptr) + 4);
    return SL_OK;
}

static void client_fini(struct client *c)
{
    sl_tls_destroy(c->tls);
    sl_tls_ctx_unref(c->ctx);
    sl_tls_store_unref(c->store);
    sl_socket_close(&c->fd);
    free(c->in_bytes);
    free(c->out_bytes);
}

static enum sl_err run(struct client *c, struct sl_wbuf *buf, struct sl_demo_fetched *ret_fetched)
{
    static const struct {
        enum sl_err (*step)(struct client *c);
        const char *what;
    } STEPS[] = {
        { client_context, "cannot begin" },
        { client_connect, "cannot connect" },
        { client_handshake, "the handshake failed" },
        { client_ask, "cannot send the request" },
    };
    for (size_t i = 0; i < SL_COUNT(STEPS); i++) {
        enum sl_err rc = STEPS[i].step(c);
        if (rc != SL_OK) {
            return fail(c, rc, STEPS[i].what);
        }
    }
    enum sl_err rc = client_hear(c, buf);
    if (rc != SL_OK) {
        return fail(c, rc, "the answer did not come whole");
    }
    struct sl_slice answer = sl_wbuf_slice(buf);
    struct sl_demo_fetched fetched;
    rc = cut_head(c, &answer);
    rc = rc == SL_OK ? read_facts(c, &fetched.facts) : rc;
    if (rc == SL_OK) {
        fetched.body = answer;
        *ret_fetched = fetched;
    }
    return rc == SL_OK ? rc : fail(c, rc, "cannot read the answer");
}

enum sl_err sl_demo_fetch(const struct sl_demo_fetch *fetch, struct sl_wbuf *buf,
                          struct sl_diag *diag, struct sl_demo_fetched *ret_fetched)
{
    struct client c = { .fetch = fetch, .diag = diag, .fd = -1 };
    c.in_bytes = malloc(IN_BYTES);
    c.out_bytes = malloc(SL_TLS_FLIGHT_MAX);
    enum sl_err rc = SL_ENOMEM;
    if (c.in_bytes != NULL && c.out_bytes != NULL) {
        c.out = sl_wbuf_of(c.out_bytes, SL_TLS_FLIGHT_MAX);
        c.in = sl_slice_of(c.in_bytes, 0);
        rc = run(&c, buf, ret_fetched);
    }
    client_fini(&c);
    return rc;
}
