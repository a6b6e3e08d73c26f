/* SPDX-License-Identifier: Apache-2.0 */
/** @file The manual page sluice(1), from the tables of the command line. */
#pragma once
#include "base/slice.h"

/** SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_manual_put(struct sl_wbuf *out);
