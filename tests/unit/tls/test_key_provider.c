/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/key_message.h"
#include "pair.h"
#include "tls/key_provider.h"
#include "tls/key_signer.h"
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS_MAX = 4 };

/* The other process, in this one: it answers only when it is told to. */
struct office {
    struct sl_key_service service;
    struct sl_list waiting;
    struct sl_key_signer *signers[KEYS_MAX];
    size_t keys_count, submitted_count, cancelled_count;
    enum sl_err refusal; /* of submit */
    struct fixture f;
    struct pki_cert ed25519;
    struct sl_tls_cert *apart[KEYS_MAX];
};

static struct office *office_of(struct sl_key_service *service)
{
    return SL_CONTAINER_OF(service, struct office, service);
}

static enum sl_err submit(struct sl_key_service *service, struct sl_key_request *request)
{
    struct office *o = office_of(service);
    o->submitted_count++;
    if (o->refusal == SL_OK) {
        sl_list_append(&o->waiting, &request->node);
    }
    return o->refusal;
}

static void cancel(struct sl_key_service *service, struct sl_key_request *request)
{
    office_of(service)->cancelled_count++;
    sl_list_remove(&request->node);
}

static size_t answer(struct office *o)
{
    size_t count = 0;
    for (struct sl_list *node; (node = sl_list_shift(&o->waiting)) != NULL; count++) {
        struct sl_key_request *request = SL_CONTAINER_OF(node, struct sl_key_request, node);
        uint8_t bytes[SL_KEY_SIGNATURE_MAX];
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        enum sl_err rc = sl_key_signer_sign(o->signers[request->key_index], request->scheme,
                                            request->input, &out);
        assert_int_equal(rc, SL_OK);
        sl_key_request_done(request, rc, sl_wbuf_slice(&out));
    }
    return count;
}

static void key_add(struct office *o, const struct pki_cert *pki)
{
    uint8_t der[SL_KEY_PUBLIC_MAX];
    struct sl_wbuf out = sl_wbuf_of(der, sizeof(der));
    struct sl_diag diag = { "" };
    size_t i = o->keys_count++;
    assert_int_equal(
        sl_key_signer_create(pki_slice(pki->key), (struct sl_slice){ 0 }, &diag, &o->signers[i]),
        SL_OK);
    assert_int_equal(sl_key_signer_public(o->signers[i], &out), SL_OK);
    const struct sl_tls_key key = { sl_wbuf_slice(&out), (uint32_t)i, &o->service };
    enum sl_err rc = sl_tls_cert_create_apart(pki_slice(pki->chain), &key, &diag, &o->apart[i]);
    assert_string_equal(diag.text, "");
    assert_int_equal(rc, SL_OK);
}

static int make_office(void **state)
{
    struct office *o = calloc(1, sizeof(*o));
    fixture_init(&o->f);
    o->service = (struct sl_key_service){ .submit = submit, .cancel = cancel };
    sl_list_init(&o->waiting);
    pki_make(
        &(struct pki_spec){ .cn = "site.example", .san = "DNS:site.example", .kind = PKI_ED25519 },
        &o->f.ca, &o->ed25519);
    key_add(o, &o->f.ec);
    key_add(o, &o->f.rsa);
    key_add(o, &o->ed25519);
    key_add(o, &o->f.client);
    assert_int_equal(sl_key_jobs_init(8), SL_OK);
    *state = o;
    return 0;
}

static int drop_office(void **state)
{
    struct office *o = *state;
    for (size_t i = 0; i < o->keys_count; i++) {
        sl_key_signer_destroy(o->signers[i]);
        sl_tls_cert_unref(o->apart[i]);
    }
    pki_free(&o->ed25519);
    fixture_fini(&o->f);
    sl_key_jobs_fini();
    free(o);
    return 0;
}

struct run {
    struct sl_policy policy;
    const char *ciphers; /* NULL: the policy's */
    struct sl_tls_ctx *client, *server;
    struct pair pair;
};

