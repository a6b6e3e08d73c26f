/* SPDX-License-Identifier: Apache-2.0 */
#include "app/token.h"
#include "app/cli.h"
#include "app/confine.h"
#include "app/token_module.h"
#include "codec/message.h"
#include "sys/channel.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/memory.h"
#include "sys/process.h"
#include "sys/socket.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_BYTES_MAX = 1 << 20 };

struct state {
    struct sl_loop loop;
    struct sl_watch supervisor;
    struct sl_watch keys; /* who asks for signatures */
    enum sl_message_phase phase;
    char module_path[SL_MESSAGE_TOKEN_TEXT_MAX + 1]; /* "" for none */
    struct sl_secret pin;
    enum sl_err pin_rc; /* of the reading of it */
    struct sl_token *token;
    struct sl_token_key *list; /* of the keys from `first_key` on */
    uint32_t first_key, count;
    int exit_status;
};

static void end(struct state *s, int status)
{
    s->exit_status = status;
    sl_loop_stop(&s->loop);
}

static void say(struct state *s, const struct sl_message *message, const int *fd)
{
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    if (sl_message_emit(message, &out) != SL_OK ||
        sl_channel_send(s->supervisor.fd, sl_wbuf_slice(&out), fd,
                        sl_message_fds_count(message->type)) != SL_OK) {
        end(s, SL_EXIT_FAILED); /* the supervisor is gone */
    }
}

static void say_bad(struct state *s, bool is_pin_refused, enum sl_err rc,
                    const struct sl_diag *diag)
{
    const char *text = diag->text[0] == '\0' ? sl_err_name(rc) : diag->text;
    const struct sl_message message = { .type = SL_MESSAGE_TOKEN_BAD,
                                        .key = { is_pin_refused ? 1 : 0, sl_slice_cstr(text) } };
    say(s, &message, NULL);
}

static bool text_copy(struct sl_slice from, char *to, size_t size)
{
    if (from.len >= size || sl_slice_find(from, 0) < from.len) {
        return false;
    }
    memcpy(to, from.ptr, from.len);
    to[from.len] = '\0';
    return true;
}

static enum sl_err hear_open(struct state *s, struct sl_slice text)
{
    char uri[SL_MESSAGE_TOKEN_TEXT_MAX + 1];
    struct sl_diag diag = { 0 };
    bool is_pin_refused = false;
    enum sl_err rc = s->pin_rc;
    if (s->token != NULL || !text_copy(text, uri, sizeof(uri))) {
        return SL_EPROTO;
    }
    if (rc != SL_OK) {
        sl_diag_set(&diag, "pin_file: the first line has to be the PIN: 1 to %d bytes",
                    SL_SECRET_MAX);
        is_pin_refused = true;
    } else {
        const struct sl_token_source source = {
            .uri = uri,
            .module_path = s->module_path[0] == '\0' ? NULL : s->module_path,
            .pin = sl_secret_slice(&s->pin),
        };
        rc = sl_token_open(&source, &diag, &is_pin_refused, &s->token);
    }
    sl_secret_wipe(&s->pin);
    const struct sl_message opened = { .type = SL_MESSAGE_TOKEN_OPENED };
    if (rc == SL_OK) {
        say(s, &opened, NULL);
    } else {
        say_bad(s, is_pin_refused, rc, &diag);
    }
    return SL_OK;
}

static enum sl_err key_keep(struct state *s, uint32_t index, const struct sl_token_key *key)
{
    if (s->count > 0 && index != s->first_key + s->count) {
        return SL_EPROTO;
    }
    struct sl_token_key *grown = realloc(s->list, (s->count + 1) * sizeof(*grown));
    if (grown == NULL) {
        return SL_ENOMEM;
    }
    s->first_key = s->count == 0 ? index : s->first_key;
    s->list = grown;
    s->list[s->count++] = *key;
    return SL_OK;
}

