/* SPDX-License-Identifier: Apache-2.0 */
/** @file The log, and what of a service goes into it. */
#include "conf/options.h"

static const struct sl_schema_word LOG_FORMATS[] = {
    { "text", SL_LOG_TEXT },
    { "json", SL_LOG_JSON },
    { NULL, 0 },
};
static const struct sl_schema_word LOG_LEVELS[] = {
    { "info", SL_LOG_INFO },
    { "warn", SL_LOG_WARN },
    { "error", SL_LOG_ERROR },
    { NULL, 0 },
};

static const struct sl_schema_option ROWS[] = {
    {
        .in = SL_SECTION_LOG,
        .key = "to",
        .type = SL_TYPE_STRING,
        .min = 1,
        .max = 4095,
        .preset = SL_CONF_LOG_STDERR,
        .text = "Where log lines go: stderr; the absolute path of a file, which is made when it is "
                "not there and opened again at USR1; syslog (RFC 5424, to /dev/log) or journald "
                "(each field as one of its own), either perhaps with :PATH of another socket",
        SL_OPTION_AT(struct sl_conf, log_to),
    },
    {
        .in = SL_SECTION_LOG,
        .key = "format",
        .type = SL_TYPE_WORD,
        .words = LOG_FORMATS,
        .preset = "text",
        .text = "Log lines as key=value text or as JSON objects",
        SL_OPTION_AT(struct sl_conf, log_format),
    },
    {
        .in = SL_SECTION_LOG,
        .key = "level",
        .type = SL_TYPE_WORD,
        .words = LOG_LEVELS,
        .preset = "info",
        .text =
            "The least level that is written: connections, even if a client has made a mistake, "
            "are info, an upstream's mistakes warn, ours error",
        SL_OPTION_AT(struct sl_conf, log_level),
    },
    {
        .in = SL_SECTION_SERVICE_LOG,
        .key = "level",
        .type = SL_TYPE_WORD,
        .words = LOG_LEVELS,
        .absent = "`level` of the global `log`",
        .example = "warn",
        .text = "The least level of lines about the service's connections, be it above or below "
                "the global one",
        SL_OPTION_AT(struct sl_conf_service_log, level),
    },
    {
        .in = SL_SECTION_SERVICE_LOG,
        .key = "sample",
        .type = SL_TYPE_INTEGER,
        .min = 1,
        .max = 1000000,
        .preset = "1",
        .text = "Write one line for so many connections that ended with the reason done, in each "
                "worker; those that ended otherwise have theirs always",
        SL_OPTION_AT(struct sl_conf_service_log, sample_count),
    },
};

const struct sl_option_table sl_options_log = { ROWS, SL_COUNT(ROWS) };
