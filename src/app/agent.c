/* SPDX-License-Identifier: Apache-2.0 */
#include "app/agent.h"
#include "app/cli.h"
#include "app/confine.h"
#include "codec/message.h"
#include "codec/name_message.h"
#include "net/dns_pace.h"
#include "net/dns_queue.h"
#include "sys/channel.h"
#include "sys/process.h"
#include "sys/socket.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    NAMES_MAX_COUNT = 1024 * 1024,
    HEARD_MAX_COUNT = 64, /* messages in one turn */
    NEWS_RETRY_MS = 50,   /* while the supervisor does not read */
};

struct agent;

/* A name that is looked up again and again. */
struct name {
    struct agent *agent;
    uint32_t index;
    char *text;
    struct sl_dns_job job;
    struct sl_timer due;
    struct sl_addr_set set;    /* the last good one */
    int64_t good_ms;           /* when it was; before 0: before this process began */
    uint32_t failures_count;   /* in a row */
    struct sl_name_found told; /* the last that was news; its set is not kept */
    struct sl_list news;       /* while it is not sent yet */
};

struct agent {
    struct sl_loop loop;
    struct sl_watch channel;
    enum sl_message_phase phase;
    struct sl_name_rules rules; /* its servers are not kept */
    struct sl_dns_client *client;
    struct sl_dns_queue queue;
    struct name **names;
    uint32_t count;
    struct sl_list news;
    struct sl_timer news_retry;
    int exit_status;
};

static enum sl_err say(struct agent *a, const struct sl_message *message)
{
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_message_emit(message, &out);
    rc = rc == SL_OK ? sl_channel_send(a->channel.fd, sl_wbuf_slice(&out), NULL, 0) : rc;
    if (rc != SL_OK && rc != SL_AGAIN) {
        sl_loop_stop(&a->loop); /* the supervisor is gone */
    }
    return rc;
}

static enum sl_err name_say(struct name *name)
{
    uint8_t bytes[SL_MESSAGE_NAME_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_name_found found = name->told;
    if (found.result == SL_NAME_FOUND) {
        found.set = name->set;
    }
    const int64_t age_ms = (int64_t)name->agent->loop.now_ms - name->good_ms;
    found.age_s = (uint32_t)SL_MIN(age_ms / 1000, (int64_t)UINT32_MAX);
    enum sl_err rc = sl_name_found_emit(&found, &out);
    const struct sl_message message = { .type = SL_MESSAGE_AGENT_FOUND,
                                        .key = { name->index, sl_wbuf_slice(&out) } };
    return rc == SL_OK ? say(name->agent, &message) : rc;
}

/* What the supervisor does not read now, it reads later: then as it is by then. */
static void news_flush(struct agent *a)
{
    while (!sl_list_is_empty(&a->news)) {
        struct name *name = SL_CONTAINER_OF(a->news.next, struct name, news);
        if (name_say(name) == SL_AGAIN) {
            sl_loop_timer(&a->loop, &a->news_retry, NEWS_RETRY_MS);
            return;
        }
        sl_list_remove(&name->news);
    }
}

static void on_news_retry(struct sl_timer *timer)
{
    news_flush(SL_CONTAINER_OF(timer, struct agent, news_retry));
}

static void name_tell(struct name *name, const struct sl_name_found *found)
{
    name->told = *found;
    name->told.set.count = 0;
    if (sl_list_is_empty(&name->news)) {
        sl_list_append(&name->agent->news, &name->news);
    }
    news_flush(name->agent);
}

/* The addresses of a family that no server told of stay. */
static void set_complete(struct name *name, sa_family_t family, struct sl_addr_set *set)
{
    for (size_t i = 0; i < name->set.count && set->count < SL_UPSTREAM_ADDRS_MAX; i++) {
        if (name->set.addrs[i].sa.any.sa_family != family) {
            continue;
        }
        const bool is_kept = sl_addr_set_add(set, &name->set.addrs[i], name->set.ranks[i]);
        SL_UNUSED(is_kept); /* there was room */
    }
}

static void name_found(struct name *name, const struct sl_dns_found *found)
{
    struct agent *a = name->agent;
    struct sl_name_found said = found->said;
    if (found->lacks_4) {
        set_complete(name, AF_INET, &said.set);
    }
    if (found->lacks_6) {
        set_complete(name, AF_INET6, &said.set);
    }
    const bool is_news = name->told.result != SL_NAME_FOUND ||
                         name->told.unusable_count != said.unusable_count ||
                         !sl_addr_set_is(&said.set, &name->set);
    name->set = said.set;
    name->good_ms = (int64_t)a->loop.now_ms;
    name->failures_count = 0;
    if (is_news) {
        name_tell(name, &said);
    }
    sl_loop_timer(&a->loop, &name->due,
                  sl_dns_pace_found_ms(found->ttl_s, a->rules.min_ttl_ms, a->rules.max_ttl_ms));
}

static void name_failed(struct name *name, const struct sl_name_found *said)
{
    struct agent *a = name->agent;
    uint32_t dice = 0;
    if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) != sizeof(dice)) {
        dice = name->index;
    }
    name->failures_count++;
    if (name->told.result != said->result) {
        name_tell(name, said);
    }
    sl_loop_timer(
        &a->loop, &name->due,
        sl_dns_pace_failed_ms(name->failures_count, a->rules.retry_ms, a->rules.max_ttl_ms, dice));
}

