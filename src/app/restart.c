/* SPDX-License-Identifier: Apache-2.0 */
#include "app/restart.h"
#include <sys/wait.h>

uint64_t sl_restart_pause_ms(uint32_t deaths_count)
{
    if (deaths_count <= 1) {
        return 0;
    }
    uint32_t doublings = SL_MIN(deaths_count - 2, 16U);
    return SL_MIN((uint64_t)SL_RESTART_PAUSE_MIN_MS << doublings,
                  (uint64_t)SL_RESTART_PAUSE_MAX_MS);
}

void sl_restart_log_status(struct sl_logline *line, int status)
{
    if (WIFSIGNALED(status)) {
        sl_logline_u64(line, "signal", (uint64_t)WTERMSIG(status));
    } else {
        sl_logline_u64(line, "status", (uint64_t)WEXITSTATUS(status));
    }
}
