/* SPDX-License-Identifier: Apache-2.0 */
/** @file The sessions toward upstreams that a context has kept. Inside tls/ only. */
#pragma once
#include "tls/store_impl.h"
#include <openssl/ssl.h>
#include <stdbool.h>

enum {
    SL_TLS_RESUME_PER_OFFER = 32, /* sessions kept for one ALPN offer, */
    SL_TLS_RESUME_MAX = 64,       /* and for all: clients choose the offers of a bridge */
};

/** Zeroed is empty and valid. */
struct sl_tls_resume {
    struct sl_tls_kept {
        SSL_SESSION *session; /* NULL: the slot is free */
        uint8_t offer[SL_TLS_DIGEST_LEN];
        int64_t until_s; /* on the caller's clock */
        uint64_t order;  /* of keeping */
    } kept[SL_TLS_RESUME_MAX];
    uint64_t puts_count;
};

void sl_tls_resume_fini(struct sl_tls_resume *resume);

/** Takes `session` over, which may push the oldest out; one that is kept already stays as it is. */
void sl_tls_resume_put(struct sl_tls_resume *resume, SSL_SESSION *session,
                       const uint8_t offer[static SL_TLS_DIGEST_LEN], int64_t now_s);

/**
 * The newest session for `offer` that is not past its lifetime, or NULL; the caller frees it. One
 * of TLS 1.3 is given once (RFC 8446 C.4).
 */
SSL_SESSION *sl_tls_resume_take(struct sl_tls_resume *resume,
                                const uint8_t offer[static SL_TLS_DIGEST_LEN], int64_t now_s);

/** Seconds of a clock that nobody sets, for `now_s`. */
int64_t sl_tls_resume_clock_s(void);
