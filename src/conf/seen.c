/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/seen.h"

struct sl_seen_slot {
    struct sl_slice text;
    struct sl_conf_pos pos;
    bool is_used;
};

enum sl_err sl_seen_init(struct sl_seen *seen, struct sl_arena *arena, size_t count_max)
{
    size_t slots_count = 2;
    while (slots_count / 2 < count_max) { /* at most half full, so that a probe ends soon */
        if (__builtin_mul_overflow(slots_count, (size_t)2, &slots_count)) {
            return SL_ENOMEM;
        }
    }
    struct sl_seen_slot *slots = sl_arena_calloc(arena, slots_count, sizeof(*slots));
    if (slots == NULL) {
        return SL_ENOMEM;
    }
    *seen = (struct sl_seen){ .slots = slots, .mask = slots_count - 1 };
    return SL_OK;
}

/* FNV-1a, 64 bits */
static uint64_t hash(struct sl_slice text)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.len; i++) {
        value = (value ^ text.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return value ^ value >> 32;
}

bool sl_seen_add(struct sl_seen *seen, struct sl_slice text, struct sl_conf_pos pos,
                 struct sl_conf_pos *ret_first)
{
    size_t at = (size_t)hash(text) & seen->mask;
    while (seen->slots[at].is_used) {
        if (sl_slice_eq(seen->slots[at].text, text)) {
            *ret_first = seen->slots[at].pos;
            return false;
        }
        at = (at + 1) & seen->mask;
    }
    seen->slots[at] = (struct sl_seen_slot){ .text = text, .pos = pos, .is_used = true };
    return true;
}
