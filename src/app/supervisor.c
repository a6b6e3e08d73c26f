/* SPDX-License-Identifier: Apache-2.0 */
#include "app/cli.h"
#include "app/limits.h"
#include "app/ready.h"
#include "app/rights.h"
#include "app/supervisor_impl.h"
#include "net/health.h"
#include "sys/clock.h"
#include "sys/memory.h"
#include "sys/process.h"
#include "sys/socket.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STOP_WAIT_MS = 2000 }; /* for workers that were told to end now */
enum { FIRST_EDITION = 1 };

#define READY_STATUS "Every listener accepts"

/* Ends before anything has begun. */
static void give_up(struct supervisor *s, const char *detail)
{
    sl_supervisor_log_event(s, SL_LOG_ERROR, "start_failed", detail);
    s->exit_status = SL_EXIT_FAILED;
    s->children.is_ending = s->is_draining = true;
    sl_children_kill(&s->children);
}

/* A service manager that is not there any more must not hold up anything. */
static void notify(struct supervisor *s, const char *text)
{
    if (sl_notify_say(&s->notify, text) == SL_ERESET) {
        sl_supervisor_log_event(s, SL_LOG_WARN, "notify_failed",
                                "the service manager does not listen");
        sl_notify_fini(&s->notify);
    }
}

static void on_watchdog(struct sl_timer *timer)
{
    struct supervisor *s = SL_CONTAINER_OF(timer, struct supervisor, watchdog);
    notify(s, "WATCHDOG=1");
    sl_loop_timer(&s->loop, timer, s->notify.watchdog_ms);
}

static enum sl_err notify_init(struct supervisor *s, struct sl_diag *diag)
{
    const struct sl_notify_env env = { .socket = getenv("NOTIFY_SOCKET"),
                                       .watchdog_usec = getenv("WATCHDOG_USEC"),
                                       .watchdog_pid = getenv("WATCHDOG_PID") };
    enum sl_err rc = sl_notify_init(&env, &s->notify);
    if (rc != SL_OK) {
        sl_diag_set(diag, "NOTIFY_SOCKET=%s, WATCHDOG_USEC=%s: %s",
                    env.socket == NULL ? "" : env.socket,
                    env.watchdog_usec == NULL ? "" : env.watchdog_usec, sl_err_name(rc));
    }
    /* no child is to speak for us */
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    if (s->notify.watchdog_ms > 0) {
        sl_loop_timer(&s->loop, &s->watchdog, s->notify.watchdog_ms);
    }
    return rc;
}

static void become_ready(struct supervisor *s)
{
    struct sl_diag diag = { 0 };
    sl_supervisor_log_listening(s);
    if (s->run->ready_file != NULL &&
        sl_ready_file_write(s->run->ready_file, s->run->load->conf, &s->listens, &diag) != SL_OK) {
        give_up(s, diag.text); /* whoever waits for the file would wait for ever */
        return;
    }
    s->is_ready = true;
    sl_supervisor_log_event(s, SL_LOG_INFO, "ready", NULL);
    notify(s, "READY=1\nSTATUS=" READY_STATUS);
    sl_reload_let(&s->reload);
    if (s->run->cli != NULL) {
        sl_watcher_use(&s->watcher, s->run->load);
    }
    if (s->run->on_ready != NULL) {
        s->run->on_ready(s->run, &s->listens);
    }
}

static void on_children_change(struct sl_children *children, struct sl_child *child)
{
    struct supervisor *s = SL_CONTAINER_OF(children, struct supervisor, children);
    if (!s->is_ready && child->state == SL_CHILD_GONE && !s->is_draining) {
        /* what fails before anything has run would fail again */
        give_up(s, child->failure[0] != '\0' ? child->failure : "a worker died while it started");
    }
    if (!s->is_ready && !s->is_draining &&
        sl_children_count(children, SL_CHILD_RUNNING) == children->source.count) {
        become_ready(s);
    }
    sl_reload_look(&s->reload, child);
    if (s->is_draining && sl_children_count(children, SL_CHILD_GONE) == children->made_count) {
        sl_loop_stop(&s->loop);
    }
}

