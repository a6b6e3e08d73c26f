/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include "tls/select.h"
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

enum { CERTS_COUNT = 7 };

struct service {
    struct sl_tls_cert *certs[CERTS_COUNT];
    struct sl_tls_select select;
};

static void service_open(const struct fixture *f, struct service *s)
{
    static const struct {
        const char *san;
        enum pki_kind kind;
    } CERTS[CERTS_COUNT] = {
        { "DNS:default.example,DNS:www.default.example", PKI_RSA },
        { "DNS:*.wild.example,DNS:wild.example", PKI_EC },
        { "DNS:exact.wild.example", PKI_RSA },
        { "DNS:both.example", PKI_RSA },
        { "DNS:Both.Example", PKI_EC },
        { "DNS:default.example", PKI_EC },
        { "DNS:both.example", PKI_ED25519 },
    };
    for (size_t i = 0; i < CERTS_COUNT; i++) {
        s->certs[i] = fixture_cert(&f->ca, CERTS[i].san + 4, CERTS[i].san, CERTS[i].kind);
    }
    assert_int_equal(sl_tls_select_init(&s->select, s->certs, CERTS_COUNT), SL_OK);
}

static void service_drop(struct service *s)
{
    sl_tls_select_fini(&s->select);
    sl_tls_select_fini(&s->select);
    for (size_t i = 0; i < CERTS_COUNT; i++) {
        sl_tls_cert_unref(s->certs[i]);
    }
}

static size_t chosen(const struct service *s, struct sl_slice name,
                     const struct sl_hello_signatures *kinds)
{
    return sl_tls_select_find(&s->select, name, kinds);
}

static void exact_names_then_wildcards_then_the_default(void **state)
{
    struct service s;
    service_open(*state, &s);
    static const struct sl_hello_signatures ALL = { true, true, true, SL_HELLO_CURVES_ALL };
    static const struct sl_hello_signatures RSA = { false, true, false };
    static const struct sl_hello_signatures ECDSA = { .ecdsa_curves = 1 << SL_EC_P256 };
    static const struct sl_hello_signatures EDDSA = { false, false, true };
    const struct {
        struct sl_slice name;
        const struct sl_hello_signatures *kinds;
        size_t cert_index;
    } cases[] = {
        { SL_SLICE("www.default.example"), &ALL, 0 },
        { SL_SLICE("default.example"), &ALL, 5 },
        { SL_SLICE("default.example"), &RSA, 0 },
        { SL_SLICE("a.wild.example"), &ALL, 1 },
        { SL_SLICE("A.WILD.Example"), &ALL, 1 },
        { SL_SLICE("a.wild.example."), &ALL, 5 },
        { SL_SLICE("a.wild.example"), &RSA, 1 }, /* a name is worth more than a kind of key */
        { SL_SLICE("wild.example"), &ALL, 1 },
        { SL_SLICE("exact.wild.example"), &ALL, 2 },
        { SL_SLICE("a.b.wild.example"), &ALL, 5 }, /* one label only: the default */
        { SL_SLICE(".wild.example"), &RSA, 0 },
        { SL_SLICE("both.example"), &ALL, 4 },
        { SL_SLICE("BOTH.EXAMPLE"), &ECDSA, 4 },
        { SL_SLICE("both.example"), &RSA, 3 },
        { SL_SLICE("both.example"), &EDDSA, 6 },
        { SL_SLICE("unknown.example"), &ALL, 5 },
        { SL_SLICE("unknown.example"), &RSA, 0 },
        { SL_SLICE(""), &ALL, 5 },
        { SL_SLICE(""), &RSA, 0 },
        { SL_SLICE("."), &RSA, 0 },
        { SL_SLICE("example"), &RSA, 0 },
        { SL_SLICE("default"), &RSA, 0 },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        assert_int_equal(chosen(&s, cases[i].name, cases[i].kinds), cases[i].cert_index);
    }
    uint8_t longest[300];
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(chosen(&s, sl_slice_of(longest, 255), &RSA), 0);
    assert_int_equal(chosen(&s, sl_slice_of(longest, 300), &RSA), 0);
    service_drop(&s);
}

