/* SPDX-License-Identifier: Apache-2.0 */
/** @file The two clocks. */
#pragma once
#include "base/def.h"

/** Monotonic, for timeouts. */
uint64_t sl_clock_monotonic_ms(void);

/** The same clock, for a service manager that compares. */
uint64_t sl_clock_monotonic_us(void);

/** Since 1970 in UTC, for logs and certificates only: it may jump. */
uint64_t sl_clock_unix_ms(void);
