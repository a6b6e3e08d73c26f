/* SPDX-License-Identifier: Apache-2.0 */
/** @file What the supervisor is made of, and what it logs. For app/supervisor.c and
 * app/supervisor_log.c alone. */
#pragma once
#include "app/children.h"
#include "app/confine.h"
#include "app/log_place.h"
#include "app/reload.h"
#include "app/run.h"
#include "app/staples.h"
#include "app/tokens.h"
#include "app/watcher.h"
#include "sys/notify.h"

struct supervisor {
    struct sl_run *run;
    struct sl_loop loop;
    struct sl_log log;
    int log_fd;
    char log_to[SL_LOG_PLACE_MAX]; /* what it is open for */
    struct sl_watch signals;
    struct sl_listens listens;
    struct sl_children children;
    struct sl_keeper keeper; /* of the private keys */
    uint8_t keys_cage[SL_CONFINE_KEYS_BYTES];
    struct sl_agent_child agent;
    struct sl_tokens tokens; /* that have keys */
    uint8_t tokens_cage[SL_CONFINE_KEYS_BYTES];
    struct sl_ticket_keys tickets;
    struct sl_timer rotate, drain_end, kill_end;
    struct sl_notify notify; /* the service manager */
    struct sl_timer watchdog;
    uint64_t watchdog_told_ms; /* while a reload loads */
    struct sl_staples staples;
    struct sl_reload reload;
    struct sl_watcher watcher;
    int files_fd;
    int health_fd; /* what checks of servers have found: the workers' */
    uint64_t begin_ms;
    bool is_ready, is_draining;
    int exit_status;
};

/** `detail` may be NULL. */
void sl_supervisor_log_event(struct supervisor *s, enum sl_log_level level, const char *event,
                             const char *detail);

/** What `check` would warn of. */
void sl_supervisor_log_warnings(struct supervisor *s);
void sl_supervisor_log_start(struct supervisor *s);
void sl_supervisor_log_listening(struct supervisor *s);
void sl_supervisor_log_drain(struct supervisor *s);

/** With what all workers have counted. */
void sl_supervisor_log_stop(struct supervisor *s);
