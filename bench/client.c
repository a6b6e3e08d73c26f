/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"
#include "die.h"
#include "sockets.h"
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

/** xorshift64: which name, and where in the pattern a request begins. */
static uint64_t random_next(struct bench_load *load)
{
    uint64_t state = load->random_state;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    load->random_state = state;
    return state;
}

void bench_client_fail(struct bench_load *load, struct bench_client *client, const char *why)
{
    struct bench_load_counts *counts = &load->counts;
    if (counts->errors++ == 0) {
        unsigned long code = ERR_peek_last_error();
        const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
        (void)snprintf(counts->error, sizeof(counts->error), "%s%s%s", why,
                       reason != NULL ? ": " : "", reason != NULL ? reason : "");
    }
    bench_wire_fini(&client->wire);
    client->stage = BENCH_CLOSED;
}

/** The name to ask for: that of `load`, with a number for its '#'. */
static void choose_name(struct bench_load *load, char *name, size_t size)
{
    const char *mark = strchr(load->name, '#');
    if (mark == NULL) {
        (void)snprintf(name, size, "%s", load->name);
        return;
    }
    unsigned number = (unsigned)(random_next(load) % load->names_count);
    (void)snprintf(name, size, "%.*s%05u%s", (int)(mark - load->name), load->name, number,
                   mark + 1);
}

static SSL *make_ssl(struct bench_load *load)
{
    char name[128];
    choose_name(load, name, sizeof(name));
    SSL *ssl = SSL_new(load->context);
    bench_need(ssl != NULL && SSL_set_tlsext_host_name(ssl, name) == 1 &&
                   SSL_set1_host(ssl, name) == 1,
               "a TLS client");
    if (load->want_resume && load->session != NULL) {
        SSL_SESSION *copy = SSL_SESSION_dup(load->session);
        bench_need(copy != NULL && SSL_set_session(ssl, copy) == 1, "a session");
        SSL_SESSION_free(copy);
    }
    return ssl;
}

/** Makes the next request; its bytes begin somewhere else in the pattern each time. */
static void next_request(struct bench_load *load, struct bench_client *client)
{
    client->request.seed = random_next(load) % BENCH_PERIOD_BYTES;
    bench_request_write(&client->request, client->line);
    client->at = 0;
    client->stage = BENCH_SENDING;
}

void bench_client_open(struct bench_load *load, struct bench_client *client,
                       const struct bench_request *request, uint64_t requests_count)
{
    *client = (struct bench_client){ .stage = BENCH_OPENING,
                                     .requests_left = requests_count,
                                     .want_rest = client->want_rest,
                                     .request = *request };
    client->wire.fd = -1;
    load->counts.connections++;
    int fd = bench_connect(load->port);
    if (fd < 0) {
        bench_client_fail(load, client, "connecting");
        return;
    }
    bench_wire_init(&client->wire, fd, load->kind, load->kind == BENCH_TLS ? make_ssl(load) : NULL,
                    bench_suite_cipher(load->tls.suite), false);
    bench_watch(load->epoll, fd, client);
}

void bench_client_ask(struct bench_load *load, struct bench_client *client,
                      const struct bench_request *request, uint64_t requests_count)
{
    client->request = *request;
    client->requests_left = requests_count;
    next_request(load, client);
    bench_client_run(load, client);
}

void bench_client_end(struct bench_load *load, struct bench_client *client)
{
    bench_wire_end(&client->wire);
    client->stage = BENCH_ENDING;
    bench_client_run(load, client);
}

static ssize_t open_more(struct bench_load *load, struct bench_client *client)
{
    int result = bench_wire_handshake(&client->wire);
    if (result != 1) {
        return result;
    }
    if (load->kind == BENCH_TLS) {
        struct bench_load_counts *counts = &load->counts;
        SSL *ssl = client->wire.ssl;
        counts->handshakes++;
        counts->resumed += SSL_session_reused(ssl) == 1;
        (void)snprintf(counts->version, sizeof(counts->version), "%s", SSL_get_version(ssl));
        (void)snprintf(counts->suite, sizeof(counts->suite), "%s", SSL_get_cipher_name(ssl));
        (void)snprintf(counts->group, sizeof(counts->group), "%s", bench_wire_group(&client->wire));
    }
    next_request(load, client);
    return 1;
}

