/* SPDX-License-Identifier: Apache-2.0 */
#include "app/children.h"
#include "app/child_send.h"
#include "sys/channel.h"
#include "sys/process.h"
#include "sys/socket.h"
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
    END_WAIT_MS = 2000, /* for one that has closed its channel, which its end comes with */
};

static void child_close(struct sl_child *child)
{
    sl_socket_close(&child->channel.fd);
    child->state = SL_CHILD_GONE;
    child->offer = SL_OFFER_NONE;
    child->pid = 0;
}

struct sl_child *sl_children_find(const struct sl_children *children, uint32_t rank)
{
    for (uint32_t i = 0; i < children->made_count; i++) {
        struct sl_child *child = &children->list[i];
        if (!child->is_leaving && rank-- == 0) {
            return child;
        }
    }
    return NULL;
}

static enum sl_message_phase phase_of(const struct sl_child *child)
{
    switch (child->state) {
    case SL_CHILD_DRAINING:
        return SL_PHASE_DRAINING;
    case SL_CHILD_RUNNING:
        return SL_PHASE_RUNNING;
    default:
        return SL_PHASE_CONFIGURING;
    }
}

enum sl_err sl_editions_add(struct sl_editions *editions, uint32_t edition)
{
    if (editions->count == editions->cap) {
        const size_t cap = editions->cap == 0 ? 8 : editions->cap * 2;
        uint32_t *list = realloc(editions->list, cap * sizeof(*list));
        if (list == NULL) {
            return SL_ENOMEM;
        }
        editions->list = list;
        editions->cap = cap;
    }
    editions->list[editions->count++] = edition;
    return SL_OK;
}

static void editions_remove(struct sl_editions *editions, uint32_t edition)
{
    size_t kept_count = 0;
    for (size_t i = 0; i < editions->count; i++) {
        if (editions->list[i] != edition) {
            editions->list[kept_count++] = editions->list[i];
        }
    }
    editions->count = kept_count;
}

void sl_editions_fini(struct sl_editions *editions)
{
    free(editions->list);
    *editions = (struct sl_editions){ 0 };
}

static void keep_text(char *to, size_t size, struct sl_slice text)
{
    const size_t len = SL_MIN(text.len, size - 1);
    if (len > 0) {
        memcpy(to, text.ptr, len);
    }
    to[len] = '\0';
}

/* It says what it must not. */
static void child_cut_off(struct sl_child *child)
{
    keep_text(child->failure, sizeof(child->failure),
              SL_SLICE("it sent the supervisor what it must not"));
    (void)kill(child->pid, SIGKILL);
}

static void child_hear(struct sl_child *child, const struct sl_message *message)
{
    struct sl_children *children = child->children;
    switch (message->type) {
    case SL_MESSAGE_READY:
        child->state = SL_CHILD_RUNNING;
        sl_timer_cancel(&child->overdue);
        children->on_change(children, child);
        break;
    case SL_MESSAGE_FAILED:
        keep_text(child->failure, sizeof(child->failure), message->bytes);
        break;
    case SL_MESSAGE_DRAINED:
        children->left_count += message->connections_count;
        break;
    case SL_MESSAGE_PREPARED:
        if (child->offer == SL_OFFER_MADE && message->edition.number == child->offered_edition) {
            child->offer = SL_OFFER_ACCEPTED;
            children->on_change(children, child);
        }
        break;
    case SL_MESSAGE_REFUSED:
        if (child->offer == SL_OFFER_MADE && message->key.index == child->offered_edition) {
            child->offer = SL_OFFER_REFUSED;
            keep_text(child->refusal, sizeof(child->refusal), message->key.bytes);
            children->on_change(children, child);
        }
        break;
    case SL_MESSAGE_SWAPPED:
        /* once for each offer: else what it holds would grow for as long as it says so */
        if (child->offer != SL_OFFER_TAKEN || message->edition.number != child->offered_edition) {
            child_cut_off(child);
            break;
        }
        if (sl_editions_add(&child->held, child->offered_edition) != SL_OK) {
            (void)kill(child->pid, SIGKILL); /* it comes back, and its keys are known again */
            break;
        }
        child->edition = message->edition.number;
        child->offer = SL_OFFER_NONE;
        children->on_change(children, child);
        break;
    case SL_MESSAGE_RELEASED:
        editions_remove(&child->held, message->edition.number);
        children->on_change(children, child);
        break;
    default: /* the table lets nothing else through */
        break;
    }
}

