/* SPDX-License-Identifier: Apache-2.0 */
/** @file The process that holds the private keys: it signs, and nothing else. */
#pragma once

#define SL_KEYS_ROLE "keys"

/** Runs it with the channel SL_PROCESS_CHANNEL_FD. Gives the exit status. */
int sl_keys_main(void);
