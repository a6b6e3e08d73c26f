/* SPDX-License-Identifier: Apache-2.0 */
/** @file How a connection ends: which side gets last words, which a reset, which a plain close. */
#pragma once
#include "relay/conn.h"

/** What the two sides see of the end. */
enum sl_farewell {
    SL_FAREWELL_CLEAN,         /* both have ended already */
    SL_FAREWELL_RESET,         /* a reset to both, at once */
    SL_FAREWELL_DELIVER,       /* a reset to both; the side that did not end it gets first what had
                                * come for it before */
    SL_FAREWELL_TELL_CLIENT,   /* what was said to the client (an alert) arrives, then FIN; the
                                * upstream as with DELIVER */
    SL_FAREWELL_TELL_UPSTREAM, /* the same the other way round */
};

/** The client's handshake is over, well or not: it counts no longer as one under way. */
void sl_conn_greeted(struct sl_conn *conn);

/** Writes down the end and begins to close. `detail` may be NULL or empty; it is copied. */
void sl_conn_end(struct sl_conn *conn, enum sl_reason reason, enum sl_side ended_by,
                 enum sl_farewell farewell, const char *detail);

/** A step of SL_STAGE_LINGER: SL_AGAIN while a side is still listened to, then SL_EOF. */
SL_CHECKED enum sl_err sl_conn_linger(struct sl_conn *conn);

/** When the timer of that stage runs out: goes on, or ends it after `linger_ms` without progress.
 */
void sl_conn_linger_timeout(struct sl_conn *conn);

/** Closes whatever is open and hands the connection to the reaper. */
void sl_conn_destroy(struct sl_conn *conn);