static void on_looked_up(struct sl_dns_job *job, const struct sl_dns_found *found)
{
    struct name *name = SL_CONTAINER_OF(job, struct name, job);
    if (found->said.result == SL_NAME_FOUND) {
        name_found(name, found);
    } else {
        name_failed(name, &found->said);
    }
}

static void on_due(struct sl_timer *timer)
{
    struct name *name = SL_CONTAINER_OF(timer, struct name, due);
    sl_dns_queue_add(&name->agent->queue, &name->job);
}

static void name_free(struct name *name)
{
    if (name != NULL) {
        sl_timer_cancel(&name->due);
        free(name->text);
        free(name);
    }
}

static void name_cleanup(struct name **name)
{
    name_free(*name);
}

static enum sl_err hear_dns(struct agent *a, struct sl_slice bytes)
{
    char servers[SL_DNS_SERVERS_TEXT_MAX] = "";
    enum sl_err rc = a->client != NULL ? SL_EPROTO : sl_name_rules_parse(bytes, &a->rules);
    if (rc != SL_OK || a->rules.servers.len >= sizeof(servers)) {
        return SL_EPROTO;
    }
    memcpy(servers, a->rules.servers.ptr, a->rules.servers.len);
    a->rules.servers.len = 0;
    const struct sl_dns_client_conf conf = { .servers = servers,
                                             .timeout_ms = a->rules.timeout_ms };
    rc = sl_dns_client_create(&a->loop, &conf, &a->client);
    if (rc == SL_OK) {
        sl_dns_queue_init(&a->queue, &a->loop, a->client);
    }
    return rc;
}

static enum sl_err hear_cage(struct agent *a, struct sl_slice cage)
{
    struct sl_message message = { .type = SL_MESSAGE_AGENT_LACKS };
    enum sl_err rc = sl_confine_agent_enter(cage, &message.key.index);
    if (message.key.index != 0) {
        enum sl_err said = say(a, &message);
        SL_UNUSED(said);
    }
    return rc;
}

static enum sl_err hear_name(struct agent *a, uint32_t index, struct sl_slice bytes)
{
    struct sl_name_addrs addrs;
    enum sl_err rc = index != a->count || index >= NAMES_MAX_COUNT
                         ? SL_EPROTO
                         : sl_name_addrs_parse(bytes, &addrs);
    if (rc != SL_OK) {
        return rc;
    }
    struct name **grown = realloc(a->names, (a->count + 1) * sizeof(struct name *));
    if (grown == NULL) {
        return SL_ENOMEM;
    }
    a->names = grown;
    SL_CLEANUP(name_cleanup) struct name *name = calloc(1, sizeof(*name));
    if (name == NULL) {
        return SL_ENOMEM;
    }
    sl_timer_init(&name->due, on_due);
    sl_list_init(&name->news);
    name->text = strndup((const char *)addrs.name.ptr, addrs.name.len);
    if (name->text == NULL) {
        return SL_ENOMEM;
    }
    name->agent = a;
    name->index = index;
    name->job = (struct sl_dns_job){ .name = { name->text, addrs.is_srv }, .done = on_looked_up };
    name->set = addrs.set;
    name->good_ms = (int64_t)a->loop.now_ms - (int64_t)addrs.age_s * 1000;
    name->told.result = SL_NAME_RESULT_COUNT; /* the first result is news */
    a->names[a->count++] = SL_STEAL(name);
    return SL_OK;
}