static void stop_now(struct supervisor *s)
{
    sl_children_tell(&s->children, SL_MESSAGE_STOP);
    sl_loop_timer(&s->loop, &s->kill_end, STOP_WAIT_MS);
}

static void begin_drain(struct supervisor *s)
{
    sl_reload_stop(&s->reload);
    sl_supervisor_log_drain(s);
    notify(s, "STOPPING=1\nSTATUS=Lets open connections come to their end");
    s->is_draining = s->children.is_ending = true;
    sl_children_tell(&s->children, SL_MESSAGE_DRAIN);
    sl_listens_close(&s->listens);
    sl_timer_cancel(&s->rotate);
    sl_loop_timer(&s->loop, &s->drain_end, s->run->load->conf->drain_ms);
    if (sl_children_count(&s->children, SL_CHILD_GONE) == s->children.made_count) {
        sl_loop_stop(&s->loop);
    }
}

static void on_drain_end(struct sl_timer *timer)
{
    stop_now(SL_CONTAINER_OF(timer, struct supervisor, drain_end));
}

static void on_kill_end(struct sl_timer *timer)
{
    struct supervisor *s = SL_CONTAINER_OF(timer, struct supervisor, kill_end);
    sl_children_kill(&s->children);
}

/* Signals that other programs reload, reopen their log and upgrade by must not end this one. */
static bool is_ignored(struct supervisor *s, int signal_number)
{
    static const struct {
        int number;
        const char *name, *detail;
    } IGNORED[] = {
        { SIGHUP, "HUP", "there is no configuration that could be loaded again" },
        { SIGUSR1, "USR1", "the log is not a file: there is nothing to open again" },
        { SIGUSR2, "USR2", "nothing is upgraded: a new program wants a new start" },
    };
    for (size_t i = 0; i < SL_COUNT(IGNORED); i++) {
        if (IGNORED[i].number == signal_number) {
            struct sl_logline line;
            sl_log_begin(&s->log, &line, SL_LOG_WARN, "signal_ignored");
            sl_logline_cstr(&line, "signal", IGNORED[i].name);
            sl_logline_cstr(&line, "detail", IGNORED[i].detail);
            sl_log_put(&s->log, &line);
            return true;
        }
    }
    return false;
}

/* By all processes that write lines. What cannot be opened leaves all as it is. */
static void turn_log(struct supervisor *s, const char *to)
{
    struct sl_diag diag = { 0 };
    int fd = -1;
    enum sl_err rc = sl_log_place_open(to, &diag, &fd);
    if (rc != SL_OK) {
        sl_supervisor_log_event(s, SL_LOG_ERROR, "log_failed", diag.text);
        return;
    }
    s->log_fd = fd;
    (void)snprintf(s->log_to, sizeof(s->log_to), "%s", to);
    int old_fd = sl_log_turn(&s->log, fd, sl_process_may_block(fd), to);
    sl_socket_close(&old_fd);
    sl_children_send_log(&s->children);
    sl_supervisor_log_event(s, SL_LOG_INFO, "log_opened", to);
}

static bool is_log_file(const struct supervisor *s)
{
    return sl_log_place_is_file(s->run->load->conf->log_to.text);
}

static void collect(struct supervisor *s)
{
    pid_t pid;
    int status;
    while (sl_process_collect(&pid, &status) == SL_OK) {
        if (!sl_keeper_ended(&s->keeper, pid, status) &&
            !sl_agent_child_ended(&s->agent, pid, status) &&
            !sl_tokens_ended(&s->tokens, pid, status)) {
            sl_children_ended(&s->children, pid, status);
        }
    }
}

static void on_keys_back(struct sl_keeper *keeper)
{
    struct supervisor *s = SL_CONTAINER_OF(keeper, struct supervisor, keeper);
    sl_tokens_join(&s->tokens); /* before the workers: no key that they ask for is unknown */
    sl_children_send_keys(&s->children);
}

