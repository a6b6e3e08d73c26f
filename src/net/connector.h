/* SPDX-License-Identifier: Apache-2.0 */
/** @file Connecting to one of the servers of a target, and to another when it fails before the
 * client's first byte is on its way: refused, no answer in time, or a failed handshake.
 */
#pragma once
#include "net/race.h"
#include "relay/conn.h"

/**
 * Begins, also again when sl_connector_retry has said so. Ends with sl_conn_connected or
 * sl_conn_not_connected, perhaps before it returns.
 * @param target      outlives the connection, but for the addresses in it
 * @param connect_ms  for all tries together, that for a handshake between two of them included;
 * each has an equal part of what is left
 */
void sl_connector_start(struct sl_conn *conn, const struct sl_target *target, uint32_t connect_ms);

/** Ends it without a word to the connection. */
void sl_connector_cancel(struct sl_conn *conn);

/** The server of the connection failed, for this reason, before the client's first byte.
 * @return whether sl_connector_start is to be called again */
bool sl_connector_retry(struct sl_conn *conn, enum sl_reason reason, uint32_t connect_ms);

/** The server of the connection is ready for the client's bytes. */
void sl_connector_ready(struct sl_conn *conn);

/** The connection is over, for its server as well. */
void sl_connector_release(struct sl_conn *conn);
