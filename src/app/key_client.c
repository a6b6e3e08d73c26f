/* SPDX-License-Identifier: Apache-2.0 */
#include "app/key_client.h"
#include "codec/key_message.h"
#include "sys/channel.h"
#include "sys/socket.h"
#include "sys/stack.h"
#include "tls/key_stack.h"

enum { BATCH_BYTES_MAX = 8 * 1024 }; /* unless one request alone is longer */

static struct sl_key_request *request_of(struct sl_list *node)
{
    return SL_CONTAINER_OF(node, struct sl_key_request, node);
}

static struct sl_key_client *client_of(struct sl_key_service *service)
{
    return SL_CONTAINER_OF(service, struct sl_key_client, service);
}

static void request_end(struct sl_key_client *client, struct sl_key_request *request,
                        enum sl_err rc, struct sl_slice signature)
{
    sl_list_remove(&request->node);
    client->pending_count--;
    sl_key_request_done(request, rc, signature);
}

/* The oldest request is the first of one of the two lists. */
static struct sl_key_request *oldest(struct sl_key_client *client)
{
    struct sl_list *head = !sl_list_is_empty(&client->sent) ? &client->sent : &client->queued;
    return sl_list_is_empty(head) ? NULL : request_of(head->next);
}

static void on_deadline(struct sl_timer *timer)
{
    struct sl_key_client *client = SL_CONTAINER_OF(timer, struct sl_key_client, deadline);
    struct sl_key_request *request;
    while ((request = oldest(client)) != NULL) {
        uint64_t age_ms = client->loop->now_ms - request->begin_ms;
        if (age_ms < SL_KEY_WAIT_MS) {
            sl_loop_timer(client->loop, timer, SL_KEY_WAIT_MS - age_ms);
            return;
        }
        request_end(client, request, SL_ETIMEDOUT, SL_SLICE(""));
    }
}

static enum sl_err submit(struct sl_key_service *service, struct sl_key_request *request)
{
    struct sl_key_client *client = client_of(service);
    if (client->pending_count >= SL_KEY_PENDING_MAX_COUNT) {
        return SL_EBUSY;
    }
    if (client->pending_count == 0) {
        sl_loop_timer(client->loop, &client->deadline, SL_KEY_WAIT_MS);
    }
    request->id = ++client->last_id;
    request->begin_ms = client->loop->now_ms;
    sl_list_append(&client->queued, &request->node);
    client->pending_count++;
    sl_loop_defer(client->loop, &client->flush); /* behind all that this turn still asks */
    return SL_OK;
}

static void cancel(struct sl_key_service *service, struct sl_key_request *request)
{
    sl_list_remove(&request->node);
    client_of(service)->pending_count--;
}

/* As many of the queued ones as one datagram takes; they stay where they are. */
static size_t batch_fill(struct sl_key_client *client, size_t max_count, struct sl_wbuf *out)
{
    size_t count = 0;
    for (struct sl_list *at = client->queued.next; at != &client->queued; at = at->next) {
        const struct sl_key_request *request = request_of(at);
        const struct sl_key_message message = { .type = SL_KEY_SIGN,
                                                .id = request->id,
                                                .key_index = request->key_index,
                                                .scheme = request->scheme,
                                                .bytes = request->input };
        bool is_full = count > 0 && out->len + request->input.len > BATCH_BYTES_MAX;
        if (count == max_count || is_full || sl_key_message_emit(&message, out) != SL_OK) {
            break;
        }
        count++;
    }
    return count;
}

/* All are to be asked again, those that were sent first. */
static void requeue(struct sl_key_client *client)
{
    struct sl_list all;
    sl_list_init(&all);
    for (struct sl_list *node; (node = sl_list_shift(&client->sent)) != NULL;) {
        sl_list_append(&all, node);
    }
    for (struct sl_list *node; (node = sl_list_shift(&client->queued)) != NULL;) {
        sl_list_append(&all, node);
    }
    for (struct sl_list *node; (node = sl_list_shift(&all)) != NULL;) {
        sl_list_append(&client->queued, node);
    }
    client->sent_count = 0;
}

static void lost(struct sl_key_client *client)
{
    sl_loop_remove(client->loop, &client->channel); /* the supervisor may still have a copy */
    sl_socket_close(&client->channel.fd);
    requeue(client);
}

