/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a TLS 1.3 handshake costs the server, without any network: two sessions of libssl in
 * one thread, of which only the server's calls are timed.
 *
 *     handshake_memory [ROUNDS [HANDSHAKES]]      default: 10 rounds of 500 handshakes
 *     handshake_memory loop VARIANT full|resumed SECONDS       for a profiler
 *
 * Each variant runs in a process of its own, in turns (A B C A B C), so that a clock that drifts
 * drifts for all of them. Times are of the thread's CPU clock. Both sides are this machine's
 * OpenSSL; the client is as OpenSSL makes it, but with X25519 alone, so that versions compare. The
 * certificate is ECDSA P-256, its key in the process.
 */
#include "conf/policy.h"
#include "tls/fast.h"
#include "tls/library.h"
#include "tls/mint.h"
#include "tls/session.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS = 10,
    ROUNDS_MAX = 1000,
    HANDSHAKES = 500,
    HANDSHAKES_MAX = 100000,
    WARM_COUNT = 50, /* handshakes that are not timed */
    WIRE_BYTES = 256 * 1024,
    PASSES_MAX = 10, /* calls of each side in one handshake */
};

enum server_kind { SERVER_LIBSSL, SERVER_SLUICE };

static const struct variant {
    const char *name;
    enum server_kind server;
    bool is_fast;     /* tls/fast.h */
    bool has_records; /* tls/established.h */
} VARIANTS[] = {
    { "libssl", SERVER_LIBSSL, false, false }, /* OpenSSL's defaults, its internal ticket keys */
    { "sluice-plain", SERVER_SLUICE, false, false },
    { "sluice-fast", SERVER_SLUICE, true, false },
    { "sluice", SERVER_SLUICE, true, true },
};

struct bench {
    const struct variant *variant;
    SSL_CTX *client, *libssl;
    struct sl_tls_ctx *sluice;
    struct sl_tls_cert *cert;
    struct sl_ticket_keys tickets;
    SSL_SESSION *session; /* to resume; NULL for a full handshake */
    bool is_resuming;
    uint64_t server_ns; /* of the present handshake */
};

/* One handshake's server. */
struct server {
    SSL *ssl;
    struct sl_tls *tls;
    bool is_done, is_resumed;
};

static void must(bool is_ok, const char *what)
{
    if (!is_ok) {
        ERR_print_errors_fp(stderr);
        (void)fprintf(stderr, "handshake_memory: %s\n", what);
        exit(1);
    }
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0, "clock");
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void minted_make(struct sl_tls_minted *minted)
{
    struct sl_wbuf *texts[] = { &minted->ca, &minted->chain, &minted->key };
    for (size_t i = 0; i < SL_COUNT(texts); i++) {
        *texts[i] = sl_wbuf_of(malloc(SL_TLS_MINT_PEM_MAX), SL_TLS_MINT_PEM_MAX);
        must(texts[i]->ptr != NULL, "memory");
    }
    must(sl_tls_mint_localhost("bench", (int64_t)time(NULL), NULL, minted) == SL_OK, "certificate");
}

static void minted_free(struct sl_tls_minted *minted)
{
    free(minted->ca.ptr);
    free(minted->chain.ptr);
    free(minted->key.ptr);
}

static void libssl_open(struct bench *bench, const struct sl_tls_minted *minted)
{
    BIO *chain = BIO_new_mem_buf(minted->chain.ptr, (int)minted->chain.len);
    BIO *key = BIO_new_mem_buf(minted->key.ptr, (int)minted->key.len);
    X509 *leaf = PEM_read_bio_X509(chain, NULL, NULL, NULL);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
    bench->libssl = SSL_CTX_new(TLS_server_method());
    must(bench->libssl != NULL && SSL_CTX_use_cert_and_key(bench->libssl, leaf, pkey, NULL, 1) == 1,
         "SSL_CTX");
    X509_free(leaf);
    EVP_PKEY_free(pkey);
    BIO_free(chain);
    BIO_free(key);
}

static void sluice_open(struct bench *bench, const struct sl_tls_minted *minted)
{
    struct sl_diag diag = { "" };
    must(sl_tls_cert_create(sl_wbuf_slice(&minted->chain), sl_wbuf_slice(&minted->key), &diag,
                            &bench->cert) == SL_OK &&
             sl_ticket_keys_rotate(&bench->tickets) == SL_OK,
         diag.text);
    const struct sl_tls_server_conf conf = {
        .service = "bench",
        .policy = sl_policy_find(SL_SLICE("intermediate")),
        .certs = &bench->cert,
        .certs_count = 1,
        .tickets = &bench->tickets,
    };
    must(sl_tls_server_ctx_create(&conf, &diag, &bench->sluice) == SL_OK, diag.text);
}

