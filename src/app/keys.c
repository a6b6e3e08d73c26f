/* SPDX-License-Identifier: Apache-2.0 */
#include "app/keys.h"
#include "app/cli.h"
#include "app/confine.h"
#include "app/key_pool.h"
#include "app/secret.h"
#include "base/reader.h"
#include "codec/key_message.h"
#include "codec/message.h"
#include "sys/channel.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/memory.h"
#include "sys/process.h"
#include "sys/socket.h"
#include "tls/certificate.h"
#include "tls/key_signer.h"
#include "tls/random.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    AWAKE_MAX_COUNT = 4096, /* keys of which libcrypto's objects are kept, 3 KiB each */
    FILES_MAX_COUNT = 64,   /* in one turn, before anybody waits for a signature */
    ANSWER_BYTES_MAX = 16 + SL_KEY_SIGNATURE_MAX,
};

struct keys {
    struct sl_loop loop;
    struct sl_watch channel;
    enum sl_message_phase phase;
    struct sl_key_signer **signers; /* NULL for what could not be read */
    struct sl_key_ring ring;
    uint32_t count;              /* of those that there is room for */
    uint32_t known_count;        /* all that was ever told of is numbered below */
    struct sl_secret passphrase; /* of the next key; empty: it is not encrypted */
    enum sl_err passphrase_rc;   /* of the reading of it */
    struct sl_list clients;
    struct sl_key_pools pools; /* of keys that are on tokens */
    int exit_status;
    uint8_t in[SL_KEY_DATAGRAM_MAX], out[SL_KEY_DATAGRAM_MAX];
};

/* A worker. */
struct client {
    struct keys *keys;
    struct sl_watch watch; /* owns our end of its channel */
    struct sl_list node;
    struct sl_reap reap;
    struct sl_key_asker asker; /* of tokens */
    uint16_t worker_index;
};

static void say(struct keys *k, const struct sl_message *message)
{
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    if (sl_message_emit(message, &out) != SL_OK ||
        sl_channel_send(k->channel.fd, sl_wbuf_slice(&out), NULL, 0) != SL_OK) {
        sl_loop_stop(&k->loop); /* the supervisor is gone */
    }
}

static void client_free(struct sl_reap *reap)
{
    free(SL_CONTAINER_OF(reap, struct client, reap));
}

static void client_close(struct client *client)
{
    /* by name: the end of the descriptor alone ends no watch while another process has a copy */
    sl_loop_remove(&client->keys->loop, &client->watch);
    sl_socket_close(&client->watch.fd);
    sl_key_asker_fini(&client->asker);
    sl_list_remove(&client->node);
    sl_loop_reap(&client->keys->loop, &client->reap, client_free);
}

/* It breaks the protocol, or does not read what it asked for: the supervisor ends it. */
static void client_cut(struct client *client)
{
    const struct sl_message message = { .type = SL_MESSAGE_KEY_CUT,
                                        .worker_index = client->worker_index };
    say(client->keys, &message);
    client_close(client);
}

/* The second answer, of a token. One that a worker is too busy to take is not worth more than its
 * deadline, and what was QUEUED holds up nothing. */
