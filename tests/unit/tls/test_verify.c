/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

/* A handshake between a server that verifies clients and a client with `cert`. */
static void verify_client(const struct fixture *f, enum sl_tls_verify verify,
                          struct sl_tls_cert *cert, const char *policy_name, struct pair *pair)
{
    struct sl_policy policy = fixture_policy(policy_name);
    if (strcmp(policy_name, "intermediate") == 0) {
        policy.max_version = 0x0303;
    }
    struct sl_tls_cert *server_cert = f->cert_ec;
    struct sl_tls_ctx *server = fixture_server(&(struct sl_tls_server_conf){
        .service = "web",
        .policy = &policy,
        .certs = &server_cert,
        .certs_count = 1,
        .verify = verify,
        .clients = verify == SL_TLS_VERIFY_OFF ? NULL : f->store,
    });
    struct sl_tls_ctx *client =
        fixture_client(&(struct sl_tls_client_conf){ .policy = &policy,
                                                     .owns = &(struct sl_tls_own){ cert, "own" },
                                                     .owns_count = cert != NULL });
    pair_open(pair, client, server);
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
    pair_handshake(pair);
}

static void assert_alert(struct pair *pair, const char *alert)
{
    /* a TLS 1.3 client is done before the server has seen its certificate */
    uint8_t text[32];
    struct sl_wbuf plain = sl_wbuf_of(text, sizeof(text));
    if (pair->client.rc == SL_OK) {
        assert_int_equal(pair_read(pair, &pair->server, &pair->client, &plain), SL_ETLS);
    }
    assert_int_equal(pair->client.rc, SL_ETLS);
    char wanted[SL_DIAG_MAX];
    (void)snprintf(wanted, sizeof(wanted), "the peer sent alert: %s", alert);
    assert_string_equal(pair->client.diag.text, wanted);
}

static void clients_are_verified_as_configured(void **state)
{
    const struct fixture *f = *state;
    static const char *const POLICIES[] = { "modern", "intermediate" };
    for (size_t i = 0; i < SL_COUNT(POLICIES); i++) {
        struct pair pair;
        struct sl_tls_info info;
        verify_client(f, SL_TLS_VERIFY_REQUIRE, f->cert_client, POLICIES[i], &pair);
        assert_int_equal(pair.server.rc, SL_OK);
        sl_tls_info(pair.server.tls, &info);
        assert_true(info.has_peer_cert);
        assert_string_equal(info.peer_subject, "CN=client ü");
        pair_fini(&pair);

        verify_client(f, SL_TLS_VERIFY_REQUIRE, NULL, POLICIES[i], &pair);
        assert_int_equal(pair.server.rc, SL_EVERIFY);
        assert_string_equal(pair.server.diag.text, "the client sent no certificate");
        assert_alert(&pair, i == 0 ? "certificate required" : "handshake failure");
        pair_fini(&pair);

        verify_client(f, SL_TLS_VERIFY_REQUIRE, f->cert_stranger, POLICIES[i], &pair);
        assert_int_equal(pair.server.rc, SL_EVERIFY);
        assert_string_equal(pair.server.diag.text,
                            "unable to get local issuer certificate (depth 0, CN=stranger)");
        assert_alert(&pair, "unknown CA");
        pair_fini(&pair);

        verify_client(f, SL_TLS_VERIFY_REQUEST, NULL, POLICIES[i], &pair);
        assert_int_equal(pair.server.rc, SL_OK);
        sl_tls_info(pair.server.tls, &info);
        assert_false(info.has_peer_cert);
        pair_fini(&pair);

        verify_client(f, SL_TLS_VERIFY_REQUEST, f->cert_stranger, POLICIES[i], &pair);
        assert_int_equal(pair.server.rc, SL_EVERIFY);
        pair_fini(&pair);

        verify_client(f, SL_TLS_VERIFY_OFF, f->cert_client, POLICIES[i], &pair);
        assert_int_equal(pair.server.rc, SL_OK);
        sl_tls_info(pair.server.tls, &info);
        assert_false(info.has_peer_cert);
        assert_string_equal(info.peer_subject, "");
        pair_fini(&pair);
    }
}

