/* SPDX-License-Identifier: Apache-2.0 */
#include "app/keeper.h"
#include "app/confine.h"
#include "app/keys.h"
#include "app/restart.h"
#include "sys/channel.h"
#include "sys/clock.h"
#include "sys/process.h"
#include "sys/socket.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
    ANSWER_WAIT_MS = 10 * 1000, /* for the next one */
    DISMISS_WAIT_MS = 1000,
    DISMISS_LOOK_MS = 2,
    UNDER_WAY_MAX = 64, /* files: their descriptors count toward a limit of the user's */
};

static enum sl_err send_one(int fd, const struct sl_message *message, const int *with)
{
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_message_emit(message, &out);
    while (rc == SL_OK) {
        rc = sl_channel_send(fd, sl_wbuf_slice(&out), with, sl_message_fds_count(message->type));
        struct pollfd room = { .fd = fd, .events = POLLOUT };
        if (rc != SL_AGAIN) {
            return rc;
        }
        rc = poll(&room, 1, ANSWER_WAIT_MS) <= 0 ? SL_ETIMEDOUT : SL_OK;
    }
    return rc;
}

enum sl_err sl_keeper_send(int fd, const struct sl_message *message, const int *with)
{
    return send_one(fd, message, with);
}

/* Reads the next message; it points into `in`. */
static enum sl_err recv_one(int fd, enum sl_message_phase phase, struct sl_wbuf *in,
                            struct sl_message *ret_message)
{
    struct sl_channel_fds fds = { 0 };
    enum sl_err rc = sl_channel_recv(fd, in, &fds);
    if (rc == SL_OK) {
        rc = sl_message_parse(sl_wbuf_slice(in), fds.count, SL_MESSAGE_FROM_KEYS, phase,
                              ret_message);
        sl_channel_fds_close(&fds);
    }
    return rc == SL_EOF ? SL_ERESET : rc;
}

/* Opens what belongs to one key. */
static enum sl_err key_open(const struct sl_keeper_file *file, struct sl_diag *diag, int *ret_fd,
                            int *ret_passphrase_fd, unsigned *ret_mode)
{
    unsigned mode;
    enum sl_err rc = sl_file_open(file->path, diag, ret_fd, ret_mode);
    if (rc == SL_OK && file->passphrase_path != NULL) {
        rc = sl_file_open(file->passphrase_path, diag, ret_passphrase_fd, &mode);
    }
    return rc;
}

/* A file that cannot be opened has no answer to wait for. */
static enum sl_err hand_one(struct sl_keeper_handing *h)
{
    const struct sl_message passphrase = { .type = SL_MESSAGE_KEY_PASSPHRASE };
    const struct sl_keeper_file *file = &h->files[h->sent_count];
    uint8_t bytes[SL_MESSAGE_KEY_MAX];
    struct sl_wbuf what = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_diag diag = { 0 };
    unsigned mode = 0;
    int file_fd = -1, passphrase_fd = -1;
    if (key_open(file, &diag, &file_fd, &passphrase_fd, &mode) != SL_OK) {
        sl_socket_close(&file_fd);
        const struct sl_message none = { .type = SL_MESSAGE_KEY_DROP,
                                         .key = { .index = file->number } };
        h->hearer->heard(h->hearer, h->sent_count++, (struct sl_slice){ 0 }, &diag);
        h->heard_count++;
        return send_one(h->fd, &none, NULL);
    }
    h->hearer->opened(h->hearer, h->sent_count, mode);
    enum sl_err rc = sl_wbuf_put_u8(&what, file->may_premaster ? 1 : 0);
    rc = rc == SL_OK ? sl_wbuf_put(&what, file->public_der) : rc;
    const struct sl_message hand = { .type = SL_MESSAGE_KEY_FILE,
                                     .key = { file->number, sl_wbuf_slice(&what) } };
    if (rc == SL_OK && passphrase_fd >= 0) {
        rc = send_one(h->fd, &passphrase, &passphrase_fd);
    }
    rc = rc == SL_OK ? send_one(h->fd, &hand, &file_fd) : rc;
    sl_socket_close(&passphrase_fd);
    sl_socket_close(&file_fd);
    h->sent_count += rc == SL_OK;
    return rc;
}

