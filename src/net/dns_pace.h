/* SPDX-License-Identifier: Apache-2.0 */
/** @file When a name is looked up again. Pure. */
#pragma once
#include "base/def.h"

enum { SL_DNS_PAUSE_MAX_MS = 60 * 1000 }; /* between lookups that fail */

/** How long an answer is used: its TTL within the bounds. */
uint64_t sl_dns_pace_found_ms(uint32_t ttl_s, uint32_t min_ttl_ms, uint32_t max_ttl_ms);

/**
 * The pause after so many failures in a row, at least one: `retry_ms`, doubled with each up to the
 * less of SL_DNS_PAUSE_MAX_MS and `max_ttl_ms`, though never below `retry_ms`; up to a quarter
 * less, so that not all ask at once when the servers are back.
 * @param dice  another number each time
 */
uint64_t sl_dns_pace_failed_ms(uint32_t failures_count, uint32_t retry_ms, uint32_t max_ttl_ms,
                               uint32_t dice);