static void only_what_a_certificate_is_for_is_had(void **state)
{
    const struct fixture *f = *state;
    struct sl_tls_cert *certs[] = {
        fixture_cert(&f->ca, "a", "DNS:one.example,DNS:*.wild.example,DNS:f*.part.example", PKI_EC),
        fixture_cert(&f->ca, "b", "DNS:xn--bcher-kva.example,DNS:*.*.two.example,DNS:10.0.0.1",
                     PKI_EC),
    };
    struct sl_tls_select select;
    assert_int_equal(sl_tls_select_init(&select, certs, 2), SL_OK);
    const struct sl_slice has[] = {
        SL_SLICE("one.example"),     SL_SLICE("ONE.example"),
        SL_SLICE("a.wild.example"),  SL_SLICE("xn--bcher-kva.wild.example"), /* RFC 9525 6.3 */
        SL_SLICE("_a.wild.example"), SL_SLICE("XN--bcher-KVA.example"),
    };
    const struct sl_slice lacks[] = {
        SL_SLICE(""),
        SL_SLICE("."),
        SL_SLICE("example"),
        SL_SLICE("two.example"),
        SL_SLICE("one.example."),
        SL_SLICE("one.example.com"),
        SL_SLICE("wild.example"),     /* no label for the wildcard, */
        SL_SLICE(".wild.example"),    /* an empty one, */
        SL_SLICE("a.b.wild.example"), /* two */
        SL_SLICE("*.wild.example"),   /* no name of a host */
        SL_SLICE("foo.part.example"), /* the wildcard is not the whole label */
        SL_SLICE("f*.part.example"),
        SL_SLICE("a.b.two.example"), /* nor the leftmost alone */
        SL_SLICE("10.0.0.1"),        /* RFC 6066 3: no addresses */
    };
    for (size_t i = 0; i < SL_COUNT(has); i++) {
        assert_true(sl_tls_select_has(&select, has[i]));
    }
    for (size_t i = 0; i < SL_COUNT(lacks); i++) {
        assert_false(sl_tls_select_has(&select, lacks[i]));
    }
    sl_tls_select_fini(&select);
    sl_tls_cert_unref(certs[0]);
    sl_tls_cert_unref(certs[1]);
}

static void a_default_without_a_name_is_still_the_default(void **state)
{
    const struct fixture *f = *state;
    struct sl_tls_cert *certs[] = { fixture_cert(&f->ca, NULL, "IP:10.0.0.1", PKI_EC),
                                    fixture_cert(&f->ca, "cn.example", NULL, PKI_EC) };
    struct sl_tls_select select;
    static const struct sl_hello_signatures ALL = { true, true, true, SL_HELLO_CURVES_ALL };
    assert_int_equal(sl_tls_select_init(&select, certs, 2), SL_OK);
    assert_int_equal(sl_tls_select_find(&select, SL_SLICE("other.example"), &ALL), 0);
    assert_int_equal(sl_tls_select_find(&select, SL_SLICE("cn.example"), &ALL), 1);
    sl_tls_select_fini(&select);
    sl_tls_cert_unref(certs[0]);
    sl_tls_cert_unref(certs[1]);
}

/* What a verifying client gets of a service, over the wire. */
static void assert_served(struct sl_tls_ctx *server, const struct fixture *f,
                          const struct sl_policy *policy, const char *name, const char *cipher)
{
    struct sl_tls_ctx *client = fixture_client(&(struct sl_tls_client_conf){
        .policy = policy, .is_verified = true, .store = f->store, .name = name });
    struct pair pair;
    pair_open(&pair, client, server);
    pair_handshake(&pair);
    assert_string_equal(pair.client.diag.text, "");
    assert_int_equal(pair.client.rc, SL_OK);
    struct sl_tls_info info;
    sl_tls_info(pair.client.tls, &info);
    assert_string_equal(info.cipher, cipher);
    pair_fini(&pair);
    sl_tls_ctx_unref(client);
}

static void clients_get_the_certificate_of_the_name_they_ask_for(void **state)
{
    const struct fixture *f = *state;
    struct service s;
    service_open(f, &s);
    struct sl_policy policy = fixture_policy("intermediate"), tls12 = policy, rsa12, ecdsa13;
    tls12.max_version = 0x0303;
    rsa12 = tls12;
    rsa12.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
    ecdsa13 = policy;
    /* RSA first: the default's key of that kind must not stand beside the chosen one */
    ecdsa13.signatures = "rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256";
    struct sl_tls_ctx *server = fixture_server(&(struct sl_tls_server_conf){
        .service = "web", .policy = &policy, .certs = s.certs, .certs_count = CERTS_COUNT });
    const char *gcm = "TLS_AES_128_GCM_SHA256";
    assert_served(server, f, &policy, "www.default.example", gcm);
    assert_served(server, f, &policy, "a.wild.example", gcm);
    assert_served(server, f, &policy, "exact.wild.example", gcm);
    assert_served(server, f, &policy, "both.example", gcm);
    assert_served(server, f, &policy, "default.example", gcm);
    assert_served(server, f, &ecdsa13, "both.example", gcm);
    assert_served(server, f, &tls12, "both.example", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    assert_served(server, f, &tls12, "exact.wild.example", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    /* it would take ECDSA signatures, but has no cipher for them */
    assert_served(server, f, &rsa12, "both.example", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    sl_tls_ctx_unref(server);
    service_drop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_names_then_wildcards_then_the_default),
        cmocka_unit_test(only_what_a_certificate_is_for_is_had),
        cmocka_unit_test(a_default_without_a_name_is_still_the_default),
        cmocka_unit_test(clients_get_the_certificate_of_the_name_they_ask_for),
    };
    return cmocka_run_group_tests_name("tls/select", tests, make_fixture, drop_fixture);
}
