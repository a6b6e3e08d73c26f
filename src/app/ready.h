/* SPDX-License-Identifier: Apache-2.0 */
/** @file The ready file: whoever waits for it finds every listener accepting. */
#pragma once
#include "app/listen.h"

/** Writes {"pid":…, "services": {"web": ["tls://127.0.0.1:39211"]}} by rename. SL_OK, SL_ENOMEM,
 * SL_ESYS. */
SL_CHECKED enum sl_err sl_ready_file_write(const char *path, const struct sl_conf *conf,
                                           const struct sl_listens *listens, struct sl_diag *diag);
