/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file The load generator: so many connections at once, each in a closed loop, in three phases.
 * It warms up and prints a line; a line on standard input lets it do what is measured, after which
 * it prints a second line; and the next line, or the end of standard input, lets it close what is
 * open and print a third. Each line is a JSON object with the counts of its phase.
 */
#include "client.h"
#include "die.h"
#include "sockets.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 256, WARM_RESPONSE_BYTES = 100, CLIENTS_MAX = 1000000 };

struct plan {
    bool want_keep; /* the connections of the first phase stay, and only their requests count */
    uint64_t connections_count, requests_count;
    unsigned at_once_count, patience_ms;
    struct bench_request request;
};

struct generator {
    struct plan plan;
    struct bench_client *clients;
    uint64_t unopened_count; /* connections that are still to be made */
    struct bench_load load;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/** Keeps a copy: the library forbids the session itself when its connection ends uncleanly. */
static int session_is_new(SSL *ssl, SSL_SESSION *session)
{
    struct bench_load *load = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION_free(load->session);
    load->session = SSL_SESSION_dup(session);
    bench_need(load->session != NULL, "a session");
    return 0;
}

static bool is_busy(const struct bench_client *client)
{
    return client->stage != BENCH_CLOSED && client->stage != BENCH_RESTING;
}

/** After `client` was run or opened: makes the next connection in its place when it is done. */
static void refill(struct generator *generator, struct bench_client *client,
                   const struct bench_request *request, uint64_t requests_count)
{
    while (client->stage == BENCH_CLOSED && generator->unopened_count > 0) {
        generator->unopened_count--;
        bench_client_open(&generator->load, client, request, requests_count);
    }
}

static unsigned count_busy(const struct generator *generator)
{
    unsigned count = 0;
    for (unsigned i = 0; i < generator->plan.at_once_count; i++) {
        count += is_busy(&generator->clients[i]);
    }
    return count;
}

static void give_up(struct generator *generator)
{
    for (unsigned i = 0; i < generator->plan.at_once_count; i++) {
        if (is_busy(&generator->clients[i])) {
            bench_client_fail(&generator->load, &generator->clients[i], "nothing more comes");
        }
    }
    generator->load.counts.errors += generator->unopened_count;
    generator->unopened_count = 0;
}

/** Runs until no client is busy; `request` is for the connections that are still to be made. */
static void run(struct generator *generator, const struct bench_request *request,
                uint64_t requests_count)
{
    struct epoll_event events[EVENTS_MAX];
    unsigned busy_count = count_busy(generator);
    while (busy_count > 0) {
        int count =
            epoll_wait(generator->load.epoll, events, EVENTS_MAX, (int)generator->plan.patience_ms);
        if (count < 0 && errno != EINTR) {
            bench_die("epoll_wait");
        }
        if (count == 0) {
            give_up(generator);
            return;
        }
        for (int i = 0; i < count; i++) {
            struct bench_client *client = events[i].data.ptr;
            bool was_busy = is_busy(client);
            bench_client_run(&generator->load, client);
            refill(generator, client, request, requests_count);
            busy_count = busy_count + is_busy(client) - was_busy;
        }
    }
}

static void open_some(struct generator *generator, uint64_t count, bool want_rest,
                      const struct bench_request *request, uint64_t requests_count)
{
    generator->unopened_count = count;
    for (unsigned i = 0; i < generator->plan.at_once_count && generator->unopened_count > 0; i++) {
        generator->clients[i].want_rest = want_rest;
        refill(generator, &generator->clients[i], request, requests_count);
    }
    run(generator, request, requests_count);
}

/** One at a time, so that thousands of connections do not overrun anybody's queue. */
static void open_to_keep(struct generator *generator, const struct bench_request *request)
{
    enum { STEP_COUNT = 32 };
    unsigned total = generator->plan.at_once_count;
    for (unsigned done = 0; done < total; done += STEP_COUNT) {
        for (unsigned i = done; i < SL_MIN(done + STEP_COUNT, total); i++) {
            generator->clients[i].want_rest = true;
            bench_client_open(&generator->load, &generator->clients[i], request, 1);
        }
        run(generator, request, 1);
    }
}

static void print_counts(struct generator *generator, const char *phase, uint64_t began_ns)
{
    const struct bench_load_counts *counts = &generator->load.counts;
    (void)printf("{\"phase\": \"%s\", \"elapsed_s\": %.6f, \"connections\": %llu, "
                 "\"handshakes\": %llu, \"resumed\": %llu, \"requests\": %llu, \"errors\": %llu, "
                 "\"unclean_ends\": %llu, \"wrong_bytes\": %llu, \"version\": \"%s\", "
                 "\"suite\": \"%s\", \"group\": \"%s\", \"error\": \"%s\"}\n",
                 phase, (double)(now_ns() - began_ns) / 1e9,
                 (unsigned long long)counts->connections, (unsigned long long)counts->handshakes,
                 (unsigned long long)counts->resumed, (unsigned long long)counts->requests,
                 (unsigned long long)counts->errors, (unsigned long long)counts->unclean_ends,
                 (unsigned long long)counts->wrong_bytes, counts->version, counts->suite,
                 counts->group, counts->error);
    (void)fflush(stdout);
    generator->load.counts = (struct bench_load_counts){ 0 };
}

static void wait_for_line(void)
{
    char bytes[64];
    (void)!read(STDIN_FILENO, bytes, sizeof(bytes));
}

static void run_phases(struct generator *generator)
{
    const struct plan *plan = &generator->plan;
    struct bench_request warm = { .response_bytes = WARM_RESPONSE_BYTES };
    uint64_t began_ns = now_ns();
    if (plan->want_keep) {
        open_to_keep(generator, &warm);
    } else {
        open_some(generator, 1, false, &warm, 1);
    }
    print_counts(generator, "ready", began_ns);
    wait_for_line();

    began_ns = now_ns();
    if (!plan->want_keep) {
        open_some(generator, plan->connections_count, false, &plan->request, plan->requests_count);
    } else if (plan->requests_count > 0) {
        for (unsigned i = 0; i < plan->at_once_count; i++) {
            if (generator->clients[i].stage == BENCH_RESTING) {
                bench_client_ask(&generator->load, &generator->clients[i], &plan->request,
                                 plan->requests_count);
            }
        }
        run(generator, &plan->request, plan->requests_count);
    }
    print_counts(generator, "done", began_ns);
    wait_for_line();

    began_ns = now_ns();
    for (unsigned i = 0; i < plan->at_once_count; i++) {
        if (generator->clients[i].stage == BENCH_RESTING) {
            bench_client_end(&generator->load, &generator->clients[i]);
        }
    }
    run(generator, &plan->request, 0);
    print_counts(generator, "closed", began_ns);
}

static const struct option OPTIONS[] = {
    { "port", required_argument, NULL, 'p' },
    { "tls", no_argument, NULL, 't' },
    { "sealed", no_argument, NULL, 's' },
    { "suite", required_argument, NULL, 'u' },
    { "ca", required_argument, NULL, 'a' },
    { "name", required_argument, NULL, 'n' },
    { "names", required_argument, NULL, 'N' },
    { "resume", no_argument, NULL, 'r' },
    { "bulk", no_argument, NULL, 'b' },
    { "keep", no_argument, NULL, 'k' },
    { "count", required_argument, NULL, 'c' },
    { "at-once", required_argument, NULL, 'o' },
    { "requests", required_argument, NULL, 'q' },
    { "upload", required_argument, NULL, 'U' },
    { "response", required_argument, NULL, 'R' },
    { "patience-ms", required_argument, NULL, 'P' },
    { NULL, 0, NULL, 0 },
};

static void usage(void)
{
    (void)fputs(
        "usage: load --port PORT [OPTION…]\n"
        "  --tls --ca FILE --name NAME   TLS 1.3; '#' in NAME is a number below --names COUNT\n"
        "  --sealed                      sealed records without a handshake\n"
        "  --suite NAME                  default TLS_AES_128_GCM_SHA256\n"
        "  --resume                      offer the newest session\n"
        "  --bulk                        read much at once\n"
        "  --count N --at-once N         connections\n"
        "  --keep                        open --at-once connections first; measure requests only\n"
        "  --requests N                  of each connection, default 1\n"
        "  --upload BYTES --response BYTES\n"
        "  --patience-ms N               how long nothing may happen, default 10000\n",
        stderr);
    exit(2);
}

static void set_number(struct generator *generator, int option, const char *text)
{
    struct plan *plan = &generator->plan;
    switch (option) {
    case 'p':
        generator->load.port = (uint16_t)bench_number(text, 1, UINT16_MAX);
        break;
    case 'N':
        generator->load.names_count = (unsigned)bench_number(text, 1, CLIENTS_MAX);
        break;
    case 'c':
        plan->connections_count = bench_number(text, 1, UINT32_MAX);
        break;
    case 'o':
        plan->at_once_count = (unsigned)bench_number(text, 1, CLIENTS_MAX);
        break;
    case 'q':
        plan->requests_count = bench_number(text, 0, UINT32_MAX);
        break;
    case 'U':
        plan->request.upload_bytes = bench_number(text, 0, INT64_MAX);
        break;
    case 'R':
        plan->request.response_bytes = bench_number(text, 1, INT64_MAX);
        break;
    case 'P':
        plan->patience_ms = (unsigned)bench_number(text, 1, INT32_MAX);
        break;
    default:
        usage();
    }
}

static void read_options(struct generator *generator, int argc, char **argv)
{
    struct bench_load *load = &generator->load;
    int option;
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        switch (option) {
        case 't':
            load->kind = BENCH_TLS;
            break;
        case 's':
            load->kind = BENCH_SEALED;
            break;
        case 'u':
            load->tls.suite = optarg;
            break;
        case 'a':
            load->tls.ca_file = optarg;
            break;
        case 'n':
            load->name = optarg;
            break;
        case 'r':
            load->want_resume = true;
            break;
        case 'b':
            load->tls.is_bulk = true;
            break;
        case 'k':
            generator->plan.want_keep = true;
            break;
        default:
            set_number(generator, option, optarg);
        }
    }
    if (load->port == 0 || optind != argc) {
        usage();
    }
}

