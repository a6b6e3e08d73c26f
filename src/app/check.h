/* SPDX-License-Identifier: Apache-2.0 */
/** @file Loading a configuration from where the command line says, and `sluice check`. */
#pragma once
#include "app/cli.h"
#include "app/load.h"

enum { SL_CONFIGURED_BYTES_MAX = 64 * 1024 }; /* of the text that a one-service form becomes */

/** A loaded configuration with everything that it stands on. */
struct sl_configured {
    struct sl_load load;
    struct sl_blob text;
    char *folder;
    const char **origins;
    struct sl_diag diag; /* what kept it from being looked at */
};

/**
 * Loads what `cli` names and prints every finding.
 * @return SL_OK, or what failed, which has been printed. Call sl_configured_fini in any case.
 */
SL_CHECKED enum sl_err sl_configured_load(const struct sl_cli *cli,
                                          struct sl_configured *configured);

/**
 * As sl_configured_load, for one that is to replace what runs: nothing is printed, what is wrong
 * stands in the findings, or else in `diag`.
 * @param base  with a keeper; its text, when there is one, stands for the file's
 */
SL_CHECKED enum sl_err sl_configured_reload(const struct sl_cli *cli,
                                            const struct sl_load_source *base,
                                            struct sl_configured *configured);

/** The same for a text that the program itself has made. */
SL_CHECKED enum sl_err sl_configured_load_text(struct sl_slice yaml, const char *display,
                                               struct sl_configured *configured);
void sl_configured_fini(struct sl_configured *configured);

/** `sluice check`: gives the exit status. */
int sl_check(const struct sl_cli *cli);
