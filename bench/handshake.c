/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file TLS between two ends in one process, through memory: what the same libssl costs without a
 * socket. Prints the CPU time of one side, in nanoseconds of a connection: handshake, request and
 * response of 100 bytes, close. With --hold, the memory of so many open connections of that side.
 */
#include "contexts.h"
#include "die.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MESSAGE_BYTES = 100, PIPE_BYTES = 65536, ROUNDS_MAX = 16, CONNECTIONS_MAX = 1000000 };

struct meter {
    SSL_CTX *server_context, *client_context;
    char *name;
    bool want_server, want_resume;
    SSL_SESSION *session;
    uint64_t cpu_ns, resumed_count;
};

static uint64_t cpu_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int session_is_new(SSL *ssl, SSL_SESSION *session)
{
    struct meter *meter = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION_free(meter->session);
    meter->session = session;
    return 1;
}

static SSL *make_server(struct meter *meter, BIO *bio)
{
    SSL *ssl = SSL_new(meter->server_context);
    bench_need(ssl != NULL, "a TLS server");
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    return ssl;
}

static SSL *make_client(struct meter *meter, BIO *bio)
{
    SSL *ssl = SSL_new(meter->client_context);
    bench_need(ssl != NULL && SSL_set_tlsext_host_name(ssl, meter->name) == 1 &&
                   SSL_set1_host(ssl, meter->name) == 1,
               "a TLS client");
    SSL_set_bio(ssl, bio, bio);
    SSL_set_connect_state(ssl);
    if (meter->want_resume && meter->session != NULL) {
        bench_need(SSL_set_session(ssl, meter->session) == 1, "a session");
    }
    return ssl;
}

static void step(struct meter *meter, bool is_server, SSL *ssl, int (*run)(SSL *ssl))
{
    uint64_t began_ns = cpu_now_ns();
    int result = run(ssl);
    if (is_server == meter->want_server) {
        meter->cpu_ns += cpu_now_ns() - began_ns;
    }
    bench_need(result > 0 || SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ, "TLS in memory");
}

static int exchange_client(SSL *ssl)
{
    static const char REQUEST[MESSAGE_BYTES];
    return SSL_write(ssl, REQUEST, sizeof(REQUEST));
}

static int exchange_server(SSL *ssl)
{
    char bytes[MESSAGE_BYTES];
    int count = SSL_read(ssl, bytes, sizeof(bytes));
    return count == MESSAGE_BYTES ? SSL_write(ssl, bytes, sizeof(bytes)) : -1;
}

static int take(SSL *ssl)
{
    char bytes[MESSAGE_BYTES];
    return SSL_read(ssl, bytes, sizeof(bytes));
}

static int finish(SSL *ssl)
{
    return SSL_shutdown(ssl) >= 0 ? 1 : -1;
}

static void release(struct meter *meter, bool is_server, SSL *ssl)
{
    uint64_t began_ns = cpu_now_ns();
    SSL_free(ssl);
    if (is_server == meter->want_server) {
        meter->cpu_ns += cpu_now_ns() - began_ns;
    }
}

/** A connection up to the response; the ends are the caller's. */
static void connect_ends(struct meter *meter, SSL **ret_server, SSL **ret_client)
{
    BIO *server_bio, *client_bio;
    bench_need(BIO_new_bio_pair(&server_bio, PIPE_BYTES, &client_bio, PIPE_BYTES) == 1, "a pipe");
    uint64_t began_ns = cpu_now_ns();
    SSL *server = make_server(meter, server_bio);
    uint64_t between_ns = cpu_now_ns();
    SSL *client = make_client(meter, client_bio);
    meter->cpu_ns += meter->want_server ? between_ns - began_ns : cpu_now_ns() - between_ns;
    for (int i = 0; i < ROUNDS_MAX && (SSL_in_init(server) || SSL_in_init(client)); i++) {
        step(meter, false, client, SSL_do_handshake);
        step(meter, true, server, SSL_do_handshake);
    }
    meter->resumed_count += SSL_session_reused(client) == 1;
    step(meter, false, client, exchange_client);
    step(meter, true, server, exchange_server);
    step(meter, false, client, take);
    *ret_server = server;
    *ret_client = client;
}

static void run_once(struct meter *meter)
{
    SSL *server, *client;
    connect_ends(meter, &server, &client);
    step(meter, false, client, finish);
    step(meter, true, server, finish);
    release(meter, true, server);
    release(meter, false, client);
}