int main(int argc, char **argv)
{
    struct generator *generator = calloc(1, sizeof(*generator));
    if (generator == NULL) {
        bench_die("no memory");
    }
    struct bench_load *load = &generator->load;
    *load = (struct bench_load){ .tls.suite = "TLS_AES_128_GCM_SHA256",
                                 .name = "localhost",
                                 .names_count = 1,
                                 .random_state = now_ns() | 1 };
    generator->plan = (struct plan){ .connections_count = 1,
                                     .requests_count = 1,
                                     .at_once_count = 1,
                                     .patience_ms = 10000,
                                     .request.response_bytes = WARM_RESPONSE_BYTES };
    read_options(generator, argc, argv);
    (void)signal(SIGPIPE, SIG_IGN);
    bench_raise_descriptors();
    bench_pattern_init(&load->pattern);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->kind == BENCH_TLS) {
        load->context = bench_client_context(&load->tls);
        (void)SSL_CTX_set_session_cache_mode(load->context, SSL_SESS_CACHE_CLIENT |
                                                                SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_set_app_data(load->context, load);
        SSL_CTX_sess_set_new_cb(load->context, session_is_new);
    }
    generator->clients = calloc(generator->plan.at_once_count, sizeof(*generator->clients));
    if (generator->clients == NULL) {
        bench_die("no memory");
    }
    for (unsigned i = 0; i < generator->plan.at_once_count; i++) {
        generator->clients[i].wire.fd = -1;
    }
    run_phases(generator);
    SSL_SESSION_free(load->session);
    SSL_CTX_free(load->context);
    free(generator->clients);
    free(generator);
    return 0;
}
