/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY   SL_SLICE_INIT("0123456789abcdef0123456789abcdef")
#define OTHER SL_SLICE_INIT("fedcba9876543210fedcba9876543210")

enum { TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

static const struct sl_tls_psk KEYS[] = { { "one", KEY }, { "two", OTHER } };

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

/* One client and one server; NULL ciphers are those of intermediate. */
struct scene {
    uint16_t version;
    const char *ciphers;
    struct sl_tls_psk mine;   /* the client's; without an identity it verifies a certificate */
    struct sl_tls_cert *cert; /* the server's beside its two keys; NULL for none */
};

static void play(const struct fixture *f, const struct scene *scene, struct pair *pair)
{
    struct sl_policy policy = fixture_policy("intermediate");
    const bool has_key = scene->mine.identity != NULL;
    struct sl_tls_cert *const certs[] = { scene->cert };
    policy.min_version = policy.max_version = scene->version;
    policy.ciphers = scene->ciphers == NULL ? policy.ciphers : scene->ciphers;
    struct sl_tls_ctx *server =
        fixture_server(&(struct sl_tls_server_conf){ .service = "main",
                                                     .policy = &policy,
                                                     .certs = certs,
                                                     .certs_count = scene->cert != NULL,
                                                     .psks = KEYS,
                                                     .psks_count = SL_COUNT(KEYS) });
    struct sl_tls_ctx *client =
        fixture_client(&(struct sl_tls_client_conf){ .policy = &policy,
                                                     .is_verified = !has_key,
                                                     .store = f->store,
                                                     .psk = has_key ? &scene->mine : NULL,
                                                     .name = "site.example" });
    pair_open(pair, client, server);
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
    pair_handshake(pair);
}

static void assert_identity(const struct pair_side *side, const char *identity)
{
    struct sl_tls_info info;
    sl_tls_info(side->tls, &info);
    assert_false(info.is_resumed);
    assert_false(info.has_peer_cert);
    assert_true(sl_slice_eq(info.psk_identity, sl_slice_cstr(identity)));
}

static void each_identity_goes_with_its_key(void **state)
{
    const uint16_t versions[] = { TLS_1_2, TLS_1_3 };
    for (size_t v = 0; v < SL_COUNT(versions); v++) {
        for (size_t i = 0; i < SL_COUNT(KEYS); i++) {
            struct pair pair;
            play(*state, &(struct scene){ .version = versions[v], .mine = KEYS[i] }, &pair);
            assert_int_equal(pair.client.rc, SL_OK);
            assert_int_equal(pair.server.rc, SL_OK);
            assert_identity(&pair.client, KEYS[i].identity);
            assert_identity(&pair.server, KEYS[i].identity);
            pair_say(&pair, &pair.client, SL_SLICE("hello"));
            pair_fini(&pair);
        }
    }
}

static void another_key_or_name_is_refused(void **state)
{
    const struct {
        uint16_t version;
        struct sl_tls_psk mine;
        const char *text;
    } cases[] = {
        { TLS_1_2, { "one", OTHER }, "another one than that of its identity" },
        { TLS_1_3, { "one", OTHER }, "another one than that of its identity" },
        { TLS_1_2, { "three", KEY }, "identity is not known" },
        { TLS_1_3, { "three", KEY }, "identity is not known" },
        { TLS_1_2, { "on", KEY }, "identity is not known" },
        { TLS_1_3, { "one ", KEY }, "identity is not known" },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct pair pair;
        play(*state, &(struct scene){ .version = cases[i].version, .mine = cases[i].mine }, &pair);
        assert_int_equal(pair.server.rc, SL_EVERIFY);
        assert_non_null(strstr(pair.server.diag.text, cases[i].text));
        assert_int_not_equal(pair.client.rc, SL_OK);
        pair_fini(&pair);
    }
}

static void a_certificate_beside_the_keys_is_for_who_has_none(void **state)
{
    const struct fixture *f = *state;
    const uint16_t versions[] = { TLS_1_2, TLS_1_3 };
    for (size_t v = 0; v < SL_COUNT(versions); v++) {
        struct pair pair;
        struct sl_tls_info info;
        play(f, &(struct scene){ .version = versions[v], .cert = f->cert_ec }, &pair);
        assert_int_equal(pair.client.rc, SL_OK);
        sl_tls_info(pair.client.tls, &info);
        assert_true(info.has_peer_cert && info.psk_identity.len == 0);
        pair_fini(&pair);
        play(f, &(struct scene){ .version = versions[v], .mine = KEYS[0], .cert = f->cert_ec },
             &pair);
        assert_int_equal(pair.client.rc, SL_OK);
        assert_identity(&pair.server, "one");
        pair_fini(&pair);
        play(f, &(struct scene){ .version = versions[v] }, &pair); /* neither of the two */
        assert_int_equal(pair.server.rc, SL_EVERIFY);
        assert_non_null(strstr(pair.server.diag.text, "uses no pre-shared key"));
        pair_fini(&pair);
    }
}

/* TLS 1.2: ours are forward secret; those of a policy take their place. */
static void the_policy_may_name_the_ciphers(void **state)
{
    const struct {
        const char *policy, *cipher;
    } cases[] = {
        { NULL, "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256" },
        { "PSK-AES128-GCM-SHA256", "TLS_PSK_WITH_AES_128_GCM_SHA256" },
        { "ECDHE-RSA-AES128-GCM-SHA256:DHE-PSK-AES128-GCM-SHA256:PSK-AES128-GCM-SHA256",
          "TLS_DHE_PSK_WITH_AES_128_GCM_SHA256" },
        { "ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256" },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct pair pair;
        struct sl_tls_info info;
        play(*state,
             &(struct scene){ .version = TLS_1_2, .ciphers = cases[i].policy, .mine = KEYS[1] },
             &pair);
        assert_int_equal(pair.client.rc, SL_OK);
        sl_tls_info(pair.client.tls, &info);
        assert_string_equal(info.cipher, cases[i].cipher);
        pair_fini(&pair);
    }
}

static void a_policy_without_sha256_has_no_key(void **state)
{
    struct sl_policy policy = fixture_policy("modern");
    struct sl_tls_ctx *ctx = NULL;
    struct sl_diag diag = { "" };
    SL_UNUSED(state);
    policy.suites = "TLS_AES_256_GCM_SHA384";
    const struct sl_tls_server_conf server = {
        .service = "main", .policy = &policy, .psks = KEYS, .psks_count = SL_COUNT(KEYS)
    };
    const struct sl_tls_client_conf client = { .policy = &policy, .psk = KEYS, .name = "a" };
    assert_int_equal(sl_tls_server_ctx_create(&server, &diag, &ctx), SL_EINVAL);
    assert_non_null(strstr(diag.text, "no suite with SHA-256"));
    assert_int_equal(sl_tls_client_ctx_create(&client, &diag, &ctx), SL_EINVAL);
}

static void put_number(struct sl_wbuf *out, uint64_t number, size_t len)
{
    for (size_t i = len; i > 0; i--) {
        const uint8_t byte = (uint8_t)(number >> (8 * (i - 1)));
        assert_int_equal(sl_wbuf_put(out, sl_slice_of(&byte, 1)), SL_OK);
    }
}

/* A ClientHello of TLS 1.3 that offers `count` keys, the last of them "one", and can prove none. */
static void put_hello(struct sl_wbuf *out, size_t count)
{
    static const uint8_t ZEROS[32];
    enum { VERSIONS_LEN = 7, BINDERS_LEN = 1 + sizeof(ZEROS), FRONT_LEN = 2 + 32 + 7 + 2 };
    const struct sl_slice zeros = sl_slice_of(ZEROS, sizeof(ZEROS));
    const size_t identities_len = count * (2 + 1 + 4) + 2;
    const size_t psk_len = 2 + identities_len + 2 + BINDERS_LEN;
    const size_t extensions_len = VERSIONS_LEN + 4 + psk_len;
    put_number(out, 0x160301, 3);
    put_number(out, 4 + FRONT_LEN + extensions_len, 2);
    put_number(out, UINT64_C(1) << 24 | (FRONT_LEN + extensions_len), 4);
    put_number(out, 0x0303, 2);
    assert_int_equal(sl_wbuf_put(out, zeros), SL_OK);
    put_number(out, 0x0002130101, 6); /* no session, one suite, */
    put_number(out, 0, 1);            /* no compression */
    put_number(out, extensions_len, 2);
    put_number(out, 0x002b0003020304, VERSIONS_LEN);
    put_number(out, 41 << 16 | psk_len, 4);
    put_number(out, identities_len, 2);
    for (size_t i = 0; i < count; i++) {
        const struct sl_slice identity = i + 1 < count ? SL_SLICE("?") : SL_SLICE("one");
        put_number(out, identity.len, 2);
        assert_int_equal(sl_wbuf_put(out, identity), SL_OK);
        put_number(out, 0, 4);
    }
    put_number(out, (uint64_t)BINDERS_LEN << 8 | sizeof(ZEROS), 3);
    assert_int_equal(sl_wbuf_put(out, zeros), SL_OK);
}

/* Each is looked for among all the keys, and costs the client seven bytes. */
static void more_keys_than_a_client_has_are_refused(void **state)
{
    enum { MOST = 32, ALERT_AT = 6, HANDSHAKE_FAILURE = 40 };
    const struct sl_policy policy = fixture_policy("intermediate");
    struct sl_tls_ctx *server = fixture_server(&(struct sl_tls_server_conf){
        .service = "main", .policy = &policy, .psks = KEYS, .psks_count = SL_COUNT(KEYS) });
    SL_UNUSED(state);
    for (size_t count = MOST; count <= MOST + 1; count++) {
        uint8_t hello[1024], answer[1024];
        struct sl_wbuf in = sl_wbuf_of(hello, sizeof(hello));
        struct sl_wbuf out = sl_wbuf_of(answer, sizeof(answer));
        struct sl_diag diag = { "" };
        struct sl_tls *tls = NULL;
        put_hello(&in, count);
        struct sl_slice bytes = sl_wbuf_slice(&in);
        assert_int_equal(sl_tls_accept_create(server, &tls), SL_OK);
        assert_int_equal(sl_tls_handshake(tls, &bytes, &out, &diag), SL_ETLS);
        if (count <= MOST) { /* its key is found, and then the binder missed */
            assert_null(strstr(diag.text, "more than"));
        } else {
            assert_string_equal(diag.text, "the client offers more than 32 pre-shared keys");
            assert_true(out.len > ALERT_AT);
            assert_int_equal(answer[ALERT_AT], HANDSHAKE_FAILURE);
        }
        sl_tls_destroy(tls);
    }
    sl_tls_ctx_unref(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_identity_goes_with_its_key),
        cmocka_unit_test(another_key_or_name_is_refused),
        cmocka_unit_test(a_certificate_beside_the_keys_is_for_who_has_none),
        cmocka_unit_test(the_policy_may_name_the_ciphers),
        cmocka_unit_test(a_policy_without_sha256_has_no_key),
        cmocka_unit_test(more_keys_than_a_client_has_are_refused),
    };
    return cmocka_run_group_tests_name("tls/psk", tests, make_fixture, drop_fixture);
}
