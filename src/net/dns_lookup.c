/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_lookup.h"

static enum sl_name_result failure_of(enum sl_err failure)
{
    switch (failure) {
    case SL_ETIMEDOUT:
        return SL_NAME_SILENT;
    case SL_EPROTO:
        return SL_NAME_NONSENSE;
    case SL_ENOMEM:
        return SL_NAME_FAILED;
    default:
        return SL_NAME_REFUSED;
    }
}

/* One question less is open; the last one ends the lookup. */
static void finish_one(struct sl_dns_lookup *lookup)
{
    struct sl_name_found *said = &lookup->found.said;
    if (--lookup->pending_count > 0) {
        return;
    }
    said->result = said->set.count > 0        ? SL_NAME_FOUND
                   : lookup->failure != SL_OK ? failure_of(lookup->failure)
                   : said->unusable_count > 0 ? SL_NAME_UNUSABLE
                                              : SL_NAME_NONE;
    lookup->done(lookup);
}

static void count(uint16_t *counter, size_t more)
{
    *counter = (uint16_t)SL_MIN(*counter + more, (size_t)UINT16_MAX);
}

/* Whether it was answered. */
static bool note(struct sl_dns_lookup *lookup, enum sl_err result,
                 const struct sl_dns_answer *answer)
{
    const bool is_answered = result == SL_OK || result == SL_ENOENT || result == SL_EDENIED;
    if (answer != NULL) {
        count(&lookup->found.said.unusable_count, answer->unusable_count);
        count(&lookup->found.said.surplus_count, answer->surplus_count);
    }
    if (result == SL_OK) {
        lookup->found.ttl_s = SL_MIN(lookup->found.ttl_s, answer->ttl_s);
    } else if (!is_answered) {
        lookup->failure = result;
    }
    return is_answered;
}

static void on_addresses(struct sl_dns_query *query, enum sl_err result,
                         const struct sl_dns_answer *answer)
{
    struct sl_dns_part *part = SL_CONTAINER_OF(query, struct sl_dns_part, query);
    struct sl_dns_lookup *lookup = part->lookup;
    struct sl_name_found *said = &lookup->found.said;
    if (!note(lookup, result, answer)) {
        lookup->found.lacks_4 = lookup->found.lacks_4 || query->type == SL_DNS_A;
        lookup->found.lacks_6 = lookup->found.lacks_6 || query->type == SL_DNS_AAAA;
    }
    for (size_t i = 0; result == SL_OK && i < answer->records_count; i++) {
        const struct sl_addr_rank rank = { .priority = part->service.priority,
                                           .weight = part->service.weight };
        struct sl_addr addr = answer->records[i].addr;
        sl_addr_set_port(&addr, part->service.port);
        count(&said->surplus_count, sl_addr_set_add(&said->set, &addr, rank) ? 0 : 1);
    }
    finish_one(lookup);
}

static void ask_addresses(struct sl_dns_lookup *lookup, struct sl_dns_part *parts, const char *host,
                          bool may_search)
{
    static const enum sl_dns_type TYPES[] = { SL_DNS_AAAA, SL_DNS_A };
    for (size_t i = 0; i < SL_COUNT(TYPES); i++) {
        parts[i].lookup = lookup;
        parts[i].query = (struct sl_dns_query){ .type = TYPES[i], .done = on_addresses };
        lookup->pending_count++;
        sl_dns_client_ask(lookup->client, host, may_search, &parts[i].query);
    }
}

static void on_services(struct sl_dns_query *query, enum sl_err result,
                        const struct sl_dns_answer *answer)
{
    struct sl_dns_part *part = SL_CONTAINER_OF(query, struct sl_dns_part, query);
    struct sl_dns_lookup *lookup = part->lookup;
    (void)note(lookup, result, answer); /* without an answer there is no other either */
    for (size_t i = 0; result == SL_OK && i < answer->records_count; i++) {
        struct sl_dns_part *parts = &lookup->parts[2 * i];
        parts[0].service = parts[1].service = answer->records[i];
        ask_addresses(lookup, parts, parts[0].service.target, false);
    }
    finish_one(lookup);
}

void sl_dns_lookup_begin(struct sl_dns_lookup *lookup, struct sl_dns_client *client,
                         struct sl_dns_name name, void (*done)(struct sl_dns_lookup *lookup))
{
    lookup->client = client;
    lookup->name = name;
    lookup->done = done;
    lookup->found = (struct sl_dns_found){ .ttl_s = UINT32_MAX };
    lookup->failure = SL_OK;
    lookup->pending_count = 1; /* this function's own: an answer may come before it returns */
    if (name.is_srv) {
        lookup->service_part.lookup = lookup;
        lookup->service_part.query =
            (struct sl_dns_query){ .type = SL_DNS_SRV, .done = on_services };
        lookup->pending_count++;
        sl_dns_client_ask(client, name.text, true, &lookup->service_part.query);
    } else {
        lookup->parts[0].service = lookup->parts[1].service = (struct sl_dns_record){ 0 };
        ask_addresses(lookup, lookup->parts, name.text, true);
    }
    finish_one(lookup);
}
