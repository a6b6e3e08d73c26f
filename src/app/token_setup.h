/* SPDX-License-Identifier: Apache-2.0 */
/** @file A process of a token (app/token.h) from its start until it can sign: one question at a
 * time, without waiting, since tokens are slow. */
#pragma once
#include "base/diag.h"
#include "base/slice.h"
#include <sys/types.h>

/** The keys of one token that a configuration names. */
struct sl_token_pool {
    const char *uri;         /* of the token */
    const char *module_path; /* NULL: as the URI and p11-kit say */
    const char *pin_path;    /* NULL for none */
    const char **keys;       /* URIs; in the order of their numbers */
    uint32_t first_key, keys_count;
};

/** What became of one question; embedded in its owner. `diag` is NULL when there is an answer. */
struct sl_token_hearer {
    void (*chain)(struct sl_token_hearer *hearer, size_t at, struct sl_slice pem,
                  const struct sl_diag *diag);
    /** `public_der` is empty when the token does not tell. */
    void (*key)(struct sl_token_hearer *hearer, size_t at, struct sl_slice public_der,
                const struct sl_diag *diag);
};

struct sl_token_setup {
    const struct sl_token_pool *pool;
    struct sl_slice cage;      /* of app/confine.h */
    const char *const *chains; /* URIs of certificates that are asked for before the keys */
    size_t chains_count;
    struct sl_token_hearer *hearer;
    pid_t pid;           /* out */
    int fd;              /* out: our end of its channel, which the caller owns */
    struct sl_diag diag; /* out: why it failed */
    bool is_pin_refused; /* out: it was that; the same PIN is not to be tried again */
    bool is_opened;
    size_t next; /* question */
};

/** Starts the process and asks for the token. SL_OK, SL_EINVAL (diag), SL_ENOMEM, SL_EMFILE,
 * SL_ESYS, SL_ERESET, SL_ETIMEDOUT; on failure nothing is left. */
SL_CHECKED enum sl_err sl_token_setup_begin(struct sl_token_setup *setup);

/**
 * Reads an answer when there is one, and asks what comes next.
 * @return SL_OK (all is answered), SL_AGAIN, SL_EINVAL (diag), SL_ERESET (it has died), SL_EPROTO,
 *         SL_ENOMEM, SL_ETIMEDOUT: the caller ends the process then
 */
SL_CHECKED enum sl_err sl_token_setup_hear(struct sl_token_setup *setup);
