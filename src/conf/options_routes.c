/* SPDX-License-Identifier: Apache-2.0 */
/** @file The routes of a service. */
#include "conf/options.h"

static const struct sl_schema_option ROWS[] = {
    {
        .in = SL_SECTION_ROUTE,
        .key = "sni",
        .type = SL_TYPE_WORDS,
        .min = 1,
        .max = 255,
        .count_max = 1000,
        .absent = "any, or none",
        .example = "[www.example.com, \"*.api.example.com\"]",
        .text = "The names of which a client asks for one (RFC 6066 3); *. at the begin stands for "
                "exactly one label. With Encrypted Client Hello it is the outer name",
        SL_OPTION_AT(struct sl_conf_route, names),
        .count_at = offsetof(struct sl_conf_route, names_count),
        .pos_at = offsetof(struct sl_conf_route, names_pos),
    },
    {
        .in = SL_SECTION_ROUTE,
        .key = "alpn",
        .type = SL_TYPE_WORDS,
        .min = 1,
        .max = 255,
        .count_max = 64,
        .absent = "any, or none",
        .example = "[h2, http/1.1]",
        .text = "The application protocols of which a client offers at least one. Where TLS ends "
                "here and the upstream speaks none, one of these is chosen",
        SL_OPTION_AT(struct sl_conf_route, alpn),
        .count_at = offsetof(struct sl_conf_route, alpn_count),
        .pos_at = offsetof(struct sl_conf_route, alpn_pos),
    },
    {
        .in = SL_SECTION_ROUTE,
        .key = "from",
        .type = SL_TYPE_PREFIXES,
        .count_max = 10000,
        .absent = "anywhere",
        .example = "[10.0.0.0/8, \"2001:db8::/32\"]",
        .text = "Where clients come from",
        SL_OPTION_AT(struct sl_conf_route, from),
        .count_at = offsetof(struct sl_conf_route, from_count),
        .pos_at = offsetof(struct sl_conf_route, from_pos),
    },
    {
        .in = SL_SECTION_ROUTE,
        .key = "connect",
        .type = SL_TYPE_CONNECTS,
        .count_max = 64,
        .section = SL_SECTION_CONNECT,
        .example = "tcp://10.0.0.7:443",
        .is_required = true,
        .text = "Where these connections go, in place of the service's `connect`",
        SL_OPTION_AT(struct sl_conf_route, connects),
        .count_at = offsetof(struct sl_conf_route, connects_count),
    },
    {
        .in = SL_SECTION_ROUTE,
        .key = "terminate",
        .type = SL_TYPE_SWITCH,
        .preset = "on",
        .text = "Whether TLS ends here. With no the client's bytes go on untouched, from the first "
                "one, and the upstream's certificate is what it sees",
        SL_OPTION_AT(struct sl_conf_route, is_terminated),
        .pos_at = offsetof(struct sl_conf_route, terminate_pos),
    },
};

const struct sl_option_table sl_options_routes = { ROWS, SL_COUNT(ROWS) };