static void send_queued(struct sl_key_client *client)
{
    uint8_t bytes[SL_KEY_DATAGRAM_MAX];
    while (client->channel.fd >= 0 && client->sent_count < SL_KEY_UNDERWAY_MAX_COUNT) {
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        size_t count = batch_fill(client, SL_KEY_UNDERWAY_MAX_COUNT - client->sent_count, &out);
        if (count == 0) {
            return;
        }
        enum sl_err rc = sl_channel_send(client->channel.fd, sl_wbuf_slice(&out), NULL, 0);
        if (rc == SL_AGAIN) { /* goes on with the next answer: some are due, or there were room */
            return;
        }
        if (rc != SL_OK) {
            lost(client);
            return;
        }
        client->sent_count += count;
        for (; count > 0; count--) {
            sl_list_append(&client->sent, sl_list_shift(&client->queued));
        }
    }
}

static void on_flush(struct sl_task *task)
{
    send_queued(SL_CONTAINER_OF(task, struct sl_key_client, flush));
}

/* A token's signature comes in two steps: the first gives back the place among those under way, so
 * that other keys never wait for a token. */
static void hear(struct sl_key_client *client, const struct sl_key_message *message)
{
    static const enum sl_err RESULTS[SL_KEY_RESULT_END] = { [SL_KEY_DONE] = SL_OK,
                                                            [SL_KEY_REFUSED] = SL_EINVAL,
                                                            [SL_KEY_NOT_THERE] = SL_ENOENT,
                                                            [SL_KEY_OVERLOAD] = SL_EBUSY };
    if (message->type != SL_KEY_LATE) {
        client->sent_count -= client->sent_count > 0;
    }
    if (message->type == SL_KEY_QUEUED) {
        return;
    }
    for (struct sl_list *at = client->sent.next; at != &client->sent; at = at->next) {
        struct sl_key_request *request = request_of(at);
        if (request->id == message->id) {
            request_end(client, request, RESULTS[message->result], message->bytes);
            return;
        }
    }
    /* nobody waits for it any more */
}

static enum sl_err hear_batch(struct sl_key_client *client, struct sl_slice in)
{
    struct sl_key_message message;
    enum sl_err rc;
    while ((rc = sl_key_message_next(&in, SL_KEY_TO_WORKER, &message)) == SL_OK) {
        hear(client, &message);
    }
    return rc == SL_EOF ? SL_OK : rc;
}

static void on_channel_ready(struct sl_watch *watch, uint32_t events)
{
    struct sl_key_client *client = SL_CONTAINER_OF(watch, struct sl_key_client, channel);
    uint8_t bytes[SL_KEY_DATAGRAM_MAX];
    struct sl_wbuf in = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    SL_UNUSED(events);
    enum sl_err rc = sl_channel_recv(watch->fd, &in, &fds);
    if (rc == SL_OK && fds.count > 0) {
        sl_channel_fds_close(&fds);
        rc = SL_EPROTO;
    }
    rc = rc == SL_OK ? hear_batch(client, sl_wbuf_slice(&in)) : rc;
    if (rc != SL_OK && rc != SL_AGAIN) { /* it has died; the supervisor brings another channel */
        lost(client);
        if (rc == SL_EPROTO) {
            client->on_rubbish(client);
        }
    } else if (!sl_list_is_empty(&client->queued)) {
        sl_loop_defer(client->loop, &client->flush);
    }
}

enum sl_err sl_key_client_init(struct sl_key_client *client, struct sl_loop *loop)
{
    *client = (struct sl_key_client){ .service = { .submit = submit, .cancel = cancel },
                                      .loop = loop,
                                      .channel = { .fd = -1, .on_ready = on_channel_ready } };
    sl_list_init(&client->queued);
    sl_list_init(&client->sent);
    sl_task_init(&client->flush, on_flush);
    sl_timer_init(&client->deadline, on_deadline);
    enum sl_err rc = sl_key_stacks_use(sl_stack_map, sl_stack_unmap);
    if (rc != SL_OK && rc != SL_ENOENT) { /* an older OpenSSL has its own, without a guard */
        return rc;
    }
    /* one more than may wait: a handshake that needs no signature still goes on */
    return sl_key_jobs_init(SL_KEY_PENDING_MAX_COUNT + 1);
}

void sl_key_client_fini(struct sl_key_client *client)
{
    if (client->loop == NULL) {
        return;
    }
    sl_task_cancel(&client->flush);
    sl_timer_cancel(&client->deadline);
    sl_socket_close(&client->channel.fd);
    sl_key_jobs_fini();
}

enum sl_err sl_key_client_use(struct sl_key_client *client, int fd)
{
    lost(client);
    client->channel.fd = fd;
    enum sl_err rc = sl_loop_add(client->loop, &client->channel, SL_WATCH_INPUT);
    if (rc != SL_OK) {
        client->channel.fd = -1;
        return rc;
    }
    sl_loop_defer(client->loop, &client->flush);
    return SL_OK;
}