static uint64_t own_bytes(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    char line[256];
    unsigned long long pss_kib = 0;
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "Pss: %llu kB", &pss_kib);
    }
    if (file == NULL || fclose(file) != 0 || pss_kib == 0) {
        bench_die("/proc/self/smaps_rollup");
    }
    return pss_kib * 1024;
}

/**
 * The memory of `count` open connections of the measured side. The other ends are freed, and so is
 * the pipe: an end alone has none.
 */
static void hold(struct meter *meter, uint64_t count)
{
    SSL **ends = calloc(count, sizeof(*ends));
    if (ends == NULL) {
        bench_die("no memory");
    }
    memset(ends, 1, count * sizeof(*ends)); /* counted before */
    uint64_t before_bytes = own_bytes();
    for (uint64_t i = 0; i < count; i++) {
        SSL *server, *client;
        connect_ends(meter, &server, &client);
        SSL *other = meter->want_server ? client : server;
        ends[i] = meter->want_server ? server : client;
        SSL_free(other);
        SSL_set_bio(ends[i], NULL, NULL);
    }
    (void)printf("{\"bytes\": %.1f}\n", (double)(own_bytes() - before_bytes) / (double)count);
    for (uint64_t i = 0; i < count; i++) {
        SSL_free(ends[i]);
    }
    free(ends);
}

static const struct option OPTIONS[] = {
    { "ca", required_argument, NULL, 'a' },    { "cert", required_argument, NULL, 'c' },
    { "key", required_argument, NULL, 'k' },   { "name", required_argument, NULL, 'n' },
    { "suite", required_argument, NULL, 'u' }, { "count", required_argument, NULL, 'N' },
    { "client", no_argument, NULL, 'C' },      { "resume", no_argument, NULL, 'r' },
    { "hold", no_argument, NULL, 'h' },        { NULL, 0, NULL, 0 },
};

struct plan {
    struct bench_tls_options tls;
    uint64_t count;
    bool want_hold;
};

static void read_options(struct plan *plan, struct meter *meter, int argc, char **argv)
{
    const char **texts[] = { ['a'] = &plan->tls.ca_file,
                             ['c'] = &plan->tls.cert_file,
                             ['k'] = &plan->tls.key_file,
                             ['u'] = &plan->tls.suite };
    int option;
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (option == 'N') {
            plan->count = bench_number(optarg, 1, CONNECTIONS_MAX);
        } else if (option == 'C') {
            meter->want_server = false;
        } else if (option == 'n') {
            meter->name = optarg;
        } else if (option == 'r') {
            meter->want_resume = true;
        } else if (option == 'h') {
            plan->want_hold = true;
        } else if (option != '?') {
            *texts[option] = optarg;
        } else {
            exit(2);
        }
    }
    if (plan->tls.ca_file == NULL || plan->tls.cert_file == NULL || plan->tls.key_file == NULL ||
        meter->name == NULL) {
        (void)fputs("usage: handshake --ca FILE --cert FILE --key FILE --name NAME [--suite NAME] "
                    "[--count N] [--client] [--resume] [--hold]\n",
                    stderr);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct plan plan = { .tls.suite = "TLS_AES_128_GCM_SHA256", .count = 1 };
    struct meter meter = { .want_server = true };
    read_options(&plan, &meter, argc, argv);
    plan.tls.want_tickets = true;
    meter.server_context = bench_server_context(&plan.tls);
    meter.client_context = bench_client_context(&plan.tls);
    (void)SSL_CTX_set_session_cache_mode(meter.client_context,
                                         SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_set_app_data(meter.client_context, &meter);
    SSL_CTX_sess_set_new_cb(meter.client_context, session_is_new);
    run_once(&meter); /* the libraries' first use, and a session */
    meter.cpu_ns = 0;
    meter.resumed_count = 0;
    if (plan.want_hold) {
        hold(&meter, plan.count);
    } else {
        for (uint64_t i = 0; i < plan.count; i++) {
            run_once(&meter);
        }
        (void)printf("{\"cpu_ns\": %.1f, \"resumed\": %llu}\n",
                     (double)meter.cpu_ns / (double)plan.count,
                     (unsigned long long)meter.resumed_count);
    }
    SSL_SESSION_free(meter.session);
    SSL_CTX_free(meter.server_context);
    SSL_CTX_free(meter.client_context);
    return 0;
}
