/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/established.h"
#include "tls/bio.h"
#include "tls/error.h"
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum {
    TICKET_LEN_MIN = 4 + 4 + 1 + 2 + 1 + 2,           /* RFC 8446 4.6.1: what it has at least, */
    TICKET_LEN_MAX = 4 + 4 + 256 + 2 + 65535 + 65536, /* and at most */
    UPDATE_LEN = 1,
    ALERT_LEN = 2,
};

/* Why a connection is at its end, and what the peer is told. */
struct fault {
    uint8_t alert;
    const char *text; /* NULL: the diag has one */
};

static void own_cleanup(struct sl_established **own)
{
    sl_established_destroy(*own);
}

enum sl_err sl_established_create(struct sl_record_pool *pool,
                                  const struct sl_established_state *state,
                                  struct sl_established **ret_own)
{
    SL_CLEANUP(own_cleanup) struct sl_established *own = calloc(1, sizeof(*own));
    if (own == NULL) {
        return SL_ENOMEM;
    }
    const struct sl_fast_secret *client = &state->secrets->client,
                                *server = &state->secrets->server;
    own->is_client = state->is_client;
    own->records_max = SL_ESTABLISHED_RECORDS_MAX;
    enum sl_err rc = sl_record_way_init(&own->read, pool, state->suite, false,
                                        state->is_client ? server : client);
    if (rc == SL_OK) {
        rc = sl_record_way_init(&own->write, pool, state->suite, true,
                                state->is_client ? client : server);
    }
    if (rc != SL_OK) {
        return rc;
    }
    own->read.records_count = state->read_count;
    own->write.records_count = state->written_count;
    *ret_own = SL_STEAL(own);
    return SL_OK;
}

static void left_drop(struct sl_established *own)
{
    if (own->left != NULL) {
        OPENSSL_cleanse(own->left, own->left_at + own->left_len);
        free(SL_STEAL(own->left));
    }
    own->left_at = own->left_len = 0;
}

void sl_established_destroy(struct sl_established *own)
{
    if (own == NULL) {
        return;
    }
    sl_record_way_fini(&own->read);
    sl_record_way_fini(&own->write);
    sl_record_rest_drop(&own->rest);
    left_drop(own);
    free(own);
}

/* Hands out what was kept, as far as there is room. */
static void left_give(struct sl_established *own, struct sl_wbuf *plain)
{
    size_t len = SL_MIN(own->left_len, sl_wbuf_room(plain));
    if (len > 0) {
        memcpy(plain->ptr + plain->len, own->left + own->left_at, len);
        plain->len += len;
        own->left_at += len;
        own->left_len -= len;
    }
    if (own->left_len == 0) {
        left_drop(own);
    }
}

static enum sl_err blame(struct fault *fault, uint8_t alert, const char *text)
{
    *fault = (struct fault){ .alert = alert, .text = text };
    return SL_EPROTO;
}

/* One more message that is no data: each costs, and brings nothing. */
static enum sl_err aside_count(struct sl_established *own, struct fault *fault)
{
    own->asides_count++;
    return own->asides_count > SL_TLS_ASIDES_MAX
               ? blame(fault, SSL_AD_UNEXPECTED_MESSAGE, "too many KeyUpdates or tickets at once")
               : SL_OK;
}

/* RFC 8446 4.6.3: the rest of a KeyUpdate, whose head has been read. */
static enum sl_err key_update_read(struct sl_established *own, struct sl_slice *content,
                                   struct fault *fault)
{
    if (content->len == 0) {
        return SL_OK; /* it comes in the next record */
    }
    const uint8_t request = sl_slice_cut(content, UPDATE_LEN).ptr[0];
    own->head_len = 0;
    if (request > 1) {
        return blame(fault, SSL_AD_ILLEGAL_PARAMETER, "bad KeyUpdate");
    }
    if (content->len != 0) { /* RFC 8446 5.1: nothing spans a change of keys */
        return blame(fault, SSL_AD_UNEXPECTED_MESSAGE, "a message behind a KeyUpdate");
    }
    own->is_update_due = own->is_update_due || request == 1;
    return sl_record_way_update(&own->read);
}

