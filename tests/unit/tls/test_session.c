/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include "tls/handover.h"
#include "tls/session_impl.h"
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int make_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    fixture_init(f);
    *state = f;
    return 0;
}

static int drop_fixture(void **state)
{
    fixture_fini(*state);
    free(*state);
    return 0;
}

/* Contexts of one policy, the server with `cert`. */
struct contexts {
    struct sl_tls_ctx *client, *server;
    struct sl_ticket_keys tickets;
};

static void contexts_make(const struct fixture *f, const struct sl_policy *policy,
                          struct sl_tls_cert *cert, struct contexts *c)
{
    *c = (struct contexts){ 0 };
    assert_int_equal(sl_ticket_keys_rotate(&c->tickets), SL_OK);
    c->server = fixture_server(&(struct sl_tls_server_conf){
        .service = "web",
        .policy = policy,
        .certs = &cert,
        .certs_count = 1,
        .tickets = &c->tickets,
    });
    c->client = fixture_client(&(struct sl_tls_client_conf){
        .policy = policy,
        .is_verified = true,
        .store = f->store,
        .name = "site.example",
    });
}

static void contexts_drop(struct contexts *c)
{
    sl_tls_ctx_unref(c->client);
    sl_tls_ctx_unref(c->server);
}

static struct sl_policy tls12(void)
{
    struct sl_policy policy = fixture_policy("intermediate");
    policy.max_version = 0x0303;
    return policy;
}

/* Data both ways, then both ends close. */
static void talk(struct pair *pair)
{
    static uint8_t big[100000];
    for (size_t i = 0; i < sizeof(big); i++) {
        big[i] = (uint8_t)(i * 7 >> 3);
    }
    pair_say(pair, &pair->client, SL_SLICE("hello"));
    pair_say(pair, &pair->server, SL_SLICE("hello yourself"));
    pair_say(pair, &pair->client, sl_slice_of(big, pair->cut == 1 ? 20000 : sizeof(big)));
    pair_say(pair, &pair->server, sl_slice_of(big, 16385));
}

static void every_policy_carries_data_however_the_bytes_are_cut(void **state)
{
    static const struct {
        const char *policy;
        bool is_tls12, is_rsa;
        const char *version;
    } CASES[] = {
        { "modern", false, false, "TLSv1.3" },      { "intermediate", false, false, "TLSv1.3" },
        { "intermediate", true, false, "TLSv1.2" }, { "intermediate", true, true, "TLSv1.2" },
        { "old", false, true, "TLSv1.3" },          { "old", true, true, "TLSv1.2" },
    };
    static const size_t CUTS[] = { 0, 1, 2, 3, 5, 6, 100, 1400 };
    const struct fixture *f = *state;
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct sl_policy policy = fixture_policy(CASES[i].policy);
        policy.max_version = CASES[i].is_tls12 ? 0x0303 : 0x0304;
        struct contexts c;
        contexts_make(f, &policy, CASES[i].is_rsa ? f->cert_rsa : f->cert_ec, &c);
        for (size_t k = 0; k < SL_COUNT(CUTS); k++) {
            struct pair pair;
            pair_open(&pair, c.client, c.server);
            pair.cut = CUTS[k];
            pair_handshake(&pair);
            assert_int_equal(pair.client.rc, SL_OK);
            assert_int_equal(pair.server.rc, SL_OK);
            struct sl_tls_info info;
            sl_tls_info(pair.server.tls, &info);
            assert_string_equal(info.version, CASES[i].version);
            talk(&pair);
            pair_fini(&pair);
        }
        contexts_drop(&c);
    }
}

static void old_policy_still_speaks_tls_1_0(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("old"), only10 = policy;
    only10.max_version = 0x0301;
    struct contexts c, c10;
    contexts_make(f, &policy, f->cert_rsa, &c);
    contexts_make(f, &only10, f->cert_rsa, &c10);
    struct pair pair;
    pair_open(&pair, c10.client, c.server);
    pair_handshake(&pair);
    assert_int_equal(pair.server.rc, SL_OK);
    struct sl_tls_info info;
    sl_tls_info(pair.server.tls, &info);
    assert_string_equal(info.version, "TLSv1");
    talk(&pair);
    pair_fini(&pair);
    contexts_drop(&c10);
    contexts_drop(&c);
}

