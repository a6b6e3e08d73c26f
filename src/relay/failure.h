/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a result of TLS or of the relay means for its connection: the reason, who ended it,
 * and what the two sides see of it. */
#pragma once
#include "relay/conn.h"

/** Ends a connection whose handshake with the client has failed with `rc`, and gives that back. */
SL_CHECKED enum sl_err sl_conn_client_failed(struct sl_conn *conn, enum sl_err rc);

/** Why a handshake with an upstream failed: the word for a result of sl_ep_tls_handshake. */
enum sl_reason sl_conn_upstream_reason(enum sl_err rc);

/** Ends one whose relay has ended with `rc`. */
void sl_conn_relay_ended(struct sl_conn *conn, enum sl_err rc);
