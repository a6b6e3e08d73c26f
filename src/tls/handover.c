/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/handover.h"
#include "tls/established.h"
#include <openssl/crypto.h>
#include <openssl/err.h>

/* An upstream that has not sent a ticket by now sends none; most do before the first byte. */
enum { TICKET_WAIT_BYTES = 64 * 1024 };

struct sl_tls_handover {
    struct sl_fast *fast;
    struct sl_fast_secrets secrets;
    bool has_read_finished, has_written_finished;
    uint64_t read_count, written_count; /* records behind Finished, of either side */
    size_t record_len;  /* bytes of content in the record that came last, at most; */
    size_t part_len;    /* and of messages that have come and of which libssl has not told */
    bool is_impossible; /* libssl has changed a key */
    bool has_session;   /* one that can be resumed has come */
    size_t fed_bytes;
    struct sl_record_rest rest;
    struct sl_slice second; /* of the record that libssl reads now */
};

enum sl_err sl_tls_handover_begin(struct sl_tls *tls)
{
    if (!tls->ctx->has_sought_fast) {
        tls->ctx->has_sought_fast = true;
        tls->ctx->fast = sl_fast_find();
    }
    struct sl_fast *fast = tls->ctx->fast;
    if (fast == NULL || !fast->has_records) {
        return SL_OK;
    }
    tls->handover = calloc(1, sizeof(*tls->handover));
    if (tls->handover == NULL) {
        return SL_ENOMEM;
    }
    tls->handover->fast = fast;
    return SL_OK;
}

void sl_tls_handover_end(struct sl_tls *tls)
{
    struct sl_tls_handover *handover = SL_STEAL(tls->handover);
    if (handover != NULL) {
        sl_record_rest_drop(&handover->rest);
        OPENSSL_cleanse(handover, sizeof(*handover));
        free(handover);
    }
}

void sl_tls_handover_watch(struct sl_tls *tls)
{
    if (tls->handover != NULL) {
        tls->handover->fast->running = &tls->handover->secrets;
    }
}

void sl_tls_handover_unwatch(struct sl_tls *tls)
{
    if (tls->handover != NULL) {
        tls->handover->fast->running = NULL;
    }
}

/* libssl keeps up to three bytes of a message's head where nothing tells of them, so what comes and
 * what it has told of are compared. Padding looks like such bytes until something else comes, which
 * may not stand within a message (RFC 8446 5.1). */
static void part_note(struct sl_tls_handover *handover, int type, struct sl_slice bytes)
{
    enum { AROUND_LEN = SL_RECORD_TAG_LEN + 1 }; /* the tag, and the type behind the content */
    if (type == SSL3_RT_HEADER && bytes.len == SL_RECORD_HEADER_LEN) {
        const size_t len = (size_t)bytes.ptr[3] << 8 | bytes.ptr[4];
        handover->record_len = len - SL_MIN(len, (size_t)AROUND_LEN);
    } else if (type == SSL3_RT_INNER_CONTENT_TYPE && bytes.len > 0) {
        const bool is_part = bytes.ptr[0] == SSL3_RT_HANDSHAKE;
        handover->part_len = is_part ? handover->part_len + handover->record_len : 0;
    } else if (type == SSL3_RT_HANDSHAKE) {
        handover->part_len -= SL_MIN(handover->part_len, bytes.len);
    }
}

/* libssl tells of the header of each record, and of each message behind its last record. */
void sl_tls_handover_note(struct sl_tls *tls, bool is_written, int type, struct sl_slice bytes)
{
    struct sl_tls_handover *handover = tls->handover;
    if (handover == NULL) {
        return;
    }
    uint64_t *count = is_written ? &handover->written_count : &handover->read_count;
    if (!is_written) {
        part_note(handover, type, bytes);
    }
    if (type == SSL3_RT_HEADER) {
        (*count)++;
    } else if (type == SSL3_RT_HANDSHAKE && bytes.len > 0 && bytes.ptr[0] == SSL3_MT_FINISHED) {
        *(is_written ? &handover->has_written_finished : &handover->has_read_finished) = true;
        *count = 0; /* the next record is the first under the traffic secret */
        handover->part_len = is_written ? handover->part_len : 0;
    } else if (type == SSL3_RT_HANDSHAKE && bytes.len > 0 && bytes.ptr[0] == SSL3_MT_KEY_UPDATE) {
        handover->is_impossible = true;
    }
}