/* A verified connect as `name` to a server with `cert`. */
static void verify_upstream(const struct fixture *f, struct sl_tls_store *store, const char *name,
                            struct sl_tls_cert *cert, struct pair *pair)
{
    struct sl_policy policy = fixture_policy("intermediate");
    struct sl_tls_ctx *server = fixture_server(&(struct sl_tls_server_conf){
        .service = "upstream", .policy = &policy, .certs = &cert, .certs_count = 1 });
    struct sl_tls_ctx *client = fixture_client(&(struct sl_tls_client_conf){
        .policy = &policy, .is_verified = true, .store = store, .name = name });
    SL_UNUSED(f);
    pair_open(pair, client, server);
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
    pair_handshake(pair);
}

static void names_and_addresses_of_upstreams_are_verified(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name, *sni, *refusal;
    } CASES[] = {
        { "site.example", "site.example", NULL },
        { "SITE.example.", "SITE.example", NULL },
        { "a.wild.example", "a.wild.example", NULL },
        { "127.0.0.1", NULL, NULL },
        { "::1", NULL, NULL },
        { "wild.example", "wild.example",
          "hostname mismatch: wanted wild.example (depth 0, CN=site.example)" },
        { "a.b.wild.example", "a.b.wild.example",
          "hostname mismatch: wanted a.b.wild.example (depth 0, CN=site.example)" },
        { "127.0.0.2", NULL, "IP address mismatch: wanted 127.0.0.2 (depth 0, CN=site.example)" },
    };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct pair pair;
        verify_upstream(f, f->store, CASES[i].name, f->cert_ec, &pair);
        struct sl_tls_info info;
        sl_tls_info(pair.server.tls, &info);
        assert_true(sl_slice_eq(info.server_name, sl_slice_cstr(CASES[i].sni)));
        if (CASES[i].refusal == NULL) {
            assert_int_equal(pair.client.rc, SL_OK);
        } else {
            assert_int_equal(pair.client.rc, SL_EVERIFY);
            assert_string_equal(pair.client.diag.text, CASES[i].refusal);
            assert_int_equal(pair.server.rc, SL_ETLS);
            assert_non_null(strstr(pair.server.diag.text, "the peer sent alert: "));
        }
        pair_fini(&pair);
    }
}

static void the_subject_alone_names_nobody(void **state)
{
    struct fixture *f = *state;
    struct sl_tls_cert *cert = fixture_cert(&f->ca, "only.example", NULL, PKI_EC);
    struct pair pair;
    verify_upstream(f, f->store, "only.example", cert, &pair);
    assert_int_equal(pair.client.rc, SL_EVERIFY);
    pair_fini(&pair);
    sl_tls_cert_unref(cert);
}

static void unknown_issuers_are_refused(void **state)
{
    struct fixture *f = *state;
    struct pair pair;
    verify_upstream(f, f->other_store, "site.example", f->cert_ec, &pair);
    assert_int_equal(pair.client.rc, SL_EVERIFY);
    assert_string_equal(pair.client.diag.text,
                        "unable to get local issuer certificate (depth 0, CN=site.example)");
    assert_int_equal(pair.server.rc, SL_ETLS);
    assert_string_equal(pair.server.diag.text, "the peer sent alert: unknown CA");
    pair_fini(&pair);
}

