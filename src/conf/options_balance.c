/* SPDX-License-Identifier: Apache-2.0 */
/** @file The servers of a service: their shares, and what is done about those that fail. */
#include "conf/options.h"

static const struct sl_schema_word HEALTH_TYPES[] = {
    { "connect", SL_HEALTH_CONNECT },
    { "tls", SL_HEALTH_TLS },
    { NULL, 0 },
};

static const struct sl_schema_option ROWS[] = {
    {
        .in = SL_SECTION_CONNECT,
        .key = "url",
        .type = SL_TYPE_CONNECT,
        .example = "tls://backend.example.com:8443",
        .is_required = true,
        .text = "The server",
        SL_OPTION_AT(struct sl_conf_url, url),
    },
    {
        .in = SL_SECTION_CONNECT,
        .key = "weight",
        .type = SL_TYPE_INTEGER,
        .max = 1000,
        .preset = "1",
        .text = "Its share of the connections, against the weights of the others; with 0 it takes "
                "no new ones",
        SL_OPTION_AT(struct sl_conf_url, weight),
        .pos_at = offsetof(struct sl_conf_url, weight_pos),
    },
    {
        .in = SL_SECTION_CONNECT,
        .key = "backup",
        .type = SL_TYPE_SWITCH,
        .preset = "off",
        .text = "Whether it is used only while none of the others is up",
        SL_OPTION_AT(struct sl_conf_url, is_backup),
        .pos_at = offsetof(struct sl_conf_url, backup_pos),
    },
    {
        .in = SL_SECTION_EJECTION,
        .key = "failures",
        .type = SL_TYPE_INTEGER,
        .max = 1000,
        .zero = "off",
        .preset = "3",
        .text = "So many failures in a row, seen by one worker, eject a server: refused, no answer "
                "in time, or a failed TLS handshake. A server is tried nevertheless when no other "
                "is left",
        SL_OPTION_AT(struct sl_conf_ejection, failures_count),
    },
    {
        .in = SL_SECTION_EJECTION,
        .key = "within",
        .type = SL_TYPE_DURATION,
        .min = 100,
        .max = 60 * SL_OPTION_MINUTE_MS,
        .preset = "30s",
        .text = "In which they have to come",
        SL_OPTION_AT(struct sl_conf_ejection, within_ms),
    },
    {
        .in = SL_SECTION_EJECTION,
        .key = "time",
        .type = SL_TYPE_DURATION,
        .min = 100,
        .max = 60 * SL_OPTION_MINUTE_MS,
        .preset = "5s",
        .text = "How long it is left out; twice as long each time that its first connection after "
                "that fails as well",
        SL_OPTION_AT(struct sl_conf_ejection, time_ms),
    },
    {
        .in = SL_SECTION_EJECTION,
        .key = "time_max",
        .type = SL_TYPE_DURATION,
        .min = 100,
        .max = SL_OPTION_DAY_MS,
        .preset = "5m",
        .text = "How long at most",
        SL_OPTION_AT(struct sl_conf_ejection, time_max_ms),
    },
    {
        .in = SL_SECTION_HEALTH,
        .key = "type",
        .type = SL_TYPE_WORD,
        .words = HEALTH_TYPES,
        .example = "connect",
        .is_required = true,
        .text = "What a server must do to be up: accept a TCP connection, or finish a TLS "
                "handshake on it with a certificate that is accepted",
        SL_OPTION_AT(struct sl_conf_health, type),
        .pos_at = offsetof(struct sl_conf_health, type_pos),
    },
    {
        .in = SL_SECTION_HEALTH,
        .key = "interval",
        .type = SL_TYPE_DURATION,
        .min = 100,
        .max = 60 * SL_OPTION_MINUTE_MS,
        .preset = "2s",
        .text =
            "From one check of a server to the next, a tenth more or less, whichever the number "
            "of workers",
        SL_OPTION_AT(struct sl_conf_health, interval_ms),
    },
    {
        .in = SL_SECTION_HEALTH,
        .key = "timeout",
        .type = SL_TYPE_DURATION,
        .min = 50,
        .max = SL_OPTION_MINUTE_MS,
        .preset = "1s",
        .text = "For a check to succeed",
        SL_OPTION_AT(struct sl_conf_health, timeout_ms),
        .pos_at = offsetof(struct sl_conf_health, timeout_pos),
    },
    {
        .in = SL_SECTION_HEALTH,
        .key = "rise",
        .type = SL_TYPE_INTEGER,
        .min = 1,
        .max = 100,
        .preset = "2",
        .text = "So many checks in a row must succeed for a server that is down to be up",
        SL_OPTION_AT(struct sl_conf_health, rise_count),
    },
    {
        .in = SL_SECTION_HEALTH,
        .key = "fall",
        .type = SL_TYPE_INTEGER,
        .min = 1,
        .max = 100,
        .preset = "3",
        .text = "So many must fail for one that is up, as each is at first, to be down",
        SL_OPTION_AT(struct sl_conf_health, fall_count),
    },
    {
        .in = SL_SECTION_KEEPALIVE,
        .key = "idle",
        .type = SL_TYPE_DURATION,
        .min = SL_OPTION_SECOND_MS,
        .max = 32767 * SL_OPTION_SECOND_MS, /* tcp(7) */
        .preset = "1m",
        .text =
            "Without a byte, after which the kernel asks the peer whether it is there; in whole "
            "seconds",
        SL_OPTION_AT(struct sl_conf_keepalive, idle_ms),
    },
    {
        .in = SL_SECTION_KEEPALIVE,
        .key = "interval",
        .type = SL_TYPE_DURATION,
        .min = SL_OPTION_SECOND_MS,
        .max = 32767 * SL_OPTION_SECOND_MS,
        .preset = "10s",
        .text = "From one question to the next; in whole seconds",
        SL_OPTION_AT(struct sl_conf_keepalive, interval_ms),
    },
    {
        .in = SL_SECTION_KEEPALIVE,
        .key = "count",
        .type = SL_TYPE_INTEGER,
        .min = 1,
        .max = 127,
        .preset = "6",
        .text = "Unanswered questions after which the connection is reset",
        SL_OPTION_AT(struct sl_conf_keepalive, count),
    },
};

const struct sl_option_table sl_options_balance = { ROWS, SL_COUNT(ROWS) };
