/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ep_tls.h"

/* A fatal alert in the clear, illegal_parameter (RFC 8446 6.2): what OpenSSL itself answers to a
 * message over its limit. */
static const uint8_t HELLO_TOO_LARGE_ALERT[] = { 0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x2f };

/* Read within one handshake. libssl passes over what it need not answer, such as HelloRequests, for
 * as long as it comes: a peer must not keep us at that. */
enum { HANDSHAKE_BYTES_MAX = 1024 * 1024 };

static struct sl_ep_tls *tls_of(struct sl_ep *ep)
{
    return SL_CONTAINER_OF(ep, struct sl_ep_tls, ep);
}

/* Sends what TLS has to say; what the network refuses is pending in the lower endpoint. */
static enum sl_err send_sealed(struct sl_ep_tls *tls, struct sl_scratch *scratch)
{
    struct sl_slice sealed = sl_wbuf_slice(&scratch->seal);
    return sealed.len == 0 ? SL_OK : sl_ep_write(tls->lower, scratch, sealed);
}

static bool is_bad(enum sl_err rc)
{
    return rc != SL_OK && rc != SL_AGAIN;
}

/* The next bytes to decrypt: first what was kept, which is then the caller's to free. */
static enum sl_err next_input(struct sl_ep_tls *tls, struct sl_scratch *scratch,
                              struct sl_pending *ret_kept, struct sl_slice *ret_in)
{
    if (tls->rest.len > 0) {
        *ret_kept = tls->rest;
        tls->rest = (struct sl_pending){ 0 };
        *ret_in = sl_pending_slice(ret_kept);
        return SL_OK;
    }
    return sl_ep_read(tls->lower, scratch, ret_in);
}

static enum sl_err write_unsealed(struct sl_ep_tls *tls, struct sl_scratch *scratch);

static enum sl_err tls_read(struct sl_ep *ep, struct sl_scratch *scratch,
                            struct sl_slice *ret_bytes)
{
    struct sl_ep_tls *tls = tls_of(ep);
    if (tls->ended != SL_OK) {
        return tls->ended;
    }
    SL_CLEANUP(sl_pending_fini) struct sl_pending kept = { 0 };
    struct sl_slice in;
    enum sl_err rc = next_input(tls, scratch, &kept, &in);
    if (rc == SL_EOF) { /* FIN without close_notify */
        tls->ended = SL_ETRUNC;
        return SL_ETRUNC;
    }
    if (rc != SL_OK) {
        return rc;
    }
    scratch->plain.len = 0;
    scratch->seal.len = 0;
    rc = sl_tls_decrypt(tls->tls, &in, &scratch->plain, &scratch->seal, &scratch->diag);
    enum sl_err sent = send_sealed(tls, scratch);
    if (rc == SL_AGAIN && !is_bad(sent)) {
        sent = write_unsealed(tls, scratch);
    }
    if (rc == SL_ENOSPC) { /* the buffer is sized so that this holds one input whole */
        rc = SL_ETLS;
    }
    if (rc == SL_AGAIN && sent == SL_ENOSPC) { /* it asks for answers that it does not read */
        sl_diag_set(&scratch->diag, "the peer does not read what TLS answers");
        rc = SL_ETLS;
    }
    if (rc == SL_AGAIN && is_bad(sent) && sent != SL_ERESET) {
        rc = sent;
    }
    if (rc != SL_AGAIN) {
        tls->ended = rc;
        if (scratch->plain.len == 0) {
            return rc;
        }
    }
    *ret_bytes = sl_wbuf_slice(&scratch->plain);
    return SL_OK;
}

static enum sl_err tls_write(struct sl_ep *ep, struct sl_scratch *scratch, struct sl_slice bytes)
{
    struct sl_ep_tls *tls = tls_of(ep);
    scratch->seal.len = 0;
    enum sl_err rc = sl_tls_encrypt(tls->tls, bytes, &scratch->seal, &scratch->diag);
    if (rc == SL_AGAIN) {
        rc = sl_pending_put(&tls->unsealed, bytes, scratch->plain.cap);
        return rc == SL_OK ? SL_AGAIN : rc;
    }
    return rc == SL_OK ? send_sealed(tls, scratch) : rc;
}

/* What could not be written in the middle of a message goes out behind it. */
static enum sl_err write_unsealed(struct sl_ep_tls *tls, struct sl_scratch *scratch)
{
    if (tls->unsealed.len == 0) {
        return SL_OK;
    }
    scratch->seal.len = 0;
    enum sl_err rc =
        sl_tls_encrypt(tls->tls, sl_pending_slice(&tls->unsealed), &scratch->seal, &scratch->diag);
    if (rc != SL_OK) {
        return rc;
    }
    sl_pending_fini(&tls->unsealed);
    return send_sealed(tls, scratch);
}

static enum sl_err tls_flush(struct sl_ep *ep)
{
    enum sl_err rc = sl_ep_flush(tls_of(ep)->lower);
    return rc == SL_OK && tls_of(ep)->unsealed.len > 0 ? SL_AGAIN : rc;
}