static void on_keys_stuck(struct sl_keeper *keeper, uint16_t process_index)
{
    sl_tokens_kill(&SL_CONTAINER_OF(keeper, struct supervisor, keeper)->tokens, process_index);
}

static void on_name_changed(struct sl_agent_child *agent, const struct sl_agent_name *name)
{
    struct supervisor *s = SL_CONTAINER_OF(agent, struct supervisor, agent);
    sl_children_send_name(&s->children, name);
}

static void agent_init(struct supervisor *s)
{
    const struct sl_load *load = s->run->load;
    s->agent.loop = &s->loop;
    s->agent.log = &s->log;
    s->agent.conf = &load->conf->dns;
    s->agent.names = load->names;
    s->agent.names_count = load->names_count;
    s->agent.on_changed = on_name_changed;
}

static enum sl_err tokens_init(struct supervisor *s)
{
    const struct sl_load *load = s->run->load;
    struct sl_wbuf cage = sl_wbuf_of(s->tokens_cage, sizeof(s->tokens_cage));
    enum sl_err rc = sl_confine_token_put(load->conf, false, &cage);
    const struct sl_tokens_source source = { .loop = &s->loop,
                                             .log = &s->log,
                                             .keeper = &s->keeper,
                                             .pools = load->pools,
                                             .pools_count = load->pools_count,
                                             .processes_count = load->conf->pkcs11.processes_count,
                                             .queue_max_count = load->conf->pkcs11.queue_count,
                                             .cage = sl_wbuf_slice(&cage) };
    return rc == SL_OK ? sl_tokens_init(&s->tokens, &source) : rc;
}

/* A worker that asks for what is not its own is not one of ours any more. */
static void on_keys_cut(struct sl_keeper *keeper, uint16_t worker_index)
{
    struct supervisor *s = SL_CONTAINER_OF(keeper, struct supervisor, keeper);
    struct sl_logline line;
    sl_log_begin(&s->log, &line, SL_LOG_ERROR, "worker_cut_off");
    sl_logline_u64(&line, "worker", worker_index);
    sl_log_put(&s->log, &line);
    sl_children_kill_one(&s->children, worker_index);
}

static void on_signals_ready(struct sl_watch *watch, uint32_t events)
{
    struct supervisor *s = SL_CONTAINER_OF(watch, struct supervisor, signals);
    int signal_number;
    SL_UNUSED(events);
    while (sl_process_signal_next(watch->fd, &signal_number) == SL_OK) {
        if (signal_number == SIGCHLD) {
            collect(s);
        } else if (signal_number == SIGHUP && s->run->cli != NULL && !s->is_draining) {
            sl_reload_want(&s->reload);
        } else if (signal_number == SIGUSR1 && is_log_file(s)) {
            turn_log(s, s->run->load->conf->log_to.text);
        } else if (is_ignored(s, signal_number)) {
            continue;
        } else if (!s->is_draining) {
            begin_drain(s);
        } else {
            stop_now(s);
        }
    }
}

static void on_rotate(struct sl_timer *timer)
{
    struct supervisor *s = SL_CONTAINER_OF(timer, struct supervisor, rotate);
    if (sl_ticket_keys_rotate(&s->tickets) == SL_OK) {
        sl_children_send_tickets(&s->children);
    } else {
        sl_supervisor_log_event(s, SL_LOG_ERROR, "ticket_rotation_failed",
                                "no randomness: the old keys stay");
    }
    sl_loop_timer(&s->loop, timer, s->run->load->conf->ticket_rotate_ms);
}

static const char *why_of(enum sl_err rc)
{
    return rc == SL_EMFILE   ? "there are too few file descriptors"
           : rc == SL_ENOMEM ? "there is no memory"
                             : sl_err_name(rc);
}