void sl_tls_handover_resumable(struct sl_tls *tls)
{
    if (tls->handover != NULL) {
        tls->handover->has_session = true;
    }
}

static bool has_fragment_limit(const SSL_SESSION *session)
{
    uint8_t limit = SSL_SESSION_get_max_fragment_length(session);
    return limit >= TLSEXT_max_fragment_length_512 && limit <= TLSEXT_max_fragment_length_4096;
}

/* What was negotiated is what tls/established.h can do, and all of it was seen. */
static bool is_possible(const struct sl_tls *tls, enum sl_record_suite *ret_suite)
{
    const struct sl_tls_handover *handover = tls->handover;
    const SSL_CIPHER *cipher = SSL_get_current_cipher(tls->ssl);
    const SSL_SESSION *session = SSL_get0_session(tls->ssl);
    return SSL_version(tls->ssl) == TLS1_3_VERSION && cipher != NULL && session != NULL &&
           sl_record_suite_find(SSL_CIPHER_get_protocol_id(cipher), ret_suite) &&
           /* RFC 6066 4: then records have another size, which libssl sees to */
           !has_fragment_limit(session) && handover->has_read_finished &&
           handover->has_written_finished && !handover->is_impossible;
}

static bool is_needed_for_tickets(const struct sl_tls *tls)
{
    const struct sl_tls_handover *handover = tls->handover;
    return tls->ctx->has_resumption && !handover->has_session &&
           handover->fed_bytes < TICKET_WAIT_BYTES;
}

/* libssl keeps the connection, once it has had the record of which half is kept here. */
static void give_up(struct sl_tls *tls)
{
    if (tls->handover->rest.len == 0) {
        sl_tls_handover_end(tls);
    }
}

void sl_tls_handover_try(struct sl_tls *tls)
{
    struct sl_tls_handover *handover = tls->handover;
    enum sl_record_suite suite = SL_RECORD_AES_128_GCM;
    if (handover == NULL || !tls->is_done || tls->is_broken || tls->is_closed) {
        return;
    }
    if (!is_possible(tls, &suite)) {
        give_up(tls);
        return;
    }
    if (is_needed_for_tickets(tls) || handover->part_len > 0 || SSL_in_init(tls->ssl) == 1 ||
        SSL_has_pending(tls->ssl) == 1 || SSL_get_shutdown(tls->ssl) != 0) {
        return;
    }
    const struct sl_established_state state = {
        .is_client = !tls->ctx->is_server,
        .suite = suite,
        .secrets = &handover->secrets,
        .read_count = handover->read_count,
        .written_count = handover->written_count,
    };
    if (sl_established_create(handover->fast->pool, &state, &tls->established) != SL_OK) {
        give_up(tls);
        return;
    }
    tls->established->rest = handover->rest;
    handover->rest = (struct sl_record_rest){ 0 };
    sl_tls_handover_end(tls);
    /* else SSL_free takes a missing close_notify for a reason to spoil the kept session */
    SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(SL_STEAL(tls->ssl));
    ERR_clear_error();
}

enum sl_err sl_tls_handover_feed(struct sl_tls *tls, struct sl_slice *in)
{
    struct sl_tls_handover *handover = tls->handover;
    struct sl_record_pieces record;
    uint8_t alert = 0;
    enum sl_err rc = sl_record_cut(&handover->rest, in, &record, &alert);
    if (rc == SL_OK) {
        handover->second = record.second;
        handover->fed_bytes += record.first.len + record.second.len;
        tls->io.before = record.first;
        tls->io.in = &handover->second;
    } else if (rc == SL_EPROTO) {
        handover->is_impossible = true;
        tls->io.before = sl_slice_of(handover->rest.ptr, handover->rest.len);
        tls->io.in = in;
    }
    return rc;
}

void sl_tls_handover_fed(struct sl_tls *tls)
{
    tls->io.before = sl_slice_of(NULL, 0);
    tls->io.in = NULL;
    sl_record_rest_drop(&tls->handover->rest);
}
