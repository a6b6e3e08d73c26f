/* SPDX-License-Identifier: Apache-2.0 */
/** @file How an established connection leaves libssl: what is noted while libssl has it, and when
 * it goes. Inside tls/ only.
 *
 * Toward clients it goes with the end of the handshake. Toward upstreams libssl has to read the
 * tickets first, which come later; until then it gets its input a whole record at a time, so that
 * nothing of what is not read is in it.
 */
#pragma once
#include "tls/session_impl.h"

/** Begins to take notes, where sessions are to leave libssl. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tls_handover_begin(struct sl_tls *tls);

/** Ends it: libssl keeps the connection. */
void sl_tls_handover_end(struct sl_tls *tls);

/** Around a call that advances the handshake. */
void sl_tls_handover_watch(struct sl_tls *tls);
void sl_tls_handover_unwatch(struct sl_tls *tls);

/** What libssl tells of a record or message (SSL_set_msg_callback). */
void sl_tls_handover_note(struct sl_tls *tls, bool is_written, int type, struct sl_slice bytes);

/** A session to resume has been kept (connecting). */
void sl_tls_handover_resumable(struct sl_tls *tls);

/**
 * Behind a call that went well: takes the connection over if libssl is at rest, all it has read and
 * written is known, and it is not needed for tickets any more. Then `tls->established` has it and
 * `tls->ssl` is NULL.
 */
void sl_tls_handover_try(struct sl_tls *tls);

/**
 * The next record for libssl, as its input: `tls->io`.
 * @return SL_OK  behind its use, sl_tls_handover_fed
 *         SL_AGAIN (all of `in` is taken and kept), SL_ENOMEM
 *         SL_EPROTO  no record: all that has come is its input, to fail by
 */
SL_CHECKED enum sl_err sl_tls_handover_feed(struct sl_tls *tls, struct sl_slice *in);
void sl_tls_handover_fed(struct sl_tls *tls);
