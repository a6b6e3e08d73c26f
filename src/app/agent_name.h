/* SPDX-License-Identifier: Apache-2.0 */
/** @file A name that is looked up, as the supervisor keeps it. */
#pragma once
#include "codec/name_message.h"
#include "conf/conf.h"

/** A name that upstreams are reached by. */
struct sl_agent_name {
    const char *text;
    bool is_srv;
    bool is_refreshed;         /* by the agent; else it stays as it was at the start */
    struct sl_addr_set set;    /* the last good one; port 0 when it is the URL's */
    uint64_t good_ms;          /* when it was heard */
    enum sl_name_result state; /* that the log knows */
    uint16_t unusable_count;   /* that the log knows */
    bool is_changed;           /* it is not what the bundle says */
};

/** The servers as c-ares and the message AGENT_DNS have them; "" for those of the system. */
struct sl_agent_servers {
    char text[SL_ADDR_TEXT_MAX * 8];
};
struct sl_agent_servers sl_agent_servers(const struct sl_conf_dns *conf);

/** Appends the body of NAME. SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_agent_name_emit(const struct sl_agent_name *name, struct sl_wbuf *out);