static void on_channel_ready(struct sl_watch *watch, uint32_t events)
{
    struct sl_child *child = SL_CONTAINER_OF(watch, struct sl_child, channel);
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf in = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    SL_UNUSED(events);
    enum sl_err rc = sl_channel_recv(watch->fd, &in, &fds);
    if (rc == SL_AGAIN) {
        return;
    }
    struct sl_message message;
    if (rc == SL_OK) {
        rc = sl_message_parse(sl_wbuf_slice(&in), fds.count, SL_MESSAGE_TO_SUPERVISOR,
                              phase_of(child), &message);
        sl_channel_fds_close(&fds); /* no message of a worker brings any */
    }
    if (rc == SL_OK) {
        child_hear(child, &message);
        return;
    }
    /* it has ended, which SIGCHLD tells as well, or it says what it must not */
    sl_loop_remove(child->children->source.loop, watch);
    if (rc == SL_EPROTO) {
        child_cut_off(child);
    } else {
        sl_loop_timer(child->children->source.loop, &child->overdue, END_WAIT_MS);
    }
}

static enum sl_err child_start(struct sl_child *child)
{
    struct sl_children *children = child->children;
    int ends[2];
    enum sl_err rc = sl_channel_pair(ends);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_process_spawn("worker", ends[1], &child->pid);
    sl_socket_close(&ends[1]);
    if (rc != SL_OK) {
        sl_socket_close(&ends[0]);
        return rc;
    }
    child->channel = (struct sl_watch){ .fd = ends[0], .on_ready = on_channel_ready };
    child->state = SL_CHILD_STARTING;
    sl_loop_timer(children->source.loop, &child->overdue, SL_START_MAX_MS);
    child->begin_ms = children->source.loop->now_ms;
    child->failure[0] = '\0';
    child->edition = children->source.edition;
    child->offer = SL_OFFER_NONE;
    child->held.count = 0;
    child->is_stopping = false;
    rc = sl_loop_add(children->source.loop, &child->channel, SL_WATCH_INPUT);
    rc = rc == SL_OK ? sl_editions_add(&child->held, child->edition) : rc;
    if (rc == SL_OK) {
        rc = sl_child_configure(child);
    }
    if (rc != SL_OK) { /* its end comes by SIGCHLD, as any other */
        (void)kill(child->pid, SIGKILL);
        return SL_OK;
    }
    struct sl_logline line;
    sl_log_begin(children->source.log, &line, SL_LOG_INFO, "worker_started");
    sl_logline_u64(&line, "worker", child->index);
    sl_logline_u64(&line, "pid", (uint64_t)child->pid);
    sl_log_put(children->source.log, &line);
    return SL_OK;
}

static void on_restart(struct sl_timer *timer)
{
    struct sl_child *child = SL_CONTAINER_OF(timer, struct sl_child, restart);
    if (!child->children->is_ending && !child->is_leaving && child_start(child) != SL_OK) {
        child->deaths_count++;
        sl_loop_timer(child->children->source.loop, timer,
                      sl_restart_pause_ms(child->deaths_count));
    }
}

/* One that drains ends its connections itself, so that the log tells of them. */
static void on_overdue(struct sl_timer *timer)
{
    struct sl_child *child = SL_CONTAINER_OF(timer, struct sl_child, overdue);
    const struct sl_message stop = { .type = SL_MESSAGE_STOP };
    if (child->state == SL_CHILD_DRAINING && !child->is_stopping &&
        sl_child_send(child, &stop, NULL) == SL_OK) {
        child->is_stopping = true;
        sl_loop_timer(child->children->source.loop, timer, END_WAIT_MS);
        return;
    }
    (void)kill(child->pid, SIGKILL);
}