static enum sl_err tls_shut(struct sl_ep *ep, struct sl_scratch *scratch)
{
    struct sl_ep_tls *tls = tls_of(ep);
    scratch->seal.len = 0;
    enum sl_err rc = sl_tls_close_notify(tls->tls, &scratch->seal);
    if (rc != SL_OK) {
        return rc;
    }
    scratch->has_more = true; /* one segment for it and the FIN */
    rc = send_sealed(tls, scratch);
    scratch->has_more = false;
    return is_bad(rc) ? rc : sl_ep_shut(tls->lower, scratch);
}

static size_t tls_pending(const struct sl_ep *ep)
{
    const struct sl_ep_tls *tls = SL_CONST_CONTAINER_OF(ep, struct sl_ep_tls, ep);
    return sl_ep_pending(tls->lower) + tls->unsealed.len;
}

static bool tls_is_reset(const struct sl_ep *ep)
{
    const struct sl_ep_tls *tls = SL_CONST_CONTAINER_OF(ep, struct sl_ep_tls, ep);
    return sl_ep_is_reset(tls->lower);
}

static const struct sl_ep_ops TLS_OPS = {
    .read = tls_read,
    .write = tls_write,
    .flush = tls_flush,
    .shut = tls_shut,
    .pending = tls_pending,
    .is_reset = tls_is_reset,
};

void sl_ep_tls_init(struct sl_ep_tls *ep, struct sl_ep *lower, struct sl_tls **tls)
{
    *ep = (struct sl_ep_tls){ .ep.ops = &TLS_OPS, .lower = lower, .tls = SL_STEAL(*tls) };
}

void sl_ep_tls_fini(struct sl_ep_tls *ep)
{
    sl_tls_destroy(ep->tls);
    sl_pending_fini(&ep->rest);
    sl_pending_fini(&ep->unsealed);
    *ep = (struct sl_ep_tls){ 0 };
}

/* Feeds `in`, at most up to the bound while the ClientHello is not whole. */
static enum sl_err feed(struct sl_ep_tls *ep, struct sl_scratch *scratch, size_t hello_max_bytes,
                        struct sl_slice *in)
{
    bool is_bounded = hello_max_bytes > 0 && !sl_tls_has_hello(ep->tls);
    size_t part_bytes = is_bounded ? hello_max_bytes - ep->hello_bytes : in->len;
    struct sl_slice part = sl_slice_of(in->ptr, SL_MIN(in->len, part_bytes));
    size_t before = part.len;
    enum sl_err rc = sl_tls_handshake(ep->tls, &part, &scratch->seal, &scratch->diag);
    (void)sl_slice_cut(in, before - part.len);
    if (is_bounded) {
        ep->hello_bytes += before - part.len;
    }
    if (rc == SL_AGAIN && is_bounded && ep->hello_bytes == hello_max_bytes &&
        !sl_tls_has_hello(ep->tls)) {
        sl_diag_set(&scratch->diag, "the ClientHello is larger than %zu bytes", hello_max_bytes);
        scratch->seal.len = 0;
        rc = sl_wbuf_put(&scratch->seal,
                         sl_slice_of(HELLO_TOO_LARGE_ALERT, sizeof(HELLO_TOO_LARGE_ALERT)));
        return rc == SL_OK ? SL_ERANGE : rc;
    }
    return rc;
}

static enum sl_err keep_rest(struct sl_ep_tls *ep, struct sl_scratch *scratch, struct sl_slice in,
                             enum sl_err rc)
{
    if (in.len == 0 || (rc != SL_OK && rc != SL_EPAUSED && rc != SL_EWAIT)) {
        return rc;
    }
    enum sl_err kept = sl_pending_put(&ep->rest, in, scratch->chunk_bytes);
    return kept == SL_OK ? rc : kept;
}

enum sl_err sl_ep_tls_handshake(struct sl_ep_tls *ep, struct sl_scratch *scratch,
                                size_t hello_max_bytes)
{
    enum sl_err flushed = sl_ep_flush(ep->lower); /* a flight that the network had refused */
    if (is_bad(flushed)) {
        return flushed;
    }
    SL_CLEANUP(sl_pending_fini) struct sl_pending kept = ep->rest;
    ep->rest = (struct sl_pending){ 0 };
    struct sl_slice in = sl_pending_slice(&kept);
    for (;;) {
        enum sl_err rc;
        do {
            scratch->seal.len = 0;
            rc = feed(ep, scratch, hello_max_bytes, &in);
            enum sl_err sent = send_sealed(ep, scratch);
            if (is_bad(sent) && (rc == SL_AGAIN || rc == SL_OK || rc == SL_EWAIT)) {
                return sent;
            }
        } while (rc == SL_AGAIN && in.len > 0);
        if (rc != SL_AGAIN) {
            return keep_rest(ep, scratch, in, rc);
        }
        rc = sl_ep_read(ep->lower, scratch, &in);
        if (rc != SL_OK) {
            return rc;
        }
        ep->handshake_bytes += in.len;
        if (ep->handshake_bytes > HANDSHAKE_BYTES_MAX) {
            sl_diag_set(&scratch->diag, "the handshake is longer than %d bytes",
                        HANDSHAKE_BYTES_MAX);
            return SL_ETLS;
        }
    }
}
