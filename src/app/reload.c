/* SPDX-License-Identifier: Apache-2.0 */
#include "app/reload.h"
#include "app/limits.h"
#include "sys/clock.h"
#include "sys/memory.h"
#include "sys/socket.h"
#include <stdlib.h>
#include <string.h>

enum {
    DEADLINE_MS = 120 * 1000, /* for all workers together */
    FINDINGS_MAX_COUNT = 100, /* that are logged */
};

static void log_finding(struct sl_reload *reload, const struct sl_finding *finding)
{
    char place[SL_LOAD_PLACE_MAX];
    struct sl_logline line;
    const bool is_error = finding->severity == SL_FINDING_ERROR;
    sl_load_place(&reload->coming->load, finding, place);
    sl_log_begin(reload->log, &line, is_error ? SL_LOG_ERROR : SL_LOG_WARN,
                 is_error ? "config_error" : "config_warning");
    sl_logline_cstr(&line, "at", place);
    sl_logline_cstr(&line, "detail", finding->text);
    sl_log_put(reload->log, &line);
}

static void log_findings(struct sl_reload *reload)
{
    const struct sl_load *load = &reload->coming->load;
    const struct sl_list *head = &load->findings.list;
    size_t count = 0;
    for (const struct sl_list *at = head->next;
         load->findings.arena != NULL && at != head && count < FINDINGS_MAX_COUNT; at = at->next) {
        log_finding(reload, SL_CONST_CONTAINER_OF(at, struct sl_finding, node));
        count++;
    }
}

static void configured_free(struct sl_configured **configured)
{
    if (*configured != NULL) {
        sl_configured_fini(*configured);
        free(SL_STEAL(*configured));
    }
}

static void release_keys(struct sl_reload *reload)
{
    struct sl_editions wanted = { 0 };
    enum sl_err rc = sl_children_editions(reload->children, &wanted);
    if (rc == SL_OK && reload->phase == SL_RELOAD_PREPARING) {
        rc = sl_editions_add(&wanted, reload->edition);
    }
    if (rc == SL_OK) { /* else they go with the next one */
        sl_keeper_keep(reload->keeper, wanted.list, wanted.count);
    }
    sl_editions_fini(&wanted);
}

static void end(struct sl_reload *reload, bool is_done)
{
    reload->phase = SL_RELOAD_IDLE;
    sl_timer_cancel(&reload->deadline);
    sl_memory_trim(); /* of what loading took */
    reload->on_end(reload, is_done);
    if ((reload->is_wanted || reload->is_wanted_for_files) && !reload->is_held) {
        sl_loop_defer(reload->loop, &reload->again);
    }
}

static void log_failed(struct sl_reload *reload, const char *why)
{
    struct sl_logline line;
    if (reload->coming != NULL) {
        log_findings(reload);
    }
    sl_log_begin(reload->log, &line, SL_LOG_ERROR, "reload_failed");
    sl_logline_cstr(&line, "detail", why);
    sl_logline_u64(&line, "ms", sl_clock_monotonic_ms() - reload->begin_ms);
    sl_log_put(reload->log, &line);
}

static const struct sl_finding *first_error(const struct sl_reload *reload)
{
    const struct sl_findings *findings = &reload->coming->load.findings;
    const struct sl_list *at = findings->list.next;
    for (; findings->errors_count > 0 && at != &findings->list; at = at->next) {
        const struct sl_finding *finding = SL_CONST_CONTAINER_OF(at, struct sl_finding, node);
        if (finding->severity == SL_FINDING_ERROR) {
            return finding;
        }
    }
    return NULL;
}

