/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a client of a known kind gets of a service: a handshake of libssl with itself, in
 * memory, as far as the server's Certificate. No private key is wanted.
 */
#pragma once
#include "conf/clients.h"
#include "tls/session.h"

struct sl_rehearsal {
    const char *version, *cipher; /* "TLSv1.3", "TLS_AES_128_GCM_SHA256"; static */
    char group[64];               /* "" for none: RSA key transport */
    char alpn[256];               /* "" for none; while it is held: the client's first */
    char name[SL_TLS_NAME_MAX];   /* of the certificate: a DNS name, or the common name */
    const char *key_type;         /* of the certificate: "ECDSA"; static */
    uint32_t key_bits;
};

/** A client as the library can play it; made once, for any number of rehearsals. */
struct sl_tls_actor;

/** SL_OK (also when the library has nothing of what it offers, which each rehearsal says then),
 * SL_ENOMEM. `client` outlives the actor. */
SL_CHECKED enum sl_err sl_tls_actor_create(const struct sl_client *client,
                                           struct sl_tls_actor **ret_actor);
void sl_tls_actor_destroy(struct sl_tls_actor *actor); /* NULL is allowed */

/** What the client offers and this library does not have, comma-separated, cut to fit. */
const char *sl_tls_actor_lacks(const struct sl_tls_actor *actor);

/**
 * @param server_name   that the client asks for, when it asks for any; "" for none
 * @param is_alpn_held  the upstream chooses; here it is whatever is offered first
 * @return SL_OK, SL_ETLS (diag: why they do not come together), SL_EINVAL (diag: the library cannot
 *         play that client), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_tls_rehearse(struct sl_tls_ctx *server, struct sl_tls_actor *actor,
                                       const char *server_name, bool is_alpn_held,
                                       struct sl_diag *diag, struct sl_rehearsal *ret_rehearsal);
