/* SPDX-License-Identifier: Apache-2.0 */
/** @file When a child that has died is started again. */
#pragma once
#include "base/logline.h"

enum {
    SL_RESTART_PAUSE_MIN_MS = 100, /* doubled with every death in a row; the first has none */
    SL_RESTART_PAUSE_MAX_MS = 30 * 1000,
    SL_RESTART_LIVED_MS = 30 * 1000, /* a process that lived so long was not dying in a row */
};

/** How long to wait after so many deaths in a row. */
uint64_t sl_restart_pause_ms(uint32_t deaths_count);

/** Appends how a process has ended, after waitpid(): `signal` or `status`. */
void sl_restart_log_status(struct sl_logline *line, int status);
