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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_identity_goes_with_its_key),
        cmocka_unit_test(another_key_or_name_is_refused),
        cmocka_unit_test(a_certificate_beside_the_keys_is_for_who_has_none),
        cmocka_unit_test(the_policy_may_name_the_ciphers),
        cmocka_unit_test(a_policy_without_sha256_has_no_key),
    };
    return cmocka_run_group_tests_name("tls/psk", tests, make_fixture, drop_fixture);
}