static void log_death(struct sl_child *child, int status, uint64_t pause_ms)
{
    struct sl_log *log = child->children->source.log;
    struct sl_logline line;
    sl_log_begin(log, &line, SL_LOG_ERROR, "worker_died");
    sl_logline_u64(&line, "worker", child->index);
    sl_logline_u64(&line, "pid", (uint64_t)child->pid);
    sl_restart_log_status(&line, status);
    if (child->failure[0] != '\0') {
        sl_logline_cstr(&line, "detail", child->failure);
    }
    if (!child->children->is_ending && !child->is_leaving) {
        sl_logline_u64(&line, "restart_in_ms", pause_ms);
    }
    sl_log_put(log, &line);
}

static void child_ended(struct sl_child *child, int status)
{
    struct sl_children *children = child->children;
    struct sl_loop *loop = children->source.loop;
    bool is_expected =
        (children->is_ending || child->is_leaving) && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (loop->now_ms - child->begin_ms >= SL_RESTART_LIVED_MS) {
        child->deaths_count = 0;
    }
    child->deaths_count++;
    /* what it wrote last may still be unread: the reason, or how many it cut off */
    if (child->channel.fd >= 0) {
        on_channel_ready(&child->channel, 0);
    }
    if (is_expected && child->is_leaving && !children->is_ending) {
        struct sl_logline line;
        sl_log_begin(children->source.log, &line, SL_LOG_INFO, "worker_left");
        sl_logline_u64(&line, "worker", child->index);
        sl_logline_u64(&line, "pid", (uint64_t)child->pid);
        sl_log_put(children->source.log, &line);
    }
    if (!is_expected) {
        log_death(child, status, sl_restart_pause_ms(child->deaths_count));
    }
    child_close(child);
    sl_timer_cancel(&child->overdue);
    if (!children->is_ending && !child->is_leaving) {
        sl_loop_timer(loop, &child->restart, sl_restart_pause_ms(child->deaths_count));
    }
    children->on_change(children, child);
}

void sl_children_ended(struct sl_children *children, pid_t pid, int status)
{
    for (uint32_t i = 0; i < children->made_count; i++) {
        if (children->list[i].pid == pid) {
            child_ended(&children->list[i], status);
        }
    }
}

/* One more in the list. */
static enum sl_err child_make(struct sl_children *children)
{
    struct sl_child *child = &children->list[children->made_count];
    void *slab = NULL;
    *child = (struct sl_child){
        .children = children, .index = children->made_count, .channel.fd = -1, .metrics_fd = -1
    };
    sl_timer_init(&child->restart, on_restart);
    sl_timer_init(&child->overdue, on_overdue);
    enum sl_err rc =
        sl_shared_create("sluice-metrics", SL_METRICS_SLAB_BYTES, &child->metrics_fd, &slab);
    child->metrics = slab;
    children->made_count += rc == SL_OK;
    return rc;
}

enum sl_err sl_children_init(struct sl_children *children, const struct sl_children_source *source,
                             void (*on_change)(struct sl_children *children,
                                               struct sl_child *child))
{
    *children = (struct sl_children){ .source = *source, .on_change = on_change };
    children->list =
        calloc(SL_WORKERS_MAX_COUNT, sizeof(*children->list)); /* taken as it is used */
    if (children->list == NULL) {
        return SL_ENOMEM;
    }
    enum sl_err rc = SL_OK;
    while (rc == SL_OK && children->made_count < source->count) {
        rc = child_make(children);
    }
    return rc;
}

void sl_children_fini(struct sl_children *children)
{
    for (uint32_t i = 0; children->list != NULL && i < children->made_count; i++) {
        struct sl_child *child = &children->list[i];
        sl_timer_cancel(&child->restart);
        sl_timer_cancel(&child->overdue);
        child_close(child);
        sl_shared_unmap(child->metrics, SL_METRICS_SLAB_BYTES);
        sl_socket_close(&child->metrics_fd);
        sl_editions_fini(&child->held);
    }
    free(children->list);
    children->list = NULL;
}

