/* SPDX-License-Identifier: Apache-2.0 */
/** @file What goes with a session: when it began, how long what it was verified by holds, and for
 * which name. Inside tls/ only. */
#pragma once
#include "tls/session_impl.h"

enum { SL_TLS_NOTE_AGE_MAX_S = 24 * 60 * 60 }; /* since the full handshake, over all renewals */

/** Puts the note of a full handshake into its session. False without memory. */
bool sl_tls_note_put(const struct sl_tls *tls, SSL_SESSION *session);

/** True when there is a note. */
bool sl_tls_note_is_there(SSL_SESSION *session);

/**
 * Whether the session may be resumed in `tls`: it is younger than a day, no certificate of the
 * chain has ended, the revocation lists are the same and not stale, and so are the server's name
 * (RFC 6066 3, which TLS 1.3 leaves to the server) and the pre-shared key, which `tls` notes.
 */
bool sl_tls_note_is_good(struct sl_tls *tls, SSL_SESSION *session);