/* `client_key`: one of the office's, or NULL for no certificate. */
static void run_open(struct run *r, struct office *o, size_t key, uint16_t version,
                     struct sl_tls_cert *client_cert)
{
    r->policy = fixture_policy("old");
    if (r->ciphers != NULL) {
        r->policy.ciphers = r->ciphers;
    }
    r->policy.min_version = r->policy.max_version = version;
    struct sl_tls_cert *const certs[] = { o->apart[key] };
    r->server = fixture_server(&(struct sl_tls_server_conf){
        .service = "main",
        .policy = &r->policy,
        .certs = certs,
        .certs_count = 1,
        .verify = client_cert != NULL ? SL_TLS_VERIFY_REQUIRE : SL_TLS_VERIFY_OFF,
        .clients = client_cert != NULL ? o->f.store : NULL });
    r->client = fixture_client(
        &(struct sl_tls_client_conf){ .policy = &r->policy,
                                      .is_verified = true,
                                      .store = o->f.store,
                                      .owns = &(struct sl_tls_own){ client_cert, "own" },
                                      .owns_count = client_cert != NULL,
                                      .name = "site.example" });
    pair_open(&r->pair, r->client, r->server);
}

static void run_close(struct run *r)
{
    pair_fini(&r->pair);
    sl_tls_ctx_unref(r->client);
    sl_tls_ctx_unref(r->server);
}

static size_t run_through(struct run *r, struct office *o)
{
    size_t count = 0, now_count;
    do {
        pair_handshake(&r->pair);
        now_count = answer(o);
        count += now_count;
    } while (now_count > 0);
    return count;
}

static void assert_talks(struct run *r)
{
    assert_string_equal(r->pair.client.diag.text, "");
    assert_string_equal(r->pair.server.diag.text, "");
    assert_int_equal(r->pair.client.rc, SL_OK);
    assert_int_equal(r->pair.server.rc, SL_OK);
    pair_say(&r->pair, &r->pair.client, SL_SLICE("question"));
    pair_say(&r->pair, &r->pair.server, SL_SLICE("answer"));
}

static void every_kind_of_key_signs_in_every_version(void **state)
{
    struct office *o = *state;
    static const uint16_t VERSIONS[] = { 0x0301, 0x0302, 0x0303, 0x0304 };
    for (size_t key = 0; key < 3; key++) {
        for (size_t v = key == 2 ? 2 : 0; v < SL_COUNT(VERSIONS); v++) {
            struct run r = { 0 };
            run_open(&r, o, key, VERSIONS[v], NULL);
            assert_int_equal(run_through(&r, o), 1);
            assert_talks(&r);
            run_close(&r);
        }
    }
}

/* RFC 5246 7.4.7.1; what does not decrypt is not told apart, but the key must be one that may. */
static void rsa_key_transport_goes_on_only_with_a_key_that_may(void **state)
{
    struct office *o = *state;
    struct run r = { 0 };
    static const uint16_t VERSIONS[] = { 0x0301, 0x0303 };
    sl_key_signer_allow_premaster(o->signers[1]);
    for (size_t v = 0; v < SL_COUNT(VERSIONS); v++) {
        r.ciphers = "AES128-SHA";
        run_open(&r, o, 1, VERSIONS[v], NULL);
        assert_int_equal(run_through(&r, o), 1);
        assert_talks(&r);
        run_close(&r);
    }
}

static void a_policy_that_is_refused_is_refused_with_these_keys_too(void **state)
{
    const struct office *o = *state;
    struct sl_policy policy = fixture_policy("old");
    struct sl_tls_cert *const certs[] = { o->apart[0] };
    struct sl_tls_ctx *ctx = NULL;
    policy.ciphers = "NOTHING";
    assert_int_equal(sl_tls_server_ctx_create(&(struct sl_tls_server_conf){ .service = "main",
                                                                            .policy = &policy,
                                                                            .certs = certs,
                                                                            .certs_count = 1 },
                                              NULL, &ctx),
                     SL_EINVAL);
    assert_null(ctx);
}

static void certificates_toward_an_upstream_sign_as_well(void **state)
{
    struct office *o = *state;
    static const uint16_t VERSIONS[] = { 0x0301, 0x0303, 0x0304 };
    for (size_t key = 0; key < 4; key++) {
        for (size_t v = key == 2 ? 1 : 0; v < SL_COUNT(VERSIONS); v++) {
            struct run r = { 0 };
            run_open(&r, o, 0, VERSIONS[v], o->apart[key]);
            assert_int_equal(run_through(&r, o), 2);
            assert_talks(&r);
            run_close(&r);
        }
    }
}

static void handshakes_do_not_depend_on_where_the_bytes_are_cut(void **state)
{
    struct office *o = *state;
    for (size_t cut = 1; cut < 300; cut += cut < 16 ? 1 : 41) {
        struct run r = { 0 };
        run_open(&r, o, cut % 3, 0x0304, o->apart[3]);
        r.pair.cut = cut;
        assert_int_equal(run_through(&r, o), 2);
        r.pair.cut = 0;
        assert_talks(&r);
        run_close(&r);
    }
}