static void what_the_policy_does_not_allow_is_refused_with_an_alert(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy modern = fixture_policy("modern"), old = tls12();
    struct contexts c, c12;
    contexts_make(f, &modern, f->cert_ec, &c);
    contexts_make(f, &old, f->cert_ec, &c12);
    struct pair pair;
    pair_open(&pair, c12.client, c.server);
    pair_handshake(&pair);
    assert_int_equal(pair.server.rc, SL_ETLS);
    assert_string_equal(pair.server.diag.text, "unsupported protocol");
    assert_int_equal(pair.client.rc, SL_ETLS);
    assert_string_equal(pair.client.diag.text, "the peer sent alert: protocol version");
    pair_fini(&pair);
    contexts_drop(&c12);
    contexts_drop(&c);
}

static void the_server_chooses_the_cipher_but_chacha20_when_the_client_puts_it_first(void **state)
{
    const struct fixture *f = *state;
    static const struct {
        uint16_t version;
        const char *offered, *chosen;
    } CASES[] = {
        { 0x0304, "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256" },
        { 0x0304, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384" },
        { 0x0304, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
          "TLS_CHACHA20_POLY1305_SHA256" },
        { 0x0303, "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256",
          "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
        { 0x0303, "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256",
          "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
    };
    struct sl_policy policy = fixture_policy("intermediate");
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct contexts c, offering;
        struct sl_policy offer = policy;
        offer.max_version = CASES[i].version;
        *(CASES[i].version == 0x0304 ? &offer.suites : &offer.ciphers) = CASES[i].offered;
        contexts_make(f, &policy, f->cert_ec, &c);
        contexts_make(f, &offer, f->cert_ec, &offering);
        struct pair pair;
        pair_open(&pair, offering.client, c.server);
        pair_handshake(&pair);
        struct sl_tls_info info;
        sl_tls_info(pair.server.tls, &info);
        assert_string_equal(info.cipher, CASES[i].chosen);
        pair_fini(&pair);
        contexts_drop(&offering);
        contexts_drop(&c);
    }
}

static void facts_of_the_handshake_are_told(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("intermediate");
    struct contexts c;
    contexts_make(f, &policy, f->cert_ec, &c);
    struct pair pair;
    pair_open(&pair, c.client, c.server);
    struct sl_tls_info info;
    sl_tls_info(pair.client.tls, &info);
    assert_null(info.version);
    assert_false(sl_tls_has_hello(pair.server.tls));
    pair_handshake(&pair);
    assert_true(sl_tls_has_hello(pair.server.tls));
    sl_tls_info(pair.client.tls, &info);
    assert_string_equal(info.version, "TLSv1.3");
    assert_string_equal(info.cipher, "TLS_AES_128_GCM_SHA256");
    assert_non_null(info.group);
    assert_false(info.is_resumed);
    assert_true(info.has_peer_cert);
    assert_string_equal(info.peer_subject, "CN=site.example");
    assert_true(sl_slice_eq(info.server_name, SL_SLICE("site.example")));
    sl_tls_info(pair.server.tls, &info);
    assert_true(sl_slice_eq(info.server_name, SL_SLICE("site.example")));
    assert_non_null(info.group);
    assert_false(info.has_peer_cert);
    assert_string_equal(info.peer_subject, "");
    assert_int_equal(info.alpn.len, 0);
    pair_fini(&pair);
    contexts_drop(&c);
}

static void bytes_behind_the_handshake_are_left_to_the_caller(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = tls12();
    struct contexts c;
    contexts_make(f, &policy, f->cert_ec, &c);
    struct pair pair;
    pair_open(&pair, c.client, c.server);
    pair_handshake(&pair);
    pair_fini(&pair);
    /* resumed: the server's last flight comes before the client's, which may carry data */
    pair_open(&pair, c.client, c.server);
    pair_handshake(&pair);
    assert_int_equal(pair.server.rc, SL_OK);
    pair_fini(&pair);
    contexts_drop(&c);

    policy = fixture_policy("intermediate");
    contexts_make(f, &policy, f->cert_ec, &c);
    pair_open(&pair, c.client, c.server);
    struct sl_slice in = { NULL, 0 };
    struct sl_wbuf out = pair_wbuf(&pair.client);
    assert_int_equal(sl_tls_handshake(pair.client.tls, &in, &out, NULL), SL_AGAIN);
    pair_wrote(&pair.client, &out);
    in = sl_slice_of(pair.client.wire, pair.client.sent);
    out = pair_wbuf(&pair.server);
    assert_int_equal(sl_tls_handshake(pair.server.tls, &in, &out, NULL), SL_AGAIN);
    pair_wrote(&pair.server, &out);
    pair.client.taken = pair.client.sent;
    in = sl_slice_of(pair.server.wire, pair.server.sent);
    out = pair_wbuf(&pair.client);
    assert_int_equal(sl_tls_handshake(pair.client.tls, &in, &out, NULL), SL_OK);
    pair_wrote(&pair.client, &out);
    size_t finished_len = out.len;
    out = pair_wbuf(&pair.client);
    assert_int_equal(sl_tls_encrypt(pair.client.tls, SL_SLICE("early"), &out, NULL), SL_OK);
    in = sl_slice_of(out.ptr - finished_len, finished_len + out.len);
    struct sl_wbuf answer = pair_wbuf(&pair.server);
    assert_int_equal(sl_tls_handshake(pair.server.tls, &in, &answer, NULL), SL_OK);
    assert_int_equal(in.len, out.len);
    uint8_t text[16];
    struct sl_wbuf plain = sl_wbuf_of(text, sizeof(text));
    assert_int_equal(sl_tls_decrypt(pair.server.tls, &in, &plain, &answer, NULL), SL_AGAIN);
    assert_true(sl_slice_eq(sl_wbuf_slice(&plain), SL_SLICE("early")));
    pair_fini(&pair);
    contexts_drop(&c);
}

static void close_notify_ends_one_direction_and_the_other_goes_on(void **state)
{
    const struct fixture *f = *state;
    for (int is_tls12 = 0; is_tls12 < 2; is_tls12++) {
        struct sl_policy policy = is_tls12 ? tls12() : fixture_policy("modern");
        struct contexts c;
        contexts_make(f, &policy, f->cert_ec, &c);
        struct pair pair;
        pair_open(&pair, c.client, c.server);
        pair_close(&pair.client); /* too early: nothing is written */
        assert_int_equal(pair.client.sent, 0);
        pair_handshake(&pair);
        pair_say(&pair, &pair.server, SL_SLICE("")); /* takes the ticket */
        struct sl_wbuf out = pair_wbuf(&pair.client);
        assert_int_equal(sl_tls_encrypt(pair.client.tls, SL_SLICE("last"), &out, NULL), SL_OK);
        pair_wrote(&pair.client, &out);
        pair_close(&pair.client);
        size_t sent = pair.client.sent;
        pair_close(&pair.client);
        assert_int_equal(pair.client.sent, sent);
        uint8_t text[32];
        struct sl_wbuf plain = sl_wbuf_of(text, sizeof(text));
        assert_int_equal(pair_read(&pair, &pair.client, &pair.server, &plain), SL_EOF);
        assert_true(sl_slice_eq(sl_wbuf_slice(&plain), SL_SLICE("last")));
        assert_int_equal(pair_read(&pair, &pair.client, &pair.server, &plain), SL_EOF);
        pair_say(&pair, &pair.server, SL_SLICE("still talking"));
        pair_say(&pair, &pair.server, SL_SLICE("and more"));
        out = pair_wbuf(&pair.client);
        assert_int_equal(sl_tls_encrypt(pair.client.tls, SL_SLICE("x"), &out, NULL), SL_ETLS);
        assert_int_equal(out.len, 0);
        pair_close(&pair.server);
        plain.len = 0;
        assert_int_equal(pair_read(&pair, &pair.server, &pair.client, &plain), SL_EOF);
        assert_int_equal(plain.len, 0);
        pair_fini(&pair);
        contexts_drop(&c);
    }
}

static void cut_off_data_is_never_a_clean_end(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("modern");
    struct contexts c;
    contexts_make(f, &policy, f->cert_ec, &c);
    struct pair pair;
    pair_open(&pair, c.client, c.server);
    pair_handshake(&pair);
    struct sl_wbuf out = pair_wbuf(&pair.client);
    assert_int_equal(sl_tls_encrypt(pair.client.tls, SL_SLICE("half"), &out, NULL), SL_OK);
    uint8_t text[32];
    struct sl_wbuf plain = sl_wbuf_of(text, sizeof(text)), answer = pair_wbuf(&pair.server);
    for (size_t i = 0; i + 1 < out.len; i++) {
        struct sl_slice in = sl_slice_of(out.ptr + i, 1);
        assert_int_equal(sl_tls_decrypt(pair.server.tls, &in, &plain, &answer, NULL), SL_AGAIN);
        assert_int_equal(plain.len, 0);
    }
    pair_fini(&pair);
    contexts_drop(&c);
}

static void every_corrupted_byte_is_noticed_and_answered(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("modern");
    struct contexts c;
    contexts_make(f, &policy, f->cert_ec, &c);
    for (size_t at = 0; at < 27; at++) {
        if (at == 3 || at == 4) {
            continue; /* the length: another one only waits for more bytes */
        }
        struct pair pair;
        pair_open(&pair, c.client, c.server);
        pair_handshake(&pair);
        pair_say(&pair, &pair.server, SL_SLICE("")); /* takes the ticket */
        struct sl_wbuf out = pair_wbuf(&pair.client);
        assert_int_equal(sl_tls_encrypt(pair.client.tls, SL_SLICE("12345"), &out, NULL), SL_OK);
        assert_int_equal(out.len, 27);
        out.ptr[at] ^= 0x40;
        pair_wrote(&pair.client, &out);
        uint8_t text[32];
        struct sl_wbuf plain = sl_wbuf_of(text, sizeof(text));
        assert_int_equal(pair_read(&pair, &pair.client, &pair.server, &plain), SL_ETLS);
        assert_int_equal(plain.len, 0);
        assert_true(pair.server.sent > pair.server.taken); /* an alert */
        assert_true(strlen(pair.server.diag.text) > 0);
        assert_int_equal(pair_read(&pair, &pair.server, &pair.client, &plain), SL_ETLS);
        assert_non_null(strstr(pair.client.diag.text, "the peer sent alert: "));
        /* nothing more can be had of either */
        out = pair_wbuf(&pair.server);
        assert_int_equal(sl_tls_encrypt(pair.server.tls, SL_SLICE("x"), &out, NULL), SL_ETLS);
        assert_int_equal(sl_tls_close_notify(pair.server.tls, &out), SL_OK);
        assert_int_equal(out.len, 0);
        pair_fini(&pair);
    }
    contexts_drop(&c);
}

static void a_full_plaintext_buffer_loses_nothing(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("modern");
    struct contexts c;
    contexts_make(f, &policy, f->cert_ec, &c);
    struct pair pair;
    pair_open(&pair, c.client, c.server);
    pair_handshake(&pair);
    static uint8_t sent[40000], got[40000];
    for (size_t i = 0; i < sizeof(sent); i++) {
        sent[i] = (uint8_t)(i / 3);
    }
    struct sl_wbuf out = pair_wbuf(&pair.client);
    struct sl_slice all = sl_slice_of(sent, sizeof(sent));
    assert_int_equal(sl_tls_encrypt(pair.client.tls, all, &out, NULL), SL_OK);
    assert_true(out.len <= sizeof(sent) + 3 * SL_TLS_RECORD_OVERHEAD);
    struct sl_slice in = sl_wbuf_slice(&out);
    size_t len = 0, calls_count = 0;
    enum sl_err rc = SL_ENOSPC;
    while (rc == SL_ENOSPC) {
        struct sl_wbuf plain = sl_wbuf_of(got + len, SL_MIN(sizeof(got) - len, (size_t)1000));
        struct sl_wbuf answer = pair_wbuf(&pair.server);
        rc = sl_tls_decrypt(pair.server.tls, &in, &plain, &answer, NULL);
        len += plain.len;
        calls_count++;
    }
    assert_int_equal(rc, SL_AGAIN);
    assert_int_equal(calls_count, 40); /* full to the last byte is not a reason to call again */
    assert_int_equal(len, sizeof(sent));
    assert_memory_equal(got, sent, sizeof(sent));
    pair_fini(&pair);
    contexts_drop(&c);
}

static void too_little_room_to_send_is_said(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("modern");
    struct contexts c;
    contexts_make(f, &policy, f->cert_ec, &c);
    struct pair pair;
    pair_open(&pair, c.client, c.server);
    uint8_t small[100];
    struct sl_wbuf out = sl_wbuf_of(small, sizeof(small));
    struct sl_slice in = { NULL, 0 };
    assert_int_equal(sl_tls_handshake(pair.client.tls, &in, &out, NULL), SL_ENOSPC);
    assert_int_equal(sl_tls_handshake(pair.client.tls, &in, &out, NULL), SL_ETLS);
    pair_fini(&pair);
    pair_open(&pair, c.client, c.server);
    pair_handshake(&pair);
    out = sl_wbuf_of(small, 20);
    assert_int_equal(sl_tls_encrypt(pair.client.tls, SL_SLICE("12345"), &out, NULL), SL_ENOSPC);
    out = sl_wbuf_of(small, 0);
    assert_int_equal(sl_tls_close_notify(pair.server.tls, &out), SL_ENOSPC);
    pair_fini(&pair);
    contexts_drop(&c);
}

static void key_updates_are_answered_before_the_next_data(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("modern");
    struct contexts c;
    contexts_make(f, &policy, f->cert_ec, &c);
    struct pair pair;
    pair_open(&pair, c.client, c.server);
    sl_tls_handover_end(pair.client.tls); /* libssl is told to ask for updates */
    pair.cut = 3;
    pair_handshake(&pair);
    pair_say(&pair, &pair.server, SL_SLICE("before"));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(SSL_key_update(pair.client.tls->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        pair_say(&pair, &pair.client, SL_SLICE("under a new key"));
        size_t sent = pair.server.sent;
        pair_say(&pair, &pair.server, SL_SLICE("12345"));
        assert_true(pair.server.sent - sent > 27); /* more than that record: the answer as well */
    }
    pair_fini(&pair);
    contexts_drop(&c);
}

/* What `from` writes next, without the other reading it. */
static struct sl_slice write_aside(struct pair *pair, struct pair_side *from, struct sl_slice text)
{
    size_t at = from->sent;
    struct sl_wbuf out = pair_wbuf(from);
    SL_UNUSED(pair);
    assert_int_equal(sl_tls_encrypt(from->tls, text, &out, &from->diag), SL_OK);
    pair_wrote(from, &out);
    return sl_slice_of(from->wire + at, from->sent - at);
}

static void a_flood_of_key_updates_is_an_end_and_a_few_are_not(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("modern");
    static const struct {
        unsigned updates_count;
        enum sl_err rc;
    } FLOODS[] = { { 16, SL_AGAIN }, { 64, SL_ETLS } };
    for (size_t i = 0; i < SL_COUNT(FLOODS); i++) {
        struct contexts c;
        contexts_make(f, &policy, f->cert_ec, &c);
        struct pair pair;
        pair_open(&pair, c.client, c.server);
        sl_tls_handover_end(pair.client.tls);
        pair_handshake(&pair);
        pair_say(&pair, &pair.client, SL_SLICE("before"));
        size_t at = pair.client.sent;
        for (unsigned n = 0; n < FLOODS[i].updates_count; n++) {
            assert_int_equal(SSL_key_update(pair.client.tls->ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
            (void)write_aside(&pair, &pair.client, SL_SLICE("x"));
        }
        pair.client.taken = pair.client.sent;
        struct sl_slice wire = sl_slice_of(pair.client.wire + at, pair.client.sent - at);
        uint8_t text[128];
        struct sl_wbuf plain = sl_wbuf_of(text, sizeof(text)), out = pair_wbuf(&pair.server);
        struct sl_diag diag = { 0 };
        assert_int_equal(sl_tls_decrypt(pair.server.tls, &wire, &plain, &out, &diag), FLOODS[i].rc);
        assert_int_equal(strstr(diag.text, "KeyUpdates") != NULL, FLOODS[i].rc == SL_ETLS);
        pair_fini(&pair);
        contexts_drop(&c);
    }
}

/* One side asks for a new handshake, which the other refuses; both directions go on. */
static void assert_renegotiation_refused(struct pair *pair, struct pair_side *from,
                                         struct pair_side *to)
{
    SSL *ssl = from->tls->ssl;
    (void)SSL_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
    assert_int_equal(SSL_renegotiate(ssl), 1);
    struct sl_wbuf out = pair_wbuf(from);
    from->tls->io.out = &out;
    (void)SSL_do_handshake(ssl); /* a ClientHello or HelloRequest */
    pair_wrote(from, &out);
    assert_true(out.len > 0);
    ERR_clear_error();
    uint8_t text[32];
    struct sl_wbuf plain = sl_wbuf_of(text, sizeof(text));
    size_t sent = to->sent;
    assert_int_equal(pair_read(pair, from, to, &plain), SL_AGAIN);
    assert_int_equal(to->wire[sent], 0x15); /* no_renegotiation, and nothing else */
    assert_true(to->sent - sent < 64);
    out = pair_wbuf(to);
    assert_int_equal(sl_tls_encrypt(to->tls, SL_SLICE("still here"), &out, NULL), SL_OK);
}

static void renegotiation_is_refused_and_the_connection_goes_on(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = tls12();
    struct contexts c;
    contexts_make(f, &policy, f->cert_ec, &c);
    for (int is_client = 0; is_client < 2; is_client++) {
        struct pair pair;
        pair_open(&pair, c.client, c.server);
        pair_handshake(&pair);
        assert_renegotiation_refused(&pair, is_client ? &pair.client : &pair.server,
                                     is_client ? &pair.server : &pair.client);
        pair_fini(&pair);
    }
    contexts_drop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_carries_data_however_the_bytes_are_cut),
        cmocka_unit_test(old_policy_still_speaks_tls_1_0),
        cmocka_unit_test(what_the_policy_does_not_allow_is_refused_with_an_alert),
        cmocka_unit_test(the_server_chooses_the_cipher_but_chacha20_when_the_client_puts_it_first),
        cmocka_unit_test(facts_of_the_handshake_are_told),
        cmocka_unit_test(bytes_behind_the_handshake_are_left_to_the_caller),
        cmocka_unit_test(close_notify_ends_one_direction_and_the_other_goes_on),
        cmocka_unit_test(cut_off_data_is_never_a_clean_end),
        cmocka_unit_test(every_corrupted_byte_is_noticed_and_answered),
        cmocka_unit_test(a_full_plaintext_buffer_loses_nothing),
        cmocka_unit_test(too_little_room_to_send_is_said),
        cmocka_unit_test(key_updates_are_answered_before_the_next_data),
        cmocka_unit_test(a_flood_of_key_updates_is_an_end_and_a_few_are_not),
        cmocka_unit_test(renegotiation_is_refused_and_the_connection_goes_on),
    };
    return cmocka_run_group_tests_name("tls/session", tests, make_fixture, drop_fixture);
}
