/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/error.h"
#include "tls/established.h"
#include "tls/facts.h"
#include "tls/handover.h"
#include "tls/note.h"
#include "tls/opening.h"
#include "tls/outcome.h"
#include "tls/own.h"
#include "tls/psk.h"
#include "tls/session_impl.h"
#include "tls/tickets_impl.h"
#include <openssl/err.h>
#include <string.h>

static void tls_cleanup(struct sl_tls **tls)
{
    sl_tls_destroy(*tls);
}

/* libssl tells of each message: those behind the handshake are counted. */
static void on_message(int is_written, int version, int type, const void *bytes, size_t len,
                       SSL *ssl, void *arg)
{
    SL_UNUSED(version);
    SL_UNUSED(arg);
    struct sl_tls *tls = SSL_get_app_data(ssl);
    sl_tls_handover_note(tls, is_written != 0, type, sl_slice_of(bytes, len));
    if (is_written == 0 && type == SSL3_RT_HANDSHAKE && len > 0 && tls->is_done) {
        tls->io.asides_count++;
    }
}

static void on_signature(struct sl_key_wait *wait)
{
    const struct sl_tls *tls = SL_CONTAINER_OF(wait, struct sl_tls, wait);
    if (tls->waker != NULL) {
        tls->waker->wake(tls->waker);
    }
}

static enum sl_err session_create(struct sl_tls_ctx *ctx, struct sl_tls **ret_tls)
{
    SL_CLEANUP(tls_cleanup) struct sl_tls *tls = calloc(1, sizeof(*tls));
    if (tls == NULL) {
        return SL_ENOMEM;
    }
    tls->ctx = sl_tls_ctx_ref(ctx);
    tls->wait.wake = on_signature;
    tls->until_s = INT64_MAX;
    ERR_clear_error();
    tls->ssl = SSL_new(ctx->ssl_ctx);
    BIO *bio = tls->ssl == NULL ? NULL : sl_tls_bio_create(ctx->bio_method, &tls->io);
    if (bio == NULL) {
        ERR_clear_error();
        return SL_ENOMEM;
    }
    SSL_set_bio(tls->ssl, bio, bio);
    if (SSL_set_app_data(tls->ssl, tls) != 1) {
        ERR_clear_error();
        return SL_ENOMEM;
    }
    SSL_set_msg_callback(tls->ssl, on_message);
    enum sl_err rc = sl_tls_handover_begin(tls);
    if (rc != SL_OK) {
        return rc;
    }
    *ret_tls = SL_STEAL(tls);
    return SL_OK;
}

enum sl_err sl_tls_accept_create(struct sl_tls_ctx *ctx, struct sl_tls **ret_tls)
{
    SL_CLEANUP(tls_cleanup) struct sl_tls *tls = NULL;
    enum sl_err rc = session_create(ctx, &tls);
    if (rc != SL_OK) {
        return rc;
    }
    if (!sl_ticket_keys_has_first(ctx->tickets)) {
        (void)SSL_set_options(tls->ssl, SSL_OP_NO_TICKET); /* nothing could seal one */
        (void)SSL_set_num_tickets(tls->ssl, 0);
    }
    SSL_set_accept_state(tls->ssl);
    *ret_tls = SL_STEAL(tls);
    return SL_OK;
}

/* Offers `alpn` and remembers it: what the upstream chooses must be in it. */
static enum sl_err alpn_offer(struct sl_tls *tls, struct sl_slice alpn)
{
    const void *bytes = alpn.len == 0 ? "" : (const void *)alpn.ptr;
    if (EVP_Digest(bytes, alpn.len, tls->offer, NULL, EVP_sha256(), NULL) != 1) {
        return SL_ENOMEM;
    }
    if (alpn.len == 0) {
        return SL_OK;
    }
    tls->held = malloc(alpn.len);
    if (tls->held == NULL || alpn.len > UINT16_MAX ||
        SSL_set_alpn_protos(tls->ssl, alpn.ptr, (unsigned)alpn.len) != 0) {
        return SL_ENOMEM;
    }
    memcpy(tls->held, alpn.ptr, alpn.len);
    tls->held_len = alpn.len;
    return SL_OK;
}

