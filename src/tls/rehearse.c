/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/rehearse.h"
#include "tls/certificate_impl.h"
#include "tls/error.h"
#include "tls/names.h"
#include "tls/own.h"
#include "tls/session_impl.h"
#include "tls/x509.h"
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

enum {
    TURNS_MAX = 8,           /* a HelloRetryRequest makes it two */
    LIST_MAX_BYTES = 4096,   /* of names */
    ALPN_MAX_BYTES = 256,    /* of a client's list on the wire */
    LACKS_MAX_BYTES = 512,   /* NUL included */
    MESSAGE_CERTIFICATE = 11 /* RFC 8446 4 */
};

struct sl_tls_actor {
    const struct sl_client *client;
    SSL_CTX *ctx; /* NULL: the library cannot play it */
    char lacks[LACKS_MAX_BYTES];
};

/* One client and one server. */
struct stage {
    SSL *client;
    struct sl_tls *server;
    struct sl_rehearsal *result;
    struct sl_wbuf flight; /* from the server */
    int alert;             /* that the server sent; -1 for none */
    bool is_done;          /* the server's Certificate is written */
};

static void stage_fini(struct stage *stage)
{
    SSL_free(stage->client);
    sl_tls_destroy(stage->server);
    free(stage->flight.ptr);
    ERR_clear_error();
}

/* In TLS 1.2 the group stands in the next message: it is the first that both have. */
static void group_read(SSL *ssl, const SSL_CIPHER *cipher, struct sl_rehearsal *result)
{
    const bool is_13 = SSL_version(ssl) >= TLS1_3_VERSION;
    int group = NID_undef;
    if (is_13) {
        group = (int)SSL_get_negotiated_group(ssl);
    } else if (SSL_CIPHER_get_kx_nid(cipher) == NID_kx_ecdhe) {
        group = (int)SSL_get_shared_group(ssl, 0);
    }
    const char *name = group == NID_undef ? NULL : SSL_group_to_name(ssl, group);
    (void)snprintf(result->group, sizeof(result->group), "%s", name == NULL ? "" : name);
}

/* The DNS name that was asked for, if the certificate has it as it is; else its first. */
static void name_read(X509 *leaf, const char *asked, struct sl_rehearsal *result)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    bool is_first = true;
    sl_x509_common_name(X509_get_subject_name(leaf), result->name, sizeof(result->name));
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS) {
            continue;
        }
        const struct sl_slice text = sl_slice_of(ASN1_STRING_get0_data(name->d.dNSName),
                                                 (size_t)ASN1_STRING_length(name->d.dNSName));
        if (is_first || sl_slice_eq_nocase(text, sl_slice_cstr(asked))) {
            (void)snprintf(result->name, sizeof(result->name), "%.*s", SL_SLICE_FMT(text));
            is_first = false;
        }
    }
    GENERAL_NAMES_free(names);
}

static void certificate_read(SSL *ssl, const struct sl_tls *tls, struct sl_rehearsal *result)
{
    X509 *leaf = SSL_get_certificate(ssl);
    const EVP_PKEY *key = leaf == NULL ? NULL : X509_get0_pubkey(leaf);
    if (key != NULL) {
        result->key_type = sl_tls_key_type_shown(key);
        result->key_bits = (uint32_t)EVP_PKEY_get_bits(key);
        name_read(leaf, tls->server_name, result);
    }
}

static void alpn_read(SSL *ssl, struct sl_rehearsal *result)
{
    const unsigned char *chosen = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(ssl, &chosen, &len);
    (void)snprintf(result->alpn, sizeof(result->alpn), "%.*s", (int)len, (const char *)chosen);
}

/* libssl tells of each message as it is written: at the Certificate all is decided. */
static void on_message(int is_written, int version, int type, const void *bytes, size_t len,
                       SSL *ssl, void *arg)
{
    SL_UNUSED(version);
    struct stage *stage = arg;
    const uint8_t *message = bytes;
    if (is_written == 0 || len < 2) {
        return;
    }
    if (type == SSL3_RT_ALERT) {
        stage->alert = message[1];
    }
    if (type != SSL3_RT_HANDSHAKE || message[0] != MESSAGE_CERTIFICATE || stage->is_done) {
        return;
    }
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(ssl);
    cipher = cipher == NULL ? SSL_get_current_cipher(ssl) : cipher;
    if (cipher == NULL) {
        return;
    }
    stage->is_done = true;
    stage->result->version = SSL_get_version(ssl);
    stage->result->cipher = SSL_CIPHER_standard_name(cipher);
    group_read(ssl, cipher, stage->result);
    certificate_read(ssl, stage->server, stage->result);
    alpn_read(ssl, stage->result);
}

