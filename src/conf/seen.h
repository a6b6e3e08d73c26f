/* SPDX-License-Identifier: Apache-2.0 */
/** @file Which texts have been seen, and where first: finds what is written twice. Pure. */
#pragma once
#include "conf/finding.h"

struct sl_seen_slot;

/** Memory is the arena's. */
struct sl_seen {
    struct sl_seen_slot *slots;
    size_t mask; /* slots, a power of two, minus 1 */
};

/** Makes room for `count_max` texts. @return SL_OK or SL_ENOMEM */
SL_CHECKED enum sl_err sl_seen_init(struct sl_seen *seen, struct sl_arena *arena, size_t count_max);

/**
 * Notes `text`, which must stay where it is, unless it was seen: then `ret_first` is where.
 * @return true when it is new; no more than `count_max` texts may be
 */
bool sl_seen_add(struct sl_seen *seen, struct sl_slice text, struct sl_conf_pos pos,
                 struct sl_conf_pos *ret_first);