/* The head of a message is whole: may it come? */
static enum sl_err head_judge(struct sl_established *own, struct fault *fault)
{
    const uint32_t len = (uint32_t)own->head[1] << 16 | (uint32_t)own->head[2] << 8 | own->head[3];
    enum sl_err rc = aside_count(own, fault);
    if (rc != SL_OK) {
        return rc;
    }
    if (own->head[0] == SSL3_MT_KEY_UPDATE) {
        return len == UPDATE_LEN ? SL_OK : blame(fault, SSL_AD_DECODE_ERROR, "bad KeyUpdate");
    }
    if (own->head[0] != SSL3_MT_NEWSESSION_TICKET || !own->is_client) {
        return blame(fault, SSL_AD_UNEXPECTED_MESSAGE, "a message that does not belong here");
    }
    if (len < TICKET_LEN_MIN || len > TICKET_LEN_MAX) {
        return blame(fault, SSL_AD_DECODE_ERROR, "bad NewSessionTicket");
    }
    own->skip_len = len;
    return SL_OK;
}

static enum sl_err handshake_read(struct sl_established *own, struct sl_slice content,
                                  struct fault *fault)
{
    enum sl_err rc = SL_OK;
    if (content.len == 0) { /* RFC 8446 5.1 */
        return blame(fault, SSL_AD_UNEXPECTED_MESSAGE, "an empty record of a handshake");
    }
    while (rc == SL_OK && content.len > 0) {
        if (own->skip_len > 0) {
            own->skip_len -= (uint32_t)sl_slice_cut(&content, own->skip_len).len;
            own->head_len = own->skip_len > 0 ? own->head_len : 0;
        } else if (own->head_len < sizeof(own->head)) {
            own->head[own->head_len++] = sl_slice_cut(&content, 1).ptr[0];
            rc = own->head_len == sizeof(own->head) ? head_judge(own, fault) : SL_OK;
        } else {
            rc = key_update_read(own, &content, fault);
        }
    }
    return rc;
}

/* RFC 8446 6: the level says nothing any more. */
static enum sl_err alert_read(struct sl_established *own, struct sl_slice content,
                              struct fault *fault, struct sl_diag *diag)
{
    if (content.len != ALERT_LEN) {
        return content.len == 0 ? blame(fault, SSL_AD_UNEXPECTED_MESSAGE, "an empty alert")
                                : blame(fault, SSL_AD_DECODE_ERROR, "bad alert");
    }
    const uint8_t alert = content.ptr[1];
    if (alert == SSL_AD_CLOSE_NOTIFY) {
        own->has_ended = true;
        return SL_OK;
    }
    if (alert == SSL_AD_USER_CANCELLED) { /* close_notify comes behind it (RFC 8446 6.1) */
        return aside_count(own, fault);
    }
    sl_tls_alert_say(alert, diag);
    return SL_ETLS;
}

static enum sl_err data_count(struct sl_established *own, size_t len, struct fault *fault)
{
    if (own->head_len > 0) { /* RFC 8446 5.1: not in the middle of a message */
        return blame(fault, SSL_AD_UNEXPECTED_MESSAGE, "data in the middle of a message");
    }
    own->empties_count = len == 0 ? own->empties_count + 1 : 0;
    return own->empties_count > SL_ESTABLISHED_EMPTIES_MAX
               ? blame(fault, SSL_AD_UNEXPECTED_MESSAGE, "too many empty records")
               : SL_OK;
}

static const char *open_text(uint8_t alert)
{
    switch (alert) {
    case SSL_AD_RECORD_OVERFLOW:
        return "a record is too long";
    case SSL_AD_BAD_RECORD_MAC:
        return "decryption failed or bad record mac";
    default:
        return "a record of a type that does not belong here";
    }
}

