/* SPDX-License-Identifier: Apache-2.0 */
/** @file Keys of session tickets (RFC 5077, RFC 8446 4.6.1): made and rotated by the supervisor,
 * the same in every worker. */
#pragma once
#include "base/err.h"

enum { SL_TICKET_KEYS_COUNT = 2 }; /* [0] seals; both open. Zeroed slots are not used. */

/** Sent between processes as it stands; wipe it after use. */
struct sl_ticket_key {
    uint8_t name[16]; /* all zero: no key in this slot */
    uint8_t aes[32];
    uint8_t hmac[32];
};

struct sl_ticket_keys {
    struct sl_ticket_key slots[SL_TICKET_KEYS_COUNT];
};

/** Puts a fresh random key in front and drops the oldest. SL_OK or SL_ETLS (no randomness). */
SL_CHECKED enum sl_err sl_ticket_keys_rotate(struct sl_ticket_keys *keys);

void sl_ticket_keys_wipe(struct sl_ticket_keys *keys);
