/* SPDX-License-Identifier: Apache-2.0 */
/** @file What the messages about names say (codec/message.h): from the supervisor to the agent and
 * the workers, and from the agent, which speaks with name servers and is believed nothing that
 * could not be. Pure; all numbers are in network byte order. */
#pragma once
#include "codec/addr_set.h"
#include "codec/dns_answer.h"

/** The body of AGENT_DNS: four u32, then the servers. */
struct sl_name_rules {
    uint32_t min_ttl_ms, max_ttl_ms, timeout_ms, retry_ms;
    struct sl_slice servers; /* "IP:PORT,IP:PORT"; empty: those of /etc/resolv.conf */
};

/** The body of NAME and, behind the number of the name, AGENT_NAME: u8 is_srv, vec8 name, u32 age,
 * addresses. */
struct sl_name_addrs {
    bool is_srv;
    struct sl_slice name; /* 1 to SL_DNS_HOST_MAX bytes */
    uint32_t age_s;       /* of the addresses; NAME: 0 */
    struct sl_addr_set set;
};

/** What became of a lookup; the numbers are sent. */
enum sl_name_result {
    SL_NAME_FOUND,    /* there are addresses */
    SL_NAME_NONE,     /* no such name, or nothing for it */
    SL_NAME_UNUSABLE, /* only addresses that nothing can be connected to */
    SL_NAME_SILENT,   /* no answer in time */
    SL_NAME_REFUSED,  /* no server, or each refuses or fails */
    SL_NAME_NONSENSE, /* an answer that makes no sense */
    SL_NAME_FAILED,   /* no memory */
    SL_NAME_RESULT_COUNT
};

/** The body of AGENT_FOUND behind the number of the name: u8 result, u16 unusable, u16 surplus, u32
 * age, addresses. */
struct sl_name_found {
    enum sl_name_result result;
    uint16_t unusable_count, surplus_count;
    uint32_t age_s;         /* of what is kept, when nothing was found */
    struct sl_addr_set set; /* empty unless FOUND */
};

/** What the result means, in words. */
const char *sl_name_result_text(enum sl_name_result result);

/** SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_name_rules_emit(const struct sl_name_rules *rules, struct sl_wbuf *out);
SL_CHECKED enum sl_err sl_name_addrs_emit(const struct sl_name_addrs *addrs, struct sl_wbuf *out);
SL_CHECKED enum sl_err sl_name_found_emit(const struct sl_name_found *found, struct sl_wbuf *out);

/** They read all of `bytes`, and point into it. SL_OK, SL_EPROTO. */
SL_CHECKED enum sl_err sl_name_rules_parse(struct sl_slice bytes, struct sl_name_rules *ret_rules);
SL_CHECKED enum sl_err sl_name_addrs_parse(struct sl_slice bytes, struct sl_name_addrs *ret_addrs);

/** SL_EPROTO also for an address that is none of DNS: another family's, or an unusable one. */
SL_CHECKED enum sl_err sl_name_found_parse(struct sl_slice bytes, struct sl_name_found *ret_found);