/* Those that were sent last come first: answers are in their order, and few are under way. */
static enum sl_err handed_find(const struct sl_keeper_handing *h, uint32_t number, uint32_t *ret_at)
{
    for (uint32_t at = h->sent_count; at > 0; at--) {
        if (h->files[at - 1].number == number) {
            *ret_at = at - 1;
            return SL_OK;
        }
    }
    return SL_EPROTO;
}

/* What it says of its own accord. */
static enum sl_err hear_running(struct sl_keeper *keeper, const struct sl_message *message)
{
    if (message->type == SL_MESSAGE_KEY_STUCK) {
        keeper->on_stuck(keeper, message->worker_index);
    } else if (message->type == SL_MESSAGE_KEY_CUT) {
        keeper->on_cut(keeper, message->worker_index);
    } else {
        return SL_EPROTO;
    }
    return SL_OK;
}

/* SL_AGAIN when no answer is there. */
static enum sl_err hear_one(struct sl_keeper_handing *h)
{
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf in = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_message message;
    struct sl_diag diag = { 0 };
    const enum sl_message_phase phase = h->keeper == NULL ? SL_PHASE_CONFIGURING : SL_PHASE_RUNNING;
    enum sl_err rc = recv_one(h->fd, phase, &in, &message);
    if (rc != SL_OK) {
        return rc;
    }
    if (message.type == SL_MESSAGE_KEY_LACKS) {
        h->hearer->lacks = message.key.index;
        return SL_OK;
    }
    if (message.type != SL_MESSAGE_KEY_PUBLIC && message.type != SL_MESSAGE_KEY_BAD) {
        return hear_running(h->keeper, &message);
    }
    uint32_t at;
    if (h->heard_count >= h->sent_count || handed_find(h, message.key.index, &at) != SL_OK) {
        return SL_EPROTO;
    }
    const bool is_bad = message.type == SL_MESSAGE_KEY_BAD;
    if (is_bad) {
        sl_diag_set(&diag, "%s: %.*s", h->files[at].path, SL_SLICE_FMT(message.key.bytes));
    }
    h->hearer->heard(h->hearer, at, is_bad ? (struct sl_slice){ 0 } : message.key.bytes,
                     is_bad ? &diag : NULL);
    h->heard_count++;
    return SL_OK;
}

void sl_keeper_hand_step(struct sl_keeper_handing *h)
{
    enum sl_err rc = SL_OK;
    while (rc == SL_OK && h->heard_count < h->sent_count) {
        rc = hear_one(h);
    }
    rc = rc == SL_AGAIN ? SL_OK : rc;
    while (rc == SL_OK && h->sent_count < h->count &&
           h->sent_count - h->heard_count < UNDER_WAY_MAX) {
        rc = hand_one(h);
    }
    h->result = h->result == SL_OK ? rc : h->result;
}

enum sl_err sl_keeper_hand_end(struct sl_keeper_handing *h, pid_t *ret_pid, int *ret_fd)
{
    const struct sl_message start = { .type = SL_MESSAGE_KEY_START };
    struct pollfd answer = { .fd = h->fd, .events = POLLIN };
    while (h->result == SL_OK && h->heard_count < h->count) {
        sl_keeper_hand_step(h);
        if (h->result == SL_OK && h->heard_count < h->sent_count &&
            poll(&answer, 1, ANSWER_WAIT_MS) <= 0) {
            h->result = SL_ETIMEDOUT;
        }
    }
    if (h->keeper != NULL) {
        if (h->result != SL_OK) { /* what it still says would be taken for something else */
            (void)kill(h->pid, SIGKILL);
        }
        h->pid = 0;
        return h->result;
    }
    enum sl_err rc = h->result == SL_OK ? send_one(h->fd, &start, NULL) : h->result;
    if (rc != SL_OK) {
        sl_keeper_dismiss(h->pid, &h->fd);
    } else {
        *ret_pid = h->pid;
        *ret_fd = h->fd;
    }
    h->pid = 0;
    return rc;
}

