/* SPDX-License-Identifier: Apache-2.0 */
/** @file OpenSSL's error queue as a result code and a sentence. Inside tls/ only. */
#pragma once
#include "base/diag.h"

/**
 * Empties the error queue of this thread and says its oldest error as "`what`: text"; the alert
 * that a peer sent is said as "the peer sent alert: text" instead.
 * @param what  what was being done; NULL: nothing is said before the text
 * @return SL_ENOMEM when that is what the queue says, else `otherwise`
 */
SL_CHECKED enum sl_err sl_tls_error_take(enum sl_err otherwise, const char *what,
                                         struct sl_diag *diag);

/** Says that the peer has sent this alert (RFC 8446 6). */
void sl_tls_alert_say(uint8_t alert, struct sl_diag *diag);
