/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/clock.h"
#include <time.h>

static uint64_t read_ms(clockid_t id)
{
    struct timespec ts = { 0 };
    (void)clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * SL_MS_PER_S + (uint64_t)ts.tv_nsec / SL_NS_PER_MS;
}

uint64_t sl_clock_monotonic_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

uint64_t sl_clock_monotonic_us(void)
{
    enum { US_PER_S = 1000 * 1000, NS_PER_US = 1000 };
    struct timespec ts = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * US_PER_S + (uint64_t)ts.tv_nsec / NS_PER_US;
}

uint64_t sl_clock_unix_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}
