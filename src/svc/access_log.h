/* SPDX-License-Identifier: Apache-2.0 */
/** @file One log line per connection, when its end is known. The fields are described in
 * docs/log.md. */
#pragma once
#include "conf/conf.h"
#include "relay/conn.h"
#include "svc/log.h"

/** Unless the service's rule leaves it out, which counts in the plan's tally. */
void sl_access_log_put(struct sl_log *log, const struct sl_conf_service_log *rule,
                       const struct sl_conn *conn, uint32_t worker_index);