enum sl_err sl_keeper_hand_begin(const struct sl_keeper_file *files, uint32_t count,
                                 uint32_t room_count, struct sl_slice cage,
                                 struct sl_keeper_hearer *hearer, struct sl_keeper_handing *handing)
{
    int ends[2] = { -1, -1 };
    pid_t pid = 0;
    enum sl_err rc = sl_channel_pair(ends);
    rc = rc == SL_OK ? sl_process_spawn(SL_KEYS_ROLE, ends[1], &pid) : rc;
    sl_socket_close(&ends[1]);
    const struct sl_message begin = { .type = SL_MESSAGE_KEY_COUNT, .key = { room_count, cage } };
    rc = rc == SL_OK ? send_one(ends[0], &begin, NULL) : rc;
    if (rc != SL_OK) {
        sl_keeper_dismiss(pid, &ends[0]);
        return rc;
    }
    *handing = (struct sl_keeper_handing){
        .files = files, .count = count, .hearer = hearer, .pid = pid, .fd = ends[0]
    };
    return SL_OK;
}

enum sl_err sl_keeper_spawn(const struct sl_keeper_file *files, uint32_t count, uint32_t room_count,
                            struct sl_slice cage, struct sl_keeper_hearer *hearer, pid_t *ret_pid,
                            int *ret_fd)
{
    struct sl_keeper_handing handing;
    enum sl_err rc = sl_keeper_hand_begin(files, count, room_count, cage, hearer, &handing);
    return rc == SL_OK ? sl_keeper_hand_end(&handing, ret_pid, ret_fd) : rc;
}

void sl_keeper_dismiss(pid_t pid, int *fd)
{
    int status;
    sl_socket_close(fd);
    if (pid <= 0) {
        return;
    }
    const uint64_t end_ms = sl_clock_monotonic_ms() + DISMISS_WAIT_MS;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (sl_clock_monotonic_ms() >= end_ms) { /* not collected, so the number is still its own */
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            return;
        }
        (void)poll(NULL, 0, DISMISS_LOOK_MS);
    }
}

static void on_opened(struct sl_keeper_hearer *hearer, uint32_t index, unsigned mode)
{
    SL_UNUSED(hearer);
    SL_UNUSED(index);
    SL_UNUSED(mode); /* was looked at when the configuration was loaded */
}

static void on_heard(struct sl_keeper_hearer *hearer, uint32_t index, struct sl_slice public_der,
                     const struct sl_diag *diag)
{
    struct sl_keeper *keeper = SL_CONTAINER_OF(hearer, struct sl_keeper, hearer);
    struct sl_logline line;
    SL_UNUSED(public_der);
    if (diag != NULL) {
        sl_log_begin(keeper->log, &line, SL_LOG_ERROR, "key_failed");
        if (keeper->handed[index].service != NULL) {
            sl_logline_cstr(&line, "service", keeper->handed[index].service);
        }
        sl_logline_cstr(&line, "detail", diag->text);
        sl_log_put(keeper->log, &line);
    }
}

static void on_channel_ready(struct sl_watch *watch, uint32_t events)
{
    struct sl_keeper *keeper = SL_CONTAINER_OF(watch, struct sl_keeper, channel);
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf in = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_message message;
    SL_UNUSED(events);
    enum sl_err rc = recv_one(watch->fd, SL_PHASE_RUNNING, &in, &message);
    rc = rc == SL_OK ? hear_running(keeper, &message) : rc;
    if (rc != SL_OK && rc != SL_AGAIN) { /* SIGCHLD tells the rest */
        sl_loop_remove(keeper->loop, watch);
        (void)kill(keeper->pid, SIGKILL);
    }
}

