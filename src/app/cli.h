/* SPDX-License-Identifier: Apache-2.0 */
/** @file The command line: which command, and its options. */
#pragma once
#include "base/diag.h"

enum sl_command {
    SL_COMMAND_ONESHOT, /* sluice LISTEN CONNECT … */
    SL_COMMAND_RUN,
    SL_COMMAND_CHECK,
    SL_COMMAND_CONFIG,
    SL_COMMAND_DEMO,
    SL_COMMAND_VERSION,
    SL_COMMAND_HELP,
    SL_COMMAND_COUNT
};

/** Exit statuses. */
enum { SL_EXIT_DONE = 0, SL_EXIT_FAILED = 1, SL_EXIT_USAGE = 2 };

/** The options that take a value; NULL when not given. */
enum sl_option {
    SL_OPTION_CERT,
    SL_OPTION_KEY,
    SL_OPTION_CA,
    SL_OPTION_NAME,
    SL_OPTION_VERIFY,
    SL_OPTION_CLIENT_CERT,
    SL_OPTION_CLIENT_KEY,
    SL_OPTION_CLIENT_CA,
    SL_OPTION_ALPN,
    SL_OPTION_POLICY,
    SL_OPTION_WORKERS,
    SL_OPTION_LOG_FORMAT,
    SL_OPTION_READY_FILE,
    SL_OPTION_CONFIG,
    SL_OPTION_AS,
    SL_OPTION_VERBOSE, /* from here on: no value, "" when given */
    SL_OPTION_ONCE,
    SL_OPTION_DEFAULTS,
    SL_OPTION_MARKDOWN,
    SL_OPTION_COUNT
};

struct sl_cli {
    enum sl_command command;
    const char *listen, *connect; /* of the one-service form */
    const char *topic;            /* of help; NULL for all */
    const char *options[SL_OPTION_COUNT];
};

/** SL_OK, or SL_EINVAL with what is wrong in `diag`. What it gives points into `argv`. */
SL_CHECKED enum sl_err sl_cli_parse(int argc, char **argv, struct sl_cli *ret_cli,
                                    struct sl_diag *diag);

/** "--cert". */
const char *sl_cli_option_name(enum sl_option option);

/** The text of `sluice help` or `sluice help COMMAND`; NULL when there is no such command. */
SL_CHECKED enum sl_err sl_cli_help(const char *topic, struct sl_wbuf *out);
