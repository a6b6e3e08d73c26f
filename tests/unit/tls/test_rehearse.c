/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/certificate_der.h"
#include "pair.h"
#include "tls/rehearse.h"
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

static const struct sl_client *client_of(const char *name)
{
    const struct sl_client *client = sl_client_find(sl_slice_cstr(name));
    assert_non_null(client);
    return client;
}

/* One rehearsal; what the library lacks goes to `ret_lacks`. */
static enum sl_err rehearse(struct sl_tls_ctx *server, const struct sl_client *client,
                            const char *name, bool is_held, struct sl_diag *diag,
                            struct sl_rehearsal *got)
{
    struct sl_tls_actor *actor = NULL;
    assert_int_equal(sl_tls_actor_create(client, &actor), SL_OK);
    enum sl_err rc = sl_tls_rehearse(server, actor, name, is_held, diag, got);
    sl_tls_actor_destroy(actor);
    return rc;
}

static void assert_lacks(const struct sl_client *client, const char *lacks)
{
    struct sl_tls_actor *actor = NULL;
    assert_int_equal(sl_tls_actor_create(client, &actor), SL_OK);
    assert_string_equal(sl_tls_actor_lacks(actor), lacks);
    sl_tls_actor_destroy(actor);
}

/* A certificate whose private key is elsewhere, as `check` has it. */
static struct sl_tls_cert *apart(const struct pki_cert *pki, struct sl_tls_cert *whole)
{
    uint8_t der[4096];
    struct sl_wbuf out = sl_wbuf_of(der, sizeof(der));
    struct sl_tls_cert *cert = NULL;
    assert_int_equal(sl_tls_cert_der(whole, 0, &out), SL_OK);
    struct sl_certificate_der leaf;
    assert_int_equal(sl_certificate_der_parse(sl_wbuf_slice(&out), &leaf), SL_OK);
    const struct sl_tls_key key = { .public_der = leaf.spki };
    struct sl_diag diag;
    assert_int_equal(sl_tls_cert_create_apart(pki_slice(pki->chain), &key, &diag, &cert), SL_OK);
    return cert;
}

struct rehearsal_case {
    const char *policy, *client, *version, *cipher, *group, *key_type;
};

static void assert_rehearsed(struct sl_tls_cert *const *certs, const struct rehearsal_case *one)
{
    struct sl_policy policy = fixture_policy(one->policy);
    const char *alpn[] = { "http/1.1" };
    struct sl_tls_ctx *server = fixture_server(
        &(struct sl_tls_server_conf){ .service = "web",
                                      .policy = &policy,
                                      .certs = certs,
                                      .certs_count = strcmp(one->policy, "modern") == 0 ? 1 : 2,
                                      .alpn = alpn,
                                      .alpn_count = 1 });
    struct sl_diag diag = { "" };
    struct sl_rehearsal got;
    const struct sl_client *client = client_of(one->client);
    enum sl_err rc = rehearse(server, client, "site.example", false, &diag, &got);
    if (one->version == NULL) {
        assert_int_equal(rc, SL_ETLS);
        assert_non_null(strstr(diag.text, one->cipher));
    } else {
        assert_string_equal(diag.text, "");
        assert_int_equal(rc, SL_OK);
        assert_string_equal(got.version, one->version);
        assert_string_equal(got.cipher, one->cipher);
        assert_string_equal(got.group, one->group);
        assert_string_equal(got.key_type, one->key_type);
        assert_string_equal(got.name, "site.example");
        assert_string_equal(got.alpn, client->alpn == NULL ? "" : "http/1.1");
    }
    sl_tls_ctx_unref(server);
}

static void clients_get_what_the_two_lists_come_to(void **state)
{
    const struct fixture *f = *state;
    struct sl_tls_cert *certs[] = { apart(&f->ec, f->cert_ec), apart(&f->rsa, f->cert_rsa) };
    static const struct rehearsal_case CASES[] = {
        { "intermediate", "java-11", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "secp256r1", "ECDSA" },
        { "intermediate", "java-8", "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
          "secp256r1", "ECDSA" },
        { "intermediate", "windows-10", "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
          "x25519", "ECDSA" },
        { "intermediate", "java-7", NULL, "protocol", NULL, NULL },
        { "modern", "java-8", NULL, "protocol", NULL, NULL },
        { "modern", "java-17", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", "ECDSA" },
        { "old", "java-7", "TLSv1", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "secp256r1", "ECDSA" },
    };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        assert_rehearsed(certs, &CASES[i]);
    }
    sl_tls_cert_unref(certs[0]);
    sl_tls_cert_unref(certs[1]);
}

static void what_is_held_or_refused_is_so_in_a_rehearsal(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("intermediate");
    struct sl_tls_cert *certs[] = { f->cert_ec };
    const char *alpn[] = { "imap" };
    struct sl_tls_server_conf conf = { .service = "web",
                                       .policy = &policy,
                                       .certs = certs,
                                       .certs_count = 1,
                                       .is_alpn_strict = true };
    struct sl_diag diag = { "" };
    struct sl_rehearsal got;
    struct sl_tls_ctx *server = fixture_server(&conf);
    const struct sl_client *curl = client_of("curl");
    assert_int_equal(rehearse(server, curl, "site.example", true, &diag, &got), SL_OK);
    assert_string_equal(got.alpn, "h2");
    sl_tls_ctx_unref(server);
    conf.alpn = alpn;
    conf.alpn_count = 1;
    server = fixture_server(&conf);
    assert_int_equal(rehearse(server, curl, "site.example", true, &diag, &got), SL_ETLS);
    assert_non_null(strstr(diag.text, "(alert: no application protocol)"));
    assert_int_equal(rehearse(server, client_of("java-17"), "site.example", true, &diag, &got),
                     SL_OK);
    sl_tls_ctx_unref(server);
    conf.is_sni_strict = true;
    server = fixture_server(&conf);
    assert_int_equal(rehearse(server, client_of("java-17"), "x.example", false, &diag, &got),
                     SL_ETLS);
    assert_non_null(strstr(diag.text, "(alert: unrecognized name)"));
    sl_tls_ctx_unref(server);
}

static void a_client_that_cannot_be_played_is_told_of(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("old");
    struct sl_tls_cert *certs[] = { f->cert_rsa };
    struct sl_tls_ctx *server = fixture_server(&(struct sl_tls_server_conf){
        .service = "web", .policy = &policy, .certs = certs, .certs_count = 1 });
    struct sl_client stranger = *client_of("java-7");
    stranger.offer.ciphers = "NO-SUCH-1:NO-SUCH-2";
    struct sl_diag diag = { "" };
    struct sl_rehearsal got;
    assert_int_equal(rehearse(server, &stranger, "site.example", false, &diag, &got), SL_EINVAL);
    assert_lacks(&stranger, "NO-SUCH-1, NO-SUCH-2");
    stranger.offer.ciphers = "NO-SUCH:AES128-SHA"; /* RSA key transport */
    assert_int_equal(rehearse(server, &stranger, "site.example", false, &diag, &got), SL_OK);
    assert_lacks(&stranger, "NO-SUCH");
    assert_string_equal(got.group, "");
    assert_string_equal(got.cipher, "TLS_RSA_WITH_AES_128_CBC_SHA");
    sl_tls_ctx_unref(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_get_what_the_two_lists_come_to),
        cmocka_unit_test(what_is_held_or_refused_is_so_in_a_rehearsal),
        cmocka_unit_test(a_client_that_cannot_be_played_is_told_of),
    };
    return cmocka_run_group_tests_name("tls/rehearse", tests, make_fixture, drop_fixture);
}