static void on_token_answer(struct sl_key_asker *asker, const struct sl_key_message *late)
{
    struct client *client = SL_CONTAINER_OF(asker, struct client, asker);
    uint8_t bytes[ANSWER_BYTES_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_key_message_emit(late, &out);
    rc = rc == SL_OK ? sl_channel_send(client->watch.fd, sl_wbuf_slice(&out), NULL, 0) : rc;
    SL_UNUSED(rc);
}

/* A key that is not here is on a token, or is none. */
static enum sl_err answer_by_token(struct client *client, const struct sl_key_message *request,
                                   struct sl_wbuf *out)
{
    struct sl_key_message message = { .type = SL_KEY_QUEUED, .id = request->id };
    switch (sl_key_pools_ask(&client->keys->pools, &client->asker, request)) {
    case SL_OK:
        break;
    case SL_ENOENT:
        return SL_EPROTO;
    default:
        message.type = SL_KEY_SIGNED;
        message.result = SL_KEY_OVERLOAD;
    }
    return sl_key_message_emit(&message, out);
}

/* Appends the answer to one request. */
static enum sl_err answer(struct client *client, const struct sl_key_message *request,
                          struct sl_wbuf *out)
{
    struct keys *k = client->keys;
    uint8_t bytes[SL_KEY_SIGNATURE_MAX];
    struct sl_wbuf signature = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_key_message message = { .type = SL_KEY_SIGNED, .id = request->id };
    if (request->key_index >= SL_KEY_TOKENS_FIRST) {
        return answer_by_token(client, request, out);
    }
    if (request->key_index >= k->known_count) {
        return SL_EPROTO;
    }
    struct sl_key_signer *signer = k->signers[request->key_index];
    if (signer == NULL) {
        message.result = SL_KEY_NOT_THERE;
    } else if (sl_key_signer_sign(signer, request->scheme, request->bytes, &signature) != SL_OK) {
        message.result = SL_KEY_REFUSED;
        signature.len = 0;
    }
    if (signer != NULL) {
        sl_key_ring_use(&k->ring, signer);
    }
    message.bytes = sl_wbuf_slice(&signature);
    return sl_key_message_emit(&message, out);
}

static enum sl_err flush(struct client *client, struct sl_wbuf *out)
{
    enum sl_err rc = SL_OK;
    if (out->len > 0) {
        rc = sl_channel_send(client->watch.fd, sl_wbuf_slice(out), NULL, 0);
        out->len = 0;
    }
    return rc == SL_AGAIN ? SL_EPROTO : rc; /* there is room for all that may be under way */
}

static enum sl_err answer_batch(struct client *client, struct sl_slice in, struct sl_wbuf *out)
{
    size_t count = 0;
    struct sl_key_message request;
    enum sl_err rc;
    while ((rc = sl_key_message_next(&in, SL_KEY_TO_KEYS, &request)) == SL_OK) {
        if (count++ == SL_KEY_UNDERWAY_MAX_COUNT) {
            return SL_EPROTO;
        }
        if (sl_wbuf_room(out) < ANSWER_BYTES_MAX) {
            rc = flush(client, out);
        }
        rc = rc == SL_OK ? answer(client, &request, out) : rc;
        if (rc != SL_OK) {
            return rc;
        }
    }
    return rc == SL_EOF ? SL_OK : rc;
}

static void on_client_ready(struct sl_watch *watch, uint32_t events)
{
    struct client *client = SL_CONTAINER_OF(watch, struct client, watch);
    struct keys *k = client->keys;
    struct sl_wbuf in = sl_wbuf_of(k->in, sizeof(k->in));
    struct sl_wbuf out = sl_wbuf_of(k->out, sizeof(k->out));
    struct sl_channel_fds fds = { 0 };
    SL_UNUSED(events);
    /* one batch, then others have their turn; a read that finds nothing costs more than an event */
    enum sl_err rc = sl_channel_recv(watch->fd, &in, &fds);
    if (rc == SL_AGAIN) {
        return;
    }
    if (rc == SL_OK && fds.count > 0) {
        sl_channel_fds_close(&fds);
        rc = SL_EPROTO;
    }
    rc = rc == SL_OK ? answer_batch(client, sl_wbuf_slice(&in), &out) : rc;
    rc = rc == SL_OK ? flush(client, &out) : rc;
    if (rc == SL_EOF || rc == SL_ERESET) {
        client_close(client);
    } else if (rc != SL_OK) {
        client_cut(client);
    }
}

static enum sl_err hear_client(struct keys *k, uint16_t worker_index, int fd)
{
    struct client *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        return SL_ENOMEM;
    }
    *client = (struct client){ .keys = k,
                               .watch = { .fd = fd, .on_ready = on_client_ready },
                               .asker = { .answered = on_token_answer },
                               .worker_index = worker_index };
    enum sl_err rc = sl_loop_add(&k->loop, &client->watch, SL_WATCH_INPUT);
    if (rc != SL_OK) { /* the descriptor is still the caller's */
        free(client);
        return rc;
    }
    sl_key_asker_init(&client->asker);
    sl_list_append(&k->clients, &client->node);
    return SL_OK;
}

static enum sl_err hear_count(struct keys *k, uint32_t count, struct sl_slice cage)
{
    if (k->signers != NULL || count >= SL_KEY_TOKENS_FIRST) {
        return SL_EPROTO;
    }
    /* what cannot be locked is a lack of the system's, not a reason not to serve */
    enum sl_err locked = sl_memory_lock();
    enum sl_err heap = sl_key_signer_guard_memory(count);
    SL_UNUSED(locked);
    SL_UNUSED(heap);
    /* behind the locks, which want rights, and before the first byte of a file */
    struct sl_message message = { .type = SL_MESSAGE_KEY_LACKS };
    enum sl_err rc = sl_confine_keys_enter(cage, &message.key.index);
    if (message.key.index != 0) {
        say(k, &message);
    }
    if (rc != SL_OK) {
        return rc;
    }
    k->signers = calloc((size_t)count + 1, sizeof(struct sl_key_signer *));
    k->count = count;
    return k->signers == NULL ? SL_ENOMEM : SL_OK;
}

