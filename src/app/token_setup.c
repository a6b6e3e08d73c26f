/* SPDX-License-Identifier: Apache-2.0 */
#include "app/token_setup.h"
#include "app/keeper.h"
#include "app/token.h"
#include "sys/channel.h"
#include "sys/process.h"
#include "sys/socket.h"

enum { CHAIN_BYTES_MAX = 1 << 20 };

static enum sl_err send_bytes(const struct sl_token_setup *setup, enum sl_message_type type,
                              struct sl_slice bytes)
{
    const struct sl_message message = { .type = type, .bytes = bytes };
    return sl_keeper_send(setup->fd, &message, NULL);
}

static enum sl_err send_pin(struct sl_token_setup *setup)
{
    const struct sl_message message = { .type = SL_MESSAGE_TOKEN_PIN };
    unsigned mode;
    int fd = -1;
    if (setup->pool->pin_path == NULL) {
        return SL_OK;
    }
    if (sl_file_open(setup->pool->pin_path, &setup->diag, &fd, &mode) != SL_OK) {
        return SL_EINVAL;
    }
    enum sl_err rc = sl_keeper_send(setup->fd, &message, &fd);
    sl_socket_close(&fd);
    return rc;
}

enum sl_err sl_token_setup_begin(struct sl_token_setup *setup)
{
    const struct sl_token_pool *pool = setup->pool;
    int ends[2] = { -1, -1 };
    setup->pid = 0;
    setup->is_opened = setup->is_pin_refused = false;
    setup->next = 0;
    setup->diag.text[0] = '\0';
    enum sl_err rc = sl_channel_pair(ends);
    rc = rc == SL_OK ? sl_process_spawn(SL_TOKEN_ROLE, ends[1], &setup->pid) : rc;
    sl_socket_close(&ends[1]);
    setup->fd = ends[0];
    rc = rc == SL_OK ? send_bytes(setup, SL_MESSAGE_TOKEN_CAGE, setup->cage) : rc;
    if (rc == SL_OK && pool->module_path != NULL) {
        rc = send_bytes(setup, SL_MESSAGE_TOKEN_MODULE, sl_slice_cstr(pool->module_path));
    }
    rc = rc == SL_OK ? send_pin(setup) : rc;
    rc = rc == SL_OK ? send_bytes(setup, SL_MESSAGE_TOKEN_OPEN, sl_slice_cstr(pool->uri)) : rc;
    if (rc != SL_OK) {
        sl_keeper_dismiss(setup->pid, &setup->fd);
        setup->pid = 0;
    }
    return rc;
}

static enum sl_err ask_next(struct sl_token_setup *setup)
{
    const struct sl_token_pool *pool = setup->pool;
    if (setup->next >= setup->chains_count + pool->keys_count) {
        return SL_OK;
    }
    const bool is_chain = setup->next < setup->chains_count;
    const uint32_t key = (uint32_t)(setup->next - setup->chains_count);
    const struct sl_message message = {
        .type = is_chain ? SL_MESSAGE_TOKEN_CHAIN : SL_MESSAGE_TOKEN_KEY,
        .key = { is_chain ? (uint32_t)setup->next : pool->first_key + key,
                 sl_slice_cstr(is_chain ? setup->chains[setup->next] : pool->keys[key]) },
    };
    enum sl_err rc = sl_keeper_send(setup->fd, &message, NULL);
    return rc == SL_OK ? SL_AGAIN : rc;
}

static void tell(struct sl_token_setup *setup, struct sl_slice bytes, const struct sl_diag *diag)
{
    if (setup->next < setup->chains_count) {
        setup->hearer->chain(setup->hearer, setup->next, bytes, diag);
    } else {
        setup->hearer->key(setup->hearer, setup->next - setup->chains_count, bytes, diag);
    }
}

static enum sl_err hear_chain(struct sl_token_setup *setup, int fd)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob blob = { 0 };
    enum sl_err rc = sl_memfd_map(fd, &blob);
    if (rc == SL_OK && blob.len > CHAIN_BYTES_MAX) {
        rc = SL_EPROTO;
    }
    if (rc == SL_OK) {
        tell(setup, sl_blob_slice(&blob), NULL);
    }
    return rc;
}

/* The answer to the question that is asked, and to no other. */
static enum sl_err hear(struct sl_token_setup *setup, const struct sl_message *message,
                        const struct sl_channel_fds *fds)
{
    const bool is_chain = setup->next < setup->chains_count;
    enum sl_err rc = SL_OK;
    if (message->type == SL_MESSAGE_TOKEN_BAD) {
        struct sl_diag diag = { 0 };
        sl_diag_set(&diag, "%.*s", SL_SLICE_FMT(message->key.bytes));
        if (!setup->is_opened) {
            setup->diag = diag;
            setup->is_pin_refused = message->key.index == 1;
            return SL_EINVAL;
        }
        tell(setup, SL_SLICE(""), &diag);
    } else if (message->type == SL_MESSAGE_TOKEN_OPENED && !setup->is_opened) {
        setup->is_opened = true;
        return ask_next(setup);
    } else if (message->type == SL_MESSAGE_TOKEN_CERTIFICATES && setup->is_opened && is_chain) {
        rc = hear_chain(setup, fds->fds[0]);
    } else if (message->type == SL_MESSAGE_TOKEN_PUBLIC && setup->is_opened && !is_chain) {
        tell(setup, message->key.bytes, NULL);
    } else {
        return SL_EPROTO;
    }
    setup->next++;
    return rc == SL_OK ? ask_next(setup) : rc;
}

enum sl_err sl_token_setup_hear(struct sl_token_setup *setup)
{
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf in = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    struct sl_message message;
    enum sl_err rc = sl_channel_recv(setup->fd, &in, &fds);
    if (rc == SL_OK) {
        rc = sl_message_parse(sl_wbuf_slice(&in), fds.count, SL_MESSAGE_FROM_TOKEN,
                              SL_PHASE_CONFIGURING, &message);
        rc = rc == SL_OK ? hear(setup, &message, &fds) : rc;
        sl_channel_fds_close(&fds);
    }
    return rc == SL_EOF ? SL_ERESET : rc;
}
