/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include "tls/fast.h"
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void side_init(struct pair_side *side, struct sl_tls *tls)
{
    *side = (struct pair_side){ .tls = tls, .rc = SL_AGAIN, .wire = malloc(PAIR_BUF) };
    assert_non_null(side->wire);
}

void pair_init(struct pair *pair, struct sl_tls *client, struct sl_tls *server)
{
    side_init(&pair->client, client);
    side_init(&pair->server, server);
    pair->cut = 0;
}

void pair_open(struct pair *pair, struct sl_tls_ctx *client, struct sl_tls_ctx *server)
{
    struct sl_tls *c = NULL, *s = NULL;
    assert_int_equal(sl_tls_connect_create(client, sl_slice_of(NULL, 0), &c), SL_OK);
    assert_int_equal(sl_tls_accept_create(server, &s), SL_OK);
    pair_init(pair, c, s);
}

void pair_fini(struct pair *pair)
{
    sl_tls_destroy(pair->client.tls);
    sl_tls_destroy(pair->server.tls);
    free(pair->client.wire);
    free(pair->server.wire);
    assert_int_equal(ERR_peek_error(), 0);
}

struct sl_wbuf pair_wbuf(struct pair_side *side)
{
    return sl_wbuf_of(side->wire + side->sent, PAIR_BUF - side->sent);
}

void pair_wrote(struct pair_side *side, const struct sl_wbuf *out)
{
    side->sent += out->len;
}

/* The next bytes of `from` for the other side. */
static struct sl_slice next_bytes(const struct pair *pair, struct pair_side *from)
{
    size_t len = from->sent - from->taken;
    if (pair->cut != 0 && len > pair->cut) {
        len = pair->cut;
    }
    return sl_slice_of(from->wire + from->taken, len);
}

static void handshake_step(struct pair *pair, struct pair_side *side, struct pair_side *peer)
{
    struct sl_slice in = next_bytes(pair, peer);
    size_t given = in.len;
    struct sl_wbuf out = pair_wbuf(side);
    side->rc = sl_tls_handshake(side->tls, &in, &out, &side->diag);
    assert_int_equal(ERR_peek_error(), 0);
    if (side->rc == SL_AGAIN) {
        assert_int_equal(in.len, 0);
    }
    peer->taken += given - in.len;
    pair_wrote(side, &out);
}

static bool can_step(const struct pair_side *side, const struct pair_side *peer)
{
    return side->rc == SL_AGAIN && peer->taken < peer->sent;
}

void pair_handshake(struct pair *pair)
{
    if (pair->client.rc == SL_AGAIN && pair->client.sent == 0) {
        handshake_step(pair, &pair->client, &pair->server);
    }
    if (pair->server.rc == SL_EPAUSED || pair->server.rc == SL_EWAIT) {
        pair->server.rc = SL_AGAIN;
        handshake_step(pair, &pair->server, &pair->client);
    }
    if (pair->client.rc == SL_EWAIT) {
        pair->client.rc = SL_AGAIN;
        handshake_step(pair, &pair->client, &pair->server);
    }
    while (can_step(&pair->client, &pair->server) || can_step(&pair->server, &pair->client)) {
        if (can_step(&pair->server, &pair->client)) {
            handshake_step(pair, &pair->server, &pair->client);
        }
        if (can_step(&pair->client, &pair->server)) {
            handshake_step(pair, &pair->client, &pair->server);
        }
    }
}

enum sl_err pair_read(struct pair *pair, struct pair_side *from, struct pair_side *to,
                      struct sl_wbuf *plain)
{
    do {
        struct sl_slice in = next_bytes(pair, from);
        size_t given = in.len;
        struct sl_wbuf out = pair_wbuf(to);
        to->rc = sl_tls_decrypt(to->tls, &in, plain, &out, &to->diag);
        assert_int_equal(ERR_peek_error(), 0);
        from->taken += given - in.len;
        pair_wrote(to, &out);
    } while (to->rc == SL_AGAIN && from->taken < from->sent);
    return to->rc;
}

void pair_say(struct pair *pair, struct pair_side *from, struct sl_slice text)
{
    struct pair_side *to = from == &pair->client ? &pair->server : &pair->client;
    struct sl_wbuf out = pair_wbuf(from);
    assert_int_equal(sl_tls_encrypt(from->tls, text, &out, &from->diag), SL_OK);
    pair_wrote(from, &out);
    struct sl_wbuf plain = sl_wbuf_of(malloc(text.len + 1), text.len + 1);
    assert_int_equal(pair_read(pair, from, to, &plain), SL_AGAIN);
    assert_int_equal(plain.len, text.len);
    assert_memory_equal(plain.ptr, text.ptr, text.len);
    free(plain.ptr);
}

