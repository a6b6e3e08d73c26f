/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file The server behind the proxies: answers what request.h describes, plain, with TLS or in
 * sealed records. Prints {"port": N}; then, for each line on standard input, a line of counts since
 * the line before; ends at the end of standard input.
 */
#include "contexts.h"
#include "die.h"
#include "pattern.h"
#include "request.h"
#include "sockets.h"
#include "wire.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS_MAX = 256 };

struct counts {
    uint64_t connections, resumed, broken, wrong_bytes;
    char version[16], suite[64], group[32];
};

enum stage { HANDSHAKE, REQUEST, UPLOAD, RESPONSE };

struct visit {
    struct bench_wire wire;
    enum stage stage;
    uint8_t line[BENCH_REQUEST_BYTES];
    uint64_t at; /* bytes of the stage that are done */
    struct bench_request request;
};

struct backend {
    enum bench_kind kind;
    struct bench_tls_options tls;
    SSL_CTX *context;
    int epoll, listener;
    struct counts counts;
    struct bench_pattern pattern;
    uint8_t piece[BENCH_PIECE_BYTES];
};

static void visit_end(struct backend *backend, struct visit *visit, bool is_broken)
{
    backend->counts.broken += is_broken;
    bench_wire_fini(&visit->wire);
    free(visit);
}

/** Bytes of the request or of its upload have come. */
static bool take(struct backend *backend, struct visit *visit, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t count;
        if (visit->stage == REQUEST) {
            count = SL_MIN(len, BENCH_REQUEST_BYTES - visit->at);
            memcpy(visit->line + visit->at, bytes, count);
            visit->at += count;
            if (visit->at == BENCH_REQUEST_BYTES) {
                if (!bench_request_read(visit->line, &visit->request)) {
                    return false;
                }
                visit->stage = visit->request.upload_bytes > 0 ? UPLOAD : RESPONSE;
                visit->at = 0;
            }
        } else if (visit->stage == UPLOAD) {
            count = SL_MIN(len, visit->request.upload_bytes - visit->at);
            size_t wrong = bench_pattern_wrong(&backend->pattern, visit->request.seed, visit->at,
                                               bytes, count);
            if (wrong > 0) {
                backend->counts.wrong_bytes += wrong;
                visit->request.upload_bytes = visit->at + count; /* the answer tells */
                visit->request.seed++;
            }
            visit->at += count;
            if (visit->at == visit->request.upload_bytes) {
                visit->stage = RESPONSE;
                visit->at = 0;
            }
        } else {
            return false; /* more than was announced */
        }
        bytes += count;
        len -= count;
    }
    return true;
}

static void note_handshake(struct backend *backend, struct visit *visit)
{
    struct counts *counts = &backend->counts;
    visit->stage = REQUEST;
    if (visit->wire.kind != BENCH_TLS) {
        return;
    }
    SSL *ssl = visit->wire.ssl;
    counts->resumed += SSL_session_reused(ssl) == 1;
    (void)snprintf(counts->version, sizeof(counts->version), "%s", SSL_get_version(ssl));
    (void)snprintf(counts->suite, sizeof(counts->suite), "%s", SSL_get_cipher_name(ssl));
    (void)snprintf(counts->group, sizeof(counts->group), "%s", bench_wire_group(&visit->wire));
}

/** Sends what is due of the response; BENCH_AGAIN when the socket takes no more, 1 when done. */
static ssize_t respond(struct backend *backend, struct visit *visit)
{
    const struct bench_request *request = &visit->request;
    while (visit->at < request->response_bytes) {
        size_t len = SL_MIN(request->response_bytes - visit->at, (uint64_t)BENCH_PIECE_BYTES);
        ssize_t count = bench_wire_write(
            &visit->wire, bench_pattern_at(&backend->pattern, request->seed, visit->at), len);
        if (count <= 0) {
            return count;
        }
        visit->at += (uint64_t)count;
    }
    int flushed = bench_wire_flush(&visit->wire);
    if (flushed == 1) {
        visit->stage = REQUEST;
        visit->at = 0;
    }
    return flushed;
}

/** One step of `visit`: 1 to go on, else what a wire gives. */
static ssize_t step(struct backend *backend, struct visit *visit)
{
    if (visit->stage == HANDSHAKE) {
        int result = bench_wire_handshake(&visit->wire);
        if (result == 1) {
            note_handshake(backend, visit);
        }
        return result;
    }
    if (visit->stage == RESPONSE) {
        return respond(backend, visit);
    }
    ssize_t count = bench_wire_read(&visit->wire, backend->piece, sizeof(backend->piece));
    if (count == 0 && (visit->stage != REQUEST || visit->at != 0)) {
        return BENCH_BROKEN;
    }
    if (count <= 0) {
        return count;
    }
    return take(backend, visit, backend->piece, (size_t)count) ? 1 : BENCH_BROKEN;
}

