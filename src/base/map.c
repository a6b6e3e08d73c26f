/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include <stdlib.h>

enum { SLOTS_MIN = 64 };

struct sl_map_slot {
    struct sl_slice key;
    uint32_t value;
    uint32_t hash; /* 0 in a free slot */
};

void sl_map_fini(struct sl_map *map)
{
    free(map->slots);
    *map = (struct sl_map){ 0 };
}

/* FNV-1a, 64 bits, folded; never 0, which marks a free slot. */
static uint32_t hash(struct sl_slice key)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < key.len; i++) {
        value = (value ^ key.ptr[i]) * UINT64_C(0x100000001b3);
    }
    uint32_t folded = (uint32_t)(value ^ value >> 32);
    return folded == 0 ? 1 : folded;
}

/* The slot of `key`, or the free one where it would stand. */
static struct sl_map_slot *slot_of(const struct sl_map *map, struct sl_slice key, uint32_t hashed)
{
    size_t at = hashed & (map->slots_count - 1);
    while (map->slots[at].hash != 0 &&
           (map->slots[at].hash != hashed || !sl_slice_eq(map->slots[at].key, key))) {
        at = (at + 1) & (map->slots_count - 1);
    }
    return &map->slots[at];
}

/* At most half full, so that a probe ends soon. */
static enum sl_err grow(struct sl_map *map)
{
    if (map->count < map->slots_count / 2) {
        return SL_OK;
    }
    struct sl_map grown = { .slots_count = SL_MAX(map->slots_count * 2, (size_t)SLOTS_MIN),
                            .count = map->count };
    grown.slots = calloc(grown.slots_count, sizeof(*grown.slots));
    if (grown.slots == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; i < map->slots_count; i++) {
        const struct sl_map_slot *slot = &map->slots[i];
        if (slot->hash != 0) {
            *slot_of(&grown, slot->key, slot->hash) = *slot;
        }
    }
    free(map->slots);
    *map = grown;
    return SL_OK;
}

enum sl_err sl_map_find(const struct sl_map *map, struct sl_slice key, uint32_t *ret_value)
{
    if (map->slots_count == 0) {
        return SL_ENOENT;
    }
    const struct sl_map_slot *slot = slot_of(map, key, hash(key));
    if (slot->hash == 0) {
        return SL_ENOENT;
    }
    *ret_value = slot->value;
    return SL_OK;
}

enum sl_err sl_map_add(struct sl_map *map, struct sl_slice key, uint32_t value)
{
    enum sl_err rc = grow(map);
    if (rc == SL_OK) {
        const uint32_t hashed = hash(key);
        *slot_of(map, key, hashed) =
            (struct sl_map_slot){ .key = key, .value = value, .hash = hashed };
        map->count++;
    }
    return rc;
}
