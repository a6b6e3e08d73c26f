/* SPDX-License-Identifier: Apache-2.0 */
/** @file From byte strings to numbers: a hash table that grows. The bytes are somebody else's. */
#pragma once
#include "base/slice.h"

struct sl_map_slot;

/** Zeroed is empty and valid. */
struct sl_map {
    struct sl_map_slot *slots;
    size_t slots_count; /* a power of two, or 0 */
    size_t count;
};

void sl_map_fini(struct sl_map *map);

/** The number of `key`. SL_OK, SL_ENOENT. */
SL_CHECKED enum sl_err sl_map_find(const struct sl_map *map, struct sl_slice key,
                                   uint32_t *ret_value);

/** Adds a key that is not in it, and that stays where it is as long as the map. SL_OK, SL_ENOMEM.
 */
SL_CHECKED enum sl_err sl_map_add(struct sl_map *map, struct sl_slice key, uint32_t value);
