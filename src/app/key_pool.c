/* SPDX-License-Identifier: Apache-2.0 */
#include "app/key_pool.h"
#include "app/key_client.h"
#include "sys/channel.h"
#include "sys/socket.h"
#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX_COUNT = 4 }; /* a request that so many processes have died of is refused */

struct sl_key_pool {
    struct sl_key_pools *pools;
    uint32_t first_key, keys_count, queue_max_count;
    struct sl_list queue; /* of struct request, the oldest first */
    uint32_t queue_count;
    struct sl_list processes;
    uint32_t last_id;
};

struct request {
    struct sl_list node;        /* in the queue of its pool, while it waits */
    struct sl_list asked;       /* in the list of its asker */
    struct sl_key_asker *asker; /* NULL: nobody waits any more */
    uint64_t begin_ms;
    uint32_t tries_count;
    struct sl_key_message message; /* its bytes follow */
    uint8_t bytes[];
};

struct process {
    struct sl_key_pool *pool;
    struct sl_list node;
    struct sl_watch watch; /* owns the channel */
    struct sl_timer stuck;
    struct request *request; /* that it signs; NULL: it is idle */
    uint32_t id;             /* of that one, on its channel */
    uint16_t index;
    struct sl_reap reap;
};

static void request_free(struct request *request)
{
    if (request != NULL) {
        sl_list_remove(&request->node);
        sl_list_remove(&request->asked);
        free(request);
    }
}

static void request_answer(struct request *request, enum sl_key_result result,
                           struct sl_slice signature)
{
    const struct sl_key_message late = {
        .type = SL_KEY_LATE, .id = request->message.id, .result = result, .bytes = signature
    };
    struct sl_key_asker *asker = request->asker;
    request_free(request);
    if (asker != NULL) {
        asker->answered(asker, &late);
    }
}

void sl_key_asker_init(struct sl_key_asker *asker)
{
    sl_list_init(&asker->requests);
}

static struct sl_key_pool *pool_of_key(const struct sl_key_pools *pools, uint32_t key_index)
{
    for (size_t i = 0; i < pools->count; i++) {
        struct sl_key_pool *pool = pools->list[i];
        if (key_index >= pool->first_key && key_index - pool->first_key < pool->keys_count) {
            return pool;
        }
    }
    return NULL;
}

/* The oldest request that is still waited for; its worker has given up the others. */
static struct request *queue_cut(struct sl_key_pool *pool)
{
    struct sl_list *node;
    while ((node = sl_list_shift(&pool->queue)) != NULL) {
        struct request *request = SL_CONTAINER_OF(node, struct request, node);
        pool->queue_count--;
        if (request->asker != NULL &&
            pool->pools->loop->now_ms - request->begin_ms < SL_KEY_WAIT_MS) {
            return request;
        }
        request_free(request);
    }
    return NULL;
}

static void queue_put_back(struct sl_key_pool *pool, struct request *request)
{
    sl_list_append(pool->queue.next, &request->node); /* before the first */
    pool->queue_count++;
}

static void process_free(struct sl_reap *reap)
{
    free(SL_CONTAINER_OF(reap, struct process, reap));
}

static void process_close(struct process *process)
{
    /* by name: another process may still have a copy of the descriptor */
    sl_loop_remove(process->pool->pools->loop, &process->watch);
    sl_socket_close(&process->watch.fd);
    sl_timer_cancel(&process->stuck);
    sl_list_remove(&process->node);
    sl_loop_reap(process->pool->pools->loop, &process->reap, process_free);
}

