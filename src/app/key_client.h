/* SPDX-License-Identifier: Apache-2.0 */
/** @file A worker's line to the private keys: requests go out in batches, once a turn. */
#pragma once
#include "sys/loop.h"
#include "tls/key_provider.h"

enum {
    SL_KEY_PENDING_MAX_COUNT = 1024, /* handshakes that wait for a signature, in one worker */
    SL_KEY_WAIT_MS = 5000,           /* for one signature, a restart of the keys counted in */
};

struct sl_key_client {
    struct sl_key_service service;
    struct sl_loop *loop;
    struct sl_watch channel; /* fd -1 while there is no such process */
    struct sl_task flush;
    struct sl_timer deadline;
    struct sl_list queued, sent; /* of struct sl_key_request, the oldest first */
    size_t pending_count, sent_count;
    uint32_t last_id;
    /** The other end is not who it should be: the channel is closed, and no other comes. Set by the
     * owner after init. */
    void (*on_rubbish)(struct sl_key_client *client);
};

/** SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_key_client_init(struct sl_key_client *client, struct sl_loop *loop);

/** After the last session has been destroyed. */
void sl_key_client_fini(struct sl_key_client *client);

/** Takes over a new channel: what was under way on the old one is asked again. SL_OK, SL_ENOMEM,
 * SL_ESYS (`fd` is still the caller's). */
SL_CHECKED enum sl_err sl_key_client_use(struct sl_key_client *client, int fd);
