/* SPDX-License-Identifier: Apache-2.0 */
#include "app/child_send.h"
#include "app/log_place.h"
#include "sys/channel.h"
#include "sys/socket.h"
#include <poll.h>
#include <string.h>

enum { SEND_WAIT_MS = 5000 }; /* for a worker that does not read what configures it */

/* Sends one message; waits a while for a worker that is slow to read. */
enum sl_err sl_child_send(struct sl_child *child, const struct sl_message *message, const int *fds)
{
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_message_emit(message, &out);
    if (rc != SL_OK) {
        return rc;
    }
    for (;;) {
        rc = sl_channel_send(child->channel.fd, sl_wbuf_slice(&out), fds,
                             sl_message_fds_count(message->type));
        struct pollfd room = { .fd = child->channel.fd, .events = POLLOUT };
        if (rc != SL_AGAIN || poll(&room, 1, SEND_WAIT_MS) <= 0) {
            break;
        }
    }
    explicit_bzero(bytes, sizeof(bytes)); /* it may have been ticket keys */
    return rc;
}

enum sl_err sl_child_send_tickets(struct sl_child *child)
{
    const struct sl_ticket_keys *tickets = child->children->source.tickets;
    const struct sl_message message = { .type = SL_MESSAGE_TICKET_KEYS,
                                        .bytes = sl_slice_of(tickets, sizeof(*tickets)) };
    return sl_child_send(child, &message, NULL);
}

enum sl_err sl_child_send_log(struct sl_child *child)
{
    const struct sl_log *log = child->children->source.log;
    uint8_t bytes[1 + SL_LOG_PLACE_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_wbuf_put_u8(&out, log->may_block);
    rc = rc == SL_OK ? sl_wbuf_put(&out, sl_slice_cstr(child->children->source.log_to)) : rc;
    const struct sl_message message = { .type = SL_MESSAGE_LOG, .bytes = sl_wbuf_slice(&out) };
    return rc == SL_OK ? sl_child_send(child, &message, &log->fd) : rc;
}

/* While there is no process to ask, the worker waits for the next one. */
enum sl_err sl_child_send_keys(struct sl_child *child)
{
    const struct sl_message message = { .type = SL_MESSAGE_KEYS };
    int fd = -1;
    enum sl_err rc = sl_keeper_attach(child->children->source.keeper, (uint16_t)child->index, &fd);
    if (rc != SL_OK) {
        return rc == SL_ENOENT ? SL_OK : rc;
    }
    rc = sl_child_send(child, &message, &fd);
    sl_socket_close(&fd);
    return rc;
}

static uint32_t rank_of(const struct sl_child *child)
{
    uint32_t rank = 0;
    for (uint32_t i = 0; i < child->index; i++) {
        rank += !child->children->list[i].is_leaving;
    }
    return rank;
}

static enum sl_err child_send_listener(struct sl_child *child, const struct sl_listen *listen,
                                       int fd)
{
    const struct sl_message message = {
        .type = SL_MESSAGE_LISTENER, .listener = { listen->service_index, listen->listen_index }
    };
    return fd < 0 ? SL_OK : sl_child_send(child, &message, &fd);
}

/* Sockets of workers that are not there any more are shared out, so that nobody who waits at one is
 * forgotten. */
enum sl_err sl_child_send_listeners(struct sl_child *child, const struct sl_listens *listens,
                                    uint32_t workers_count)
{
    const uint32_t rank = rank_of(child);
    enum sl_err rc = SL_OK;
    for (size_t i = 0; rc == SL_OK && i < listens->count; i++) {
        const struct sl_listen *listen = &listens->list[i];
        if (listen->is_shared) {
            rc = child_send_listener(child, listen, sl_listen_fd(listen, 0));
            continue;
        }
        for (uint32_t at = rank; rc == SL_OK && at < listens->sockets_count; at += workers_count) {
            rc = child_send_listener(child, listen, sl_listen_fd(listen, at));
        }
    }
    return rc;
}

enum sl_err sl_child_send_name(struct sl_child *child, const struct sl_agent_name *name)
{
    uint8_t bytes[SL_MESSAGE_NAME_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_agent_name_emit(name, &out);
    const struct sl_message message = { .type = SL_MESSAGE_NAME, .bytes = sl_wbuf_slice(&out) };
    return rc == SL_OK ? sl_child_send(child, &message, NULL) : rc;
}

/* What the bundle says is as old as the start. */
static enum sl_err child_send_names(struct sl_child *child)
{
    const struct sl_agent_child *agent = child->children->source.agent;
    enum sl_err rc = SL_OK;
    for (uint32_t i = 0; rc == SL_OK && i < agent->names_count; i++) {
        if (agent->names[i].is_changed) {
            rc = sl_child_send_name(child, &agent->names[i]);
        }
    }
    return rc;
}

enum sl_err sl_child_configure(struct sl_child *child)
{
    const struct sl_children_source *source = &child->children->source;
    const struct sl_message bundle = { .type = SL_MESSAGE_BUNDLE,
                                       .edition = { (uint16_t)child->index, source->edition } };
    const struct sl_message metrics = { .type = SL_MESSAGE_METRICS };
    const struct sl_message health = { .type = SL_MESSAGE_HEALTH };
    const struct sl_message start = { .type = SL_MESSAGE_START };
    enum sl_err rc = sl_child_send_log(child);
    rc = rc == SL_OK ? sl_child_send(child, &bundle, &source->files_fd) : rc;
    rc = rc == SL_OK ? sl_child_send(child, &metrics, &child->metrics_fd) : rc;
    rc = rc == SL_OK ? sl_child_send(child, &health, &source->health_fd) : rc;
    rc = rc == SL_OK ? sl_child_send_listeners(child, source->listens, source->count) : rc;
    rc = rc == SL_OK ? sl_child_send_tickets(child) : rc;
    rc = rc == SL_OK ? sl_child_send_keys(child) : rc;
    rc = rc == SL_OK ? child_send_names(child) : rc;
    return rc == SL_OK ? sl_child_send(child, &start, NULL) : rc;
}
