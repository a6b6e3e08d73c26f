/* SPDX-License-Identifier: Apache-2.0 */
/** @file Session tickets put on an SSL_CTX. Inside tls/ only. */
#pragma once
#include "tls/tickets.h"
#include <openssl/ssl.h>
#include <stdbool.h>

/** True when the first slot holds a key. `keys` may be NULL. */
bool sl_ticket_keys_has_first(const struct sl_ticket_keys *keys);

/** Whether `ticket` names one of the keys; it may be another's for all that. `keys` may be NULL. */
bool sl_tickets_is_ours(const struct sl_ticket_keys *keys, struct sl_slice ticket);

/** Sets the callbacks that seal and open the tickets of a server's context.
 * @param session_s  what a client is told, and held to */
SL_CHECKED enum sl_err sl_tickets_install(SSL_CTX *ctx, uint32_t session_s);
