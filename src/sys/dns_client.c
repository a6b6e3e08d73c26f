/* SPDX-License-Identifier: Apache-2.0 */
#define CARES_NO_DEPRECATED /* the calls of 1.18; later ones would not build there */
#include "sys/dns_client.h"
#include <ares.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 32,      /* handled at once */
    TRIES_COUNT = 2,      /* for each server */
    UDP_BYTES_MAX = 1232, /* EDNS: what no path cuts into pieces (DNS flag day 2020) */
    CLASS_IN = 1,
    WAIT_MAX_MS = 1000,
};

/* c-ares opens and closes sockets as it likes: they are in an epoll of their own, which is one
 * descriptor of the loop's. */
struct sl_dns_client {
    ares_channel channel;
    struct sl_loop *loop;
    struct sl_watch sockets;
    struct sl_timer tick;
    bool is_ending;
};

/* Of one question; freed when it is answered. */
struct asked {
    struct sl_dns_client *client;
    struct sl_dns_query *query;
};

static void on_socket(void *data, ares_socket_t fd, int is_readable, int is_writable)
{
    struct sl_dns_client *client = data;
    struct epoll_event event = { .data.fd = fd };
    event.events = (is_readable ? EPOLLIN : 0U) | (is_writable ? EPOLLOUT : 0U);
    if (event.events == 0) {
        (void)epoll_ctl(client->sockets.fd, EPOLL_CTL_DEL, fd, NULL);
    } else if (epoll_ctl(client->sockets.fd, EPOLL_CTL_MOD, fd, &event) != 0) {
        (void)epoll_ctl(client->sockets.fd, EPOLL_CTL_ADD, fd, &event);
    }
}

/* After each call of the library: when it wants to be called again. */
static void tick_set(struct sl_dns_client *client)
{
    struct timeval most = { .tv_sec = WAIT_MAX_MS / 1000 }, memory;
    const struct timeval *wait = ares_timeout(client->channel, NULL, &memory);
    if (wait == NULL) {
        sl_timer_cancel(&client->tick);
        return;
    }
    wait = ares_timeout(client->channel, &most, &memory);
    const uint64_t wait_ms = (uint64_t)wait->tv_sec * 1000 + (uint64_t)wait->tv_usec / 1000 + 1;
    sl_loop_timer(client->loop, &client->tick, wait_ms);
}