static enum sl_err hear_key(struct state *s, uint32_t index, struct sl_slice text)
{
    char uri[SL_MESSAGE_TOKEN_TEXT_MAX + 1];
    uint8_t der[SL_MESSAGE_KEY_MAX - 4];
    struct sl_wbuf public_key = sl_wbuf_of(der, sizeof(der));
    struct sl_token_key key = { 0 }; /* one that cannot be had signs nothing: it is of no type */
    struct sl_diag diag = { 0 };
    if (s->token == NULL || !text_copy(text, uri, sizeof(uri))) {
        return SL_EPROTO;
    }
    enum sl_err rc = sl_token_key_find(s->token, uri, &diag, &key, &public_key);
    enum sl_err kept = key_keep(s, index, &key);
    const struct sl_message message = { .type = SL_MESSAGE_TOKEN_PUBLIC,
                                        .key = { index, sl_wbuf_slice(&public_key) } };
    if (rc == SL_OK) {
        say(s, &message, NULL);
    } else {
        say_bad(s, false, rc, &diag);
    }
    return kept;
}

static enum sl_err hear_chain(struct state *s, uint32_t index, struct sl_slice text)
{
    char uri[SL_MESSAGE_TOKEN_TEXT_MAX + 1];
    SL_CLEANUP(sl_blob_fini) struct sl_blob blob = { .ptr = malloc(CHAIN_BYTES_MAX) };
    struct sl_wbuf pem = sl_wbuf_of(blob.ptr, CHAIN_BYTES_MAX);
    struct sl_diag diag = { 0 };
    int fd = -1;
    if (blob.ptr == NULL) {
        return SL_ENOMEM;
    }
    if (s->token == NULL || !text_copy(text, uri, sizeof(uri))) {
        return SL_EPROTO;
    }
    enum sl_err rc = sl_token_chain_find(s->token, uri, &diag, &pem);
    rc = rc == SL_OK ? sl_memfd_sealed("sluice-chain", sl_wbuf_slice(&pem), &fd) : rc;
    const struct sl_message message = { .type = SL_MESSAGE_TOKEN_CERTIFICATES,
                                        .key = { index, { 0 } } };
    if (rc == SL_OK) {
        say(s, &message, &fd);
    } else {
        say_bad(s, false, rc, &diag);
    }
    sl_socket_close(&fd);
    return SL_OK;
}

/* Blocks as long as the token does. SL_ESYS: the token has failed, and this process with it. */
static enum sl_err sign(struct state *s, const struct sl_key_message *request)
{
    uint8_t bytes[SL_KEY_SIGNATURE_MAX], datagram[SL_KEY_SIGNATURE_MAX + 16];
    struct sl_wbuf signature = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_wbuf out = sl_wbuf_of(datagram, sizeof(datagram));
    struct sl_diag diag = { 0 };
    struct sl_key_message answer = { .type = SL_KEY_SIGNED, .id = request->id };
    const uint32_t at = request->key_index - s->first_key;
    if (request->key_index < s->first_key || at >= s->count) {
        return SL_EPROTO;
    }
    enum sl_err rc =
        sl_token_sign(s->token, &s->list[at], request->scheme, request->bytes, &diag, &signature);
    if (rc == SL_ESYS) {
        say_bad(s, false, rc, &diag); /* a session that is lost is opened by the next process */
        return rc;
    }
    answer.result = rc == SL_OK ? SL_KEY_DONE : SL_KEY_REFUSED;
    if (rc == SL_OK) {
        answer.bytes = sl_wbuf_slice(&signature);
    }
    rc = sl_key_message_emit(&answer, &out);
    return rc == SL_OK ? sl_channel_send(s->keys.fd, sl_wbuf_slice(&out), NULL, 0) : rc;
}

static void on_keys_ready(struct sl_watch *watch, uint32_t events)
{
    struct state *s = SL_CONTAINER_OF(watch, struct state, keys);
    uint8_t bytes[SL_KEY_DATAGRAM_MAX];
    struct sl_wbuf in = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    struct sl_key_message request;
    SL_UNUSED(events);
    enum sl_err rc = sl_channel_recv(watch->fd, &in, &fds);
    if (rc == SL_AGAIN) {
        return;
    }
    sl_channel_fds_close(&fds);
    struct sl_slice rest = sl_wbuf_slice(&in);
    rc = rc == SL_OK ? sl_key_message_next(&rest, SL_KEY_TO_KEYS, &request) : rc;
    rc = rc == SL_OK ? sign(s, &request) : rc;
    if (rc == SL_ESYS || rc == SL_EPROTO) {
        end(s, SL_EXIT_FAILED);
    } else if (rc != SL_OK) { /* `keys` has died: the supervisor brings another channel */
        sl_loop_remove(&s->loop, watch); /* the supervisor may still have a copy */
        sl_socket_close(&watch->fd);
    }
}