static void a_waiting_handshake_takes_nothing_and_asks_once(void **state)
{
    struct office *o = *state;
    struct run r = { 0 };
    run_open(&r, o, 0, 0x0304, NULL);
    size_t before = o->submitted_count;
    pair_handshake(&r.pair);
    assert_int_equal(r.pair.server.rc, SL_EWAIT);
    struct sl_slice more = SL_SLICE("more");
    struct sl_wbuf out = pair_wbuf(&r.pair.server);
    for (int i = 0; i < 3; i++) {
        enum sl_err rc = sl_tls_handshake(r.pair.server.tls, &more, &out, &r.pair.server.diag);
        assert_int_equal(rc, SL_EWAIT);
        assert_int_equal(more.len, 4);
        assert_int_equal(out.len, 0);
    }
    assert_int_equal(o->submitted_count, before + 1);
    run_through(&r, o);
    assert_talks(&r);
    run_close(&r);
}

struct alarm {
    struct sl_tls_waker waker;
    size_t count;
};

static void ring(struct sl_tls_waker *waker)
{
    SL_CONTAINER_OF(waker, struct alarm, waker)->count++;
}

static void who_waits_is_woken_once_an_answer(void **state)
{
    struct office *o = *state;
    struct run r = { 0 };
    struct alarm alarm = { { ring }, 0 };
    run_open(&r, o, 1, 0x0303, NULL);
    sl_tls_set_waker(r.pair.server.tls, &alarm.waker);
    pair_handshake(&r.pair);
    assert_int_equal(alarm.count, 0);
    answer(o);
    assert_int_equal(alarm.count, 1);
    run_through(&r, o);
    assert_int_equal(alarm.count, 1);
    assert_talks(&r);
    run_close(&r);
}

/* LeakSanitizer sees the stack of a job that was not run to its end. */
static void a_session_that_is_destroyed_while_it_waits_leaves_nothing(void **state)
{
    struct office *o = *state;
    for (size_t i = 0; i < 100; i++) {
        struct run r = { 0 };
        run_open(&r, o, i % 3, i % 2 == 0 ? 0x0304 : 0x0303, NULL);
        pair_handshake(&r.pair);
        assert_int_equal(r.pair.server.rc, SL_EWAIT);
        size_t before = o->cancelled_count;
        if (i % 4 == 3) {
            answer(o); /* too late: it is destroyed before it goes on */
        }
        run_close(&r);
        assert_int_equal(o->cancelled_count, before + (i % 4 == 3 ? 0 : 1));
        assert_true(sl_list_is_empty(&o->waiting));
    }
    struct run r = { 0 }; /* the stacks are all there again: the bound is 8 */
    run_open(&r, o, 0, 0x0304, NULL);
    run_through(&r, o);
    assert_talks(&r);
    run_close(&r);
}

static void an_upstream_session_that_waits_can_be_destroyed_too(void **state)
{
    struct office *o = *state;
    for (size_t i = 0; i < 20; i++) {
        struct run r = { 0 };
        run_open(&r, o, 0, i % 2 == 0 ? 0x0304 : 0x0303, o->apart[3]);
        pair_handshake(&r.pair);
        answer(o);
        pair_handshake(&r.pair);
        assert_int_equal(r.pair.client.rc, SL_EWAIT);
        run_close(&r);
        assert_true(sl_list_is_empty(&o->waiting));
    }
}

static void why_there_is_no_signature_is_told(void **state)
{
    struct office *o = *state;
    static const struct {
        enum sl_err answer, expected;
        const char *text;
    } CASES[] = {
        { SL_ETIMEDOUT, SL_ETIMEDOUT, "the private key did not sign in time" },
        { SL_EBUSY, SL_EBUSY, "too many handshakes wait for private keys" },
        { SL_EINVAL, SL_ETLS, "the private key does not sign" },
    };
    for (size_t i = 0; i < 2 * SL_COUNT(CASES); i++) {
        struct run r = { 0 };
        size_t n = i / 2;
        run_open(&r, o, 0, i % 2 == 0 ? 0x0304 : 0x0303, NULL);
        pair_handshake(&r.pair);
        struct sl_list *node = sl_list_shift(&o->waiting);
        sl_key_request_done(SL_CONTAINER_OF(node, struct sl_key_request, node), CASES[n].answer,
                            SL_SLICE(""));
        pair_handshake(&r.pair);
        assert_int_equal(r.pair.server.rc, CASES[n].expected);
        assert_string_equal(r.pair.server.diag.text, CASES[n].text);
        run_close(&r);
    }
    o->refusal = SL_EBUSY;
    struct run r = { 0 };
    run_open(&r, o, 0, 0x0304, NULL);
    pair_handshake(&r.pair);
    assert_int_equal(r.pair.server.rc, SL_EBUSY);
    run_close(&r);
    o->refusal = SL_OK;
}

