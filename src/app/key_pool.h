/* SPDX-License-Identifier: Apache-2.0 */
/** @file Keys on tokens, as `keys` sees them: for each token a queue of requests and the processes
 * that serve it, one request each at a time. A token that is slow, hangs or is gone holds up nobody
 * but who waits for it.
 */
#pragma once
#include "codec/key_message.h"
#include "sys/loop.h"

enum { SL_KEY_STUCK_MS = 60 * 1000 }; /* for one signature; its process is ended then */

/** Who asks; embedded in its owner. Zeroed but for `answered`, then sl_key_asker_init. */
struct sl_key_asker {
    struct sl_list requests;
    void (*answered)(struct sl_key_asker *asker, const struct sl_key_message *late);
};

struct sl_key_pool;

struct sl_key_pools {
    struct sl_loop *loop;
    struct sl_key_pool **list;
    size_t count;
    /** A process does not answer any more, or what it must not: it is to be ended. */
    void (*on_stuck)(struct sl_key_pools *pools, uint16_t process_index);
};

void sl_key_asker_init(struct sl_key_asker *asker);

/** Forgets what was asked: what has not begun is not begun any more. */
void sl_key_asker_fini(struct sl_key_asker *asker);

/** Another pool, for the keys from `first_key` on. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_key_pools_add(struct sl_key_pools *pools, uint32_t first_key,
                                        uint32_t keys_count, uint32_t queue_max_count);

/** A process of a pool; `fd` is taken over. SL_OK, SL_EPROTO (no such pool), SL_ENOMEM, SL_ESYS. */
SL_CHECKED enum sl_err sl_key_pools_attach(struct sl_key_pools *pools, size_t pool_index,
                                           uint16_t process_index, int fd);
void sl_key_pools_fini(struct sl_key_pools *pools);

/**
 * Asks for a signature.
 * @return SL_OK (`answered` is called later, never from within, if it comes in time),
 *         SL_ENOENT (no token has that key), SL_EBUSY (as many wait as may), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_key_pools_ask(struct sl_key_pools *pools, struct sl_key_asker *asker,
                                        const struct sl_key_message *request);