/* From now on the workers' own pages do for this process as well. */
static enum sl_err files_seal(struct supervisor *s)
{
    struct sl_load *load = s->run->load;
    enum sl_err rc = sl_memfd_sealed("sluice-files", sl_blob_slice(&load->files), &s->files_fd);
    if (rc == SL_OK) {
        sl_blob_fini(&load->files);
        rc = sl_memfd_map(s->files_fd, &load->files);
    }
    sl_memory_trim(); /* of what loading took */
    return rc;
}

/* Only the workers look into it; a page of it takes memory when one is written. */
static enum sl_err health_create(struct supervisor *s)
{
    void *slots = NULL;
    enum sl_err rc = sl_shared_create("sluice-health", SL_HEALTH_BYTES, &s->health_fd, &slots);
    sl_shared_unmap(slots, SL_HEALTH_BYTES);
    return rc;
}

static enum sl_err keeper_init(struct supervisor *s)
{
    struct sl_load *load = s->run->load;
    s->keeper.loop = &s->loop;
    s->keeper.log = &s->log;
    s->keeper.room_count = sl_keeper_room(load->keys_count);
    s->keeper.pid = load->keys_pid; /* it has read the keys, and is ours now */
    s->keeper.channel.fd = load->keys_fd;
    s->keeper.on_back = on_keys_back;
    s->keeper.on_cut = on_keys_cut;
    s->keeper.on_stuck = on_keys_stuck;
    s->keeper.has_tokens = load->pools_count > 0;
    s->keeper.hearer.lacks = load->keys_lacks;
    load->keys_pid = 0;
    load->keys_fd = -1;
    sl_timer_init(&s->keeper.restart, NULL);
    return sl_keeper_reserve(&s->keeper, load->key_files, load->keys_count, FIRST_EDITION);
}

static void on_reload_step(struct sl_load_stepper *stepper)
{
    struct supervisor *s = SL_CONTAINER_OF(stepper, struct supervisor, reload.stepper);
    const uint64_t now_ms = sl_clock_monotonic_ms();
    if (s->notify.watchdog_ms > 0 && now_ms - s->watchdog_told_ms >= s->notify.watchdog_ms) {
        s->watchdog_told_ms = now_ms;
        notify(s, "WATCHDOG=1");
    }
}

static void on_reload_begin(struct sl_reload *reload)
{
    struct supervisor *s = SL_CONTAINER_OF(reload, struct supervisor, reload);
    char text[64];
    (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
                   (unsigned long long)sl_clock_monotonic_us());
    s->watchdog_told_ms = sl_clock_monotonic_ms();
    notify(s, text);
}

static void on_reload_use(struct sl_reload *reload)
{
    struct supervisor *s = SL_CONTAINER_OF(reload, struct supervisor, reload);
    struct sl_load *load = s->run->load;
    s->log.format = load->conf->log_format;
    s->log.level = load->conf->log_level;
    if (strcmp(s->log_to, load->conf->log_to.text) != 0) {
        turn_log(s, load->conf->log_to.text);
    }
    sl_timer_cancel(&s->staples.timer);
    sl_staples_start(&s->staples, &s->loop, &s->log, &load->staples);
    sl_loop_timer(&s->loop, &s->rotate, load->conf->ticket_rotate_ms);
    sl_agent_child_fini(&s->agent);
    s->agent = (struct sl_agent_child){ 0 };
    agent_init(s);
    enum sl_err rc = sl_agent_child_start(&s->agent, load->conf);
    if (rc != SL_OK) { /* names stay as they are then */
        sl_supervisor_log_event(s, SL_LOG_ERROR, "failed", sl_err_name(rc));
    }
    sl_watcher_use(&s->watcher, load);
}