static enum sl_err hear_use(struct state *s, int fd)
{
    if (s->keys.fd >= 0) {
        sl_loop_remove(&s->loop, &s->keys);
    }
    sl_socket_close(&s->keys.fd);
    s->keys.fd = fd;
    s->phase = SL_PHASE_RUNNING;
    return sl_loop_add(&s->loop, &s->keys, SL_WATCH_INPUT);
}

/* Descriptors that stay open are taken out of `fds`. */
static enum sl_err hear(struct state *s, const struct sl_message *message,
                        struct sl_channel_fds *fds)
{
    enum sl_err rc;
    switch (message->type) {
    case SL_MESSAGE_TOKEN_CAGE:
        return sl_confine_token_enter(message->bytes);
    case SL_MESSAGE_TOKEN_MODULE:
        return text_copy(message->bytes, s->module_path, sizeof(s->module_path)) ? SL_OK
                                                                                 : SL_EPROTO;
    case SL_MESSAGE_TOKEN_PIN:
        s->pin_rc = sl_secret_read(fds->fds[0], &s->pin);
        return SL_OK;
    case SL_MESSAGE_TOKEN_OPEN:
        return hear_open(s, message->bytes);
    case SL_MESSAGE_TOKEN_KEY:
        return hear_key(s, message->key.index, message->key.bytes);
    case SL_MESSAGE_TOKEN_CHAIN:
        return hear_chain(s, message->key.index, message->key.bytes);
    default: /* TOKEN_USE: the table lets nothing else through */
        rc = hear_use(s, fds->fds[0]);
        fds->count = 0;
        return rc;
    }
}

static void on_supervisor_ready(struct sl_watch *watch, uint32_t events)
{
    struct state *s = SL_CONTAINER_OF(watch, struct state, supervisor);
    uint8_t bytes[SL_MESSAGE_MAX];
    struct sl_wbuf in = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    struct sl_message message;
    SL_UNUSED(events);
    enum sl_err rc = sl_channel_recv(watch->fd, &in, &fds);
    if (rc == SL_AGAIN) {
        return;
    }
    if (rc == SL_OK) {
        rc = sl_message_parse(sl_wbuf_slice(&in), fds.count, SL_MESSAGE_TO_TOKEN, s->phase,
                              &message);
        rc = rc == SL_OK ? hear(s, &message, &fds) : rc;
        sl_channel_fds_close(&fds);
    }
    if (rc != SL_OK) { /* the supervisor is gone or not one of ours */
        end(s, rc == SL_EOF || rc == SL_ERESET ? SL_EXIT_DONE : SL_EXIT_FAILED);
    }
}

int sl_token_main(void)
{
    sl_process_set_name("sluice-token");
    sl_process_hide_memory();
    static const int IGNORED[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE };
    for (size_t i = 0; i < SL_COUNT(IGNORED); i++) {
        (void)signal(IGNORED[i], SIG_IGN);
    }
    struct state *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return SL_EXIT_FAILED;
    }
    enum sl_err locked = sl_memory_lock(); /* for the PIN; a lack is the system's */
    SL_UNUSED(locked);
    s->supervisor =
        (struct sl_watch){ .fd = SL_PROCESS_CHANNEL_FD, .on_ready = on_supervisor_ready };
    s->keys = (struct sl_watch){ .fd = -1, .on_ready = on_keys_ready };
    enum sl_err rc = sl_loop_init(&s->loop);
    rc = rc == SL_OK ? sl_loop_add(&s->loop, &s->supervisor, SL_WATCH_INPUT) : rc;
    rc = rc == SL_OK ? sl_loop_run(&s->loop) : rc;
    int status = rc == SL_OK ? s->exit_status : SL_EXIT_FAILED;
    sl_secret_wipe(&s->pin);
    sl_token_close(s->token);
    sl_socket_close(&s->keys.fd);
    sl_socket_close(&s->supervisor.fd);
    sl_loop_fini(&s->loop);
    free(s->list);
    free(s);
    return status;
}
