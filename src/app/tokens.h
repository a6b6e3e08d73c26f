/* SPDX-License-Identifier: Apache-2.0 */
/** @file The processes of tokens as the supervisor sees them: started, handed their PIN, watched,
 * restarted, and joined with `keys`. */
#pragma once
#include "app/keeper.h"
#include "app/token_setup.h"

struct sl_tokens;

enum sl_token_state { SL_TOKEN_GONE, SL_TOKEN_STARTING, SL_TOKEN_RUNNING };

struct sl_token_process {
    struct sl_tokens *tokens;
    uint16_t index, pool_index;
    enum sl_token_state state;
    struct sl_token_setup setup; /* owns the channel together with `channel` */
    struct sl_watch channel;
    struct sl_timer restart;
    struct sl_timer overdue; /* while it starts */
    bool is_waiting;         /* for `restart` */
    uint32_t deaths_count;   /* in a row */
    uint64_t begin_ms;
    struct sl_diag diag; /* what it said last */
};

/** What they are made from; all of it outlives them. */
struct sl_tokens_source {
    struct sl_loop *loop;
    struct sl_log *log;
    struct sl_keeper *keeper;
    const struct sl_token_pool *pools;
    uint32_t pools_count;
    uint32_t processes_count; /* of each pool */
    uint32_t queue_max_count; /* requests that may wait for one pool */
    struct sl_slice cage;
};

struct sl_tokens {
    struct sl_tokens_source source;
    struct sl_token_hearer hearer;
    struct sl_token_process *list;
    size_t count;
    bool *is_pin_refused; /* of each pool: nobody is started any more, a further try may lock it */
    bool is_ending;
};

/** Zeroed is none at all. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tokens_init(struct sl_tokens *tokens,
                                      const struct sl_tokens_source *source);
void sl_tokens_fini(struct sl_tokens *tokens);

/** Starts the first process of each pool; the others follow when that one was let in, so that a PIN
 * that is wrong is tried once. */
void sl_tokens_start(struct sl_tokens *tokens);

/** `keys` is there, or there again: it is told of the pools, and gets channels to what runs. One
 * that cannot be told is ended, and the next one will be. */
void sl_tokens_join(struct sl_tokens *tokens);

/** A child has ended: true when it was one of these. */
bool sl_tokens_ended(struct sl_tokens *tokens, pid_t pid, int status);

/** Ends a process that does not answer; another is started. */
void sl_tokens_kill(struct sl_tokens *tokens, uint16_t process_index);
