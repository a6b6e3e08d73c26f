/* SPDX-License-Identifier: Apache-2.0 */
/** @file One log line per connection, when its end is known. The fields are described in
 * docs/log.md. */
#pragma once
#include "relay/conn.h"
#include "svc/log.h"

void sl_access_log_put(struct sl_log *log, const struct sl_conn *conn, uint32_t worker_index);
