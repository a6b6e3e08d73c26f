/* SPDX-License-Identifier: Apache-2.0 */
/** @file What records of TLS 1.3 cost a server behind the handshake, without any network: with
 * libssl's records and with ours (tls/established.h).
 *
 *     records_memory [ROUNDS]      default: 20 rounds
 *
 * Both variants run in one process, in turns (A B A B); times are of the thread's CPU clock, of the
 * server's calls alone. The peer is a client of ours with libssl's records.
 */
#include "conf/policy.h"
#include "tls/fast.h"
#include "tls/library.h"
#include "tls/mint.h"
#include "tls/session.h"
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ROUNDS = 20,
    ROUNDS_MAX = 10000,
    CHUNK_BYTES = 128 * 1024, /* limits.buffer */
    WIRE_BYTES = 256 * 1024,
    REQUEST_BYTES = 100,
    RESPONSE_BYTES = 1024,
    REQUESTS_COUNT = 2000, /* a round */
    CHUNKS_COUNT = 200,
};

enum work { WORK_REQUEST, WORK_DOWN, WORK_UP, WORKS_COUNT };

static const char *const SUITES[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                      "TLS_CHACHA20_POLY1305_SHA256" };

struct wire {
    uint8_t *bytes;
    struct sl_wbuf out;
};

struct bench {
    struct sl_tls *client, *server;
    struct wire to_client, to_server;
    uint8_t *text, *plain;
    uint64_t ns; /* of the server's calls */
};

static void must(bool is_ok, const char *what)
{
    if (!is_ok) {
        ERR_print_errors_fp(stderr);
        (void)fprintf(stderr, "records_memory: %s\n", what);
        exit(1);
    }
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0, "clock");
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void *bytes_of(size_t count)
{
    void *bytes = calloc(1, count);
    must(bytes != NULL, "memory");
    return bytes;
}

static void minted_make(struct sl_tls_minted *minted)
{
    struct sl_wbuf *texts[] = { &minted->ca, &minted->chain, &minted->key };
    for (size_t i = 0; i < SL_COUNT(texts); i++) {
        *texts[i] = sl_wbuf_of(bytes_of(SL_TLS_MINT_PEM_MAX), SL_TLS_MINT_PEM_MAX);
    }
    must(sl_tls_mint_localhost("bench", (int64_t)time(NULL), NULL, minted) == SL_OK, "certificate");
}

static void minted_free(struct sl_tls_minted *minted)
{
    free(minted->ca.ptr);
    free(minted->chain.ptr);
    free(minted->key.ptr);
}

static void contexts_make(const char *suite, struct sl_tls_cert *cert, struct sl_tls_ctx **client,
                          struct sl_tls_ctx **server)
{
    struct sl_diag diag = { "" };
    struct sl_policy policy = *sl_policy_find(SL_SLICE("modern"));
    policy.suites = suite;
    const struct sl_tls_server_conf server_conf = {
        .service = "bench", .policy = &policy, .certs = &cert, .certs_count = 1
    };
    const struct sl_tls_client_conf client_conf = { .policy = &policy,
                                                    .has_full_handshakes = true };
    must(sl_tls_server_ctx_create(&server_conf, &diag, server) == SL_OK, diag.text);
    must(sl_tls_client_ctx_create(&client_conf, &diag, client) == SL_OK, diag.text);
}

/* One side's turn of the handshake. */
static enum sl_err shake(struct sl_tls *tls, struct wire *from, struct wire *to)
{
    struct sl_slice in = sl_wbuf_slice(&from->out);
    struct sl_diag diag = { "" };
    to->out = sl_wbuf_of(to->bytes, WIRE_BYTES);
    enum sl_err rc = sl_tls_handshake(tls, &in, &to->out, &diag);
    must((rc == SL_OK || rc == SL_AGAIN) && in.len == 0, diag.text);
    return rc;
}

static void bench_open(struct bench *bench, struct sl_tls_ctx *client, struct sl_tls_ctx *server,
                       bool has_records)
{
    *bench = (struct bench){ .text = bytes_of(CHUNK_BYTES), .plain = bytes_of(WIRE_BYTES) };
    bench->to_client.bytes = bytes_of(WIRE_BYTES);
    bench->to_server.bytes = bytes_of(WIRE_BYTES);
    must(sl_tls_fast_records(false) == SL_OK &&
             sl_tls_connect_create(client, sl_slice_of(NULL, 0), &bench->client) == SL_OK &&
             sl_tls_fast_records(has_records) == SL_OK &&
             sl_tls_accept_create(server, &bench->server) == SL_OK,
         "sessions");
    bool is_done = false;
    while (!is_done) {
        bool is_client_done = shake(bench->client, &bench->to_client, &bench->to_server) == SL_OK;
        is_done = shake(bench->server, &bench->to_server, &bench->to_client) == SL_OK;
        must(!is_done || is_client_done, "handshake");
    }
}

