/* SPDX-License-Identifier: Apache-2.0 */
/** @file A worker process: all the traffic, and nothing else. */
#pragma once

/** Runs a worker whose channel is SL_PROCESS_CHANNEL_FD. Gives the exit status. */
int sl_worker_main(void);
