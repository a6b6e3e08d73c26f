/* SPDX-License-Identifier: Apache-2.0 */
/** @file PROXY protocol headers that come in. */
#include "conf/options.h"

static const struct sl_schema_option ROWS[] = {
    {
        .in = SL_SECTION_PROXY,
        .key = "from",
        .type = SL_TYPE_PREFIXES,
        .count_max = 10000,
        .example = "[10.0.0.0/8, \"::1\", unix]",
        .is_required = true,
        .text = "Who must begin with a header: prefixes, addresses, and unix for unix: listen "
                "URLs. What else they send is closed; others are not asked for one",
        SL_OPTION_AT(struct sl_conf_proxy, from),
        .count_at = offsetof(struct sl_conf_proxy, from_count),
        .pos_at = offsetof(struct sl_conf_proxy, from_pos),
    },
    {
        .in = SL_SECTION_PROXY,
        .key = "pass",
        .type = SL_TYPE_TLVS,
        .count_max = 32,
        .absent = "none",
        .example = "[unique_id, netns, 0xEA]",
        .text = "TLVs of that header to pass on in the header to the upstream, each in place of "
                "our own of its type",
        SL_OPTION_AT(struct sl_conf_proxy, pass),
        .pos_at = offsetof(struct sl_conf_proxy, pass_pos),
    },
};

const struct sl_option_table sl_options_proxy = { ROWS, SL_COUNT(ROWS) };