static void certificates_outside_their_time_are_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int64_t from_s, to_s;
        const char *text;
    } CASES[] = {
        { -7200, -3600, "certificate has expired (depth 0, CN=late)" },
        { 3600, 7200, "certificate is not yet valid (depth 0, CN=late)" },
    };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct pki_cert pki;
        pki_make(&(struct pki_spec){ .cn = "late",
                                     .san = "DNS:late.example",
                                     .from_s = CASES[i].from_s,
                                     .to_s = CASES[i].to_s },
                 &f->ca, &pki);
        struct sl_tls_cert *cert = NULL;
        assert_int_equal(sl_tls_cert_create(pki_slice(pki.chain), pki_slice(pki.key), NULL, &cert),
                         SL_OK);
        struct pair pair;
        verify_upstream(f, f->store, "late.example", cert, &pair);
        assert_int_equal(pair.client.rc, SL_EVERIFY);
        assert_string_equal(pair.client.diag.text, CASES[i].text);
        pair_fini(&pair);
        sl_tls_cert_unref(cert);
        pki_free(&pki);
    }
}

static void intermediates_are_sent_and_may_be_anchors(void **state)
{
    struct fixture *f = *state;
    struct pki_cert middle, leaf;
    pki_make(&(struct pki_spec){ .cn = "Middle", .is_ca = true }, &f->ca, &middle);
    pki_make(&(struct pki_spec){ .cn = "leaf", .san = "DNS:leaf.example" }, &middle, &leaf);
    char *chain = pki_join(leaf.chain, middle.chain);
    struct sl_tls_cert *whole = NULL, *bare = NULL;
    assert_int_equal(sl_tls_cert_create(pki_slice(chain), pki_slice(leaf.key), NULL, &whole),
                     SL_OK);
    assert_int_equal(sl_tls_cert_create(pki_slice(leaf.chain), pki_slice(leaf.key), NULL, &bare),
                     SL_OK);
    struct sl_tls_store *anchor = NULL;
    assert_int_equal(sl_tls_store_create(pki_slice(middle.chain), NULL, &anchor), SL_OK);
    struct pair pair;
    verify_upstream(f, f->store, "leaf.example", whole, &pair);
    assert_int_equal(pair.client.rc, SL_OK);
    pair_fini(&pair);
    verify_upstream(f, f->store, "leaf.example", bare, &pair);
    assert_int_equal(pair.client.rc, SL_EVERIFY);
    pair_fini(&pair);
    verify_upstream(f, anchor, "leaf.example", bare, &pair);
    assert_int_equal(pair.client.rc, SL_OK);
    pair_fini(&pair);
    sl_tls_store_unref(anchor);
    sl_tls_cert_unref(whole);
    sl_tls_cert_unref(bare);
    free(chain);
    pki_free(&middle);
    pki_free(&leaf);
}

static void unverified_upstreams_have_no_subject(void **state)
{
    struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("intermediate");
    struct sl_tls_ctx *server = fixture_server(&(struct sl_tls_server_conf){
        .service = "upstream", .policy = &policy, .certs = &f->cert_stranger, .certs_count = 1 });
    struct sl_tls_ctx *client =
        fixture_client(&(struct sl_tls_client_conf){ .policy = &policy, .name = "any.example" });
    struct pair pair;
    pair_open(&pair, client, server);
    pair_handshake(&pair);
    assert_int_equal(pair.client.rc, SL_OK);
    struct sl_tls_info info;
    sl_tls_info(pair.client.tls, &info);
    assert_true(info.has_peer_cert);
    assert_string_equal(info.peer_subject, "");
    pair_fini(&pair);
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_are_verified_as_configured),
        cmocka_unit_test(names_and_addresses_of_upstreams_are_verified),
        cmocka_unit_test(the_subject_alone_names_nobody),
        cmocka_unit_test(unknown_issuers_are_refused),
        cmocka_unit_test(certificates_outside_their_time_are_refused),
        cmocka_unit_test(intermediates_are_sent_and_may_be_anchors),
        cmocka_unit_test(unverified_upstreams_have_no_subject),
    };
    return cmocka_run_group_tests_name("tls/verify", tests, make_fixture, drop_fixture);
}