static ssize_t send_more(struct bench_load *load, struct bench_client *client)
{
    const struct bench_request *request = &client->request;
    uint64_t total = BENCH_REQUEST_BYTES + request->upload_bytes;
    while (client->at < total) {
        const uint8_t *bytes;
        size_t len;
        if (client->at < BENCH_REQUEST_BYTES) {
            bytes = client->line + client->at;
            len = BENCH_REQUEST_BYTES - client->at;
        } else {
            uint64_t offset = client->at - BENCH_REQUEST_BYTES;
            bytes = bench_pattern_at(&load->pattern, request->seed, offset);
            len = SL_MIN(request->upload_bytes - offset, (uint64_t)BENCH_PIECE_BYTES);
        }
        ssize_t count = bench_wire_write(&client->wire, bytes, len);
        if (count <= 0) {
            return count;
        }
        client->at += (uint64_t)count;
    }
    int flushed = bench_wire_flush(&client->wire);
    if (flushed == 1) {
        client->stage = BENCH_RECEIVING;
        client->at = 0;
    }
    return flushed;
}

static void response_over(struct bench_load *load, struct bench_client *client)
{
    load->counts.requests++;
    client->requests_left--;
    if (client->requests_left > 0) {
        next_request(load, client);
    } else if (client->want_rest) {
        client->stage = BENCH_RESTING;
    } else {
        bench_wire_end(&client->wire);
        client->stage = BENCH_ENDING;
    }
}

static ssize_t receive_more(struct bench_load *load, struct bench_client *client)
{
    ssize_t count = bench_wire_read(&client->wire, load->piece, sizeof(load->piece));
    if (count <= 0) {
        return count == 0 ? BENCH_BROKEN : count;
    }
    const struct bench_request *request = &client->request;
    if (client->stage != BENCH_RECEIVING ||
        (uint64_t)count > request->response_bytes - client->at) {
        load->counts.wrong_bytes += (uint64_t)count; /* nobody asked for that */
        return BENCH_BROKEN;
    }
    load->counts.wrong_bytes +=
        bench_pattern_wrong(&load->pattern, request->seed, client->at, load->piece, (size_t)count);
    client->at += (uint64_t)count;
    if (client->at == request->response_bytes) {
        response_over(load, client);
    }
    return 1;
}

static void wait_for_end(struct bench_load *load, struct bench_client *client)
{
    ssize_t count = bench_wire_read(&client->wire, load->piece, sizeof(load->piece));
    if (count > 0) {
        bench_client_fail(load, client, "bytes after the last response");
    } else if (count != BENCH_AGAIN) {
        load->counts.unclean_ends += count == BENCH_BROKEN;
        bench_wire_fini(&client->wire);
        client->stage = BENCH_CLOSED;
    }
}

void bench_client_run(struct bench_load *load, struct bench_client *client)
{
    static const char *const FAILED[] = { [BENCH_OPENING] = "the handshake",
                                          [BENCH_SENDING] = "sending",
                                          [BENCH_RECEIVING] = "the response",
                                          [BENCH_RESTING] = "an idle connection ended" };
    ssize_t result = 1;
    while (result > 0 && client->stage != BENCH_ENDING && client->stage != BENCH_CLOSED) {
        enum bench_stage stage = client->stage;
        if (stage == BENCH_OPENING) {
            result = open_more(load, client);
        } else if (stage == BENCH_SENDING) {
            result = send_more(load, client);
        } else {
            result = receive_more(load, client);
        }
        if (result == BENCH_BROKEN || result == 0) {
            bench_client_fail(load, client, FAILED[stage]);
        }
    }
    if (client->stage == BENCH_ENDING) {
        wait_for_end(load, client);
    }
}