/* Opens a record, to where the plaintext is wanted when that has room. */
static enum sl_err record_read(struct sl_established *own, const struct sl_record_pieces *record,
                               struct sl_wbuf *plain, struct fault *fault, struct sl_diag *diag)
{
    const size_t room = sl_record_room(record);
    const bool is_kept = room > sl_wbuf_room(plain);
    uint8_t *to = plain->ptr + plain->len, type = 0;
    size_t len = 0;
    if (is_kept) {
        own->left = to = malloc(room);
        if (to == NULL) {
            return SL_ENOMEM;
        }
    }
    enum sl_err rc = sl_record_open(&own->read, record, to, &type, &len, &fault->alert);
    if (rc == SL_EPROTO) {
        fault->text = open_text(fault->alert);
    }
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_slice content = sl_slice_of(to, len);
    switch (type) {
    case SL_RECORD_DATA:
        own->left_len = is_kept ? len : 0;
        plain->len += is_kept ? 0 : len;
        return data_count(own, len, fault);
    case SL_RECORD_HANDSHAKE:
        return handshake_read(own, content, fault);
    case SL_RECORD_ALERT:
        return alert_read(own, content, fault, diag);
    default:
        return blame(fault, SSL_AD_UNEXPECTED_MESSAGE, open_text(SSL_AD_UNEXPECTED_MESSAGE));
    }
}

static enum sl_err decrypt_all(struct sl_established *own, struct sl_slice *in,
                               struct sl_wbuf *plain, struct fault *fault, struct sl_diag *diag)
{
    for (;;) {
        struct sl_record_pieces record;
        left_give(own, plain);
        if (own->left_len > 0 || (sl_wbuf_room(plain) == 0 && in->len > 0 && !own->has_ended)) {
            return SL_ENOSPC;
        }
        if (own->has_ended) {
            return SL_EOF;
        }
        enum sl_err rc = sl_record_cut(&own->rest, in, &record, &fault->alert);
        if (rc == SL_EPROTO) {
            fault->text = open_text(fault->alert);
        }
        if (rc != SL_OK) {
            return rc;
        }
        rc = record_read(own, &record, plain, fault, diag);
        sl_record_rest_drop(&own->rest);
        if (rc != SL_OK) {
            return rc;
        }
    }
}

enum sl_err sl_established_decrypt(struct sl_established *own, struct sl_slice *in,
                                   struct sl_wbuf *plain, struct sl_wbuf *out, struct sl_diag *diag)
{
    struct fault fault = { .text = NULL };
    own->asides_count = 0;
    enum sl_err rc = decrypt_all(own, in, plain, &fault, diag);
    if (rc != SL_EPROTO) {
        return rc;
    }
    sl_diag_set(diag, "%s", fault.text);
    if (!own->is_closed) {
        const uint8_t alert[ALERT_LEN] = { SSL3_AL_FATAL, fault.alert };
        rc = sl_record_seal(&own->write, SL_RECORD_ALERT, sl_slice_of(alert, sizeof(alert)), out);
    }
    return SL_ETLS; /* whether or not there was room to say so */
}

/* RFC 8446 4.6.3: asks for nothing in return. */
static enum sl_err key_update_write(struct sl_established *own, struct sl_wbuf *out)
{
    static const uint8_t MESSAGE[] = { SSL3_MT_KEY_UPDATE, 0, 0, UPDATE_LEN, 0 };
    enum sl_err rc = sl_record_seal(&own->write, SL_RECORD_HANDSHAKE,
                                    sl_slice_of(MESSAGE, sizeof(MESSAGE)), out);
    if (rc == SL_OK) {
        own->is_update_due = false;
        rc = sl_record_way_update(&own->write);
    }
    return rc;
}

enum sl_err sl_established_encrypt(struct sl_established *own, struct sl_slice plain,
                                   struct sl_wbuf *out, struct sl_diag *diag)
{
    enum sl_err rc = SL_OK;
    while (rc == SL_OK && plain.len > 0) {
        if (own->is_update_due || own->write.records_count >= own->records_max) {
            rc = key_update_write(own, out);
        }
        if (rc == SL_OK) {
            const struct sl_slice part = sl_slice_cut(&plain, SL_RECORD_PLAIN_MAX);
            rc = sl_record_seal(&own->write, SL_RECORD_DATA, part, out);
        }
    }
    if (rc == SL_ENOSPC) {
        sl_diag_set(diag, "no room for what has to be sent");
    }
    return rc;
}

enum sl_err sl_established_close(struct sl_established *own, struct sl_wbuf *out)
{
    static const uint8_t ALERT[ALERT_LEN] = { SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY };
    own->is_closed = true;
    return sl_record_seal(&own->write, SL_RECORD_ALERT, sl_slice_of(ALERT, sizeof(ALERT)), out);
}
