/* SPDX-License-Identifier: Apache-2.0 */
/** @file One connection of the load generator: what it does, step by step. */
#pragma once
#include "contexts.h"
#include "pattern.h"
#include "request.h"
#include "wire.h"

/** What all connections of one run share. */
struct bench_load {
    enum bench_kind kind;
    struct bench_tls_options tls;
    SSL_CTX *context;
    uint16_t port;
    const char *name; /* the server's, for SNI and verification; with %05u when there are many */
    unsigned names_count; /* names to choose from at random */
    bool want_resume;     /* each connection offers `session` */
    SSL_SESSION *session; /* the newest; owned */
    int epoll;
    struct bench_load_counts {
        uint64_t connections, handshakes, resumed, requests, errors, unclean_ends, wrong_bytes;
        char version[16], suite[64], group[32];
        char error[160]; /* the first */
    } counts;
    uint64_t random_state;
    struct bench_pattern pattern;
    uint8_t piece[BENCH_PIECE_BYTES];
};

enum bench_stage {
    BENCH_CLOSED,
    BENCH_OPENING, /* TCP and TLS */
    BENCH_SENDING,
    BENCH_RECEIVING,
    BENCH_RESTING, /* open, with nothing to do */
    BENCH_ENDING,  /* has said its end, and waits for the other's */
};

struct bench_client {
    struct bench_wire wire;
    enum bench_stage stage;
    uint64_t at;            /* bytes of the stage that are done */
    uint64_t requests_left; /* this one included */
    bool want_rest;         /* after the last request, instead of the end */
    struct bench_request request;
    uint8_t line[BENCH_REQUEST_BYTES];
};

/** Begins a connection that makes so many requests of the sizes in `request`. */
void bench_client_open(struct bench_load *load, struct bench_client *client,
                       const struct bench_request *request, uint64_t requests_count);

/** Gives a resting client so many requests more. */
void bench_client_ask(struct bench_load *load, struct bench_client *client,
                      const struct bench_request *request, uint64_t requests_count);

/** Ends a resting client. */
void bench_client_end(struct bench_load *load, struct bench_client *client);

/** Goes on with what the socket allows now. */
void bench_client_run(struct bench_load *load, struct bench_client *client);

/** Closes at once, and counts that as an error with the text `why`. */
void bench_client_fail(struct bench_load *load, struct bench_client *client, const char *why);
