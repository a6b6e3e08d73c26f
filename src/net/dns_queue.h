/* SPDX-License-Identifier: Apache-2.0 */
/** @file Lookups of many names, so many at a time. */
#pragma once
#include "net/dns_lookup.h"

enum { SL_DNS_LOOKUPS_MAX = 32 }; /* under way at once */

/** A lookup that is wanted, embedded in its owner. */
struct sl_dns_job {
    struct sl_dns_name name;
    /** Told once, never before sl_dns_queue_add returns; `found` is valid until it returns. */
    void (*done)(struct sl_dns_job *job, const struct sl_dns_found *found);
    struct sl_list node;
};

struct sl_dns_queue;

struct sl_dns_slot {
    struct sl_dns_lookup lookup;
    struct sl_dns_queue *queue;
    struct sl_dns_job *job; /* NULL: it is free */
};

struct sl_dns_queue {
    struct sl_loop *loop;
    struct sl_dns_client *client;
    struct sl_list waiting;
    struct sl_task begin;
    struct sl_dns_slot slots[SL_DNS_LOOKUPS_MAX];
};

/** What it is given outlives it; the client is destroyed before the queue's memory goes. */
void sl_dns_queue_init(struct sl_dns_queue *queue, struct sl_loop *loop,
                       struct sl_dns_client *client);

/** The members of the job are set, but `node`. */
void sl_dns_queue_add(struct sl_dns_queue *queue, struct sl_dns_job *job);
