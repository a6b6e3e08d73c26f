/* SPDX-License-Identifier: Apache-2.0 */
#include "app/tokens.h"
#include "app/restart.h"
#include "sys/channel.h"
#include "sys/socket.h"
#include <signal.h>
#include <stdlib.h>

enum { START_MAX_MS = 60 * 1000 }; /* for a token to let us in and tell of its keys */

static void on_channel_ready(struct sl_watch *watch, uint32_t events);

static const struct sl_token_pool *pool_of(const struct sl_token_process *process)
{
    return &process->tokens->source.pools[process->pool_index];
}

static void log_begin(struct sl_token_process *process, struct sl_logline *line,
                      enum sl_log_level level, const char *event)
{
    sl_log_begin(process->tokens->source.log, line, level, event);
    sl_logline_cstr(line, "token", pool_of(process)->uri);
    sl_logline_u64(line, "pid", (uint64_t)process->setup.pid);
}

static void process_kill(struct sl_token_process *process)
{
    if (process->setup.pid > 0) { /* SIGCHLD tells the rest */
        (void)kill(process->setup.pid, SIGKILL);
    }
}

/* Joins it with `keys`; while there is no such process, the next one gets it. */
static enum sl_err process_join(struct sl_token_process *process)
{
    struct sl_keeper *keeper = process->tokens->source.keeper;
    int ends[2];
    if (keeper->pid == 0) {
        return SL_OK;
    }
    enum sl_err rc = sl_channel_pair(ends);
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_message use = { .type = SL_MESSAGE_TOKEN_USE };
    const uint8_t pool[] = { (uint8_t)(process->pool_index >> 8), (uint8_t)process->pool_index };
    const struct sl_message join = { .type = SL_MESSAGE_KEY_TOKEN,
                                     .key = { process->index, sl_slice_of(pool, sizeof(pool)) } };
    rc = sl_keeper_send(process->setup.fd, &use, &ends[0]);
    if (rc == SL_OK) { /* `keys` may have died, which SIGCHLD is about to tell */
        enum sl_err told = sl_keeper_send(keeper->channel.fd, &join, &ends[1]);
        SL_UNUSED(told);
    }
    sl_socket_close(&ends[0]);
    sl_socket_close(&ends[1]);
    return rc;
}

static void wait_restart(struct sl_token_process *process)
{
    process->is_waiting = true;
    sl_loop_timer(process->tokens->source.loop, &process->restart,
                  sl_restart_pause_ms(process->deaths_count));
}

static void log_failed(struct sl_token_process *process, const char *event, const char *detail)
{
    struct sl_logline line;
    log_begin(process, &line, SL_LOG_ERROR, event);
    sl_logline_cstr(&line, "detail", detail);
    sl_log_put(process->tokens->source.log, &line);
}

/* One of a pool starts at a time: who is let in starts the next one, so that a PIN that has become
 * wrong is tried once. */
static bool may_start(const struct sl_token_process *process)
{
    const struct sl_tokens *tokens = process->tokens;
    for (size_t i = 0; i < tokens->count; i++) {
        if (tokens->list[i].pool_index == process->pool_index &&
            tokens->list[i].state == SL_TOKEN_STARTING) {
            return false;
        }
    }
    /* one with certificates alone has given them already */
    return !tokens->is_ending && !tokens->is_pin_refused[process->pool_index] &&
           pool_of(process)->keys_count > 0;
}

static void process_start(struct sl_token_process *process)
{
    struct sl_tokens *tokens = process->tokens;
    if (!may_start(process)) {
        return;
    }
    process->setup.pool = pool_of(process);
    process->setup.cage = tokens->source.cage;
    process->setup.hearer = &tokens->hearer;
    process->diag.text[0] = '\0';
    enum sl_err rc = sl_token_setup_begin(&process->setup);
    if (rc == SL_OK) {
        process->channel =
            (struct sl_watch){ .fd = process->setup.fd, .on_ready = on_channel_ready };
        rc = sl_loop_add(tokens->source.loop, &process->channel, SL_WATCH_INPUT);
        if (rc != SL_OK) {
            sl_keeper_dismiss(process->setup.pid, &process->setup.fd);
            process->setup.pid = 0;
        }
    }
    if (rc != SL_OK) {
        const char *why = process->setup.diag.text;
        log_failed(process, "token_failed", why[0] == '\0' ? sl_err_name(rc) : why);
        process->deaths_count++;
        wait_restart(process);
        return;
    }
    process->state = SL_TOKEN_STARTING;
    process->begin_ms = tokens->source.loop->now_ms;
    sl_loop_timer(tokens->source.loop, &process->overdue, START_MAX_MS);
}

