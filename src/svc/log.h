/* SPDX-License-Identifier: Apache-2.0 */
/** @file Where log lines go. Never waits: what has no place to go is counted and dropped. */
#pragma once
#include "base/logframe.h"
#include "sys/loop.h"

enum { SL_LOG_BUFFER_BYTES = 512 * 1024 }; /* lines that wait for a slow reader: 1,000 and more */

struct sl_log {
    int fd;         /* not owned */
    bool may_block; /* the descriptor is to be asked before each write */
    enum sl_log_way way;
    char path[SL_LOGFRAME_PATH_MAX]; /* of the socket of a daemon */
    enum sl_log_format format;
    enum sl_log_level level; /* lines below it are not written */
    struct sl_loop *loop;
    struct sl_task flush;
    struct sl_timer retry;
    uint64_t dropped_count; /* lines */
    uint64_t lost_count;    /* the same; nobody sets it back */
    uint64_t told_count;    /* of them, in the last line about it */
    uint64_t told_ms;
    size_t head, len; /* what waits stands at buffer + head */
    char buffer[SL_LOG_BUFFER_BYTES];
};

void sl_log_init(struct sl_log *log, int fd, enum sl_log_format format, struct sl_loop *loop);

/** Whether lines of that level are written: a hot path need not build others. */
bool sl_log_wants(const struct sl_log *log, enum sl_log_level level);

/** Begins a line of now. */
void sl_log_begin(struct sl_log *log, struct sl_logline *line, enum sl_log_level level,
                  const char *event);

/** Ends the line and queues it; it is written at the end of the loop's turn. When lines have been
 * dropped and others can be written again, the event log_dropped says how many, once a second. */
void sl_log_put(struct sl_log *log, struct sl_logline *line);

/** The same whatever the line's level is: the caller has asked for another one. */
void sl_log_force(struct sl_log *log, struct sl_logline *line);

/** From now on lines go to `fd`, and those that still wait as well. Gives the descriptor before it,
 * which the caller closes.
 * @param may_block  of sl_process_may_block
 * @param to         what `log.to` says; lines that wait for a daemon go to no other place, and are
 *                   dropped when it is another one */
int sl_log_turn(struct sl_log *log, int fd, bool may_block, const char *to);

/** Writes what can be written and counts the rest as dropped: nothing comes after it. */
void sl_log_fini(struct sl_log *log);

/** Writes now what can be written without waiting. */
void sl_log_flush(struct sl_log *log);