/* A ticket has come: the latest is the one to resume. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct bench *bench = SSL_get_app_data(ssl);
    SSL_SESSION_free(bench->session);
    bench->session = session;
    return 1;
}

static void bench_open(struct bench *bench, const struct variant *variant, bool is_resuming)
{
    *bench = (struct bench){ .variant = variant, .is_resuming = is_resuming };
    bool is_used = false;
    must(sl_tls_library_init() == SL_OK && sl_tls_fast_use(variant->is_fast, &is_used) == SL_OK,
         "library");
    must(is_used == variant->is_fast, "tls/fast.h is not used");
    must(sl_tls_fast_records(variant->has_records) == SL_OK, "records");
    struct sl_tls_minted minted;
    minted_make(&minted);
    if (variant->server == SERVER_LIBSSL) {
        libssl_open(bench, &minted);
    } else {
        sluice_open(bench, &minted);
    }
    minted_free(&minted);
    char group[] = "X25519"; /* the macro drops the const of a literal */
    bench->client = SSL_CTX_new(TLS_client_method());
    must(bench->client != NULL && SSL_CTX_set1_groups_list(bench->client, group) == 1, "client");
    (void)SSL_CTX_set_session_cache_mode(bench->client,
                                         SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(bench->client, on_session);
}

static void bench_close(struct bench *bench)
{
    SSL_SESSION_free(bench->session);
    SSL_CTX_free(bench->client);
    SSL_CTX_free(bench->libssl);
    sl_tls_ctx_unref(bench->sluice);
    sl_tls_cert_unref(bench->cert);
}

static void server_open(struct bench *bench, struct server *server)
{
    *server = (struct server){ .ssl = NULL };
    if (bench->variant->server == SERVER_SLUICE) {
        must(sl_tls_accept_create(bench->sluice, &server->tls) == SL_OK, "server");
        return;
    }
    server->ssl = SSL_new(bench->libssl);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    must(server->ssl != NULL && in != NULL && out != NULL, "server");
    (void)BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(server->ssl, in, out);
    SSL_set_accept_state(server->ssl);
}

static void libssl_step(struct server *server, struct sl_slice in, struct sl_wbuf *out)
{
    int len = (int)in.len;
    must(len == 0 || BIO_write(SSL_get_rbio(server->ssl), in.ptr, len) == len, "server's input");
    int done = SSL_do_handshake(server->ssl);
    must(done == 1 || SSL_get_error(server->ssl, done) == SSL_ERROR_WANT_READ, "server");
    server->is_done = done == 1;
    server->is_resumed = SSL_session_reused(server->ssl) == 1;
    int written = BIO_read(SSL_get_wbio(server->ssl), out->ptr, (int)out->cap);
    out->len = written > 0 ? (size_t)written : 0;
}

static void sluice_step(struct server *server, struct sl_slice in, struct sl_wbuf *out)
{
    struct sl_diag diag = { "" };
    enum sl_err rc = sl_tls_handshake(server->tls, &in, out, &diag);
    must(rc == SL_OK || rc == SL_AGAIN, diag.text);
    struct sl_tls_info info;
    sl_tls_info(server->tls, &info);
    server->is_done = rc == SL_OK;
    server->is_resumed = info.is_resumed;
}

static void server_close(struct server *server)
{
    SSL_free(server->ssl);
    sl_tls_destroy(server->tls);
}

static SSL *client_open(struct bench *bench)
{
    SSL *client = SSL_new(bench->client);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    must(client != NULL && in != NULL && out != NULL, "client");
    (void)BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(client, in, out);
    must(SSL_set_app_data(client, bench) == 1, "client");
    if (bench->is_resuming && bench->session != NULL) {
        must(SSL_set_session(client, bench->session) == 1, "session");
    }
    SSL_set_connect_state(client);
    return client;
}

