/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
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

static struct sl_tls_server_conf server_conf(const struct sl_policy *policy,
                                             struct sl_tls_cert *const *certs, size_t count)
{
    return (struct sl_tls_server_conf){
        .service = "web", .policy = policy, .certs = certs, .certs_count = count
    };
}

static void assert_server_refused(const struct sl_tls_server_conf *conf, const char *text)
{
    struct sl_tls_ctx *ctx = NULL;
    struct sl_diag diag = { "" };
    assert_int_equal(sl_tls_server_ctx_create(conf, &diag, &ctx), SL_EINVAL);
    assert_string_equal(diag.text, text);
    assert_null(ctx);
}

static void modern_wants_ecdsa_certificates(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy modern = fixture_policy("modern");
    struct sl_tls_cert *p521 = fixture_cert(&f->ca, "p521", "DNS:p521.example", PKI_EC_521);
    struct sl_tls_cert *p384 = fixture_cert(&f->ca, "p384", "DNS:p384.example", PKI_EC_384);
    struct sl_tls_cert *certs[] = { f->cert_ec, f->cert_rsa };
    struct sl_tls_server_conf conf = server_conf(&modern, certs, 2);
    assert_server_refused(&conf,
                          "policy mozilla-modern-6.0 wants ECDSA certificates on P-256 or P-384: "
                          "site.example is not");
    certs[1] = p521;
    assert_server_refused(&conf,
                          "policy mozilla-modern-6.0 wants ECDSA certificates on P-256 or P-384: "
                          "p521.example is not");
    certs[1] = p384;
    sl_tls_ctx_unref(fixture_server(&conf));
    sl_tls_cert_unref(p521);
    sl_tls_cert_unref(p384);
}

static void keys_below_the_security_level_are_refused_at_start(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("intermediate"), old = fixture_policy("old");
    struct sl_tls_cert *weak = fixture_cert(&f->ca, "weak", "DNS:weak.example", PKI_RSA_1024);
    struct sl_tls_cert *certs[] = { f->cert_ec, weak };
    struct sl_tls_server_conf conf = server_conf(&policy, certs, 2);
    assert_server_refused(
        &conf, "policy mozilla-intermediate-6.0: certificate weak.example: ee key too small");
    conf.policy = &old;
    sl_tls_ctx_unref(fixture_server(&conf));
    sl_tls_cert_unref(weak);
}

static void settings_that_cannot_work_are_refused(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("intermediate");
    struct sl_tls_cert *certs[] = { f->cert_ec };
    struct sl_tls_server_conf conf = server_conf(&policy, certs, 0);
    assert_server_refused(&conf, "a TLS service needs a certificate or a pre-shared key");
    conf.certs_count = 1;
    conf.verify = SL_TLS_VERIFY_REQUIRE;
    assert_server_refused(&conf, "verifying clients needs the CA certificates that sign theirs");
    conf.verify = SL_TLS_VERIFY_OFF;
    const char *alpn[] = { "h2", "" };
    conf.alpn = alpn;
    conf.alpn_count = 2;
    assert_server_refused(&conf, "alpn: a protocol has 1 to 255 bytes");
    conf.alpn_count = 1;
    policy.groups = "X25519:nothing";
    assert_server_refused(&conf,
                          "policy mozilla-intermediate-6.0: the library has no group 'nothing'");
    policy = fixture_policy("intermediate");
    policy.signatures = "nothing:ed25519";
    assert_server_refused(
        &conf, "policy mozilla-intermediate-6.0: the library has no signature algorithm 'nothing'");
    policy = fixture_policy("intermediate");
    policy.ciphers = "AES128-SHA:NOTHING";
    assert_server_refused(&conf,
                          "policy mozilla-intermediate-6.0: the library has no cipher 'NOTHING'");
    policy = fixture_policy("intermediate");
    policy.suites = "TLS_NOTHING";
    assert_server_refused(
        &conf, "policy mozilla-intermediate-6.0: the library has no suite 'TLS_NOTHING'");
    policy = fixture_policy("intermediate");
    policy.min_version = 0x0305;
    assert_server_refused(
        &conf, "policy mozilla-intermediate-6.0: the library has no TLS versions 0x0305 to 0x0304");
}

