/* SPDX-License-Identifier: Apache-2.0 */
/** @file The one-service form of the command line, written as the configuration that it stands for.
 */
#pragma once
#include "app/cli.h"

enum { SL_ONESHOT_LINES_MAX = 512 };

struct sl_oneshot {
    struct sl_wbuf yaml;                       /* memory of the caller */
    const char *origins[SL_ONESHOT_LINES_MAX]; /* of line n + 1: the argument it is from */
    size_t lines_count;
};

/** Writes the YAML text into `oneshot->yaml`. SL_OK, SL_ENOSPC (the arguments are too long). */
SL_CHECKED enum sl_err sl_oneshot_write(const struct sl_cli *cli, struct sl_oneshot *oneshot);
