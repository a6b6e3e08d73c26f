/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file The least that a proxy can do: connects each client to the backend and moves the bytes, as
 * they are or through records that are sealed with EVP, without a TLS handshake. What it costs is
 * the limit that the report measures the proxies against. Prints {"port": N}; ends with its
 * standard input.
 */
#include "contexts.h"
#include "die.h"
#include "pattern.h"
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

/** One side of a pair; what it reads goes to the other side. */
struct side {
    struct bench_wire wire;
    struct pair *pair;
    struct side *other;
    uint8_t *rest; /* what the other side did not take yet */
    size_t rest_at, rest_len;
    bool is_over; /* its end has come, and has been passed on */
};

struct pair {
    struct side client, upstream;
    struct pair *next_dead;
    bool is_dead;
};

struct relay {
    enum bench_kind client_kind, upstream_kind;
    const char *cipher;
    uint16_t port;
    int epoll, listener;
    struct pair *dead; /* closed while events of it may be left */
    uint8_t piece[BENCH_PIECE_BYTES];
};

static void bury(struct relay *relay, struct pair *pair)
{
    if (pair->is_dead) {
        return;
    }
    pair->is_dead = true;
    bench_wire_fini(&pair->client.wire);
    bench_wire_fini(&pair->upstream.wire);
    pair->next_dead = relay->dead;
    relay->dead = pair;
}

static void free_dead(struct relay *relay)
{
    while (relay->dead != NULL) {
        struct pair *pair = relay->dead;
        relay->dead = pair->next_dead;
        free(pair->client.rest);
        free(pair->upstream.rest);
        free(pair);
    }
}

/** Keeps what the other side of `from` did not take. */
static void keep_rest(struct side *from, const uint8_t *bytes, size_t len)
{
    if (from->rest == NULL) {
        from->rest = malloc(BENCH_PIECE_BYTES);
        if (from->rest == NULL) {
            bench_die("no memory");
        }
    }
    memcpy(from->rest, bytes, len);
    from->rest_at = 0;
    from->rest_len = len;
}

/** Writes to the other side; 1 when all is away, BENCH_AGAIN when it takes no more now. */
static int pass_on(struct side *from, const uint8_t *bytes, size_t len, size_t *ret_taken)
{
    size_t taken = 0;
    int result = 1;
    while (taken < len && result == 1) {
        ssize_t count = bench_wire_write(&from->other->wire, bytes + taken, len - taken);
        if (count > 0) {
            taken += (size_t)count;
        } else {
            result = (int)count;
        }
    }
    *ret_taken = taken;
    return result;
}

static int pass_rest_on(struct side *from)
{
    int result = bench_wire_flush(&from->other->wire);
    if (result == 1 && from->rest_at < from->rest_len) {
        size_t taken;
        result = pass_on(from, from->rest + from->rest_at, from->rest_len - from->rest_at, &taken);
        from->rest_at += taken;
    }
    return result;
}

/** Moves from `from` to its other side; BENCH_BROKEN when the pair is over by that. */
static int pump(struct relay *relay, struct side *from, bool want_end)
{
    int result = pass_rest_on(from);
    while (result == 1 && !from->is_over) {
        ssize_t count = bench_wire_read(&from->wire, relay->piece, sizeof(relay->piece));
        if (count == 0) {
            from->is_over = true;
            bench_wire_end(&from->other->wire);
            return from->other->is_over ? BENCH_BROKEN : 1;
        }
        if (count < 0) {
            return (int)count;
        }
        size_t taken;
        result = pass_on(from, relay->piece, (size_t)count, &taken);
        if (result == BENCH_AGAIN) {
            keep_rest(from, relay->piece + taken, (size_t)count - taken);
        }
        if (from->wire.is_drained && !want_end) {
            return result; /* epoll tells of more */
        }
    }
    return result;
}

static void side_run(struct relay *relay, struct side *side, uint32_t events)
{
    int result = 1;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        result = pump(relay, side, (events & ~(uint32_t)(EPOLLIN | EPOLLOUT)) != 0);
    }
    bool has_rest =
        side->other->rest_at < side->other->rest_len || side->wire.out_at < side->wire.out_len;
    if (result != BENCH_BROKEN && (events & EPOLLOUT) != 0 && has_rest) {
        result = pump(relay, side->other, true);
    }
    if (result == BENCH_BROKEN) {
        bury(relay, side->pair);
    }
}

static void side_init(struct relay *relay, struct pair *pair, struct side *side, int fd,
                      struct side *other)
{
    bool is_client = side == &pair->client;
    side->pair = pair;
    side->other = other;
    bench_wire_init(&side->wire, fd, is_client ? relay->client_kind : relay->upstream_kind, NULL,
                    relay->cipher, is_client);
}

static void accept_all(struct relay *relay)
{
    int fd;
    while ((fd = bench_accept(relay->listener)) >= 0) {
        struct pair *pair = calloc(1, sizeof(*pair));
        int upstream = bench_connect(relay->port);
        if (pair == NULL || upstream < 0) {
            bench_die("connecting");
        }
        side_init(relay, pair, &pair->client, fd, &pair->upstream);
        side_init(relay, pair, &pair->upstream, upstream, &pair->client);
        bench_watch(relay->epoll, upstream, &pair->upstream);
        bench_watch(relay->epoll, fd, &pair->client);
    }
}

static void serve(struct relay *relay)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int count = epoll_wait(relay->epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR) {
            bench_die("epoll_wait");
        }
        for (int i = 0; i < count; i++) {
            struct side *side = events[i].data.ptr;
            if (events[i].data.ptr == &relay->listener) {
                accept_all(relay);
            } else if (side == NULL) {
                return; /* standard input has ended */
            } else if (!side->pair->is_dead) {
                side_run(relay, side, events[i].events);
            }
        }
        free_dead(relay);
    }
}

static void read_options(struct relay *relay, int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        { "connect", required_argument, NULL, 'c' },
        { "suite", required_argument, NULL, 'u' },
        { "seal-clients", no_argument, NULL, 's' },
        { "seal-upstream", no_argument, NULL, 'S' },
        { NULL, 0, NULL, 0 },
    };
    relay->cipher = bench_suite_cipher("TLS_AES_128_GCM_SHA256");
    int option;
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        switch (option) {
        case 'c':
            relay->port = (uint16_t)bench_number(optarg, 1, UINT16_MAX);
            break;
        case 'u':
            relay->cipher = bench_suite_cipher(optarg);
            break;
        case 's':
            relay->client_kind = BENCH_SEALED;
            break;
        case 'S':
            relay->upstream_kind = BENCH_SEALED;
            break;
        default:
            relay->port = 0;
        }
    }
    if (relay->port == 0 || optind != argc) {
        (void)fputs("usage: relay --connect PORT [--seal-clients] [--seal-upstream] "
                    "[--suite NAME]\n",
                    stderr);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    if (relay == NULL) {
        bench_die("no memory");
    }
    read_options(relay, argc, argv);
    (void)signal(SIGPIPE, SIG_IGN);
    bench_raise_descriptors();
    uint16_t port;
    relay->epoll = epoll_create1(EPOLL_CLOEXEC);
    relay->listener = bench_listen(&port);
    bench_watch(relay->epoll, relay->listener, &relay->listener);
    bench_watch(relay->epoll, STDIN_FILENO, NULL);
    (void)printf("{\"port\": %u}\n", port);
    (void)fflush(stdout);
    serve(relay);
    free(relay);
    return 0;
}
