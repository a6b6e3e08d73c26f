/* SPDX-License-Identifier: Apache-2.0 */
/** @file How the programs of the benchmark give up: in one line, at once. */
#pragma once
#include "base/def.h"
#include <stdbool.h>

/** Prints the formatted text with the text of errno, when that is set, and ends with status 2. */
_Noreturn void bench_die(const char *format, ...) SL_PRINTF(1, 2);

/** Ends as bench_die does, with the oldest error of OpenSSL, unless `is_good`. */
void bench_need(bool is_good, const char *what);

/** The whole number in `text` from `min` to `max`; ends the program when it is none. */
uint64_t bench_number(const char *text, uint64_t min, uint64_t max);
