/* SPDX-License-Identifier: Apache-2.0 */
/** @file A PKCS#11 token by p11-kit: found by its URI, opened, its keys and certificates used.
 *
 * Calls block for as long as the token takes: only a process that does nothing else makes them.
 */
#pragma once
#include "app/secret.h"
#include "codec/key_message.h"

struct sl_token;

/** A private key on it. */
struct sl_token_key {
    unsigned long handle;
    unsigned long type; /* CKK_… */
    size_t order_bytes; /* of an EC key's curve; 0: a digest is signed as it is */
};

struct sl_token_source {
    const char *uri;         /* of the token */
    const char *module_path; /* of one module; NULL: those that p11-kit knows, or the URI names */
    struct sl_slice pin;     /* `ptr` is NULL for none */
};

/**
 * Finds the one token that the URI means, and logs in when there is a PIN, which is tried once.
 * @param ret_is_pin_refused  whether it was that which failed: do not try it again
 * @return SL_OK, SL_EINVAL, SL_ENOENT (diag), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_token_open(const struct sl_token_source *source, struct sl_diag *diag,
                                     bool *ret_is_pin_refused, struct sl_token **ret_token);
void sl_token_close(struct sl_token *token); /* NULL is allowed */

/**
 * Finds a private key by the URI of it, or of its certificate.
 * @param out  gets its SubjectPublicKeyInfo, or nothing when the token does not tell
 * @return SL_OK, SL_ENOENT, SL_EINVAL (it cannot be used), SL_ESYS (the token failed): all with
 * diag
 */
SL_CHECKED enum sl_err sl_token_key_find(struct sl_token *token, const char *uri,
                                         struct sl_diag *diag, struct sl_token_key *ret_key,
                                         struct sl_wbuf *out);

/**
 * Appends a certificate and those above it that are on the token, the root left out, in PEM.
 * @return SL_OK, SL_ENOENT, SL_EINVAL, SL_ESYS (diag), SL_ENOSPC
 */
SL_CHECKED enum sl_err sl_token_chain_find(struct sl_token *token, const char *uri,
                                           struct sl_diag *diag, struct sl_wbuf *out);

/**
 * Appends the signature of `input`, as sl_key_signer_sign does.
 * @return SL_OK, SL_EINVAL (this key cannot do that), SL_ESYS (the token failed: diag), SL_ENOSPC
 */
SL_CHECKED enum sl_err sl_token_sign(struct sl_token *token, const struct sl_token_key *key,
                                     uint16_t scheme, struct sl_slice input, struct sl_diag *diag,
                                     struct sl_wbuf *out);
