/* SPDX-License-Identifier: Apache-2.0 */
/** @file Another configuration in place of the one that runs, without an end of anything: loaded
 * and checked whole, built by every worker beside the old one, then used by all, or by none. */
#pragma once
#include "app/check.h"
#include "app/children.h"
#include "app/run.h"

enum sl_reload_phase {
    SL_RELOAD_IDLE,
    SL_RELOAD_PREPARING, /* workers build it */
    SL_RELOAD_SWAPPING,  /* they were told to use it */
};

/** The members without a default are set by the owner before sl_reload_init; all outlive it. */
struct sl_reload {
    struct sl_run *run; /* its load is the one in use */
    struct sl_loop *loop;
    struct sl_log *log;
    struct sl_children *children;
    struct sl_keeper *keeper;
    struct sl_listens *listens; /* in use */
    struct sl_load_stepper stepper;
    /** It begins: nothing else is done until it is loaded, but what the stepper does. */
    void (*on_begin)(struct sl_reload *reload);
    /** The new configuration is the run's from now on. */
    void (*on_use)(struct sl_reload *reload);
    /** It has ended, in one way or the other. */
    void (*on_end)(struct sl_reload *reload, bool is_done);

    enum sl_reload_phase phase;
    bool is_held;                           /* until sl_reload_let */
    bool is_wanted;                         /* once more */
    bool is_wanted_for_files;               /* the same, with the text that is in use */
    bool is_for_files;                      /* the one that is under way */
    struct sl_diag files_diag;              /* why the last of those failed: it is said once */
    uint32_t edition;                       /* of the last one that was begun */
    struct sl_configured *coming, *running; /* owned; NULL: none, that of the run's owner */
    struct sl_listens coming_listens;
    int coming_fd;
    uint32_t coming_count; /* of workers */
    struct sl_timer deadline;
    struct sl_task again;
    uint64_t begin_ms;
    uint32_t deaths_count;
    uint64_t count, failed_count; /* so far */
    struct sl_reload_changes {
        uint32_t added, removed, changed; /* services */
    } changes;
};

/** Nothing is begun before sl_reload_let. */
void sl_reload_init(struct sl_reload *reload);
void sl_reload_fini(struct sl_reload *reload);

/** From now on it may: everything runs. */
void sl_reload_let(struct sl_reload *reload);

/** Somebody wants it; while one is under way, one more comes after it. */
void sl_reload_want(struct sl_reload *reload);

/** The same for files that the configuration names: its own text stays. */
void sl_reload_want_files(struct sl_reload *reload);

/** Something has happened to a worker. */
void sl_reload_look(struct sl_reload *reload, const struct sl_child *child);

/** Gives up one that is under way, and allows no other: the program ends. */
void sl_reload_stop(struct sl_reload *reload);

/* app/reload_changes.c */

/** What of `now` cannot be used without a new start, as names of options; "" for nothing.
 * @param ret_is_refused  the rest would not work either */
const char *sl_reload_fixed(const struct sl_load *before, const struct sl_load *now,
                            bool *ret_is_refused);

/** How many services differ, by their names and their text. */
struct sl_reload_changes sl_reload_changes_of(const struct sl_load *before,
                                              const struct sl_load *now);