static void on_reload_end(struct sl_reload *reload, bool is_done)
{
    struct supervisor *s = SL_CONTAINER_OF(reload, struct supervisor, reload);
    struct sl_diag diag = { 0 };
    if (is_done && s->run->ready_file != NULL &&
        sl_ready_file_write(s->run->ready_file, s->run->load->conf, &s->listens, &diag) != SL_OK) {
        sl_supervisor_log_event(s, SL_LOG_WARN, "ready_file_failed", diag.text);
    }
    notify(s, "READY=1\nSTATUS=" READY_STATUS);
}

static void on_files_changed(struct sl_watcher *watcher)
{
    sl_reload_want_files(&SL_CONTAINER_OF(watcher, struct supervisor, watcher)->reload);
}

static void reload_init(struct supervisor *s)
{
    s->watcher =
        (struct sl_watcher){ .loop = &s->loop, .log = &s->log, .on_changed = on_files_changed };
    sl_watcher_init(&s->watcher);
    s->reload = (struct sl_reload){ .run = s->run,
                                    .loop = &s->loop,
                                    .log = &s->log,
                                    .children = &s->children,
                                    .keeper = &s->keeper,
                                    .listens = &s->listens,
                                    .stepper = { on_reload_step },
                                    .on_begin = on_reload_begin,
                                    .on_use = on_reload_use,
                                    .on_end = on_reload_end };
    sl_reload_init(&s->reload);
}

/* The order matters: signals are blocked before the first child can end, that of the keys
 * excepted, which supervise() looks after. */
static enum sl_err supervisor_init(struct supervisor *s, struct sl_diag *diag)
{
    static const int SIGNALS[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, 0 };
    struct sl_load *load = s->run->load;
    enum sl_err rc = sl_loop_init(&s->loop);
    rc = rc == SL_OK ? sl_process_signals(SIGNALS, &s->signals.fd) : rc;
    rc = rc == SL_OK ? sl_loop_add(&s->loop, &s->signals, SL_WATCH_INPUT) : rc;
    rc = rc == SL_OK ? files_seal(s) : rc;
    rc = rc == SL_OK ? sl_ticket_keys_rotate(&s->tickets) : rc;
    rc = rc == SL_OK ? health_create(s) : rc;
    if (rc != SL_OK) {
        sl_diag_set(diag, "cannot start: %s", why_of(rc));
        return rc;
    }
    rc = sl_log_place_open(load->conf->log_to.text, diag, &s->log_fd);
    (void)snprintf(s->log_to, sizeof(s->log_to), "%s", load->conf->log_to.text);
    rc = rc == SL_OK ? notify_init(s, diag) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    s->begin_ms = s->loop.now_ms;
    struct sl_wbuf cage = sl_wbuf_of(s->keys_cage, sizeof(s->keys_cage));
    rc = sl_confine_keys_put(load->conf, false, &cage);
    if (rc != SL_OK) {
        return rc;
    }
    s->keeper.cage = sl_wbuf_slice(&cage);
    rc = keeper_init(s);
    if (rc != SL_OK) {
        return rc;
    }
    sl_log_init(&s->log, s->log_fd, load->conf->log_format, &s->loop);
    (void)sl_log_turn(&s->log, s->log_fd, sl_process_may_block(s->log_fd), s->log_to);
    s->log.level = load->conf->log_level;
    const uint32_t workers_count = sl_limits_workers_count(load->conf);
    rc = sl_listens_open(load->conf, workers_count, &s->run->activated, diag, &s->listens);
    if (rc != SL_OK) {
        return rc;
    }
    agent_init(s);
    rc = tokens_init(s);
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_children_source source = { .loop = &s->loop,
                                               .log = &s->log,
                                               .listens = &s->listens,
                                               .tickets = &s->tickets,
                                               .keeper = &s->keeper,
                                               .agent = &s->agent,
                                               .log_to = s->log_to,
                                               .files_fd = s->files_fd,
                                               .health_fd = s->health_fd,
                                               .edition = FIRST_EDITION,
                                               .count = workers_count };
    rc = sl_children_init(&s->children, &source, on_children_change);
    reload_init(s);
    return rc;
}

