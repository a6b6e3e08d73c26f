/* SPDX-License-Identifier: Apache-2.0 */
/** @file What completes commands and options in a shell, from the tables of the command line. */
#pragma once
#include "base/slice.h"

/** A script that bash reads, and one for zsh's folder of functions. SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_completion_bash_put(struct sl_wbuf *out);
SL_CHECKED enum sl_err sl_completion_zsh_put(struct sl_wbuf *out);