/* Files may be in a bad way for long, and change all the time. */
static void log_files_failed(struct sl_reload *reload, const char *why)
{
    char place[SL_LOAD_PLACE_MAX] = "";
    struct sl_diag diag = { 0 };
    struct sl_logline line;
    const struct sl_finding *finding = reload->coming == NULL ? NULL : first_error(reload);
    sl_diag_set(&diag, "%s", finding == NULL ? why : finding->text);
    if (strcmp(diag.text, reload->files_diag.text) == 0) {
        return;
    }
    reload->files_diag = diag;
    sl_log_begin(reload->log, &line, SL_LOG_ERROR, "watch_failed");
    if (finding != NULL) {
        sl_load_place(&reload->coming->load, finding, place);
        sl_logline_cstr(&line, "at", place);
    }
    sl_logline_cstr(&line, "detail", finding == NULL ? why : finding->text);
    sl_log_put(reload->log, &line);
}

/* What runs goes on as if nothing had been. */
static void give_up(struct sl_reload *reload, const char *why)
{
    sl_children_decide(reload->children, false);
    sl_listens_disown(&reload->coming_listens);
    sl_socket_close(&reload->coming_fd);
    reload->phase = SL_RELOAD_IDLE;
    release_keys(reload);
    reload->failed_count++;
    if (reload->is_for_files) {
        log_files_failed(reload, why);
    } else {
        log_failed(reload, why);
    }
    configured_free(&reload->coming);
    end(reload, false);
}

static void log_done(struct sl_reload *reload)
{
    struct sl_logline line;
    const struct sl_load *load = reload->run->load;
    sl_log_begin(reload->log, &line, SL_LOG_INFO, "reloaded");
    sl_logline_cstr(&line, "cause", reload->is_for_files ? "files" : "signal");
    sl_logline_u64(&line, "services", load->conf->services_count);
    sl_logline_u64(&line, "added", reload->changes.added);
    sl_logline_u64(&line, "removed", reload->changes.removed);
    sl_logline_u64(&line, "changed", reload->changes.changed);
    sl_logline_u64(&line, "keys", load->keys_count);
    sl_logline_u64(&line, "workers", reload->children->source.count);
    sl_logline_u64(&line, "edition", reload->edition);
    sl_logline_u64(&line, "ms", sl_clock_monotonic_ms() - reload->begin_ms);
    sl_log_put(reload->log, &line);
}

/* Of those that are to be there before and after. */
static bool have_all(const struct sl_reload *reload,
                     bool (*is)(const struct sl_reload *reload, const struct sl_child *child))
{
    const uint32_t count = SL_MIN(reload->coming_count, reload->children->source.count);
    for (uint32_t rank = 0; rank < count; rank++) {
        if (!is(reload, sl_children_find(reload->children, rank))) {
            return false;
        }
    }
    return true;
}

static bool is_prepared(const struct sl_reload *reload, const struct sl_child *child)
{
    SL_UNUSED(reload);
    return child->state == SL_CHILD_RUNNING && child->offer == SL_OFFER_ACCEPTED;
}

/* One that is started meanwhile starts with it. */
static bool is_swapped(const struct sl_reload *reload, const struct sl_child *child)
{
    return child->state == SL_CHILD_GONE || child->edition == reload->edition;
}

/* More workers want more sockets, which get connections at once: so they begin at once, too. */
static void resize(struct sl_reload *reload)
{
    struct sl_diag diag = { 0 };
    enum sl_err filled = SL_OK;
    if (reload->coming_count > reload->children->source.count) {
        filled = sl_listens_fill(reload->listens, &diag);
    }
    enum sl_err rc = sl_children_resize(reload->children, reload->coming_count,
                                        reload->coming->load.conf->drain_ms);
    if (filled != SL_OK || rc != SL_OK) {
        struct sl_logline line;
        sl_log_begin(reload->log, &line, SL_LOG_ERROR, "workers_failed");
        sl_logline_u64(&line, "workers", reload->children->source.count);
        sl_logline_cstr(&line, "detail", rc == SL_OK ? diag.text : sl_err_name(rc));
        sl_log_put(reload->log, &line);
    }
}