static enum sl_err server_name_send(struct sl_tls *tls)
{
    if (tls->ctx->name == NULL || tls->ctx->is_ip) {
        return SL_OK; /* RFC 6066 3: no literal addresses */
    }
    tls->server_name = strdup(tls->ctx->name);
    return tls->server_name != NULL && SSL_set_tlsext_host_name(tls->ssl, tls->server_name) == 1
               ? SL_OK
               : SL_ENOMEM;
}

enum sl_err sl_tls_connect_create(struct sl_tls_ctx *ctx, struct sl_slice alpn,
                                  struct sl_tls **ret_tls)
{
    SL_CLEANUP(tls_cleanup) struct sl_tls *tls = NULL;
    enum sl_err rc = session_create(ctx, &tls);
    if (rc == SL_OK) {
        rc = alpn_offer(tls, alpn.ptr == NULL ? sl_slice_of(ctx->alpn, ctx->alpn_len) : alpn);
    }
    if (rc == SL_OK) {
        rc = server_name_send(tls);
    }
    ERR_clear_error();
    if (rc != SL_OK) {
        return rc;
    }
    SSL_SESSION *session = sl_tls_resume_take(&ctx->resume, tls->offer, sl_tls_resume_clock_s());
    if (session != NULL) {
        if (sl_tls_note_is_good(tls, session)) {
            (void)SSL_set_session(tls->ssl, session); /* refused: a full handshake */
        }
        SSL_SESSION_free(session);
        ERR_clear_error();
    }
    SSL_set_connect_state(tls->ssl);
    *ret_tls = SL_STEAL(tls);
    return SL_OK;
}

void sl_tls_set_waker(struct sl_tls *tls, struct sl_tls_waker *waker)
{
    tls->waker = waker;
}

/* A paused handshake stands on a stack that SSL_free would leak: it goes on to its failure first.
 */
static void wait_end(struct sl_tls *tls)
{
    struct sl_key_request *request = tls->wait.request;
    if (request == NULL) {
        return;
    }
    if (request->result == SL_AGAIN) {
        tls->ctx->keys->cancel(tls->ctx->keys, request);
    }
    request->result = SL_ERESET; /* an answer that has come would be for nobody */
    tls->wait.is_ending = true;  /* no pause comes after this one */
    ERR_clear_error();
    (void)SSL_do_handshake(tls->ssl); /* without room for an alert */
    tls->is_broken = true;
}