static void visit_run(struct backend *backend, struct visit *visit)
{
    ssize_t result;
    do {
        result = step(backend, visit);
    } while (result > 0);
    if (result == 0) {
        bench_wire_end(&visit->wire);
    }
    if (result != BENCH_AGAIN) {
        visit_end(backend, visit, result == BENCH_BROKEN);
    }
}

static void accept_all(struct backend *backend)
{
    int fd;
    while ((fd = bench_accept(backend->listener)) >= 0) {
        struct visit *visit = calloc(1, sizeof(*visit));
        SSL *ssl = backend->kind == BENCH_TLS ? SSL_new(backend->context) : NULL;
        if (visit == NULL) {
            bench_die("no memory");
        }
        bench_wire_init(&visit->wire, fd, backend->kind, ssl,
                        bench_suite_cipher(backend->tls.suite), true);
        backend->counts.connections++;
        bench_watch(backend->epoll, fd, visit);
    }
}

/** A line on standard input asks for the counts; false at its end. */
static bool answer(struct backend *backend)
{
    char bytes[64];
    ssize_t count = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (count <= 0) {
        return false;
    }
    const struct counts *counts = &backend->counts;
    (void)printf("{\"connections\": %llu, \"resumed\": %llu, \"broken\": %llu, "
                 "\"wrong_bytes\": %llu, \"version\": \"%s\", \"suite\": \"%s\", "
                 "\"group\": \"%s\"}\n",
                 (unsigned long long)counts->connections, (unsigned long long)counts->resumed,
                 (unsigned long long)counts->broken, (unsigned long long)counts->wrong_bytes,
                 counts->version, counts->suite, counts->group);
    (void)fflush(stdout);
    backend->counts = (struct counts){ 0 };
    return true;
}

static void serve(struct backend *backend)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int count = epoll_wait(backend->epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR) {
            bench_die("epoll_wait");
        }
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &backend->listener) {
                accept_all(backend);
            } else if (events[i].data.ptr == NULL) {
                if (!answer(backend)) {
                    return;
                }
            } else {
                visit_run(backend, events[i].data.ptr);
            }
        }
    }
}

static void read_options(struct backend *backend, int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        { "tls", no_argument, NULL, 't' },         { "sealed", no_argument, NULL, 's' },
        { "suite", required_argument, NULL, 'u' }, { "cert", required_argument, NULL, 'c' },
        { "key", required_argument, NULL, 'k' },   { "tickets", no_argument, NULL, 'i' },
        { "bulk", no_argument, NULL, 'b' },        { NULL, 0, NULL, 0 },
    };
    backend->tls.suite = "TLS_AES_128_GCM_SHA256";
    int option;
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        switch (option) {
        case 't':
            backend->kind = BENCH_TLS;
            break;
        case 's':
            backend->kind = BENCH_SEALED;
            break;
        case 'u':
            backend->tls.suite = optarg;
            break;
        case 'c':
            backend->tls.cert_file = optarg;
            break;
        case 'k':
            backend->tls.key_file = optarg;
            break;
        case 'i':
            backend->tls.want_tickets = true;
            break;
        case 'b':
            backend->tls.is_bulk = true;
            break;
        default:
            (void)fputs("usage: backend [--tls --cert FILE --key FILE [--tickets] | --sealed] "
                        "[--suite NAME] [--bulk]\n",
                        stderr);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    struct backend *backend = calloc(1, sizeof(*backend));
    if (backend == NULL) {
        bench_die("no memory");
    }
    read_options(backend, argc, argv);
    (void)signal(SIGPIPE, SIG_IGN);
    bench_raise_descriptors();
    bench_pattern_init(&backend->pattern);
    if (backend->kind == BENCH_TLS) {
        backend->context = bench_server_context(&backend->tls);
    }
    uint16_t port;
    backend->epoll = epoll_create1(EPOLL_CLOEXEC);
    backend->listener = bench_listen(&port);
    bench_watch(backend->epoll, backend->listener, &backend->listener);
    struct epoll_event input = { .events = EPOLLIN, .data.ptr = NULL };
    if (epoll_ctl(backend->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input) != 0) {
        bench_die("standard input must be a pipe");
    }
    (void)printf("{\"port\": %u}\n", port);
    (void)fflush(stdout);
    serve(backend);
    SSL_CTX_free(backend->context);
    free(backend);
    return 0;
}