static void more_paused_handshakes_than_stacks_are_turned_away(void **state)
{
    struct office *o = *state;
    struct run runs[9] = { 0 };
    for (size_t i = 0; i < SL_COUNT(runs); i++) {
        run_open(&runs[i], o, 0, 0x0304, NULL);
        pair_handshake(&runs[i].pair);
        assert_int_equal(runs[i].pair.server.rc, i < 8 ? SL_EWAIT : SL_EBUSY);
    }
    assert_int_equal(answer(o), 8);
    for (size_t i = 0; i < SL_COUNT(runs); i++) {
        pair_handshake(&runs[i].pair);
        if (i < 8) {
            assert_talks(&runs[i]);
        }
        run_close(&runs[i]);
    }
}

static void a_public_key_of_another_certificate_is_refused(void **state)
{
    struct office *o = *state;
    uint8_t der[SL_KEY_PUBLIC_MAX];
    struct sl_tls_cert *cert = NULL;
    struct sl_diag diag = { "" };
    for (size_t i = 1; i < o->keys_count; i++) {
        struct sl_wbuf out = sl_wbuf_of(der, sizeof(der));
        assert_int_equal(sl_key_signer_public(o->signers[i], &out), SL_OK);
        const struct sl_tls_key key = { sl_wbuf_slice(&out), (uint32_t)i, NULL };
        assert_int_equal(sl_tls_cert_create_apart(pki_slice(o->f.ec.chain), &key, &diag, &cert),
                         SL_EINVAL);
        assert_string_equal(diag.text, "key: it does not belong to the certificate");
    }
    const struct sl_tls_key rubbish = { SL_SLICE("rubbish"), 0, NULL };
    assert_int_equal(sl_tls_cert_create_apart(pki_slice(o->f.ec.chain), &rubbish, &diag, &cert),
                     SL_EINVAL);
}

static void without_a_service_the_handshake_fails_and_nothing_else(void **state)
{
    struct office *o = *state;
    uint8_t der[SL_KEY_PUBLIC_MAX];
    struct sl_wbuf out = sl_wbuf_of(der, sizeof(der));
    assert_int_equal(sl_key_signer_public(o->signers[0], &out), SL_OK);
    const struct sl_tls_key key = { sl_wbuf_slice(&out), 0, NULL };
    struct sl_tls_cert *kept = o->apart[0], *cert = NULL;
    assert_int_equal(sl_tls_cert_create_apart(pki_slice(o->f.ec.chain), &key, NULL, &cert), SL_OK);
    struct run r = { 0 };
    o->apart[0] = cert;
    run_open(&r, o, 0, 0x0304, NULL);
    pair_handshake(&r.pair);
    assert_int_equal(r.pair.server.rc, SL_ETLS);
    run_close(&r);
    o->apart[0] = kept;
    sl_tls_cert_unref(cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_key_signs_in_every_version),
        cmocka_unit_test(rsa_key_transport_goes_on_only_with_a_key_that_may),
        cmocka_unit_test(a_policy_that_is_refused_is_refused_with_these_keys_too),
        cmocka_unit_test(certificates_toward_an_upstream_sign_as_well),
        cmocka_unit_test(handshakes_do_not_depend_on_where_the_bytes_are_cut),
        cmocka_unit_test(a_waiting_handshake_takes_nothing_and_asks_once),
        cmocka_unit_test(who_waits_is_woken_once_an_answer),
        cmocka_unit_test(a_session_that_is_destroyed_while_it_waits_leaves_nothing),
        cmocka_unit_test(an_upstream_session_that_waits_can_be_destroyed_too),
        cmocka_unit_test(why_there_is_no_signature_is_told),
        cmocka_unit_test(more_paused_handshakes_than_stacks_are_turned_away),
        cmocka_unit_test(a_public_key_of_another_certificate_is_refused),
        cmocka_unit_test(without_a_service_the_handshake_fails_and_nothing_else),
    };
    return cmocka_run_group_tests_name("tls/key_provider", tests, make_office, drop_office);
}