static void start_others(struct sl_token_process *process)
{
    struct sl_tokens *tokens = process->tokens;
    for (size_t i = 0; i < tokens->count; i++) {
        struct sl_token_process *other = &tokens->list[i];
        if (other->pool_index == process->pool_index && other->state == SL_TOKEN_GONE &&
            !other->is_waiting) {
            process_start(other);
        }
    }
}

static void become_running(struct sl_token_process *process)
{
    struct sl_logline line;
    process->state = SL_TOKEN_RUNNING;
    sl_timer_cancel(&process->overdue);
    log_begin(process, &line, SL_LOG_INFO, "token_started");
    sl_logline_u64(&line, "keys", pool_of(process)->keys_count);
    sl_log_put(process->tokens->source.log, &line);
    if (process_join(process) != SL_OK) {
        process_kill(process);
        return;
    }
    start_others(process);
}

/* What it says while it signs: why it is about to end. */
static enum sl_err hear_running(struct sl_token_process *process)
{
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf in = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    struct sl_message message;
    enum sl_err rc = sl_channel_recv(process->setup.fd, &in, &fds);
    if (rc == SL_OK) {
        rc = sl_message_parse(sl_wbuf_slice(&in), fds.count, SL_MESSAGE_FROM_TOKEN,
                              SL_PHASE_RUNNING, &message);
        sl_channel_fds_close(&fds);
    }
    if (rc == SL_OK) {
        sl_diag_set(&process->diag, "%.*s", SL_SLICE_FMT(message.key.bytes));
    }
    return rc;
}

static void on_channel_ready(struct sl_watch *watch, uint32_t events)
{
    struct sl_token_process *process = SL_CONTAINER_OF(watch, struct sl_token_process, channel);
    struct sl_tokens *tokens = process->tokens;
    SL_UNUSED(events);
    if (process->state == SL_TOKEN_RUNNING) {
        enum sl_err rc = hear_running(process);
        if (rc != SL_OK && rc != SL_AGAIN) {
            sl_loop_remove(tokens->source.loop, watch);
            process_kill(process);
        }
        return;
    }
    enum sl_err rc = sl_token_setup_hear(&process->setup);
    if (rc == SL_OK) {
        become_running(process);
    } else if (rc != SL_AGAIN) {
        process->diag = process->setup.diag;
        if (process->setup.is_pin_refused) {
            tokens->is_pin_refused[process->pool_index] = true;
        }
        sl_loop_remove(tokens->source.loop, watch);
        process_kill(process);
    }
}

static void on_restart(struct sl_timer *timer)
{
    struct sl_token_process *process = SL_CONTAINER_OF(timer, struct sl_token_process, restart);
    process->is_waiting = false;
    process_start(process);
}

static void on_overdue(struct sl_timer *timer)
{
    struct sl_token_process *process = SL_CONTAINER_OF(timer, struct sl_token_process, overdue);
    sl_diag_set(&process->diag, "the token did not answer in %d s", START_MAX_MS / 1000);
    process_kill(process);
}

static void on_chain(struct sl_token_hearer *hearer, size_t at, struct sl_slice pem,
                     const struct sl_diag *diag)
{
    SL_UNUSED(hearer); /* none is asked for: those that the workers have were read at the start */
    SL_UNUSED(at);
    SL_UNUSED(pem);
    SL_UNUSED(diag);
}

static void on_key(struct sl_token_hearer *hearer, size_t at, struct sl_slice public_der,
                   const struct sl_diag *diag)
{
    struct sl_tokens *tokens = SL_CONTAINER_OF(hearer, struct sl_tokens, hearer);
    struct sl_logline line;
    SL_UNUSED(at);
    SL_UNUSED(public_der);
    if (diag != NULL) {
        sl_log_begin(tokens->source.log, &line, SL_LOG_ERROR, "key_failed");
        sl_logline_cstr(&line, "detail", diag->text);
        sl_log_put(tokens->source.log, &line);
    }
}

enum sl_err sl_tokens_init(struct sl_tokens *tokens, const struct sl_tokens_source *source)
{
    *tokens =
        (struct sl_tokens){ .source = *source, .hearer = { .chain = on_chain, .key = on_key } };
    const size_t count = (size_t)source->pools_count * source->processes_count;
    tokens->list = calloc(count + 1, sizeof(*tokens->list));
    tokens->is_pin_refused = calloc(source->pools_count + 1, sizeof(*tokens->is_pin_refused));
    if (tokens->list == NULL || tokens->is_pin_refused == NULL) {
        return SL_ENOMEM;
    }
    tokens->count = count;
    for (size_t i = 0; i < count; i++) {
        struct sl_token_process *process = &tokens->list[i];
        process->tokens = tokens;
        process->index = (uint16_t)i;
        process->pool_index = (uint16_t)(i / source->processes_count);
        process->setup.fd = -1;
        sl_timer_init(&process->restart, on_restart);
        sl_timer_init(&process->overdue, on_overdue);
    }
    return SL_OK;
}

