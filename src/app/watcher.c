/* SPDX-License-Identifier: Apache-2.0 */
#include "app/watcher.h"
#include "sys/folders.h"
#include "sys/socket.h"
#include <string.h>
#include <sys/stat.h>

enum {
    SETTLE_MS = 300,           /* without an event: what writes a pair of files has a moment */
    SETTLE_MAX_MS = 3000,      /* in a folder in which something is written all the time */
    LOOK_AGAIN_MS = 10 * 1000, /* for files that are not there: their folder may be another one */
};

static uint64_t mix(uint64_t state, uint64_t value)
{
    state ^= value; /* FNV-1a by words: nobody gains by two states that look the same */
    return state * UINT64_C(0x100000001b3) ^ state >> 29;
}

static uint64_t mix_id(uint64_t state, const struct sl_file_id *id)
{
    state = mix(state, id->device);
    state = mix(state, id->inode);
    state = mix(state, id->size_bytes);
    state = mix(state, (uint64_t)id->written_ns);
    return mix(state, (uint64_t)id->changed_ns);
}

static const struct sl_load_seen *seen_of(const struct sl_list *node)
{
    return SL_CONST_CONTAINER_OF(node, struct sl_load_seen, node);
}

/* The state of all files: as they were read, or as they are. */
static uint64_t state_of(const struct sl_load *load, bool is_now, bool *ret_is_any_gone)
{
    uint64_t state = UINT64_C(0xcbf29ce484222325);
    *ret_is_any_gone = false;
    for (const struct sl_list *at = load->seen.next; at != &load->seen; at = at->next) {
        const struct sl_file_id id = is_now ? sl_file_id_of(seen_of(at)->path) : seen_of(at)->id;
        *ret_is_any_gone = *ret_is_any_gone || id.inode == 0;
        state = mix_id(state, &id);
    }
    return state;
}

static size_t folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path);
}

/* Most stand in one folder: only the first of them asks for it, and links, which lead elsewhere. */
static bool is_added(const char *path, const char *before)
{
    struct stat st;
    const size_t len = folder_len(path);
    return before != NULL && folder_len(before) == len && strncmp(path, before, len) == 0 &&
           lstat(path, &st) == 0 && !S_ISLNK(st.st_mode);
}

static void add_all(struct sl_watcher *watcher)
{
    const struct sl_list *head = &watcher->load->seen;
    const char *before = NULL;
    enum sl_err result = SL_OK;
    for (const struct sl_list *at = head->next; at != head; at = at->next) {
        const char *path = seen_of(at)->path;
        if (!is_added(path, before)) {
            enum sl_err rc = sl_folders_add_for(watcher->events.fd, path);
            result = result == SL_EMFILE ? result : rc;
        }
        before = path;
    }
    if (result == SL_EMFILE) {
        struct sl_logline line;
        sl_log_begin(watcher->log, &line, SL_LOG_WARN, "watch_failed");
        sl_logline_cstr(&line, "detail",
                        "not all folders can be watched: fs.inotify.max_user_watches");
        sl_log_put(watcher->log, &line);
    }
}

static void on_settled(struct sl_timer *timer)
{
    struct sl_watcher *watcher = SL_CONTAINER_OF(timer, struct sl_watcher, settle);
    bool is_any_gone;
    watcher->first_ms = 0;
    add_all(watcher); /* a folder may be another one than it was */
    const uint64_t state = state_of(watcher->load, true, &is_any_gone);
    if (is_any_gone) {
        sl_loop_timer(watcher->loop, timer, LOOK_AGAIN_MS);
    }
    if (state != watcher->known) {
        watcher->known = state;
        watcher->on_changed(watcher);
    }
}

static void on_events(struct sl_watch *watch, uint32_t events)
{
    struct sl_watcher *watcher = SL_CONTAINER_OF(watch, struct sl_watcher, events);
    const uint64_t now_ms = watcher->loop->now_ms;
    SL_UNUSED(events);
    if (!sl_folders_clear(watch->fd)) {
        return;
    }
    if (watcher->first_ms == 0) {
        watcher->first_ms = now_ms;
    }
    if (now_ms - watcher->first_ms + SETTLE_MS <= SETTLE_MAX_MS) {
        sl_loop_timer(watcher->loop, &watcher->settle, SETTLE_MS);
    }
}

void sl_watcher_init(struct sl_watcher *watcher)
{
    watcher->events = (struct sl_watch){ .fd = -1, .on_ready = on_events };
    sl_timer_init(&watcher->settle, on_settled);
}

static void stop(struct sl_watcher *watcher)
{
    sl_timer_cancel(&watcher->settle);
    if (watcher->events.fd >= 0) {
        sl_loop_remove(watcher->loop, &watcher->events);
        sl_socket_close(&watcher->events.fd);
    }
    watcher->load = NULL;
}

void sl_watcher_fini(struct sl_watcher *watcher)
{
    if (watcher->loop != NULL) {
        stop(watcher);
    }
}

void sl_watcher_use(struct sl_watcher *watcher, const struct sl_load *load)
{
    bool is_any_gone;
    stop(watcher);
    if (!load->conf->is_watching || sl_list_is_empty(&load->seen)) {
        return;
    }
    enum sl_err rc = sl_folders_open(&watcher->events.fd);
    rc = rc == SL_OK ? sl_loop_add(watcher->loop, &watcher->events, SL_WATCH_INPUT) : rc;
    if (rc != SL_OK) {
        struct sl_logline line;
        sl_socket_close(&watcher->events.fd);
        sl_log_begin(watcher->log, &line, SL_LOG_WARN, "watch_failed");
        sl_logline_cstr(&line, "detail", sl_err_name(rc));
        sl_log_put(watcher->log, &line);
        return;
    }
    watcher->load = load;
    watcher->known = state_of(load, false, &is_any_gone);
    watcher->first_ms = 0;
    sl_loop_timer(watcher->loop, &watcher->settle, 0); /* what has changed since it was read */
}