static enum sl_err hear_start(struct agent *a)
{
    if (a->client == NULL) {
        return SL_EPROTO;
    }
    a->phase = SL_PHASE_RUNNING;
    for (uint32_t i = 0; i < a->count; i++) {
        sl_dns_queue_add(&a->queue, &a->names[i]->job);
    }
    return SL_OK;
}

static enum sl_err hear(struct agent *a, const struct sl_message *message)
{
    switch (message->type) {
    case SL_MESSAGE_AGENT_DNS:
        return hear_dns(a, message->bytes);
    case SL_MESSAGE_AGENT_CAGE:
        return hear_cage(a, message->bytes);
    case SL_MESSAGE_AGENT_NAME:
        return hear_name(a, message->key.index, message->key.bytes);
    default: /* AGENT_START: the table lets nothing else through */
        return hear_start(a);
    }
}

static enum sl_err hear_one(struct agent *a)
{
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf in = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    struct sl_message message;
    enum sl_err rc = sl_channel_recv(a->channel.fd, &in, &fds);
    if (rc == SL_OK) {
        rc = sl_message_parse(sl_wbuf_slice(&in), fds.count, SL_MESSAGE_TO_AGENT, a->phase,
                              &message);
        sl_channel_fds_close(&fds);
        rc = rc == SL_OK ? hear(a, &message) : rc;
    }
    return rc;
}

static void on_channel_ready(struct sl_watch *watch, uint32_t events)
{
    struct agent *a = SL_CONTAINER_OF(watch, struct agent, channel);
    enum sl_err rc = SL_OK;
    SL_UNUSED(events);
    for (size_t i = 0; rc == SL_OK && i < HEARD_MAX_COUNT && !a->loop.is_stopped; i++) {
        rc = hear_one(a);
    }
    if (rc != SL_OK && rc != SL_AGAIN) { /* the supervisor is gone or not one of ours */
        a->exit_status = rc == SL_EOF || rc == SL_ERESET ? SL_EXIT_DONE : SL_EXIT_FAILED;
        sl_loop_stop(&a->loop);
    }
}

static void agent_fini(struct agent *a)
{
    sl_dns_client_destroy(a->client);
    for (uint32_t i = 0; i < a->count; i++) {
        name_free(a->names[i]);
    }
    free(a->names);
    sl_timer_cancel(&a->news_retry);
    sl_loop_fini(&a->loop);
    sl_socket_close(&a->channel.fd);
    free(a);
}

int sl_agent_main(void)
{
    sl_process_set_name("sluice-agent");
    sl_process_hide_memory();
    /* a terminal's ^C goes to all of us: while connections drain, names are still looked up */
    static const int IGNORED[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE };
    for (size_t i = 0; i < SL_COUNT(IGNORED); i++) {
        (void)signal(IGNORED[i], SIG_IGN);
    }
    (void)sl_process_raise_fds_limit(); /* a question has a socket of its own */
    struct agent *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        return SL_EXIT_FAILED;
    }
    sl_list_init(&a->news);
    sl_timer_init(&a->news_retry, on_news_retry);
    a->channel = (struct sl_watch){ .fd = SL_PROCESS_CHANNEL_FD, .on_ready = on_channel_ready };
    enum sl_err rc = sl_loop_init(&a->loop);
    rc = rc == SL_OK ? sl_loop_add(&a->loop, &a->channel, SL_WATCH_INPUT) : rc;
    rc = rc == SL_OK ? sl_loop_run(&a->loop) : rc;
    const int status = rc == SL_OK ? a->exit_status : SL_EXIT_FAILED;
    agent_fini(a);
    return status;
}
