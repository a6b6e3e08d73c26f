/* SPDX-License-Identifier: Apache-2.0 */
/** @file Where `log: {to: …}` says that lines go. */
#pragma once
#include "base/diag.h"

enum { SL_LOG_PLACE_MAX = 4096 }; /* bytes of what `log.to` says, with its NUL */

/** Whether it is a file, which may be opened again when it was renamed. */
bool sl_log_place_is_file(const char *to);

/** Opens standard error anew, a file to append to, which is made with mode 0640, or a socket to
 * syslog or the journal. SL_OK,
 * SL_EMFILE, SL_ESYS (diag). */
SL_CHECKED enum sl_err sl_log_place_open(const char *to, struct sl_diag *diag, int *ret_fd);
