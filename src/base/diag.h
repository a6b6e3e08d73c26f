/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a library layer says on a cold path, in words, beside its result code. */
#pragma once
#include "base/slice.h"

enum { SL_DIAG_MAX = 320 }; /* bytes, NUL included; longer text is cut */

/** One sentence, without a full stop or newline. Zeroed is "nothing said". */
struct sl_diag {
    char text[SL_DIAG_MAX];
};

/** Sets the text, cutting it at SL_DIAG_MAX. `diag` may be NULL. */
void sl_diag_set(struct sl_diag *diag, const char *format, ...) SL_PRINTF(2, 3);