static void supervisor_fini(struct supervisor *s)
{
    if (s->is_ready && s->run->ready_file != NULL) {
        (void)unlink(s->run->ready_file);
    }
    sl_watcher_fini(&s->watcher);
    sl_reload_fini(&s->reload);
    sl_children_kill(&s->children);
    sl_children_fini(&s->children);
    sl_agent_child_fini(&s->agent);
    sl_tokens_fini(&s->tokens);
    sl_keeper_fini(&s->keeper);
    sl_listens_close(&s->listens);
    sl_ticket_keys_wipe(&s->tickets);
    sl_socket_close(&s->signals.fd);
    sl_socket_close(s->children.list == NULL ? &s->files_fd : &s->children.source.files_fd);
    sl_socket_close(&s->health_fd);
    sl_socket_close(&s->log_fd);
    sl_notify_fini(&s->notify);
    sl_loop_fini(&s->loop);
}

static int supervise(struct supervisor *s)
{
    struct sl_diag diag = { 0 };
    sl_process_hide_memory();
    if (s->run->ready_file != NULL) { /* of a run before this one */
        (void)unlink(s->run->ready_file);
    }
    (void)sl_process_raise_fds_limit();
    (void)signal(SIGPIPE, SIG_IGN);
    enum sl_err rc = supervisor_init(s, &diag);
    if (rc != SL_OK) {
        const char *why = diag.text[0] != '\0' ? diag.text : why_of(rc);
        if (s->log.loop == NULL) {
            (void)fprintf(stderr, "sluice: %s\n", why);
        } else {
            sl_supervisor_log_event(s, SL_LOG_ERROR, "start_failed", why);
            sl_log_flush(&s->log);
        }
        return SL_EXIT_FAILED;
    }
    sl_supervisor_log_start(s);
    rc = sl_rights_limit(s->run, &s->listens);
    if (rc != SL_OK) {
        sl_diag_set(&diag, "the kernel does not let go of capabilities");
    }
    rc = rc == SL_OK ? sl_confine_announce(s->run->load, &s->log, &diag) : rc;
    if (rc != SL_OK) {
        sl_supervisor_log_event(s, SL_LOG_ERROR, "start_failed", diag.text);
        sl_log_flush(&s->log);
        return SL_EXIT_FAILED;
    }
    sl_blob_fini(&s->run->load->files); /* pre-shared keys are in it: it is for the workers now */
    sl_loop_timer(&s->loop, &s->rotate, s->run->load->conf->ticket_rotate_ms);
    sl_staples_start(&s->staples, &s->loop, &s->log, &s->run->load->staples);
    rc = sl_keeper_start(&s->keeper);
    collect(s); /* it may have ended before its signal could be seen */
    sl_tokens_join(&s->tokens);
    sl_tokens_start(&s->tokens);
    rc = rc == SL_OK ? sl_agent_child_start(&s->agent, s->run->load->conf) : rc;
    rc = rc == SL_OK ? sl_children_start(&s->children) : rc;
    if (rc == SL_OK) {
        rc = sl_loop_run(&s->loop);
    }
    if (rc != SL_OK) {
        sl_supervisor_log_event(s, SL_LOG_ERROR, "failed", sl_err_name(rc));
        s->exit_status = SL_EXIT_FAILED;
    }
    sl_supervisor_log_stop(s);
    sl_log_fini(&s->log);
    return s->exit_status;
}

int sl_run(struct sl_run *run)
{
    struct supervisor s = { .run = run,
                            .log_fd = -1,
                            .notify = { .fd = -1 },
                            .files_fd = -1,
                            .health_fd = -1,
                            .signals = { .fd = -1, .on_ready = on_signals_ready } };
    sl_timer_init(&s.rotate, on_rotate);
    sl_timer_init(&s.drain_end, on_drain_end);
    sl_timer_init(&s.kill_end, on_kill_end);
    sl_timer_init(&s.watchdog, on_watchdog);
    int status = supervise(&s);
    supervisor_fini(&s);
    return status;
}
