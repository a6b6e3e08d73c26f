/* SPDX-License-Identifier: Apache-2.0 */
/** @file The agent as the supervisor sees it: started, watched, restarted, and the names that it
 * looks up, with what they stand for now. */
#pragma once
#include "app/agent_name.h"
#include "app/confine.h"
#include "svc/log.h"
#include "sys/loop.h"
#include <sys/types.h>

struct sl_agent_child {
    struct sl_loop *loop;
    struct sl_log *log;
    const struct sl_conf_dns *conf;
    struct sl_agent_name *names; /* the caller's */
    uint32_t names_count;
    uint8_t cage[SL_CONFINE_KEYS_BYTES];
    size_t cage_len;
    uint32_t *numbers; /* of the names that are looked up again */
    uint32_t numbers_count;
    pid_t pid;               /* 0 when there is none */
    struct sl_watch channel; /* owns our end */
    struct sl_timer restart;
    uint32_t deaths_count; /* in a row */
    uint64_t begin_ms;
    bool is_ending;
    /** A name has other addresses: every worker is to know. */
    void (*on_changed)(struct sl_agent_child *child, const struct sl_agent_name *name);
};

/**
 * Starts it, when there is a name to look up again; the members above `cage`, and on_changed, are
 * set before. SL_OK (also when it has to be tried again), SL_ENOMEM.
 */
SL_CHECKED enum sl_err sl_agent_child_start(struct sl_agent_child *child,
                                            const struct sl_conf *conf);

/** Zeroed is allowed. */
void sl_agent_child_fini(struct sl_agent_child *child);

/** A child has ended: true when it was this one. */
bool sl_agent_child_ended(struct sl_agent_child *child, pid_t pid, int status);
