/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_pace.h"

enum { DOUBLINGS_MAX = 16, JITTER_SHARE = 4 };

uint64_t sl_dns_pace_found_ms(uint32_t ttl_s, uint32_t min_ttl_ms, uint32_t max_ttl_ms)
{
    const uint64_t ttl_ms = (uint64_t)ttl_s * 1000;
    return SL_MIN(SL_MAX(ttl_ms, (uint64_t)min_ttl_ms), (uint64_t)max_ttl_ms);
}

uint64_t sl_dns_pace_failed_ms(uint32_t failures_count, uint32_t retry_ms, uint32_t max_ttl_ms,
                               uint32_t dice)
{
    const uint32_t doublings = SL_MIN(failures_count - 1, (uint32_t)DOUBLINGS_MAX);
    const uint64_t most_ms = SL_MAX(SL_MIN(max_ttl_ms, (uint32_t)SL_DNS_PAUSE_MAX_MS), retry_ms);
    const uint64_t pause_ms = SL_MIN((uint64_t)retry_ms << doublings, most_ms);
    return pause_ms - dice % (pause_ms / JITTER_SHARE + 1);
}