static void use(struct sl_reload *reload)
{
    struct sl_children_source *source = &reload->children->source;
    const int old_fd = source->files_fd;
    reload->files_diag = (struct sl_diag){ 0 };
    reload->changes = sl_reload_changes_of(reload->run->load, &reload->coming->load);
    log_findings(reload);
    if (reload->coming->load.keys_pid != 0) {
        sl_keeper_adopt(reload->keeper, &reload->coming->load.keys_pid,
                        &reload->coming->load.keys_fd, sl_keeper_room(reload->keeper->slots_count),
                        reload->edition);
    }
    source->files_fd = reload->coming_fd;
    source->edition = reload->edition;
    reload->coming_fd = old_fd;
    sl_socket_close(&reload->coming_fd);
    sl_children_decide(reload->children, true);
    sl_listens_adopt(reload->coming->load.conf, reload->listens, &reload->coming_listens);
    resize(reload);
    struct sl_load *old = reload->run->load;
    reload->run->load = &reload->coming->load;
    reload->on_use(reload);
    if (reload->running != NULL) {
        configured_free(&reload->running);
    } else if (old->pools_count == 0) { /* else the processes of tokens stand on it */
        sl_load_fini(old);
    }
    reload->running = SL_STEAL(reload->coming);
    reload->phase = SL_RELOAD_SWAPPING;
    reload->count++;
}

static void look_at_preparing(struct sl_reload *reload)
{
    const struct sl_children_offer offer = { .listens = &reload->coming_listens,
                                             .files_fd = reload->coming_fd,
                                             .edition = reload->edition,
                                             .count = reload->coming_count };
    const uint32_t count = SL_MIN(reload->coming_count, reload->children->source.count);
    for (uint32_t rank = 0; rank < count; rank++) {
        struct sl_child *child = sl_children_find(reload->children, rank);
        if (child->offer == SL_OFFER_REFUSED) {
            give_up(reload, child->refusal);
            return;
        }
        if (child->state == SL_CHILD_RUNNING && child->offer == SL_OFFER_NONE) {
            enum sl_err rc = sl_child_offer(child, &offer);
            SL_UNUSED(rc); /* it is started again then, and comes back here */
        }
    }
    if (have_all(reload, is_prepared)) {
        use(reload);
    }
}

void sl_reload_look(struct sl_reload *reload, const struct sl_child *child)
{
    release_keys(reload);
    if (reload->phase == SL_RELOAD_PREPARING) {
        reload->deaths_count += child != NULL && child->state == SL_CHILD_GONE;
        if (reload->deaths_count > reload->children->source.count) {
            give_up(reload, "workers die while they build it");
            return;
        }
        look_at_preparing(reload);
    }
    if (reload->phase == SL_RELOAD_SWAPPING && have_all(reload, is_swapped)) {
        log_done(reload);
        end(reload, true);
    }
}

static void on_deadline(struct sl_timer *timer)
{
    struct sl_reload *reload = SL_CONTAINER_OF(timer, struct sl_reload, deadline);
    if (reload->phase == SL_RELOAD_PREPARING) {
        give_up(reload, "a worker did not answer in time");
        return;
    }
    for (uint32_t rank = 0; rank < reload->children->source.count; rank++) { /* it hangs */
        const struct sl_child *child = sl_children_find(reload->children, rank);
        if (!is_swapped(reload, child)) {
            sl_children_kill_one(reload->children, child->index);
        }
    }
}

/* What the workers cannot take over while they run. */
static enum sl_err check_fixed(struct sl_reload *reload, struct sl_diag *diag)
{
    bool is_refused;
    const char *name = sl_reload_fixed(reload->run->load, &reload->coming->load, &is_refused);
    struct sl_logline line;
    if (is_refused) {
        sl_diag_set(diag, "%s: a change of it wants a new start", name);
        return SL_EINVAL;
    }
    if (name[0] != '\0') {
        sl_log_begin(reload->log, &line, SL_LOG_WARN, "restart_needed");
        sl_logline_cstr(&line, "option", name);
        sl_logline_cstr(&line, "detail", "all else is used, this with the next start");
        sl_log_put(reload->log, &line);
    }
    return SL_OK;
}

