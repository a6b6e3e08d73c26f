/* SPDX-License-Identifier: Apache-2.0 */
/** @file How names become addresses. */
#include "conf/options.h"

static const struct sl_schema_word UNRESOLVED[] = {
    { "error", SL_UNRESOLVED_ERROR },
    { "later", SL_UNRESOLVED_LATER },
    { NULL, 0 },
};

static const struct sl_schema_option ROWS[] = {
    {
        .in = SL_SECTION_DNS,
        .key = "refresh",
        .type = SL_TYPE_SWITCH,
        .preset = "on",
        .text = "Names are looked up again when their TTL ends, those in /etc/hosts excepted; off, "
                "once, at start, by the system's resolver",
        SL_OPTION_AT(struct sl_conf_dns, is_refreshed),
    },
    {
        .in = SL_SECTION_DNS,
        .key = "unresolved",
        .type = SL_TYPE_WORD,
        .words = UNRESOLVED,
        .preset = "error",
        .text = "What a name without an address at start is: an error, or one that gets its "
                "address later, until when connections to it end with upstream_unresolved",
        SL_OPTION_AT(struct sl_conf_dns, unresolved),
        .pos_at = offsetof(struct sl_conf_dns, unresolved_pos),
    },
    {
        .in = SL_SECTION_DNS,
        .key = "servers",
        .type = SL_TYPE_STRINGS,
        .count_max = 8,
        .min = 2,
        .max = 64,
        .absent = "those of /etc/resolv.conf",
        .example = "[192.0.2.53, \"[2001:db8::53]:5353\"]",
        .text = "The name servers to ask, by IP address, with a port or without",
        SL_OPTION_AT(struct sl_conf_dns, servers),
        .count_at = offsetof(struct sl_conf_dns, servers_count),
    },
    {
        .in = SL_SECTION_DNS,
        .key = "min_ttl",
        .type = SL_TYPE_DURATION,
        .min = 100,
        .max = SL_OPTION_DAY_MS,
        .preset = "1s",
        .text = "How long an answer is used at least, whatever its TTL",
        SL_OPTION_AT(struct sl_conf_dns, min_ttl_ms),
        .pos_at = offsetof(struct sl_conf_dns, min_ttl_pos),
    },
    {
        .in = SL_SECTION_DNS,
        .key = "max_ttl",
        .type = SL_TYPE_DURATION,
        .min = 100,
        .max = SL_OPTION_DAY_MS,
        .preset = "1h",
        .text = "How long an answer is used at most, whatever its TTL",
        SL_OPTION_AT(struct sl_conf_dns, max_ttl_ms),
        .pos_at = offsetof(struct sl_conf_dns, max_ttl_pos),
    },
    {
        .in = SL_SECTION_DNS,
        .key = "timeout",
        .type = SL_TYPE_DURATION,
        .min = 100,
        .max = 60 * SL_OPTION_SECOND_MS,
        .preset = "2s",
        .text = "How long a name server may take; each is asked twice, the second time with more",
        SL_OPTION_AT(struct sl_conf_dns, timeout_ms),
    },
    {
        .in = SL_SECTION_DNS,
        .key = "retry",
        .type = SL_TYPE_DURATION,
        .min = 100,
        .max = 3600 * SL_OPTION_SECOND_MS,
        .preset = "1s",
        .text = "The pause after a lookup that failed; it doubles up to 1m, or up to max_ttl when "
                "that is less",
        SL_OPTION_AT(struct sl_conf_dns, retry_ms),
    },
};

const struct sl_option_table sl_options_dns = { ROWS, SL_COUNT(ROWS) };