static void on_tick(struct sl_timer *timer)
{
    struct sl_dns_client *client = SL_CONTAINER_OF(timer, struct sl_dns_client, tick);
    ares_process_fd(client->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    tick_set(client);
}

static void on_sockets_ready(struct sl_watch *watch, uint32_t events)
{
    struct sl_dns_client *client = SL_CONTAINER_OF(watch, struct sl_dns_client, sockets);
    struct epoll_event ready[EVENTS_MAX];
    SL_UNUSED(events);
    const int count = epoll_wait(watch->fd, ready, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        const bool is_broken = (ready[i].events & (EPOLLERR | EPOLLHUP)) != 0;
        const int fd = ready[i].data.fd;
        ares_process_fd(client->channel,
                        (ready[i].events & EPOLLIN) != 0 || is_broken ? fd : ARES_SOCKET_BAD,
                        (ready[i].events & EPOLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
    }
    tick_set(client);
}

static enum sl_err result_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return SL_OK;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
        return SL_ENOENT;
    case ARES_ETIMEOUT:
        return SL_ETIMEDOUT;
    case ARES_ENOMEM:
        return SL_ENOMEM;
    case ARES_EBADRESP:
    case ARES_EBADNAME:
    case ARES_EBADQUERY:
        return SL_EPROTO;
    default:
        return SL_EREFUSED;
    }
}

static void on_answer(void *argument, int status, int timeouts, unsigned char *bytes, int len)
{
    struct asked *asked = argument;
    struct sl_dns_query *query = asked->query;
    const bool is_ending = asked->client->is_ending;
    struct sl_dns_answer answer = { 0 };
    SL_UNUSED(timeouts);
    free(asked);
    if (is_ending) {
        return;
    }
    enum sl_err rc = result_of(status);
    if (rc == SL_OK) {
        rc = sl_dns_answer_parse(sl_slice_of(bytes, (size_t)SL_MAX(len, 0)), query->type, &answer);
    }
    query->done(query, rc, rc == SL_OK || rc == SL_EDENIED ? &answer : NULL);
}

void sl_dns_client_ask(struct sl_dns_client *client, const char *name, bool may_search,
                       struct sl_dns_query *query)
{
    struct asked *asked = calloc(1, sizeof(*asked));
    if (asked == NULL) {
        query->done(query, SL_ENOMEM, NULL);
        return;
    }
    *asked = (struct asked){ .client = client, .query = query };
    if (may_search) {
        ares_search(client->channel, name, CLASS_IN, (int)query->type, on_answer, asked);
    } else {
        ares_query(client->channel, name, CLASS_IN, (int)query->type, on_answer, asked);
    }
    tick_set(client);
}

static enum sl_err channel_open(struct sl_dns_client *client, const struct sl_dns_client_conf *conf)
{
    struct ares_options options = {
        /* a name is what DNS says, whatever HOSTALIASES in our environment does */
        .flags = ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
        .timeout = (int)conf->timeout_ms,
        .tries = TRIES_COUNT,
        .ednspsz = UDP_BYTES_MAX,
        .sock_state_cb = on_socket,
        .sock_state_cb_data = client,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
               ARES_OPT_SOCK_STATE_CB;
#if defined(ARES_OPT_UDP_MAX_QUERIES) /* 1.20: a port of its own for each question */
    options.udp_max_queries = 1;
    mask |= ARES_OPT_UDP_MAX_QUERIES;
#endif
#if defined(ARES_OPT_QUERY_CACHE) /* 1.26: what it keeps would outlive its TTL here */
    options.qcache_max_ttl = 0;
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    int status = ares_init_options(&client->channel, &options, mask);
    if (status == ARES_SUCCESS && conf->servers[0] != '\0') {
        status = ares_set_servers_ports_csv(client->channel, conf->servers);
    }
    return status == ARES_SUCCESS ? SL_OK : status == ARES_ENOMEM ? SL_ENOMEM : SL_EINVAL;
}

static void client_cleanup(struct sl_dns_client **client)
{
    sl_dns_client_destroy(*client);
}

enum sl_err sl_dns_client_create(struct sl_loop *loop, const struct sl_dns_client_conf *conf,
                                 struct sl_dns_client **ret_client)
{
    SL_CLEANUP(client_cleanup) struct sl_dns_client *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        return SL_ENOMEM;
    }
    client->loop = loop;
    sl_timer_init(&client->tick, on_tick);
    client->sockets =
        (struct sl_watch){ .fd = epoll_create1(EPOLL_CLOEXEC), .on_ready = on_sockets_ready };
    if (client->sockets.fd < 0) {
        return SL_EMFILE;
    }
    enum sl_err rc = sl_loop_add(loop, &client->sockets, SL_WATCH_INPUT);
    rc = rc == SL_OK ? channel_open(client, conf) : rc;
    if (rc == SL_OK) {
        *ret_client = SL_STEAL(client);
    }
    return rc;
}

void sl_dns_client_destroy(struct sl_dns_client *client)
{
    if (client == NULL) {
        return;
    }
    client->is_ending = true;
    if (client->channel != NULL) {
        ares_destroy(client->channel);
    }
    sl_timer_cancel(&client->tick);
    if (client->sockets.fd >= 0) {
        sl_loop_remove(client->loop, &client->sockets);
        (void)close(client->sockets.fd);
    }
    free(client);
}

bool sl_dns_client_is_in_hosts(struct sl_dns_client *client, const char *name)
{
    static const int FAMILIES[] = { AF_INET, AF_INET6 };
    bool is_in = false;
    for (size_t i = 0; !is_in && i < SL_COUNT(FAMILIES); i++) {
        struct hostent *host = NULL;
        is_in = ares_gethostbyname_file(client->channel, name, FAMILIES[i], &host) == ARES_SUCCESS;
        if (host != NULL) {
            ares_free_hostent(host);
        }
    }
    return is_in;
}