static enum sl_err hear_file(struct keys *k, uint32_t index, struct sl_slice what, int fd)
{
    bool may_premaster = what.ptr[0] == 1;
    struct sl_slice expected = sl_slice_of(what.ptr + 1, what.len - 1);
    if (index >= k->count || k->signers[index] != NULL) {
        return SL_EPROTO;
    }
    k->known_count = SL_MAX(k->known_count, index + 1);
    uint8_t der[SL_KEY_PUBLIC_MAX];
    struct sl_wbuf public_key = sl_wbuf_of(der, sizeof(der));
    SL_CLEANUP(sl_blob_fini) struct sl_blob pem = { 0 };
    struct sl_diag diag = { 0 };
    enum sl_err rc = k->passphrase_rc;
    if (rc != SL_OK) {
        sl_diag_set(&diag,
                    "passphrase_file: the first line has to be the passphrase: 1 to %d bytes",
                    SL_SECRET_MAX);
    }
    k->passphrase_rc = SL_OK;
    rc = rc == SL_OK ? sl_file_read_fd(fd, SL_TLS_PEM_MAX, &diag, &pem) : rc;
    rc = rc == SL_OK ? sl_key_signer_create(sl_blob_slice(&pem), sl_secret_slice(&k->passphrase),
                                            &diag, &k->signers[index])
                     : rc;
    sl_secret_wipe(&k->passphrase);
    rc = rc == SL_OK ? sl_key_signer_public(k->signers[index], &public_key) : rc;
    if (rc == SL_OK) { /* what was checked at the start is only to be the same */
        rc = expected.len > 0 ? sl_key_signer_expect(k->signers[index], expected, &diag)
                              : sl_key_signer_check(k->signers[index], &diag);
    }
    if (rc != SL_OK) {
        sl_key_signer_destroy(SL_STEAL(k->signers[index]));
    }
    if (rc == SL_OK && may_premaster) {
        sl_key_signer_allow_premaster(k->signers[index]);
    }
    sl_key_signer_rest(k->signers[index]);
    struct sl_message message = { .type = rc == SL_OK ? SL_MESSAGE_KEY_PUBLIC : SL_MESSAGE_KEY_BAD,
                                  .key = { index, sl_wbuf_slice(&public_key) } };
    if (rc != SL_OK) {
        message.key.bytes = sl_slice_cstr(diag.text[0] == '\0' ? sl_err_name(rc) : diag.text);
    }
    say(k, &message);
    return SL_OK;
}

static enum sl_err hear_drop(struct keys *k, uint32_t index)
{
    if (index >= k->count) {
        return SL_EPROTO;
    }
    k->known_count = SL_MAX(k->known_count, index + 1);
    sl_key_ring_leave(&k->ring, k->signers[index]);
    sl_key_signer_destroy(SL_STEAL(k->signers[index]));
    return SL_OK;
}

static void on_token_stuck(struct sl_key_pools *pools, uint16_t process_index)
{
    const struct sl_message message = { .type = SL_MESSAGE_KEY_STUCK,
                                        .worker_index = process_index };
    say(SL_CONTAINER_OF(pools, struct keys, pools), &message);
}

static enum sl_err hear_pool(struct keys *k, uint32_t first_key, struct sl_slice bytes)
{
    struct sl_reader r = sl_reader_of(bytes);
    const uint32_t count = sl_reader_u32(&r);
    const uint32_t queue_max_count = sl_reader_u32(&r);
    return first_key < SL_KEY_TOKENS_FIRST
               ? SL_EPROTO
               : sl_key_pools_add(&k->pools, first_key, count, queue_max_count);
}

static enum sl_err hear_token(struct keys *k, uint32_t process_index, struct sl_slice bytes, int fd)
{
    struct sl_reader r = sl_reader_of(bytes);
    return sl_key_pools_attach(&k->pools, sl_reader_u16(&r), (uint16_t)process_index, fd);
}

