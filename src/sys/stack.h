/* SPDX-License-Identifier: Apache-2.0 */
/** @file Stacks with a guard below them: to run over one is a fault, and not a write into what lies
 * there. */
#pragma once
#include "base/def.h"

/**
 * Maps a stack of at least `*bytes`, and says how large it became. Only what is touched takes
 * memory.
 * @return its lowest byte; NULL: no memory, or more than 64 KiB are wanted
 */
void *sl_stack_map(size_t *bytes);
void sl_stack_unmap(void *stack); /* NULL is allowed */