static enum sl_err process_begin(struct process *process, struct request *request)
{
    uint8_t bytes[SL_KEY_DATAGRAM_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_key_message message = request->message;
    message.id = ++process->pool->last_id;
    enum sl_err rc = sl_key_message_emit(&message, &out);
    rc = rc == SL_OK ? sl_channel_send(process->watch.fd, sl_wbuf_slice(&out), NULL, 0) : rc;
    if (rc == SL_OK) {
        request->tries_count++;
        process->request = request;
        process->id = message.id;
        sl_loop_timer(process->pool->pools->loop, &process->stuck, SL_KEY_STUCK_MS);
    }
    return rc;
}

static struct process *idle_find(const struct sl_key_pool *pool)
{
    for (struct sl_list *at = pool->processes.next; at != &pool->processes; at = at->next) {
        struct process *process = SL_CONTAINER_OF(at, struct process, node);
        if (process->request == NULL) {
            return process;
        }
    }
    return NULL;
}

static void dispatch(struct sl_key_pool *pool)
{
    struct process *process;
    struct request *request;
    while ((process = idle_find(pool)) != NULL && (request = queue_cut(pool)) != NULL) {
        if (process_begin(process, request) != SL_OK) {
            process_close(process); /* it has died, and the supervisor starts another */
            queue_put_back(pool, request);
        }
    }
}

/* What it had under way is asked again of another. */
static void process_lost(struct process *process)
{
    struct sl_key_pool *pool = process->pool;
    struct request *request = SL_STEAL(process->request);
    process_close(process);
    if (request != NULL && request->tries_count < TRIES_MAX_COUNT) {
        queue_put_back(pool, request);
    } else if (request != NULL) {
        request_answer(request, SL_KEY_REFUSED, SL_SLICE(""));
    }
    dispatch(pool);
}

static void on_stuck(struct sl_timer *timer)
{
    struct process *process = SL_CONTAINER_OF(timer, struct process, stuck);
    struct sl_key_pools *pools = process->pool->pools;
    uint16_t index = process->index;
    process->request->tries_count = TRIES_MAX_COUNT; /* nobody waits that long */
    process_lost(process);
    pools->on_stuck(pools, index);
}

static enum sl_err hear(struct process *process, struct sl_slice in)
{
    struct sl_key_message message;
    enum sl_err rc = sl_key_message_next(&in, SL_KEY_TO_WORKER, &message);
    if (rc != SL_OK || in.len > 0 || message.type != SL_KEY_SIGNED || process->request == NULL ||
        message.id != process->id) {
        return SL_EPROTO;
    }
    sl_timer_cancel(&process->stuck);
    request_answer(SL_STEAL(process->request), message.result, message.bytes);
    dispatch(process->pool);
    return SL_OK;
}

static void on_process_ready(struct sl_watch *watch, uint32_t events)
{
    struct process *process = SL_CONTAINER_OF(watch, struct process, watch);
    uint8_t bytes[SL_KEY_DATAGRAM_MAX];
    struct sl_wbuf in = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    SL_UNUSED(events);
    enum sl_err rc = sl_channel_recv(watch->fd, &in, &fds);
    sl_channel_fds_close(&fds);
    rc = rc == SL_OK ? hear(process, sl_wbuf_slice(&in)) : rc;
    if (rc != SL_OK && rc != SL_AGAIN) {
        struct sl_key_pools *pools = process->pool->pools;
        process_lost(process);
        if (rc == SL_EPROTO) { /* it lives, and would wait for ever for another channel */
            pools->on_stuck(pools, process->index);
        }
    }
}

void sl_key_asker_fini(struct sl_key_asker *asker)
{
    struct sl_list *node;
    while ((node = sl_list_shift(&asker->requests)) != NULL) {
        struct request *request = SL_CONTAINER_OF(node, struct request, asked);
        request->asker = NULL; /* what waits is passed over when its turn comes */
    }
}

enum sl_err sl_key_pools_add(struct sl_key_pools *pools, uint32_t first_key, uint32_t keys_count,
                             uint32_t queue_max_count)
{
    struct sl_key_pool **grown =
        realloc(pools->list, (pools->count + 1) * sizeof(struct sl_key_pool *));
    if (grown == NULL) {
        return SL_ENOMEM;
    }
    pools->list = grown;
    struct sl_key_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL) {
        return SL_ENOMEM;
    }
    *pool = (struct sl_key_pool){ .pools = pools,
                                  .first_key = first_key,
                                  .keys_count = keys_count,
                                  .queue_max_count = queue_max_count };
    sl_list_init(&pool->queue);
    sl_list_init(&pool->processes);
    pools->list[pools->count++] = pool;
    return SL_OK;
}

enum sl_err sl_key_pools_attach(struct sl_key_pools *pools, size_t pool_index,
                                uint16_t process_index, int fd)
{
    if (pool_index >= pools->count) {
        return SL_EPROTO;
    }
    struct process *process = calloc(1, sizeof(*process));
    if (process == NULL) {
        return SL_ENOMEM;
    }
    *process = (struct process){ .pool = pools->list[pool_index],
                                 .watch = { .fd = fd, .on_ready = on_process_ready },
                                 .index = process_index };
    sl_timer_init(&process->stuck, on_stuck);
    enum sl_err rc = sl_loop_add(pools->loop, &process->watch, SL_WATCH_INPUT);
    if (rc != SL_OK) {
        free(process);
        return rc;
    }
    sl_list_append(&process->pool->processes, &process->node);
    dispatch(process->pool);
    return SL_OK;
}

void sl_key_pools_fini(struct sl_key_pools *pools)
{
    for (size_t i = 0; i < pools->count; i++) {
        struct sl_key_pool *pool = pools->list[i];
        while (!sl_list_is_empty(&pool->processes)) {
            struct process *process = SL_CONTAINER_OF(pool->processes.next, struct process, node);
            request_free(SL_STEAL(process->request));
            process_close(process);
        }
        while (!sl_list_is_empty(&pool->queue)) {
            request_free(SL_CONTAINER_OF(pool->queue.next, struct request, node));
        }
        free(pool);
    }
    free(pools->list);
    pools->list = NULL;
    pools->count = 0;
}

/* Makes room where requests wait that nobody waits for any more. */
static bool has_room(struct sl_key_pool *pool)
{
    if (pool->queue_count >= pool->queue_max_count) {
        struct request *first = queue_cut(pool);
        if (first != NULL) {
            queue_put_back(pool, first);
        }
    }
    return pool->queue_count < pool->queue_max_count;
}

enum sl_err sl_key_pools_ask(struct sl_key_pools *pools, struct sl_key_asker *asker,
                             const struct sl_key_message *message)
{
    struct sl_key_pool *pool = pool_of_key(pools, message->key_index);
    if (pool == NULL) {
        return SL_ENOENT;
    }
    if (!has_room(pool)) {
        return SL_EBUSY;
    }
    struct request *request = malloc(sizeof(*request) + message->bytes.len);
    if (request == NULL) {
        return SL_ENOMEM;
    }
    *request =
        (struct request){ .asker = asker, .begin_ms = pools->loop->now_ms, .message = *message };
    memcpy(request->bytes, message->bytes.ptr, message->bytes.len);
    sl_list_init(&request->node);
    sl_list_init(&request->asked);
    request->message.bytes.ptr = request->bytes;
    sl_list_append(&asker->requests, &request->asked);
    sl_list_append(&pool->queue, &request->node);
    pool->queue_count++;
    dispatch(pool);
    return SL_OK;
}