static void handshake(struct bench *bench, uint8_t *wire)
{
    bool is_due = bench->is_resuming && bench->session != NULL;
    SSL *client = client_open(bench);
    struct server server;
    uint64_t begin_ns = cpu_ns();
    server_open(bench, &server);
    bench->server_ns = cpu_ns() - begin_ns;
    struct sl_wbuf out = sl_wbuf_of(wire, WIRE_BYTES);
    for (int pass = 0; pass < PASSES_MAX && !server.is_done; pass++) {
        (void)SSL_do_handshake(client);
        int len = BIO_read(SSL_get_wbio(client), wire, WIRE_BYTES);
        must(len > 0, "client sends nothing");
        out = sl_wbuf_of(wire + len, (size_t)(WIRE_BYTES - len));
        begin_ns = cpu_ns();
        if (server.tls != NULL) {
            sluice_step(&server, sl_slice_of(wire, (size_t)len), &out);
        } else {
            libssl_step(&server, sl_slice_of(wire, (size_t)len), &out);
        }
        bench->server_ns += cpu_ns() - begin_ns;
        must(out.len == 0 || BIO_write(SSL_get_rbio(client), out.ptr, (int)out.len) == (int)out.len,
             "client's input");
    }
    uint8_t none = 0;
    must(server.is_done && server.is_resumed == is_due, "not the handshake that was due");
    (void)SSL_read(client, &none, 1); /* takes the tickets */
    ERR_clear_error();
    must(strcmp(SSL_get_version(client), "TLSv1.3") == 0, "not TLS 1.3");
    begin_ns = cpu_ns();
    server_close(&server);
    bench->server_ns += cpu_ns() - begin_ns;
    SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* keeps the session */
    SSL_free(client);
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* In a process of its own; writes the nanoseconds of each handshake to `fd`. */
static void sample(const struct variant *variant, bool is_resuming, size_t count, int fd)
{
    struct bench bench;
    uint8_t *wire = malloc(WIRE_BYTES);
    uint64_t *ns = calloc(count, sizeof(*ns));
    must(wire != NULL && ns != NULL, "memory");
    bench_open(&bench, variant, is_resuming);
    for (size_t i = 0; i < WARM_COUNT + count; i++) {
        handshake(&bench, wire);
        if (i >= WARM_COUNT) {
            ns[i - WARM_COUNT] = bench.server_ns;
        }
    }
    for (size_t sent = 0, size = count * sizeof(*ns); sent < size;) {
        ssize_t len = write(fd, (uint8_t *)ns + sent, size - sent);
        must(len > 0, "pipe");
        sent += (size_t)len;
    }
    bench_close(&bench);
    free(wire);
    free(ns);
}

static void sample_apart(const struct variant *variant, bool is_resuming, size_t count,
                         uint64_t *ret_ns)
{
    int fds[2], status = 1;
    must(pipe(fds) == 0, "pipe");
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        sample(variant, is_resuming, count, fds[1]);
        exit(0);
    }
    (void)close(fds[1]);
    for (size_t got = 0, size = count * sizeof(*ret_ns); got < size;) {
        ssize_t len = read(fds[0], (uint8_t *)ret_ns + got, size - got);
        must(len > 0, "a variant failed");
        got += (size_t)len;
    }
    (void)close(fds[0]);
    must(waitpid(child, &status, 0) == child && status == 0, "a variant failed");
}

static void table(size_t rounds, size_t count)
{
    uint64_t *ns[SL_COUNT(VARIANTS)][2];
    for (size_t v = 0; v < SL_COUNT(VARIANTS); v++) {
        for (size_t kind = 0; kind < 2; kind++) {
            ns[v][kind] = calloc(rounds * count, sizeof(uint64_t));
            must(ns[v][kind] != NULL, "memory");
        }
    }
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < 2 * SL_COUNT(VARIANTS); i++) {
            size_t kind = i / SL_COUNT(VARIANTS), v = i % SL_COUNT(VARIANTS);
            sample_apart(&VARIANTS[v], kind == 1, count, ns[v][kind] + round * count);
        }
    }
    (void)printf("%s, server's CPU in microseconds, %zu handshakes each\n",
                 sl_tls_library_running(), rounds * count);
    (void)printf("%-14s %-8s %8s %8s %8s\n", "variant", "kind", "quarter", "median", "3/4");
    for (size_t i = 0; i < 2 * SL_COUNT(VARIANTS); i++) {
        size_t kind = i / SL_COUNT(VARIANTS), v = i % SL_COUNT(VARIANTS), all = rounds * count;
        uint64_t *sorted = ns[v][kind];
        qsort(sorted, all, sizeof(*sorted), compare);
        (void)printf("%-14s %-8s %8.1f %8.1f %8.1f\n", VARIANTS[v].name,
                     kind == 1 ? "resumed" : "full", (double)sorted[all / 4] / 1e3,
                     (double)sorted[all / 2] / 1e3, (double)sorted[all * 3 / 4] / 1e3);
        free(sorted);
    }
}

static void loop(const char *name, bool is_resuming, time_t seconds)
{
    const struct variant *variant = NULL;
    for (size_t v = 0; v < SL_COUNT(VARIANTS); v++) {
        variant = strcmp(VARIANTS[v].name, name) == 0 ? &VARIANTS[v] : variant;
    }
    must(variant != NULL, "no such variant");
    struct bench bench;
    uint8_t *wire = malloc(WIRE_BYTES);
    must(wire != NULL, "memory");
    bench_open(&bench, variant, is_resuming);
    for (time_t end = time(NULL) + seconds; time(NULL) < end;) {
        handshake(&bench, wire);
    }
    bench_close(&bench);
    free(wire);
}

static size_t number(const char *text, size_t max)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    must(*text != '\0' && *end == '\0' && value > 0 && value <= max, "number");
    return value;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "loop") == 0) {
        loop(argv[2], strcmp(argv[3], "resumed") == 0, (time_t)number(argv[4], 3600));
        return 0;
    }
    table(argc > 1 ? number(argv[1], ROUNDS_MAX) : ROUNDS,
          argc > 2 ? number(argv[2], HANDSHAKES_MAX) : HANDSHAKES);
    return 0;
}
