/* SPDX-License-Identifier: Apache-2.0 */
/** @file "Did you mean": how far two short words are apart. Pure. */
#pragma once
#include "base/slice.h"

enum { SL_SUGGEST_NONE = 1000 };   /* not alike */
enum { SL_SUGGEST_WORD_MAX = 64 }; /* bytes; longer words are like nothing */

/**
 * How many letters must be inserted, removed, replaced or swapped with their neighbour to make
 * `known` of `typed`; case and '-' for '_' count as nothing, and a beginning of three letters or
 * more as 1. SL_SUGGEST_NONE when that is too many for words of this length.
 */
size_t sl_suggest_distance(struct sl_slice typed, struct sl_slice known);
