/* SPDX-License-Identifier: Apache-2.0 */
/** @file What options say together: settings that lack or contradict each other. Pure. */
#pragma once
#include "conf/conf.h"

/**
 * Checks a whole configuration, adding what cannot work together to `findings`.
 *
 * @param flawed  for each service the sl_schema_bit of options whose own mistakes were reported,
 *                of which nothing can be concluded; NULL when there are no services
 * @return SL_OK, whatever was found, or SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_check_conf(const struct sl_conf *conf, const uint32_t *flawed,
                                     struct sl_arena *arena, struct sl_findings *findings);
