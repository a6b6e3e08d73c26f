/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a process that holds secrets does with its memory. */
#pragma once
#include "base/err.h"
#include <stdbool.h>

/**
 * Nothing of this process is swapped out from here on.
 * @return SL_OK, SL_ESYS (the system lets us lock no memory)
 */
SL_CHECKED enum sl_err sl_memory_lock(void);

/**
 * Lifts the limit of locked memory for this process and its children.
 * @return whether there is none now; else only CAP_IPC_LOCK helps
 */
bool sl_memory_allow_lock(void);

/** Gives back to the system what was freed; worth its while behind a large piece of work. */
void sl_memory_trim(void);