void pair_close(struct pair_side *side)
{
    struct sl_wbuf out = pair_wbuf(side);
    assert_int_equal(sl_tls_close_notify(side->tls, &out), SL_OK);
    pair_wrote(side, &out);
}

static struct sl_tls_cert *cert_load(const struct pki_cert *pki)
{
    struct sl_tls_cert *cert = NULL;
    assert_int_equal(sl_tls_cert_create(pki_slice(pki->chain), pki_slice(pki->key), NULL, &cert),
                     SL_OK);
    return cert;
}

static struct sl_tls_store *store_load(const struct pki_cert *pki)
{
    struct sl_tls_store *store = NULL;
    assert_int_equal(sl_tls_store_create(pki_slice(pki->chain), NULL, &store), SL_OK);
    return store;
}

void fixture_init(struct fixture *f)
{
    assert_int_equal(sl_tls_library_init(), SL_OK);
    if (getenv("SLUICE_RECORDS") != NULL) { /* what is tested with libssl's records as well */
        bool is_used = false;
        assert_int_equal(sl_tls_fast_use(true, &is_used), SL_OK);
        assert_true(is_used);
        assert_int_equal(sl_tls_fast_records(true), SL_OK);
    }
    pki_make(&(struct pki_spec){ .cn = "Test CA", .is_ca = true }, NULL, &f->ca);
    pki_make(&(struct pki_spec){ .cn = "Other CA", .is_ca = true }, NULL, &f->other_ca);
    const char *san = "DNS:site.example,DNS:*.wild.example,IP:127.0.0.1,IP:::1";
    pki_make(&(struct pki_spec){ .cn = "site.example", .san = san }, &f->ca, &f->ec);
    pki_make(&(struct pki_spec){ .cn = "site.example", .san = san, .kind = PKI_RSA }, &f->ca,
             &f->rsa);
    pki_make(&(struct pki_spec){ .cn = "client ü" }, &f->ca, &f->client);
    pki_make(&(struct pki_spec){ .cn = "stranger" }, &f->other_ca, &f->stranger);
    f->store = store_load(&f->ca);
    f->other_store = store_load(&f->other_ca);
    f->cert_ec = cert_load(&f->ec);
    f->cert_rsa = cert_load(&f->rsa);
    f->cert_client = cert_load(&f->client);
    f->cert_stranger = cert_load(&f->stranger);
}

void fixture_fini(struct fixture *f)
{
    struct pki_cert *pki[] = { &f->ca, &f->other_ca, &f->ec, &f->rsa, &f->client, &f->stranger };
    for (size_t i = 0; i < SL_COUNT(pki); i++) {
        pki_free(pki[i]);
    }
    sl_tls_store_unref(f->store);
    sl_tls_store_unref(f->other_store);
    sl_tls_cert_unref(f->cert_ec);
    sl_tls_cert_unref(f->cert_rsa);
    sl_tls_cert_unref(f->cert_client);
    sl_tls_cert_unref(f->cert_stranger);
}

struct sl_tls_cert *fixture_cert(const struct pki_cert *ca, const char *cn, const char *san,
                                 enum pki_kind kind)
{
    struct pki_cert pki;
    pki_make(&(struct pki_spec){ .cn = cn, .san = san, .kind = kind }, ca, &pki);
    struct sl_tls_cert *cert = cert_load(&pki);
    pki_free(&pki);
    return cert;
}

struct sl_policy fixture_policy(const char *name)
{
    const struct sl_policy *policy = sl_policy_find(sl_slice_cstr(name));
    assert_non_null(policy);
    return *policy;
}

struct sl_tls_ctx *fixture_server(const struct sl_tls_server_conf *conf)
{
    struct sl_tls_ctx *ctx = NULL;
    struct sl_diag diag = { "" };
    enum sl_err rc = sl_tls_server_ctx_create(conf, &diag, &ctx);
    assert_string_equal(diag.text, "");
    assert_int_equal(rc, SL_OK);
    assert_int_equal(ERR_peek_error(), 0);
    return ctx;
}

struct sl_tls_ctx *fixture_client(const struct sl_tls_client_conf *conf)
{
    struct sl_tls_ctx *ctx = NULL;
    struct sl_diag diag = { "" };
    enum sl_err rc = sl_tls_client_ctx_create(conf, &diag, &ctx);
    assert_string_equal(diag.text, "");
    assert_int_equal(rc, SL_OK);
    assert_int_equal(ERR_peek_error(), 0);
    return ctx;
}