/* Descriptors that stay open are taken out of `fds`. */
static enum sl_err hear(struct keys *k, const struct sl_message *message,
                        struct sl_channel_fds *fds)
{
    enum sl_err rc = SL_OK;
    switch (message->type) {
    case SL_MESSAGE_KEY_COUNT:
        return hear_count(k, message->key.index, message->key.bytes);
    case SL_MESSAGE_KEY_FILE:
        return hear_file(k, message->key.index, message->key.bytes, fds->fds[0]);
    case SL_MESSAGE_KEY_DROP:
        return hear_drop(k, message->key.index);
    case SL_MESSAGE_KEY_PASSPHRASE:
        k->passphrase_rc = sl_secret_read(fds->fds[0], &k->passphrase);
        return SL_OK;
    case SL_MESSAGE_KEY_START:
        k->phase = SL_PHASE_RUNNING;
        return SL_OK;
    case SL_MESSAGE_KEY_POOL:
        return hear_pool(k, message->key.index, message->key.bytes);
    case SL_MESSAGE_KEY_TOKEN:
        rc = hear_token(k, message->key.index, message->key.bytes, fds->fds[0]);
        fds->count = rc == SL_OK ? 0 : fds->count;
        return rc;
    default: /* KEY_CLIENT: the table lets nothing else through */
        rc = hear_client(k, message->worker_index, fds->fds[0]);
        fds->count = rc == SL_OK ? 0 : fds->count;
        return rc;
    }
}

/* SL_AGAIN when there is no message. */
static enum sl_err hear_one(struct keys *k)
{
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf in = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    struct sl_message message;
    enum sl_err rc = sl_channel_recv(k->channel.fd, &in, &fds);
    if (rc == SL_OK) {
        rc =
            sl_message_parse(sl_wbuf_slice(&in), fds.count, SL_MESSAGE_TO_KEYS, k->phase, &message);
        rc = rc == SL_OK ? hear(k, &message, &fds) : rc;
        sl_channel_fds_close(&fds);
    }
    return rc;
}

static void on_channel_ready(struct sl_watch *watch, uint32_t events)
{
    struct keys *k = SL_CONTAINER_OF(watch, struct keys, channel);
    enum sl_err rc = SL_OK;
    const size_t max_count = k->phase == SL_PHASE_CONFIGURING ? FILES_MAX_COUNT : 1;
    SL_UNUSED(events);
    for (size_t i = 0; rc == SL_OK && i < max_count && !k->loop.is_stopped; i++) {
        rc = hear_one(k);
    }
    if (rc != SL_OK && rc != SL_AGAIN) { /* the supervisor is gone or not one of ours */
        k->exit_status = rc == SL_EOF || rc == SL_ERESET ? SL_EXIT_DONE : SL_EXIT_FAILED;
        sl_loop_stop(&k->loop);
    }
}

static void keys_fini(struct keys *k)
{
    while (!sl_list_is_empty(&k->clients)) {
        struct sl_list *first = k->clients.next;
        client_close(SL_CONTAINER_OF(first, struct client, node));
    }
    sl_key_pools_fini(&k->pools);
    sl_loop_fini(&k->loop);
    for (uint32_t i = 0; i < k->count; i++) {
        sl_key_signer_destroy(k->signers[i]);
    }
    free(k->signers);
    sl_secret_wipe(&k->passphrase);
    sl_socket_close(&k->channel.fd);
    free(k);
}

int sl_keys_main(void)
{
    sl_process_set_name("sluice-keys");
    sl_process_hide_memory();
    /* a terminal's ^C goes to all of us: connections that drain still want their signatures */
    static const int IGNORED[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE };
    for (size_t i = 0; i < SL_COUNT(IGNORED); i++) {
        (void)signal(IGNORED[i], SIG_IGN);
    }
    struct keys *k = calloc(1, sizeof(*k));
    if (k == NULL) {
        return SL_EXIT_FAILED;
    }
    sl_list_init(&k->clients);
    sl_key_ring_init(&k->ring, AWAKE_MAX_COUNT);
    k->pools = (struct sl_key_pools){ .loop = &k->loop, .on_stuck = on_token_stuck };
    k->channel = (struct sl_watch){ .fd = SL_PROCESS_CHANNEL_FD, .on_ready = on_channel_ready };
    enum sl_err rc = sl_tls_random_use(NULL);
    rc = rc == SL_OK ? sl_loop_init(&k->loop) : rc;
    rc = rc == SL_OK ? sl_loop_add(&k->loop, &k->channel, SL_WATCH_INPUT) : rc;
    rc = rc == SL_OK ? sl_loop_run(&k->loop) : rc;
    int status = rc == SL_OK ? k->exit_status : SL_EXIT_FAILED;
    keys_fini(k);
    return status;
}
