/* SPDX-License-Identifier: Apache-2.0 */
#include "app/agent_child.h"
#include "app/agent.h"
#include "app/keeper.h"
#include "app/restart.h"
#include "codec/message.h"
#include "sys/channel.h"
#include "sys/process.h"
#include "sys/socket.h"
#include <signal.h>
#include <stdlib.h>

enum { HEARD_MAX_COUNT = 64, ADDRS_TEXT_MAX = 1024 };

static enum sl_err send_dns(struct sl_agent_child *child)
{
    uint8_t bytes[SL_MESSAGE_NAME_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    const struct sl_agent_servers servers = sl_agent_servers(child->conf);
    const struct sl_name_rules rules = { .min_ttl_ms = child->conf->min_ttl_ms,
                                         .max_ttl_ms = child->conf->max_ttl_ms,
                                         .timeout_ms = child->conf->timeout_ms,
                                         .retry_ms = child->conf->retry_ms,
                                         .servers = sl_slice_cstr(servers.text) };
    enum sl_err rc = sl_name_rules_emit(&rules, &out);
    const struct sl_message message = { .type = SL_MESSAGE_AGENT_DNS,
                                        .bytes = sl_wbuf_slice(&out) };
    return rc == SL_OK ? sl_keeper_send(child->channel.fd, &message, NULL) : rc;
}

static enum sl_err send_name(struct sl_agent_child *child, uint32_t number)
{
    uint8_t bytes[SL_MESSAGE_NAME_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    const struct sl_agent_name *name = &child->names[child->numbers[number]];
    const struct sl_name_addrs addrs = { .is_srv = name->is_srv,
                                         .name = sl_slice_cstr(name->text),
                                         .age_s = (uint32_t)((child->loop->now_ms - name->good_ms) /
                                                             1000),
                                         .set = name->set };
    enum sl_err rc = sl_name_addrs_emit(&addrs, &out);
    const struct sl_message message = { .type = SL_MESSAGE_AGENT_NAME,
                                        .key = { number, sl_wbuf_slice(&out) } };
    return rc == SL_OK ? sl_keeper_send(child->channel.fd, &message, NULL) : rc;
}

static enum sl_err configure(struct sl_agent_child *child)
{
    const struct sl_message cage = { .type = SL_MESSAGE_AGENT_CAGE,
                                     .bytes = sl_slice_of(child->cage, child->cage_len) };
    const struct sl_message start = { .type = SL_MESSAGE_AGENT_START };
    enum sl_err rc = send_dns(child);
    rc = rc == SL_OK ? sl_keeper_send(child->channel.fd, &cage, NULL) : rc;
    for (uint32_t i = 0; rc == SL_OK && i < child->numbers_count; i++) {
        rc = send_name(child, i);
    }
    return rc == SL_OK ? sl_keeper_send(child->channel.fd, &start, NULL) : rc;
}

static void log_begin(struct sl_agent_child *child, struct sl_logline *line,
                      enum sl_log_level level, const char *event, const struct sl_agent_name *name)
{
    sl_log_begin(child->log, line, level, event);
    sl_logline_cstr(line, "name", name->text);
}

static void put_addrs(struct sl_logline *line, const struct sl_agent_name *name)
{
    char text[ADDRS_TEXT_MAX];
    struct sl_wbuf out = sl_wbuf_of(text, sizeof(text));
    for (size_t i = 0; i < name->set.count; i++) {
        char addr[SL_ADDR_TEXT_MAX];
        sl_addr_format(&name->set.addrs[i], addr);
        struct sl_slice shown = sl_slice_cstr(addr);
        if (sl_addr_port(&name->set.addrs[i]) == 0 && sl_slice_ends(shown, SL_SLICE(":0"))) {
            shown.len -= 2; /* the port is the URL's */
        }
        if (sl_wbuf_printf(&out, "%s%.*s", i == 0 ? "" : " ", SL_SLICE_FMT(shown)) != SL_OK) {
            break;
        }
    }
    sl_logline_str(line, "addresses", sl_wbuf_slice(&out));
}

static void put_counts(struct sl_logline *line, const struct sl_name_found *found)
{
    if (found->unusable_count > 0) {
        sl_logline_u64(line, "unusable", found->unusable_count);
    }
    if (found->surplus_count > 0) {
        sl_logline_u64(line, "surplus", found->surplus_count);
    }
}

static void hear_good(struct sl_agent_child *child, struct sl_agent_name *name,
                      const struct sl_name_found *found)
{
    struct sl_logline line;
    const bool is_new = !sl_addr_set_is(&found->set, &name->set);
    const bool is_back = name->state != SL_NAME_FOUND;
    name->set = found->set;
    name->good_ms = child->loop->now_ms;
    if (is_new || is_back || found->unusable_count != name->unusable_count) {
        const bool is_worse = found->unusable_count > name->unusable_count;
        log_begin(child, &line, is_worse ? SL_LOG_WARN : SL_LOG_INFO,
                  is_new || !is_back ? "dns_changed" : "dns_back", name);
        put_addrs(&line, name);
        put_counts(&line, found);
        sl_log_put(child->log, &line);
    }
    name->state = SL_NAME_FOUND;
    name->unusable_count = found->unusable_count;
    if (is_new) {
        name->is_changed = true;
        child->on_changed(child, name);
    }
}

/* Whether it is an answer, though one without an address. */
static bool is_answer(enum sl_name_result result)
{
    return result == SL_NAME_NONE || result == SL_NAME_UNUSABLE;
}

static void hear_bad(struct sl_agent_child *child, struct sl_agent_name *name,
                     const struct sl_name_found *found)
{
    struct sl_logline line;
    const bool is_told =
        found->result == name->state ||
        (name->state != SL_NAME_FOUND && !is_answer(found->result) && !is_answer(name->state));
    name->state = found->result;
    if (is_told) {
        return;
    }
    log_begin(child, &line, SL_LOG_WARN, "dns_failed", name);
    sl_logline_cstr(&line, "detail", sl_name_result_text(found->result));
    if (name->set.count > 0) {
        put_addrs(&line, name); /* that are kept */
        sl_logline_u64(&line, "age_s", found->age_s);
    }
    put_counts(&line, found);
    sl_log_put(child->log, &line);
}

static enum sl_err hear(struct sl_agent_child *child, const struct sl_message *message)
{
    struct sl_name_found found;
    if (message->type == SL_MESSAGE_AGENT_LACKS) {
        sl_confine_log_lacks(child->log, child->pid, message->key.index);
        return SL_OK;
    }
    /* AGENT_FOUND: the table lets nothing else through */
    enum sl_err rc = message->key.index >= child->numbers_count
                         ? SL_EPROTO
                         : sl_name_found_parse(message->key.bytes, &found);
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_agent_name *name = &child->names[child->numbers[message->key.index]];
    if (found.result == SL_NAME_FOUND) {
        hear_good(child, name, &found);
    } else {
        hear_bad(child, name, &found);
    }
    return SL_OK;
}

static enum sl_err hear_one(struct sl_agent_child *child)
{
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf in = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    struct sl_message message;
    enum sl_err rc = sl_channel_recv(child->channel.fd, &in, &fds);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_message_parse(sl_wbuf_slice(&in), fds.count, SL_MESSAGE_FROM_AGENT, SL_PHASE_RUNNING,
                          &message);
    sl_channel_fds_close(&fds);
    return rc == SL_OK ? hear(child, &message) : rc;
}

static void on_channel_ready(struct sl_watch *watch, uint32_t events)
{
    struct sl_agent_child *child = SL_CONTAINER_OF(watch, struct sl_agent_child, channel);
    enum sl_err rc = SL_OK;
    SL_UNUSED(events);
    for (size_t i = 0; rc == SL_OK && i < HEARD_MAX_COUNT; i++) {
        rc = hear_one(child);
    }
    if (rc != SL_OK && rc != SL_AGAIN) { /* SIGCHLD tells the rest */
        sl_loop_remove(child->loop, watch);
        (void)kill(child->pid, SIGKILL);
    }
}

static enum sl_err child_spawn(struct sl_agent_child *child)
{
    struct sl_logline line;
    int ends[2] = { -1, -1 };
    pid_t pid = 0;
    enum sl_err rc = sl_channel_pair(ends);
    rc = rc == SL_OK ? sl_process_spawn(SL_AGENT_ROLE, ends[1], &pid) : rc;
    sl_socket_close(&ends[1]);
    child->channel = (struct sl_watch){ .fd = ends[0], .on_ready = on_channel_ready };
    rc = rc == SL_OK ? configure(child) : rc;
    rc = rc == SL_OK ? sl_loop_add(child->loop, &child->channel, SL_WATCH_INPUT) : rc;
    if (rc != SL_OK) {
        sl_keeper_dismiss(pid, &child->channel.fd);
        return rc;
    }
    child->pid = pid;
    child->begin_ms = child->loop->now_ms;
    sl_log_begin(child->log, &line, SL_LOG_INFO, "agent_started");
    sl_logline_u64(&line, "pid", (uint64_t)pid);
    sl_logline_u64(&line, "names", child->numbers_count);
    sl_log_put(child->log, &line);
    return SL_OK;
}

/* Traffic goes on without it: names stay as they are. */
static void child_try(struct sl_agent_child *child)
{
    enum sl_err rc = child_spawn(child);
    if (rc != SL_OK) {
        struct sl_logline line;
        child->deaths_count++;
        const uint64_t pause_ms = sl_restart_pause_ms(child->deaths_count + 1);
        sl_log_begin(child->log, &line, SL_LOG_ERROR, "agent_failed");
        sl_logline_cstr(&line, "detail", sl_err_name(rc));
        sl_logline_u64(&line, "restart_in_ms", pause_ms);
        sl_log_put(child->log, &line);
        sl_loop_timer(child->loop, &child->restart, pause_ms);
    }
}

static void on_restart(struct sl_timer *timer)
{
    struct sl_agent_child *child = SL_CONTAINER_OF(timer, struct sl_agent_child, restart);
    if (!child->is_ending) {
        child_try(child);
    }
}

enum sl_err sl_agent_child_start(struct sl_agent_child *child, const struct sl_conf *conf)
{
    struct sl_wbuf cage = sl_wbuf_of(child->cage, sizeof(child->cage));
    enum sl_err rc = sl_confine_keys_put(conf, false, &cage);
    child->numbers = calloc((size_t)child->names_count + 1, sizeof(*child->numbers));
    if (rc != SL_OK || child->numbers == NULL) {
        return rc == SL_OK ? SL_ENOMEM : rc;
    }
    child->cage_len = cage.len;
    child->channel.fd = -1;
    sl_timer_init(&child->restart, on_restart);
    for (uint32_t i = 0; i < child->names_count; i++) {
        child->names[i].good_ms = child->loop->now_ms;
        if (child->names[i].is_refreshed) {
            child->numbers[child->numbers_count++] = i;
        }
    }
    if (child->numbers_count > 0) {
        child_try(child);
    }
    return SL_OK;
}

void sl_agent_child_fini(struct sl_agent_child *child)
{
    if (child->numbers == NULL) {
        return;
    }
    child->is_ending = true;
    sl_timer_cancel(&child->restart);
    sl_keeper_dismiss(child->pid, &child->channel.fd);
    child->pid = 0;
    free(child->numbers);
    child->numbers = NULL;
}

bool sl_agent_child_ended(struct sl_agent_child *child, pid_t pid, int status)
{
    struct sl_logline line;
    if (pid != child->pid || pid == 0) {
        return false;
    }
    if (child->loop->now_ms - child->begin_ms >= SL_RESTART_LIVED_MS) {
        child->deaths_count = 0;
    }
    child->deaths_count++;
    child->pid = 0;
    sl_socket_close(&child->channel.fd);
    for (uint32_t i = 0; i < child->names_count; i++) {
        if (child->names[i].state == SL_NAME_FOUND) { /* until now it was as fresh as its TTL */
            child->names[i].good_ms = child->loop->now_ms;
        }
    }
    const uint64_t pause_ms = sl_restart_pause_ms(child->deaths_count);
    sl_log_begin(child->log, &line, SL_LOG_ERROR, "agent_died");
    sl_logline_u64(&line, "pid", (uint64_t)pid);
    sl_restart_log_status(&line, status);
    sl_logline_u64(&line, "restart_in_ms", pause_ms);
    sl_log_put(child->log, &line);
    if (!child->is_ending) {
        sl_loop_timer(child->loop, &child->restart, pause_ms);
    }
    return true;
}