/* The process with all that is wanted of it. */
static enum sl_err spawn_with_all(struct sl_keeper *keeper)
{
    struct sl_keeper_file *files = calloc((size_t)keeper->slots_count + 1, sizeof(*files));
    uint32_t count = 0;
    if (files == NULL) {
        return SL_ENOMEM;
    }
    for (uint32_t i = 0; i < keeper->slots_count; i++) {
        if (keeper->slots[i].file.path != NULL) {
            files[count++] = keeper->slots[i].file;
        }
    }
    keeper->hearer.lacks = 0;
    keeper->handed = files;
    /* numbers may be above their count */
    keeper->room_count = sl_keeper_room(keeper->slots_count);
    enum sl_err rc = sl_keeper_spawn(files, count, keeper->room_count, keeper->cage,
                                     &keeper->hearer, &keeper->pid, &keeper->channel.fd);
    keeper->handed = NULL;
    free(files);
    return rc;
}

static uint32_t keys_count(const struct sl_keeper *keeper)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < keeper->slots_count; i++) {
        count += keeper->slots[i].file.path != NULL;
    }
    return count;
}

static enum sl_err keeper_spawn(struct sl_keeper *keeper)
{
    enum sl_err rc = keeper->pid == 0 ? spawn_with_all(keeper) : SL_OK;
    if (keeper->hearer.lacks != 0) {
        sl_confine_log_lacks(keeper->log, keeper->pid, keeper->hearer.lacks);
    }
    if (rc != SL_OK) {
        return rc;
    }
    keeper->begin_ms = keeper->loop->now_ms;
    rc = sl_loop_add(keeper->loop, &keeper->channel, SL_WATCH_INPUT);
    if (rc != SL_OK) {
        sl_keeper_dismiss(keeper->pid, &keeper->channel.fd);
        keeper->pid = 0;
        return rc;
    }
    struct sl_logline line;
    sl_log_begin(keeper->log, &line, SL_LOG_INFO, "keys_started");
    sl_logline_u64(&line, "pid", (uint64_t)keeper->pid);
    sl_logline_u64(&line, "keys", keys_count(keeper));
    sl_log_put(keeper->log, &line);
    return SL_OK;
}

static void on_restart(struct sl_timer *timer)
{
    struct sl_keeper *keeper = SL_CONTAINER_OF(timer, struct sl_keeper, restart);
    if (keeper->is_ending) {
        return;
    }
    enum sl_err rc = keeper_spawn(keeper);
    if (rc == SL_OK) {
        keeper->on_back(keeper);
    } else {
        struct sl_logline line;
        keeper->deaths_count++;
        const uint64_t pause_ms = sl_restart_pause_ms(keeper->deaths_count);
        sl_log_begin(keeper->log, &line, SL_LOG_ERROR, "keys_failed");
        sl_logline_cstr(&line, "detail", sl_err_name(rc));
        sl_logline_u64(&line, "restart_in_ms", pause_ms);
        sl_log_put(keeper->log, &line);
        sl_loop_timer(keeper->loop, timer, pause_ms);
    }
}

/* Hands it what it has not read; what cannot be read any more is logged. */
static enum sl_err hand_old(struct sl_keeper *keeper, uint32_t edition)
{
    struct sl_keeper_file *files = calloc((size_t)keeper->slots_count + 1, sizeof(*files));
    uint32_t count = 0;
    if (files == NULL) {
        return SL_ENOMEM;
    }
    for (uint32_t i = 0; i < keeper->slots_count; i++) {
        if (keeper->slots[i].file.path != NULL && keeper->slots[i].edition != edition) {
            files[count++] = keeper->slots[i].file;
        }
    }
    struct sl_keeper_handing handing = { .files = files,
                                         .count = count,
                                         .hearer = &keeper->hearer,
                                         .keeper = keeper,
                                         .pid = keeper->pid,
                                         .fd = keeper->channel.fd };
    keeper->handed = files;
    enum sl_err rc = sl_keeper_hand_end(&handing, NULL, NULL);
    keeper->handed = NULL;
    free(files);
    return rc;
}

