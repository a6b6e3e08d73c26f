/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a process that holds secrets does with its memory. */
#pragma once
#include "base/err.h"

/**
 * Nothing of this process is swapped out from here on.
 * @return SL_OK, SL_ESYS (the system lets us lock no memory)
 */
SL_CHECKED enum sl_err sl_memory_lock(void);
