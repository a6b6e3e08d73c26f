/* SPDX-License-Identifier: Apache-2.0 */
/** @file The command line: which command, and its options. */
#pragma once
#include "base/diag.h"
#include <stdbool.h>

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
    SL_OPTION_MAN,
    SL_OPTION_COUNT
};

enum { SL_CLI_HELP_MAX = 16 * 1024 };

struct sl_cli {
    enum sl_command command;
    const char *listen, *connect; /* of the one-service form */
    const char *topic;            /* of help; NULL for all */
    const char *options[SL_OPTION_COUNT];
};

/** SL_OK, or SL_EINVAL with what is wrong in `diag`. What it gives points into `argv`. */
SL_CHECKED enum sl_err sl_cli_parse(int argc, char **argv, struct sl_cli *ret_cli,
                                    struct sl_diag *diag);

struct sl_cli_option {
    const char *name;
    const char *value; /* what stands for the value in the help; NULL: the option takes none */
    unsigned commands; /* a bit for each that takes it: sl_cli_takes */
    const char *text;
};

struct sl_cli_command {
    const char *name; /* of the one-service form: "LISTEN" */
    const char *synopsis, *text;
};

const struct sl_cli_option *sl_cli_option(enum sl_option option);
const struct sl_cli_command *sl_cli_command(enum sl_command command);
bool sl_cli_takes(enum sl_command command, enum sl_option option);

/** "--cert". */
const char *sl_cli_option_name(enum sl_option option);

/** The text of `sluice help` or `sluice help TOPIC` (at most SL_CLI_HELP_MAX bytes). SL_OK,
 * SL_ENOENT (no such topic), SL_ENOSPC. */
SL_CHECKED enum sl_err sl_cli_help(const char *topic, struct sl_wbuf *out);