/* Adds what of a list the library lacks; what does not fit is left out. */
static enum sl_err lacks_note(const struct sl_policy *offer, enum sl_tls_list list,
                              struct sl_wbuf *lacks)
{
    char text[LIST_MAX_BYTES];
    struct sl_wbuf out = sl_wbuf_of(text, sizeof(text));
    enum sl_err rc = sl_tls_names_put(list, sl_tls_list_of(offer, list), false, ", ", &out);
    if (rc == SL_OK && out.len != 0) {
        rc = sl_wbuf_printf(lacks, "%s%.*s", lacks->len == 0 ? "" : ", ",
                            SL_SLICE_FMT(sl_wbuf_slice(&out)));
    }
    return rc == SL_ENOSPC ? SL_OK : rc;
}

/* SL_EINVAL: the library knows nothing of what there must be some of. */
static enum sl_err list_set(SSL_CTX *ctx, const struct sl_policy *offer, enum sl_tls_list list)
{
    char known[LIST_MAX_BYTES] = "";
    struct sl_wbuf out = sl_wbuf_of(known, sizeof(known) - 1);
    bool is_set = true;
    enum sl_err rc = sl_tls_names_put(list, sl_tls_list_of(offer, list), true, ":", &out);
    if (rc != SL_OK) {
        return rc;
    }
    known[out.len] = '\0';
    switch (list) {
    case SL_TLS_SUITES:
        is_set = SSL_CTX_set_ciphersuites(ctx, known) == 1;
        break;
    case SL_TLS_CIPHERS:
        is_set = out.len != 0 && SSL_CTX_set_cipher_list(ctx, known) == 1;
        break;
    case SL_TLS_GROUPS:
        is_set = out.len == 0 || SSL_CTX_set1_groups_list(ctx, known) == 1;
        break;
    case SL_TLS_SIGNATURES:
        is_set = out.len == 0 || SSL_CTX_set1_sigalgs_list(ctx, known) == 1;
        break;
    }
    ERR_clear_error();
    return is_set ? SL_OK : SL_EINVAL;
}

static enum sl_err alpn_set(SSL *ssl, const char *alpn)
{
    uint8_t wire[ALPN_MAX_BYTES];
    struct sl_wbuf out = sl_wbuf_of(wire, sizeof(wire));
    struct sl_slice rest = sl_slice_cstr(alpn);
    enum sl_err rc = SL_OK;
    while (rc == SL_OK && rest.len != 0) {
        struct sl_slice one = sl_slice_cut(&rest, sl_slice_find(rest, ','));
        (void)sl_slice_cut(&rest, 1);
        rc = sl_wbuf_put_u8(&out, (uint8_t)one.len);
        rc = rc == SL_OK ? sl_wbuf_put(&out, one) : rc;
    }
    if (rc != SL_OK || out.len == 0) {
        return rc;
    }
    return SSL_set_alpn_protos(ssl, wire, (unsigned)out.len) == 0 ? SL_OK : SL_ENOMEM;
}

static void ssl_ctx_cleanup(SSL_CTX **ctx)
{
    SSL_CTX_free(*ctx);
}

/* SL_EINVAL: the library knows nothing of what there must be some of. */
static enum sl_err actor_dress(struct sl_tls_actor *actor)
{
    const struct sl_policy *offer = &actor->client->offer;
    struct sl_wbuf lacks = sl_wbuf_of(actor->lacks, sizeof(actor->lacks) - 1);
    SL_CLEANUP(ssl_ctx_cleanup) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL) {
        return SL_ENOMEM;
    }
    SSL_CTX_set_security_level(ctx, 0); /* it takes what it is given */
    enum sl_err rc = SL_OK;
    for (enum sl_tls_list list = SL_TLS_SUITES; rc == SL_OK && list <= SL_TLS_SIGNATURES; list++) {
        rc = lacks_note(offer, list, &lacks);
        rc = rc == SL_OK ? list_set(ctx, offer, list) : rc;
    }
    actor->lacks[lacks.len] = '\0';
    if (rc == SL_OK && (SSL_CTX_set_min_proto_version(ctx, offer->min_version) != 1 ||
                        SSL_CTX_set_max_proto_version(ctx, offer->max_version) != 1)) {
        rc = SL_EINVAL;
    }
    if (rc == SL_OK) {
        actor->ctx = SL_STEAL(ctx);
    }
    return rc;
}

enum sl_err sl_tls_actor_create(const struct sl_client *client, struct sl_tls_actor **ret_actor)
{
    struct sl_tls_actor *actor = calloc(1, sizeof(*actor));
    if (actor == NULL) {
        return SL_ENOMEM;
    }
    actor->client = client;
    enum sl_err rc = actor_dress(actor);
    ERR_clear_error();
    if (rc == SL_ENOMEM) {
        sl_tls_actor_destroy(actor);
        return rc;
    }
    *ret_actor = actor;
    return SL_OK;
}

void sl_tls_actor_destroy(struct sl_tls_actor *actor)
{
    if (actor != NULL) {
        SSL_CTX_free(actor->ctx);
        free(actor);
    }
}

