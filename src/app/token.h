/* SPDX-License-Identifier: Apache-2.0 */
/** @file A process that speaks with one PKCS#11 token: modules are foreign code that wants files,
 * sockets and threads, so they run here and not in `keys`. */
#pragma once

#define SL_TOKEN_ROLE "token"

/** Runs it with the channel SL_PROCESS_CHANNEL_FD. Gives the exit status. */
int sl_token_main(void);