void sl_keeper_adopt(struct sl_keeper *keeper, pid_t *pid, int *fd, uint32_t room_count,
                     uint32_t edition)
{
    pid_t old_pid = keeper->pid;
    int old_fd = keeper->channel.fd;
    sl_timer_cancel(&keeper->restart);
    if (old_pid != 0) {
        sl_loop_remove(keeper->loop, &keeper->channel);
    }
    keeper->pid = *pid;
    keeper->channel.fd = *fd;
    keeper->room_count = room_count;
    *pid = 0;
    *fd = -1;
    enum sl_err rc = hand_old(keeper, edition);
    rc = rc == SL_OK ? keeper_spawn(keeper) : rc; /* as one that was there from the begin */
    if (rc == SL_OK) {
        keeper->on_back(keeper);
    } else { /* SIGCHLD brings the next one */
        (void)kill(keeper->pid, SIGKILL);
    }
    if (old_pid != 0) {
        sl_keeper_dismiss(old_pid, &old_fd);
    }
}

enum sl_err sl_keeper_start(struct sl_keeper *keeper)
{
    keeper->channel.on_ready = on_channel_ready;
    keeper->hearer.opened = on_opened;
    keeper->hearer.heard = on_heard;
    sl_timer_init(&keeper->restart, on_restart);
    return keys_count(keeper) == 0 && !keeper->has_tokens ? SL_OK : keeper_spawn(keeper);
}

void sl_keeper_fini(struct sl_keeper *keeper)
{
    if (keeper->loop == NULL) {
        return;
    }
    keeper->is_ending = true;
    sl_timer_cancel(&keeper->restart);
    sl_keeper_dismiss(keeper->pid, &keeper->channel.fd);
    keeper->pid = 0;
    for (uint32_t i = 0; i < keeper->slots_count; i++) {
        free(keeper->slots[i].texts);
    }
    free(keeper->slots);
    keeper->slots = NULL;
    keeper->slots_count = 0;
}

enum sl_err sl_keeper_attach(struct sl_keeper *keeper, uint16_t worker_index, int *ret_fd)
{
    int ends[2];
    if (keeper->pid == 0) {
        return SL_ENOENT;
    }
    enum sl_err rc = sl_channel_pair(ends);
    if (rc != SL_OK) {
        return rc;
    }
    sl_channel_widen(ends[0]);
    const struct sl_message client = { .type = SL_MESSAGE_KEY_CLIENT,
                                       .worker_index = worker_index };
    rc = send_one(keeper->channel.fd, &client, &ends[0]);
    sl_socket_close(&ends[0]);
    if (rc != SL_OK) { /* it has died, which SIGCHLD is about to tell */
        sl_socket_close(&ends[1]);
        return SL_ENOENT;
    }
    *ret_fd = ends[1];
    return SL_OK;
}

bool sl_keeper_ended(struct sl_keeper *keeper, pid_t pid, int status)
{
    struct sl_logline line;
    if (pid != keeper->pid || pid == 0) {
        return false;
    }
    if (keeper->loop->now_ms - keeper->begin_ms >= SL_RESTART_LIVED_MS) {
        keeper->deaths_count = 0;
    }
    keeper->deaths_count++;
    keeper->pid = 0;
    sl_socket_close(&keeper->channel.fd);
    sl_log_begin(keeper->log, &line, SL_LOG_ERROR, "keys_died");
    sl_logline_u64(&line, "pid", (uint64_t)pid);
    sl_restart_log_status(&line, status);
    sl_logline_u64(&line, "restart_in_ms", sl_restart_pause_ms(keeper->deaths_count));
    sl_log_put(keeper->log, &line);
    if (!keeper->is_ending) {
        sl_loop_timer(keeper->loop, &keeper->restart, sl_restart_pause_ms(keeper->deaths_count));
    }
    return true;
}
