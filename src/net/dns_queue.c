/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_queue.h"

static void on_lookup_done(struct sl_dns_lookup *lookup)
{
    struct sl_dns_slot *slot = SL_CONTAINER_OF(lookup, struct sl_dns_slot, lookup);
    struct sl_dns_job *job = SL_STEAL(slot->job);
    sl_loop_defer(slot->queue->loop, &slot->queue->begin);
    job->done(job, &lookup->found);
}

static void on_begin(struct sl_task *task)
{
    struct sl_dns_queue *queue = SL_CONTAINER_OF(task, struct sl_dns_queue, begin);
    for (size_t i = 0; i < SL_DNS_LOOKUPS_MAX && !sl_list_is_empty(&queue->waiting); i++) {
        struct sl_dns_slot *slot = &queue->slots[i];
        if (slot->job == NULL) {
            struct sl_list *first = sl_list_shift(&queue->waiting);
            slot->job = SL_CONTAINER_OF(first, struct sl_dns_job, node);
            sl_dns_lookup_begin(&slot->lookup, queue->client, slot->job->name, on_lookup_done);
        }
    }
}

void sl_dns_queue_init(struct sl_dns_queue *queue, struct sl_loop *loop,
                       struct sl_dns_client *client)
{
    queue->loop = loop;
    queue->client = client;
    sl_list_init(&queue->waiting);
    sl_task_init(&queue->begin, on_begin);
    for (size_t i = 0; i < SL_DNS_LOOKUPS_MAX; i++) {
        queue->slots[i].queue = queue;
        queue->slots[i].job = NULL;
    }
}

void sl_dns_queue_add(struct sl_dns_queue *queue, struct sl_dns_job *job)
{
    sl_list_append(&queue->waiting, &job->node);
    sl_loop_defer(queue->loop, &queue->begin);
}