const char *sl_tls_actor_lacks(const struct sl_tls_actor *actor)
{
    return actor->lacks;
}

static enum sl_err client_create(struct stage *stage, const struct sl_tls_actor *actor,
                                 const char *server_name, struct sl_diag *diag)
{
    const struct sl_client *client = actor->client;
    if (actor->ctx == NULL) {
        sl_diag_set(diag, "nothing that the client offers is in this library");
        return SL_EINVAL;
    }
    stage->client = SSL_new(actor->ctx);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (stage->client == NULL || in == NULL || out == NULL) {
        BIO_free(in);
        BIO_free(out);
        return SL_ENOMEM;
    }
    SSL_set_bio(stage->client, in, out);
    SSL_set_connect_state(stage->client);
    char name[SL_TLS_NAME_MAX]; /* the macro wants it not const */
    (void)snprintf(name, sizeof(name), "%s", server_name);
    if (client->has_sni && name[0] != '\0' && SSL_set_tlsext_host_name(stage->client, name) != 1) {
        return SL_ENOMEM;
    }
    return client->alpn == NULL ? SL_OK : alpn_set(stage->client, client->alpn);
}

static enum sl_err server_create(struct stage *stage, struct sl_tls_ctx *ctx, bool is_alpn_held)
{
    stage->flight = sl_wbuf_of(malloc(SL_TLS_FLIGHT_MAX), SL_TLS_FLIGHT_MAX);
    if (stage->flight.ptr == NULL) {
        return SL_ENOMEM;
    }
    enum sl_err rc = sl_tls_accept_create(ctx, &stage->server);
    if (rc != SL_OK) {
        return rc;
    }
    if (is_alpn_held) {
        sl_tls_hold_alpn(stage->server);
    }
    SSL_set_msg_callback(stage->server->ssl, on_message);
    SSL_set_msg_callback_arg(stage->server->ssl, stage);
    return SL_OK;
}

/* The client's flight goes to the server. */
static enum sl_err server_step(struct stage *stage, struct sl_slice in, struct sl_diag *diag)
{
    enum sl_err rc = SL_AGAIN;
    while (rc == SL_AGAIN && (in.len != 0 || stage->server->hold == SL_TLS_HOLD_CHOSEN) &&
           !stage->is_done) {
        rc = sl_tls_handshake(stage->server, &in, &stage->flight, diag);
        if (rc == SL_AGAIN && in.len == 0) {
            break;
        }
        if (rc == SL_EPAUSED) {
            struct sl_slice held = sl_tls_held_alpn(stage->server), one = { NULL, 0 };
            (void)(sl_alpn_next(&held, &one) == SL_OK);
            sl_tls_choose_alpn(stage->server, one);
            rc = SL_AGAIN;
        }
    }
    return rc;
}

static enum sl_err play(struct stage *stage, struct sl_diag *diag)
{
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        char *bytes = NULL;
        ERR_clear_error();
        (void)SSL_do_handshake(stage->client);
        const long len = BIO_get_mem_data(SSL_get_wbio(stage->client), &bytes);
        if (len <= 0) {
            return sl_tls_error_take(SL_ETLS, "the client", diag);
        }
        stage->flight.len = 0;
        enum sl_err rc = server_step(stage, sl_slice_of(bytes, (size_t)len), diag);
        (void)BIO_reset(SSL_get_wbio(stage->client));
        if (stage->is_done) {
            return SL_OK; /* what comes now wants the private key */
        }
        if (rc != SL_AGAIN) {
            return rc == SL_ENOMEM ? rc : SL_ETLS;
        }
        const struct sl_slice flight = sl_wbuf_slice(&stage->flight);
        if (BIO_write(SSL_get_rbio(stage->client), flight.ptr, (int)flight.len) <= 0) {
            return SL_ENOMEM;
        }
    }
    sl_diag_set(diag, "the two do not come to an end");
    return SL_ETLS;
}

enum sl_err sl_tls_rehearse(struct sl_tls_ctx *server, struct sl_tls_actor *actor,
                            const char *server_name, bool is_alpn_held, struct sl_diag *diag,
                            struct sl_rehearsal *ret_rehearsal)
{
    *ret_rehearsal = (struct sl_rehearsal){ 0 };
    SL_CLEANUP(stage_fini) struct stage stage = { .result = ret_rehearsal, .alert = -1 };
    struct sl_diag why = { "" };
    enum sl_err rc = client_create(&stage, actor, server_name, &why);
    rc = rc == SL_OK ? server_create(&stage, server, is_alpn_held) : rc;
    rc = rc == SL_OK ? play(&stage, &why) : rc;
    if (rc == SL_ETLS && stage.alert >= 0) {
        sl_diag_set(diag, "%s (alert: %s)", why.text, SSL_alert_desc_string_long(stage.alert));
    } else if (rc != SL_OK) {
        sl_diag_set(diag, "%s", why.text);
    }
    return rc;
}
