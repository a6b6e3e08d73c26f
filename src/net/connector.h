/* SPDX-License-Identifier: Apache-2.0 */
/** @file Connecting to the upstreams of a service: URL after URL, and within one URL the addresses
 * of its name, a new one every SL_CONNECT_STAGGER_MS until one answers (RFC 8305, Happy Eyeballs).
 */
#pragma once
#include "net/upstream.h"
#include "relay/conn.h"

enum { SL_CONNECT_STAGGER_MS = 250 }; /* RFC 8305 8: Connection Attempt Delay */

/**
 * Begins. Ends with sl_conn_connected or sl_conn_not_connected, perhaps before it returns.
 * @param target      outlives the connection
 * @param connect_ms  for each URL
 */
void sl_connector_start(struct sl_conn *conn, const struct sl_target *target, uint32_t connect_ms);

/** Ends it without a word to the connection. */
void sl_connector_cancel(struct sl_conn *conn);
