/* SPDX-License-Identifier: Apache-2.0 */
/** @file What all workers have counted, those that are gone as well. */
#pragma once
#include "app/children.h"

/** The sums as fields of a log line. What did not happen is left out, but for connections and
 * bytes. `lines_dropped_count`: of the supervisor's own log. */
void sl_totals_put(const struct sl_children *children, uint64_t lines_dropped_count,
                   struct sl_logline *line);

/** Connections that are open now. */
uint64_t sl_totals_active(const struct sl_children *children);