static enum sl_err load(struct sl_reload *reload, struct sl_diag *diag)
{
    const struct sl_load_source base = { .yaml = reload->is_for_files
                                                     ? reload->run->load->source.yaml
                                                     : (struct sl_slice){ 0 },
                                         .keeper = reload->keeper,
                                         .edition = reload->edition,
                                         .stepper = &reload->stepper };
    reload->coming = calloc(1, sizeof(*reload->coming));
    if (reload->coming == NULL) {
        return SL_ENOMEM;
    }
    struct sl_load *loaded = &reload->coming->load;
    enum sl_err rc = sl_configured_reload(reload->run->cli, &base, reload->coming);
    if (rc != SL_OK) {
        *diag = reload->coming->diag;
        if (loaded->findings.errors_count > 0) {
            sl_diag_set(diag, "%zu error%s in the configuration", loaded->findings.errors_count,
                        loaded->findings.errors_count == 1 ? "" : "s");
        }
        return rc;
    }
    rc = check_fixed(reload, diag);
    reload->coming_count = sl_limits_workers_count(loaded->conf);
    rc = rc == SL_OK ? sl_listens_renew(loaded->conf, reload->run->load->conf, reload->coming_count,
                                        reload->listens, diag, &reload->coming_listens)
                     : rc;
    rc = rc == SL_OK
             ? sl_memfd_sealed("sluice-files", sl_blob_slice(&loaded->files), &reload->coming_fd)
             : rc;
    sl_blob_fini(&loaded->files); /* pre-shared keys are in it */
    return rc;
}

static void begin(struct sl_reload *reload)
{
    struct sl_diag diag = { 0 };
    reload->is_for_files = !reload->is_wanted; /* who wants both, wants the text read */
    reload->is_wanted = reload->is_wanted_for_files = false;
    reload->begin_ms = sl_clock_monotonic_ms();
    reload->edition++;
    reload->deaths_count = 0;
    reload->phase = SL_RELOAD_PREPARING;
    reload->on_begin(reload);
    enum sl_err rc = load(reload, &diag);
    if (rc != SL_OK) {
        give_up(reload, diag.text[0] != '\0' ? diag.text : sl_err_name(rc));
        return;
    }
    sl_loop_timer(reload->loop, &reload->deadline, DEADLINE_MS);
    sl_reload_look(reload, NULL);
}

static void on_again(struct sl_task *task)
{
    struct sl_reload *reload = SL_CONTAINER_OF(task, struct sl_reload, again);
    const bool is_any = reload->is_wanted || reload->is_wanted_for_files;
    if (is_any && !reload->is_held && reload->phase == SL_RELOAD_IDLE) {
        begin(reload);
    }
}

void sl_reload_init(struct sl_reload *reload)
{
    reload->is_held = true;
    reload->coming_fd = -1;
    reload->edition = reload->children->source.edition;
    sl_timer_init(&reload->deadline, on_deadline);
    sl_task_init(&reload->again, on_again);
}

void sl_reload_fini(struct sl_reload *reload)
{
    if (reload->loop == NULL) {
        return;
    }
    sl_timer_cancel(&reload->deadline);
    sl_task_cancel(&reload->again);
    sl_listens_disown(&reload->coming_listens);
    sl_socket_close(&reload->coming_fd);
    configured_free(&reload->coming);
    configured_free(&reload->running);
}

void sl_reload_let(struct sl_reload *reload)
{
    reload->is_held = false;
    sl_loop_defer(reload->loop, &reload->again);
}

void sl_reload_want(struct sl_reload *reload)
{
    reload->is_wanted = true;
    sl_loop_defer(reload->loop, &reload->again);
}

void sl_reload_want_files(struct sl_reload *reload)
{
    reload->is_wanted_for_files = true;
    sl_loop_defer(reload->loop, &reload->again);
}

void sl_reload_stop(struct sl_reload *reload)
{
    reload->is_held = true;
    if (reload->phase == SL_RELOAD_PREPARING) {
        give_up(reload, "the program ends");
    }
    reload->phase = SL_RELOAD_IDLE;
    sl_timer_cancel(&reload->deadline);
}