static void upstream_settings_that_cannot_work_are_refused(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("intermediate");
    static const struct {
        const char *name, *text;
        bool has_store;
    } CASES[] = {
        { "site.example", "verifying an upstream needs CA certificates", false },
        { NULL, "verifying an upstream needs its name", true },
        { "", "verifying an upstream needs its name", true },
        { ".", "verifying an upstream needs its name", true },
    };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct sl_tls_ctx *ctx = NULL;
        struct sl_diag diag = { "" };
        struct sl_tls_client_conf conf = { .policy = &policy,
                                           .is_verified = true,
                                           .store = CASES[i].has_store ? f->store : NULL,
                                           .name = CASES[i].name };
        assert_int_equal(sl_tls_client_ctx_create(&conf, &diag, &ctx), SL_EINVAL);
        assert_string_equal(diag.text, CASES[i].text);
    }
    sl_tls_ctx_unref(NULL);
}

static void names_of_built_in_policies_that_the_library_lacks_are_left_out(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("intermediate");
    policy.groups = "secp384r1:X25519MLKEM768"; /* which 3.0 does not have */
    struct sl_tls_cert *certs[] = { f->cert_ec };
    struct sl_tls_server_conf conf = server_conf(&policy, certs, 1);
    struct sl_tls_ctx *server = fixture_server(&conf);
    struct sl_tls_ctx *client =
        fixture_client(&(struct sl_tls_client_conf){ .policy = &policy, .name = "x" });
    struct pair pair;
    pair_open(&pair, client, server);
    pair_handshake(&pair);
    assert_int_equal(pair.client.rc, SL_OK);
    struct sl_tls_info info;
    sl_tls_info(pair.client.tls, &info);
    assert_string_equal(info.group, "secp384r1");
    pair_fini(&pair);
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
}

static void another_group_of_the_client_costs_a_retry_and_works(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("intermediate"), other = policy;
    policy.groups = "secp384r1";
    other.groups = "X25519:secp384r1";
    struct sl_tls_cert *certs[] = { f->cert_rsa, f->cert_ec };
    struct sl_tls_server_conf conf = server_conf(&policy, certs, 2);
    static const char *const ALPN[] = { "h2" };
    conf.alpn = ALPN;
    conf.alpn_count = 1;
    struct sl_tls_ctx *server = fixture_server(&conf);
    struct sl_tls_ctx *client = fixture_client(&(struct sl_tls_client_conf){
        .policy = &other, .name = "site.example", .alpn = ALPN, .alpn_count = 1 });
    for (int is_held = 0; is_held < 2; is_held++) {
        struct pair pair;
        pair_open(&pair, client, server);
        if (is_held) {
            sl_tls_hold_alpn(pair.server.tls);
        }
        pair_handshake(&pair);
        if (is_held) {
            assert_int_equal(pair.server.rc, SL_EPAUSED);
            sl_tls_choose_alpn(pair.server.tls, SL_SLICE("h2"));
            pair_handshake(&pair);
        }
        assert_int_equal(pair.server.rc, SL_OK);
        struct sl_tls_info info;
        sl_tls_info(pair.server.tls, &info);
        assert_string_equal(info.group, "secp384r1");
        assert_true(sl_slice_eq(info.alpn, SL_SLICE("h2")));
        pair_fini(&pair);
    }
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
}

static void a_session_keeps_its_context_alive(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("intermediate");
    struct sl_tls_cert *cert = fixture_cert(&f->ca, "x", "DNS:x.example", PKI_EC);
    struct sl_tls_server_conf conf = server_conf(&policy, &cert, 1);
    struct sl_tls_ctx *server = fixture_server(&conf);
    struct sl_tls_ctx *client =
        fixture_client(&(struct sl_tls_client_conf){ .policy = &policy, .name = "x.example" });
    struct pair pair;
    pair_open(&pair, client, server);
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
    sl_tls_cert_unref(cert);
    pair_handshake(&pair);
    assert_int_equal(pair.server.rc, SL_OK);
    pair_say(&pair, &pair.server, SL_SLICE("text"));
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modern_wants_ecdsa_certificates),
        cmocka_unit_test(keys_below_the_security_level_are_refused_at_start),
        cmocka_unit_test(settings_that_cannot_work_are_refused),
        cmocka_unit_test(upstream_settings_that_cannot_work_are_refused),
        cmocka_unit_test(names_of_built_in_policies_that_the_library_lacks_are_left_out),
        cmocka_unit_test(another_group_of_the_client_costs_a_retry_and_works),
        cmocka_unit_test(a_session_keeps_its_context_alive),
    };
    return cmocka_run_group_tests_name("tls/context", tests, make_fixture, drop_fixture);
}
