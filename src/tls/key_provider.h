/* SPDX-License-Identifier: Apache-2.0 */
/** @file Private keys that another process holds: a provider of OpenSSL's whose keys can do nothing
 * but ask for a signature, while the handshake that wants it is paused (ASYNC_pause_job).
 */
#pragma once
#include "base/list.h"
#include "base/slice.h"

struct sl_key_service;
struct sl_key_wait;

/** A signature that is waited for. It lives until it is done or cancelled, on a paused stack. */
struct sl_key_request {
    uint32_t key_index;
    uint16_t scheme;       /* of codec/key_message.h */
    struct sl_slice input; /* as long as the request */
    uint8_t *to;           /* room for the signature, */
    size_t room, len;      /* bytes */
    enum sl_err result;    /* SL_AGAIN while it is waited for */
    struct sl_key_wait *wait;
    /* the service's */
    struct sl_list node;
    uint32_t id;
    uint64_t begin_ms;
};

/** Who fetches signatures; embedded in its owner. */
struct sl_key_service {
    /** Takes a request. SL_OK: sl_key_request_done comes later, never from within. Else the
     * handshake fails with that code: SL_EBUSY, SL_ENOMEM, SL_ENOSPC. */
    enum sl_err (*submit)(struct sl_key_service *service, struct sl_key_request *request);
    /** Forgets a request that nobody waits for any more. */
    void (*cancel)(struct sl_key_service *service, struct sl_key_request *request);
    struct sl_key_wait *running; /* tls/'s: whose handshake runs now */
};

/**
 * The end of a request: the handshake that waits for it is woken.
 * @param rc  SL_OK with the signature; SL_ETIMEDOUT, SL_EBUSY, SL_ENOENT, SL_EINVAL: without
 *            one
 */
void sl_key_request_done(struct sl_key_request *request, enum sl_err rc, struct sl_slice signature);

/** Once per process, by sl_tls_library_init. SL_OK, SL_ETLS. */
SL_CHECKED enum sl_err sl_key_provider_init(void);

/** Bounds and releases the stacks that paused handshakes stand on. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_key_jobs_init(size_t max_count);
void sl_key_jobs_fini(void);