void sl_tls_destroy(struct sl_tls *tls)
{
    if (tls == NULL) {
        return;
    }
    if (tls->ssl != NULL && tls->is_done && !tls->is_broken) {
        /* else SSL_free takes a missing close_notify for a reason to spoil the kept session */
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    wait_end(tls);
    sl_tls_handover_end(tls);
    sl_established_destroy(tls->established);
    SSL_free(tls->ssl);
    ERR_clear_error();
    sl_tls_ctx_unref(tls->ctx);
    free(tls->server_name);
    free(tls->peer_subject);
    free(tls->peer_name);
    free(tls->peer_id);
    sl_tls_facts_drop(tls);
    free(tls->alpn);
    free(tls->held);
    free(tls);
}

void sl_tls_hold_alpn(struct sl_tls *tls)
{
    tls->hold = SL_TLS_HOLD_WANTED;
}

struct sl_slice sl_tls_held_alpn(const struct sl_tls *tls)
{
    bool is_held = tls->hold == SL_TLS_HOLD_PAUSED;
    return sl_slice_of(is_held ? tls->held : NULL, is_held ? tls->held_len : 0);
}

void sl_tls_choose_alpn(struct sl_tls *tls, struct sl_slice protocol)
{
    uint8_t len = (uint8_t)SL_MIN(protocol.len, (size_t)UINT8_MAX);
    uint8_t *copy = len == 0 ? NULL : malloc(len);
    tls->hold = SL_TLS_HOLD_CHOSEN;
    tls->alpn_len = 0;
    free(tls->alpn);
    tls->alpn = copy;
    if (copy != NULL) {
        memcpy(copy, protocol.ptr, len);
        tls->alpn_len = len;
    }
    if (protocol.len != 0 && copy == NULL) {
        tls->is_nomem = true;
    }
    free(SL_STEAL(tls->held)); /* behind the copy: `protocol` may be a part of it */
    tls->held_len = 0;
}

static void call_begin(struct sl_tls *tls, struct sl_slice *in, struct sl_wbuf *out,
                       struct sl_diag *diag)
{
    ERR_clear_error();
    tls->io.in = in;
    tls->io.out = out;
    tls->io.asides_count = 0;
    tls->diag = diag;
    tls->verdict = SL_OK;
    tls->alert = 0;
}

static enum sl_err no_signature(struct sl_tls *tls)
{
    switch (tls->wait.verdict) {
    case SL_ETIMEDOUT:
        sl_diag_set(tls->diag, "the private key did not sign in time");
        return SL_ETIMEDOUT;
    case SL_EBUSY:
        sl_diag_set(tls->diag, "too many handshakes wait for private keys");
        return SL_EBUSY;
    case SL_ENOENT:
        sl_diag_set(tls->diag, "the private key is not there any more");
        return SL_ENOENT;
    case SL_ENOMEM:
        return SL_ENOMEM;
    default:
        sl_diag_set(tls->diag, "the private key does not sign");
        return SL_ETLS;
    }
}

/* The session is broken: finds out why, while the error queue still says it. */
static enum sl_err call_failed(struct sl_tls *tls)
{
    tls->is_broken = true;
    if (tls->io.asides_count > SL_TLS_ASIDES_MAX) {
        sl_diag_set(tls->diag, "too many KeyUpdates or tickets at once");
        return SL_ETLS;
    }
    if (tls->verdict != SL_OK) {
        return tls->verdict; /* the callback has said why */
    }
    if (tls->io.is_full) {
        sl_diag_set(tls->diag, "no room for what has to be sent");
        return SL_ENOSPC;
    }
    if (tls->wait.verdict != SL_OK) {
        return no_signature(tls);
    }
    if (sl_tls_psk_blame(tls)) {
        return SL_EVERIFY;
    }
    unsigned long error = ERR_peek_error();
    if (ERR_GET_LIB(error) == ERR_LIB_SSL &&
        ERR_GET_REASON(error) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
        sl_diag_set(tls->diag, "the client sent no certificate");
        return SL_EVERIFY;
    }
    if (!tls->ctx->is_server && ERR_GET_LIB(error) == ERR_LIB_SSL &&
        ERR_GET_REASON(error) == SSL_AD_REASON_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL) {
        tls->refusal = SL_TLS_REFUSED_ALPN;
    }
    return sl_tls_error_take(SL_ETLS, NULL, tls->diag);
}

static void call_end(struct sl_tls *tls)
{
    ERR_clear_error();
    tls->io.in = NULL;
    tls->io.out = NULL;
    tls->diag = NULL;
}

static enum sl_err handshake_step(struct sl_tls *tls)
{
    struct sl_key_service *keys = tls->ctx->keys;
    if (keys != NULL) {
        keys->running = &tls->wait;
    }
    sl_tls_handover_watch(tls);
    int done = SSL_do_handshake(tls->ssl);
    sl_tls_handover_unwatch(tls);
    if (keys != NULL) {
        keys->running = NULL;
    }
    if (done == 1 && !tls->io.is_full) {
        (void)SSL_clear_mode(tls->ssl, SSL_MODE_ASYNC); /* nothing after it is ever paused */
        enum sl_err rc = sl_tls_outcome_read(tls);
        sl_tls_handover_try(tls);
        return rc;
    }
    switch (SSL_get_error(tls->ssl, done)) {
    case SSL_ERROR_WANT_READ:
        return SL_AGAIN;
    case SSL_ERROR_WANT_CLIENT_HELLO_CB:
        return SL_EPAUSED;
    case SSL_ERROR_WANT_ASYNC:
        return SL_EWAIT;
    case SSL_ERROR_WANT_ASYNC_JOB:
        tls->wait.verdict = SL_EBUSY;
        return call_failed(tls);
    case SSL_ERROR_ZERO_RETURN:
        tls->is_broken = true;
        sl_diag_set(tls->diag, "the peer sent close_notify within the handshake");
        return SL_ETLS;
    default:
        return call_failed(tls);
    }
}

enum sl_err sl_tls_handshake(struct sl_tls *tls, struct sl_slice *in, struct sl_wbuf *out,
                             struct sl_diag *diag)
{
    if (tls->is_broken) {
        return SL_ETLS;
    }
    if (tls->is_nomem) {
        return SL_ENOMEM;
    }
    if (tls->is_done) {
        return SL_OK;
    }
    if (tls->wait.request != NULL && tls->wait.request->result == SL_AGAIN) {
        return SL_EWAIT;
    }
    bool is_first = !tls->ctx->is_server && in->len == 0 && tls->first_len == 0;
    if (!tls->is_tls && !is_first) { /* who connects speaks first */
        enum sl_err rc = sl_tls_opening_read(tls, in, out, diag);
        if (rc != SL_OK) {
            return rc;
        }
    }
    call_begin(tls, in, out, diag);
    enum sl_err rc = handshake_step(tls);
    if (rc == SL_EDENIED) {
        sl_tls_denial_name(out);
    }
    call_end(tls);
    return rc;
}

bool sl_tls_has_hello(const struct sl_tls *tls)
{
    return tls->has_hello;
}

enum sl_tls_refusal sl_tls_refusal(const struct sl_tls *tls)
{
    return tls->refusal;
}

static enum sl_err decrypt_all(struct sl_tls *tls, const struct sl_slice *in, struct sl_wbuf *plain)
{
    for (;;) {
        size_t room = sl_wbuf_room(plain), len = 0;
        if (room == 0) {
            return in->len == 0 && SSL_pending(tls->ssl) == 0 ? SL_AGAIN : SL_ENOSPC;
        }
        int is_read = SSL_read_ex(tls->ssl, plain->ptr + plain->len, room, &len);
        if (is_read == 1) {
            plain->len += len;
            continue;
        }
        switch (SSL_get_error(tls->ssl, is_read)) {
        case SSL_ERROR_WANT_READ:
            return SL_AGAIN;
        case SSL_ERROR_ZERO_RETURN:
            return SL_EOF;
        default:
            /* SL_ENOSPC is an ordinary answer here, and would be about `plain` */
            return call_failed(tls) == SL_ENOMEM ? SL_ENOMEM : SL_ETLS;
        }
    }
}

/* The same, a whole record at a time, so that between two calls libssl holds no part of one. */
static enum sl_err decrypt_records(struct sl_tls *tls, struct sl_slice *in, struct sl_wbuf *plain)
{
    for (;;) {
        enum sl_err rc = SL_AGAIN;
        tls->io.in = NULL;
        if (SSL_pending(tls->ssl) > 0 || sl_wbuf_room(plain) == 0 || in->len == 0) {
            rc = decrypt_all(tls, in, plain); /* what was left for want of room */
        }
        if (rc != SL_AGAIN || in->len == 0) {
            return rc;
        }
        const enum sl_err fed = sl_tls_handover_feed(tls, in);
        if (fed != SL_OK && fed != SL_EPROTO) {
            return fed;
        }
        rc = decrypt_all(tls, in, plain);
        sl_tls_handover_fed(tls);
        if (rc != SL_AGAIN) {
            return rc;
        }
    }
}

/* libssl, for as long as it has the connection. */
static enum sl_err library_decrypt(struct sl_tls *tls, struct sl_slice *in, struct sl_wbuf *plain,
                                   struct sl_wbuf *out, struct sl_diag *diag)
{
    call_begin(tls, in, out, diag);
    enum sl_err rc =
        tls->handover == NULL ? decrypt_all(tls, in, plain) : decrypt_records(tls, in, plain);
    if (rc == SL_AGAIN) {
        sl_tls_handover_try(tls);
    }
    call_end(tls);
    return rc;
}

enum sl_err sl_tls_decrypt(struct sl_tls *tls, struct sl_slice *in, struct sl_wbuf *plain,
                           struct sl_wbuf *out, struct sl_diag *diag)
{
    if (!tls->is_done || tls->is_broken) {
        return SL_ETLS;
    }
    if (tls->established == NULL) {
        return library_decrypt(tls, in, plain, out, diag);
    }
    enum sl_err rc = sl_established_decrypt(tls->established, in, plain, out, diag);
    tls->is_broken = rc == SL_ETLS || rc == SL_ENOMEM;
    return rc;
}

enum sl_err sl_tls_encrypt(struct sl_tls *tls, struct sl_slice plain, struct sl_wbuf *out,
                           struct sl_diag *diag)
{
    if (!tls->is_done || tls->is_broken || tls->is_closed) {
        return SL_ETLS;
    }
    if (plain.len == 0) {
        return SL_OK; /* libssl has no meaning for it */
    }
    if (tls->established != NULL) {
        enum sl_err rc = sl_established_encrypt(tls->established, plain, out, diag);
        tls->is_broken = rc != SL_OK;
        return rc;
    }
    size_t len = 0;
    call_begin(tls, NULL, out, diag);
    bool is_written = SSL_write_ex(tls->ssl, plain.ptr, plain.len, &len) == 1;
    enum sl_err rc = SL_OK;
    if (!is_written) {
        /* half of a KeyUpdate or ticket has been read: nothing is written before its rest */
        bool is_waiting = SSL_get_error(tls->ssl, 0) == SSL_ERROR_WANT_READ;
        rc = is_waiting ? SL_AGAIN : call_failed(tls);
    }
    call_end(tls);
    return rc;
}

enum sl_err sl_tls_close_notify(struct sl_tls *tls, struct sl_wbuf *out)
{
    if (!tls->is_done || tls->is_broken || tls->is_closed) {
        return SL_OK;
    }
    if (tls->established == NULL && SSL_in_init(tls->ssl)) {
        return SL_AGAIN;
    }
    tls->is_closed = true;
    if (tls->established != NULL) {
        enum sl_err rc = sl_established_close(tls->established, out);
        tls->is_broken = rc != SL_OK;
        return rc;
    }
    call_begin(tls, NULL, out, NULL);
    enum sl_err rc = SSL_shutdown(tls->ssl) >= 0 ? SL_OK : call_failed(tls);
    call_end(tls);
    return rc;
}

void sl_tls_info(const struct sl_tls *tls, struct sl_tls_info *ret_info)
{
    *ret_info = (struct sl_tls_info){
        .version = tls->version,
        .cipher = tls->cipher,
        .group = tls->group,
        .is_resumed = tls->is_resumed,
        .has_peer_cert = tls->has_peer_cert,
        .is_peer_verified = tls->peer_subject != NULL,
        .facts = sl_tls_facts_of(tls),
        .server_name = sl_slice_cstr(tls->server_name),
        .peer_name = sl_slice_cstr(tls->peer_name),
        .peer_id = sl_slice_cstr(tls->peer_id),
        .is_crl_stale = tls->is_crl_stale,
        .own_cert = tls->own != NULL     ? tls->own->label
                    : tls->is_cert_asked ? "none"
                                         : NULL,
        .psk_identity = sl_slice_cstr(tls->is_done && tls->psk != NULL ? tls->psk->identity : NULL),
        .alpn = sl_slice_of(tls->is_done ? tls->alpn : NULL, tls->is_done ? tls->alpn_len : 0),
    };
    if (tls->peer_subject != NULL) {
        (void)snprintf(ret_info->peer_subject, sizeof(ret_info->peer_subject), "%s",
                       tls->peer_subject);
    }
}
