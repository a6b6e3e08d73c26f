/* SPDX-License-Identifier: Apache-2.0 */
/** @file Leaving out a server that fails, for longer each time. Pure: the clock is a parameter. */
#pragma once
#include "conf/conf.h"

/** Zeroed is a server of which nothing is known. */
struct sl_ejection {
    uint32_t failures_count; /* in a row */
    uint32_t times_count;    /* ejected since it last worked */
    uint64_t first_ms;       /* the first of those failures */
    uint64_t until_ms;       /* left out until then, and back since then; 0: never was */
};

/** Whether it is left out now. */
bool sl_ejection_is_out(const struct sl_ejection *ejection, uint64_t now_ms);

/**
 * It failed.
 * @return for how long it is left out from now on, in ms; 0 when this failure changes nothing
 */
uint64_t sl_ejection_failed(struct sl_ejection *ejection, const struct sl_conf_ejection *rule,
                            uint64_t now_ms);

/** It worked. @return true when it had been ejected and had not worked since */
bool sl_ejection_worked(struct sl_ejection *ejection, uint64_t now_ms);
