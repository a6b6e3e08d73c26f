/* SPDX-License-Identifier: Apache-2.0 */
/** @file What one name stands for: its A and AAAA records, or its SRV records and the A and AAAA
 * records of their targets (RFC 2782). */
#pragma once
#include "codec/name_message.h"
#include "sys/dns_client.h"

/** What is looked up. */
struct sl_dns_name {
    const char *text;
    bool is_srv;
};

struct sl_dns_found {
    struct sl_name_found said; /* its age is 0; port 0 when it is the URL's */
    uint32_t ttl_s;            /* when there are addresses: the least of all records */
    bool lacks_4, lacks_6;     /* a question for such addresses was not answered */
};

struct sl_dns_lookup;

/** A question of a lookup; inside of it. */
struct sl_dns_part {
    struct sl_dns_query query;
    struct sl_dns_lookup *lookup;
    struct sl_dns_record service; /* whose target is asked for; zeroes without SRV */
};

/** A lookup under way, embedded in its owner, who may use it again when it is done. */
struct sl_dns_lookup {
    struct sl_dns_client *client;
    struct sl_dns_name name;
    size_t pending_count;
    struct sl_dns_found found;
    enum sl_err failure; /* of a question that was not answered */
    struct sl_dns_part service_part;
    struct sl_dns_part parts[SL_DNS_RECORDS_MAX * 2];
    void (*done)(struct sl_dns_lookup *lookup); /* see `found`; perhaps before the begin returns */
};

/** Begins; `name.text` outlives it. */
void sl_dns_lookup_begin(struct sl_dns_lookup *lookup, struct sl_dns_client *client,
                         struct sl_dns_name name, void (*done)(struct sl_dns_lookup *lookup));