enum sl_err sl_children_start(struct sl_children *children)
{
    for (uint32_t i = 0; i < children->made_count; i++) {
        enum sl_err rc = child_start(&children->list[i]);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

enum sl_err sl_child_offer(struct sl_child *child, const struct sl_children_offer *offer)
{
    const struct sl_message bundle = { .type = SL_MESSAGE_BUNDLE,
                                       .edition = { (uint16_t)child->index, offer->edition } };
    const struct sl_message prepare = { .type = SL_MESSAGE_PREPARE };
    enum sl_err rc = sl_child_send(child, &bundle, &offer->files_fd);
    rc = rc == SL_OK ? sl_child_send_listeners(child, offer->listens, offer->count) : rc;
    rc = rc == SL_OK ? sl_child_send(child, &prepare, NULL) : rc;
    if (rc != SL_OK) { /* its end comes by SIGCHLD */
        (void)kill(child->pid, SIGKILL);
        return rc;
    }
    child->offered_edition = offer->edition;
    child->offer = SL_OFFER_MADE;
    return SL_OK;
}

void sl_children_decide(struct sl_children *children, bool is_commit)
{
    const struct sl_message message = { .type = is_commit ? SL_MESSAGE_COMMIT : SL_MESSAGE_ABORT };
    for (uint32_t i = 0; i < children->made_count; i++) {
        struct sl_child *child = &children->list[i];
        const bool is_concerned =
            child->offer == SL_OFFER_ACCEPTED || (!is_commit && child->offer == SL_OFFER_MADE);
        if (child->state == SL_CHILD_RUNNING && is_concerned &&
            sl_child_send(child, &message, NULL) != SL_OK) {
            (void)kill(child->pid, SIGKILL);
        }
        if (is_commit && is_concerned) {
            child->offer = SL_OFFER_TAKEN;
        } else if (child->offer != SL_OFFER_TAKEN) { /* one that leaves may still have to swap */
            child->offer = SL_OFFER_NONE;
        }
    }
}

enum sl_err sl_children_editions(const struct sl_children *children, struct sl_editions *editions)
{
    enum sl_err rc = sl_editions_add(editions, children->source.edition);
    for (uint32_t i = 0; i < children->made_count; i++) {
        const struct sl_child *child = &children->list[i];
        for (size_t j = 0; rc == SL_OK && child->state != SL_CHILD_GONE && j < child->held.count;
             j++) {
            rc = sl_editions_add(editions, child->held.list[j]);
        }
    }
    return rc;
}

static void child_leave(struct sl_child *child, uint64_t drain_ms)
{
    const struct sl_message drain = { .type = SL_MESSAGE_DRAIN };
    child->is_leaving = true;
    sl_timer_cancel(&child->restart);
    if (child->state == SL_CHILD_GONE) {
        return;
    }
    if (child->state != SL_CHILD_RUNNING || sl_child_send(child, &drain, NULL) != SL_OK) {
        (void)kill(child->pid, SIGKILL); /* it has no connections yet */
        return;
    }
    child->state = SL_CHILD_DRAINING;
    sl_loop_timer(child->children->source.loop, &child->overdue, drain_ms);
}

/* Behind all that are to be there: the rank of none of them changes, nor whose its sockets are. */
static uint32_t first_behind(const struct sl_children *children)
{
    uint32_t at = children->made_count;
    while (at > 0 && children->list[at - 1].is_leaving) {
        at--;
    }
    return at;
}

/* A place in the list for one more: of one that has left, or a new one. */
static enum sl_err child_come(struct sl_children *children)
{
    uint32_t at = first_behind(children);
    enum sl_err rc = SL_OK;
    while (at < children->made_count && children->list[at].state != SL_CHILD_GONE) {
        at++;
    }
    if (at == SL_WORKERS_MAX_COUNT) {
        return SL_EMFILE;
    }
    if (at == children->made_count) {
        rc = child_make(children);
    }
    if (rc == SL_OK) {
        children->list[at].is_leaving = false;
        children->list[at].deaths_count = 0;
        rc = child_start(&children->list[at]);
        children->list[at].is_leaving = rc != SL_OK;
    }
    return rc;
}

enum sl_err sl_children_resize(struct sl_children *children, uint32_t count, uint64_t drain_ms)
{
    enum sl_err rc = SL_OK;
    const uint32_t before_count = children->source.count;
    children->source.count = count;
    for (uint32_t rank = before_count; rank > count; rank--) {
        child_leave(sl_children_find(children, rank - 1), drain_ms);
    }
    for (uint32_t rank = before_count; rc == SL_OK && rank < count; rank++) {
        rc = child_come(children);
    }
    while (children->source.count > before_count &&
           sl_children_find(children, children->source.count - 1) == NULL) {
        children->source.count--;
    }
    return rc;
}

void sl_children_tell(struct sl_children *children, enum sl_message_type type)
{
    const struct sl_message message = { .type = type };
    for (uint32_t i = 0; i < children->made_count; i++) {
        struct sl_child *child = &children->list[i];
        const bool is_draining = child->state == SL_CHILD_DRAINING;
        if (child->state == SL_CHILD_GONE || (type == SL_MESSAGE_DRAIN && is_draining)) {
            continue;
        }
        if (type == SL_MESSAGE_DRAIN && child->state != SL_CHILD_RUNNING) {
            (void)kill(child->pid, SIGKILL); /* it has no connections yet */
            continue;
        }
        if (sl_child_send(child, &message, NULL) != SL_OK) {
            (void)kill(child->pid, SIGKILL);
        }
        if (type == SL_MESSAGE_DRAIN) {
            child->state = SL_CHILD_DRAINING;
        }
    }
}

void sl_children_send_tickets(struct sl_children *children)
{
    for (uint32_t i = 0; i < children->made_count; i++) {
        struct sl_child *child = &children->list[i];
        if (child->state != SL_CHILD_GONE && sl_child_send_tickets(child) != SL_OK) {
            (void)kill(child->pid, SIGKILL);
        }
    }
}

void sl_children_send_log(struct sl_children *children)
{
    for (uint32_t i = 0; i < children->made_count; i++) {
        struct sl_child *child = &children->list[i];
        if (child->state != SL_CHILD_GONE && sl_child_send_log(child) != SL_OK) {
            (void)kill(child->pid, SIGKILL);
        }
    }
}

void sl_children_send_name(struct sl_children *children, const struct sl_agent_name *name)
{
    for (uint32_t i = 0; i < children->made_count; i++) {
        struct sl_child *child = &children->list[i];
        if (child->state != SL_CHILD_GONE && sl_child_send_name(child, name) != SL_OK) {
            (void)kill(child->pid, SIGKILL);
        }
    }
}

void sl_children_send_keys(struct sl_children *children)
{
    for (uint32_t i = 0; i < children->made_count; i++) {
        struct sl_child *child = &children->list[i];
        if (child->state != SL_CHILD_GONE && sl_child_send_keys(child) != SL_OK) {
            (void)kill(child->pid, SIGKILL);
        }
    }
}

void sl_children_kill_one(struct sl_children *children, uint32_t index)
{
    if (index < children->made_count && children->list[index].pid > 0) {
        (void)kill(children->list[index].pid, SIGKILL);
    }
}

void sl_children_kill(struct sl_children *children)
{
    for (uint32_t i = 0; i < children->made_count; i++) {
        if (children->list[i].pid > 0) {
            (void)kill(children->list[i].pid, SIGKILL);
        }
    }
}

size_t sl_children_count(const struct sl_children *children, enum sl_child_state state)
{
    size_t count = 0;
    for (uint32_t i = 0; i < children->made_count; i++) {
        count += children->list[i].state == state;
    }
    return count;
}