void sl_tokens_fini(struct sl_tokens *tokens)
{
    tokens->is_ending = true;
    for (size_t i = 0; i < tokens->count; i++) {
        sl_timer_cancel(&tokens->list[i].restart);
        sl_timer_cancel(&tokens->list[i].overdue);
        sl_socket_close(&tokens->list[i].setup.fd); /* all are told before one is waited for */
    }
    for (size_t i = 0; i < tokens->count; i++) {
        sl_keeper_dismiss(tokens->list[i].setup.pid, &tokens->list[i].setup.fd);
    }
    free(tokens->list);
    free(tokens->is_pin_refused);
    *tokens = (struct sl_tokens){ 0 };
}

void sl_tokens_start(struct sl_tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i += tokens->source.processes_count) {
        process_start(&tokens->list[i]);
    }
}

void sl_tokens_join(struct sl_tokens *tokens)
{
    const struct sl_keeper *keeper = tokens->source.keeper;
    enum sl_err rc = SL_OK;
    if (tokens->count == 0 || keeper->pid == 0) {
        return;
    }
    for (uint32_t i = 0; rc == SL_OK && i < tokens->source.pools_count; i++) {
        const struct sl_token_pool *pool = &tokens->source.pools[i];
        uint8_t bytes[8];
        struct sl_wbuf body = sl_wbuf_of(bytes, sizeof(bytes));
        rc = sl_wbuf_put_u32(&body, pool->keys_count);
        rc = rc == SL_OK ? sl_wbuf_put_u32(&body, tokens->source.queue_max_count) : rc;
        const struct sl_message message = { .type = SL_MESSAGE_KEY_POOL,
                                            .key = { pool->first_key, sl_wbuf_slice(&body) } };
        rc = rc == SL_OK ? sl_keeper_send(keeper->channel.fd, &message, NULL) : rc;
    }
    if (rc != SL_OK) { /* SIGCHLD tells the rest */
        (void)kill(keeper->pid, SIGKILL);
        return;
    }
    for (size_t i = 0; i < tokens->count; i++) {
        struct sl_token_process *process = &tokens->list[i];
        if (process->state == SL_TOKEN_RUNNING && process_join(process) != SL_OK) {
            process_kill(process);
        }
    }
}

static void process_ended(struct sl_token_process *process, int status)
{
    struct sl_tokens *tokens = process->tokens;
    const bool is_pin_refused = tokens->is_pin_refused[process->pool_index];
    struct sl_logline line;
    if (process->state == SL_TOKEN_RUNNING && process->diag.text[0] == '\0') {
        enum sl_err rc = hear_running(process); /* its last words may still be unread */
        SL_UNUSED(rc);
    }
    if (tokens->source.loop->now_ms - process->begin_ms >= SL_RESTART_LIVED_MS) {
        process->deaths_count = 0;
    }
    process->deaths_count++;
    log_begin(process, &line, SL_LOG_ERROR, "token_died");
    sl_restart_log_status(&line, status);
    if (process->diag.text[0] != '\0') {
        sl_logline_cstr(&line, "detail", process->diag.text);
    }
    if (!is_pin_refused) {
        sl_logline_u64(&line, "restart_in_ms", sl_restart_pause_ms(process->deaths_count));
    }
    sl_log_put(tokens->source.log, &line);
    if (is_pin_refused) {
        log_failed(process, "token_pin_refused", "not tried again before the next start");
    }
    sl_timer_cancel(&process->overdue);
    sl_loop_remove(tokens->source.loop, &process->channel);
    sl_socket_close(&process->setup.fd);
    process->channel.fd = -1;
    process->state = SL_TOKEN_GONE;
    process->setup.pid = 0;
    if (!is_pin_refused && !tokens->is_ending) {
        wait_restart(process);
    }
}

bool sl_tokens_ended(struct sl_tokens *tokens, pid_t pid, int status)
{
    for (size_t i = 0; i < tokens->count; i++) {
        if (pid > 0 && tokens->list[i].setup.pid == pid) {
            process_ended(&tokens->list[i], status);
            return true;
        }
    }
    return false;
}

void sl_tokens_kill(struct sl_tokens *tokens, uint16_t process_index)
{
    if (process_index < tokens->count) {
        sl_diag_set(&tokens->list[process_index].diag,
                    "it did not sign in time, or answered what it must not");
        process_kill(&tokens->list[process_index]);
    }
}
