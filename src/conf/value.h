/* SPDX-License-Identifier: Apache-2.0 */
/** @file Numbers with units as the configuration writes them, both ways. Pure. */
#pragma once
#include "base/slice.h"

enum { SL_VALUE_TEXT_MAX = 32 }; /* bytes, NUL included, of a formatted value */

/* Each reads the whole of `text`. SL_OK; SL_EINVAL: it is not written like that;
 * SL_ERANGE: more than 64 bits hold. */

/** Decimal digits. */
SL_CHECKED enum sl_err sl_value_integer(struct sl_slice text, uint64_t *ret_value);

/** Digits and ms, s, m, h or d: "500ms", "10s". The unit is required. */
SL_CHECKED enum sl_err sl_value_duration(struct sl_slice text, uint64_t *ret_ms);

/** Digits and KiB, MiB, GiB or nothing: "16KiB", "4096". */
SL_CHECKED enum sl_err sl_value_size(struct sl_slice text, uint64_t *ret_bytes);

/** on, true, yes; off, false, no. */
SL_CHECKED enum sl_err sl_value_switch(struct sl_slice text, bool *ret_value);

/** In the largest unit that gives a whole number: "90s", "1h", "0s". */
void sl_value_format_duration(uint64_t ms, char ret_text[static SL_VALUE_TEXT_MAX]);

/** "128KiB", "1MiB", "1000". */
void sl_value_format_size(uint64_t bytes, char ret_text[static SL_VALUE_TEXT_MAX]);