static void bench_close(struct bench *bench)
{
    sl_tls_destroy(bench->client);
    sl_tls_destroy(bench->server);
    free(bench->to_client.bytes);
    free(bench->to_server.bytes);
    free(bench->text);
    free(bench->plain);
}

/* Carries `len` bytes from one side to the other; the server's part is timed. */
static void carry(struct bench *bench, bool is_from_server, size_t len)
{
    struct wire *wire = is_from_server ? &bench->to_client : &bench->to_server;
    struct sl_wbuf plain = sl_wbuf_of(bench->plain, WIRE_BYTES);
    uint8_t answer[64];
    struct sl_wbuf out = sl_wbuf_of(answer, sizeof(answer));
    wire->out = sl_wbuf_of(wire->bytes, WIRE_BYTES);
    uint64_t begin_ns = cpu_ns();
    must(sl_tls_encrypt(is_from_server ? bench->server : bench->client,
                        sl_slice_of(bench->text, len), &wire->out, NULL) == SL_OK,
         "encrypt");
    uint64_t middle_ns = cpu_ns();
    struct sl_slice all = sl_wbuf_slice(&wire->out);
    while (all.len > 0) { /* as the network hands it over */
        struct sl_slice in = sl_slice_cut(&all, CHUNK_BYTES);
        must(sl_tls_decrypt(is_from_server ? bench->client : bench->server, &in, &plain, &out,
                            NULL) == SL_AGAIN,
             "decrypt");
    }
    bench->ns += is_from_server ? middle_ns - begin_ns : cpu_ns() - middle_ns;
    must(plain.len == len, "not all has come");
}

/* Nanoseconds of a unit: a request, or a MiB. */
static double measure(struct bench *bench, enum work work)
{
    const size_t count = work == WORK_REQUEST ? REQUESTS_COUNT : CHUNKS_COUNT;
    bench->ns = 0;
    for (size_t i = 0; i < count; i++) {
        if (work == WORK_REQUEST) {
            carry(bench, false, REQUEST_BYTES);
            carry(bench, true, RESPONSE_BYTES);
        } else {
            carry(bench, work == WORK_DOWN, CHUNK_BYTES);
        }
    }
    const double unit = work == WORK_REQUEST ? 1 : (double)CHUNK_BYTES / (1024 * 1024);
    return (double)bench->ns / ((double)count * unit);
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void suite_measure(const char *suite, struct sl_tls_cert *cert, size_t rounds)
{
    static const char *const WORKS[] = { "request, us", "down, us/MiB", "up, us/MiB" };
    struct sl_tls_ctx *client = NULL, *server = NULL;
    struct bench benches[2];
    double *ns[2][WORKS_COUNT];
    contexts_make(suite, cert, &client, &server);
    for (size_t v = 0; v < 2; v++) {
        bench_open(&benches[v], client, server, v == 1);
        for (size_t w = 0; w < WORKS_COUNT; w++) {
            ns[v][w] = bytes_of(rounds * sizeof(double));
        }
    }
    for (size_t i = 0; i < rounds * 2 * WORKS_COUNT; i++) {
        const size_t round = i / 2 / WORKS_COUNT, w = i / 2 % WORKS_COUNT;
        ns[i % 2][w][round] = measure(&benches[i % 2], (enum work)w);
    }
    for (size_t w = 0; w < WORKS_COUNT; w++) {
        for (size_t v = 0; v < 2; v++) {
            qsort(ns[v][w], rounds, sizeof(double), compare);
        }
        const double library = ns[0][w][rounds / 4], own = ns[1][w][rounds / 4];
        (void)printf("%-30s %-14s %8.2f %8.2f %8.2f\n", suite, WORKS[w], library / 1e3, own / 1e3,
                     own / library);
        free(ns[0][w]);
        free(ns[1][w]);
    }
    bench_close(&benches[0]);
    bench_close(&benches[1]);
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
}

int main(int argc, char **argv)
{
    char *end = NULL;
    const unsigned long rounds = argc > 1 ? strtoul(argv[1], &end, 10) : ROUNDS;
    must((end == NULL || *end == '\0') && rounds > 0 && rounds <= ROUNDS_MAX, "number");
    bool is_used = false;
    must(sl_tls_library_init() == SL_OK && sl_tls_fast_use(true, &is_used) == SL_OK && is_used,
         "library");
    struct sl_tls_minted minted;
    struct sl_tls_cert *cert = NULL;
    minted_make(&minted);
    must(sl_tls_cert_create(sl_wbuf_slice(&minted.chain), sl_wbuf_slice(&minted.key), NULL,
                            &cert) == SL_OK,
         "certificate");
    minted_free(&minted);
    (void)printf("%s, server's CPU, lower quartiles of %lu rounds\n%-30s %-14s %8s %8s %8s\n",
                 sl_tls_library_running(), rounds, "suite", "work", "libssl", "ours", "ratio");
    for (size_t i = 0; i < SL_COUNT(SUITES); i++) {
        suite_measure(SUITES[i], cert, rounds);
    }
    sl_tls_cert_unref(cert);
    return 0;
}
