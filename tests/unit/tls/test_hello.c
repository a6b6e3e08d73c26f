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

enum {
    ALERT_UNEXPECTED = 10,
    ALERT_ILLEGAL = 47,
    ALERT_DECODE = 50,
    ALERT_VERSION = 70,
    ALERT_MISSING = 109,
    ALERT_NAME = 112,
    ALERT_ALPN = 120,
    ALERT_LEN = 7
};

static struct sl_tls_ctx *server_open(const struct fixture *f)
{
    struct sl_policy policy = fixture_policy("intermediate");
    struct sl_tls_cert *certs[] = { f->cert_ec, f->cert_rsa };
    return fixture_server(&(struct sl_tls_server_conf){
        .service = "web", .policy = &policy, .certs = certs, .certs_count = 2 });
}

/* What a new session says of `bytes`, `cut` at a time; `ret_out` holds what it sent. */
static enum sl_err feed(struct sl_tls *tls, struct sl_slice bytes, size_t cut, struct sl_wbuf *out,
                        struct sl_diag *diag)
{
    enum sl_err rc = SL_AGAIN;
    while (rc == SL_AGAIN && bytes.len != 0) {
        struct sl_slice in = sl_slice_cut(&bytes, cut == 0 ? bytes.len : cut);
        rc = sl_tls_handshake(tls, &in, out, diag);
        if (rc == SL_AGAIN) {
            assert_int_equal(in.len, 0);
        }
    }
    return rc;
}

static void assert_fatal_alert(const struct sl_wbuf *out, uint8_t alert)
{
    assert_int_equal(out->len, ALERT_LEN);
    assert_int_equal(out->ptr[0], 0x15);
    assert_int_equal(out->ptr[1], 3);
    assert_memory_equal(out->ptr + 3, "\0\2\2", 3);
    assert_int_equal(out->ptr[6], alert);
}

static const struct plain_case {
    struct sl_slice bytes;
    const char *speaks;
    uint8_t alert;
} PLAIN[] = {
    { SL_SLICE_INIT("GET / HTTP/1.1\r\n\r\n"), "speaks HTTP, not TLS", ALERT_UNEXPECTED },
    { SL_SLICE_INIT("HTTP/1.1 400 Bad Request\r\n"), "speaks HTTP, not TLS", ALERT_UNEXPECTED },
    { SL_SLICE_INIT("SSH-2.0-OpenSSH_9.2\r\n"), "speaks SSH, not TLS", ALERT_UNEXPECTED },
    { SL_SLICE_INIT("PROXY TCP4 1.2.3.4"), "sends a PROXY header, which nobody asked it for",
      ALERT_UNEXPECTED },
    { SL_SLICE_INIT("\r\n\r\n\0\r\nQUIT\n!"), "sends a PROXY header, which nobody asked it for",
      ALERT_UNEXPECTED },
    { SL_SLICE_INIT("\0\0\0\0\0"), "does not speak TLS", ALERT_UNEXPECTED },
    { SL_SLICE_INIT("220 mail ESMTP\r\n"), "does not speak TLS", ALERT_UNEXPECTED },
    { SL_SLICE_INIT("\x16\x16"), "does not speak TLS", ALERT_UNEXPECTED },
    { SL_SLICE_INIT("\x15\x15"), "does not speak TLS", ALERT_UNEXPECTED },
    { SL_SLICE_INIT("\x80\x2e\x01\x03\x01\x00\x15"), "speaks SSLv2, not TLS", ALERT_VERSION },
    { SL_SLICE_INIT("\x80\x2e\x01\x00\x02\x00\x15"), "speaks SSLv2, not TLS", ALERT_VERSION },
};

static void assert_not_tls(struct sl_tls *tls, const struct plain_case *plain, size_t cut,
                           const char *peer)
{
    uint8_t bytes[1024];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_diag diag = { "" };
    assert_int_equal(feed(tls, plain->bytes, cut, &out, &diag), SL_EPROTO);
    if (sl_slice_starts(plain->bytes, SL_SLICE("GET ")) && strcmp(peer, "client") == 0) {
        assert_true(sl_slice_starts(sl_wbuf_slice(&out), SL_SLICE("HTTP/1.1 400 ")));
        assert_true(sl_slice_ends(sl_wbuf_slice(&out), SL_SLICE(" TLS.")));
    } else {
        assert_fatal_alert(&out, plain->alert);
    }
    char wanted[SL_DIAG_MAX];
    (void)snprintf(wanted, sizeof(wanted), "the %s %s", peer, plain->speaks);
    assert_string_equal(diag.text, wanted);
    out.len = 0;
    assert_int_equal(feed(tls, plain->bytes, cut, &out, &diag), SL_ETLS);
    assert_int_equal(out.len, 0);
}

static void what_is_not_tls_is_named_and_answered(void **state)
{
    struct sl_tls_ctx *server = server_open(*state);
    struct sl_policy policy = fixture_policy("intermediate");
    struct sl_tls_ctx *client = fixture_client(&(struct sl_tls_client_conf){ .policy = &policy });
    for (size_t i = 0; i < SL_COUNT(PLAIN); i++) {
        for (size_t cut = 0; cut < 3; cut++) {
            struct sl_tls *tls = NULL;
            assert_int_equal(sl_tls_accept_create(server, &tls), SL_OK);
            assert_not_tls(tls, &PLAIN[i], cut, "client");
            assert_false(sl_tls_has_hello(tls));
            sl_tls_destroy(tls);

            /* an upstream answers so after our ClientHello */
            assert_int_equal(sl_tls_connect_create(client, sl_slice_of(NULL, 0), &tls), SL_OK);
            uint8_t hello[4096];
            struct sl_wbuf out = sl_wbuf_of(hello, sizeof(hello));
            struct sl_slice none = { NULL, 0 };
            assert_int_equal(sl_tls_handshake(tls, &none, &out, NULL), SL_AGAIN);
            assert_true(out.len > 0);
            assert_not_tls(tls, &PLAIN[i], cut, "upstream");
            sl_tls_destroy(tls);
        }
    }
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
}

/* A ClientHello in records of 16 KiB: `extensions` are whole extensions, one behind the other. */
static size_t hello_make(uint16_t version, struct sl_slice extensions, uint8_t *bytes, size_t size)
{
    static uint8_t body[200000];
    struct sl_wbuf b = sl_wbuf_of(body, sizeof(body));
    static const uint8_t RANDOM[32] = { 1 };
    uint32_t len = (uint32_t)(2 + 32 + 1 + 2 + 2 + 2 + 2 + extensions.len);
    assert_int_equal(sl_wbuf_put_u32(&b, 0x01000000u | len), SL_OK);
    assert_int_equal(sl_wbuf_put_u16(&b, version), SL_OK);
    assert_int_equal(sl_wbuf_put(&b, sl_slice_of(RANDOM, sizeof(RANDOM))), SL_OK);
    assert_int_equal(sl_wbuf_put(&b, SL_SLICE("\0\0\2\xc0\x2b\1\0")), SL_OK);
    assert_int_equal(sl_wbuf_put_u16(&b, (uint16_t)extensions.len), SL_OK);
    assert_int_equal(sl_wbuf_put(&b, extensions), SL_OK);
    struct sl_wbuf out = sl_wbuf_of(bytes, size);
    struct sl_slice rest = sl_wbuf_slice(&b);
    while (rest.len != 0) {
        struct sl_slice part = sl_slice_cut(&rest, SL_TLS_RECORD_MAX);
        assert_int_equal(sl_wbuf_put(&out, SL_SLICE("\x16\3\1")), SL_OK);
        assert_int_equal(sl_wbuf_put_u16(&out, (uint16_t)part.len), SL_OK);
        assert_int_equal(sl_wbuf_put(&out, part), SL_OK);
    }
    return out.len;
}

static void malformed_extensions_get_decode_error(void **state)
{
    struct sl_tls_ctx *server = server_open(*state);
    const struct {
        struct sl_slice extensions;
        const char *text;
    } cases[] = {
        { SL_SLICE("\0\0\0\5\0\3\0\0\0"), "the client's server_name extension is malformed" },
        { SL_SLICE("\0\20\0\3\0\1\0"), "the client's ALPN extension is malformed" },
        { SL_SLICE("\0\53\0\1\0"), "the client's supported_versions extension is malformed" },
        { SL_SLICE("\0\15\0\3\0\1\4"), "the client's signature_algorithms extension is malformed" },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        uint8_t hello[512], sent[512];
        size_t len = hello_make(0x0303, cases[i].extensions, hello, sizeof(hello));
        struct sl_tls *tls = NULL;
        assert_int_equal(sl_tls_accept_create(server, &tls), SL_OK);
        struct sl_wbuf out = sl_wbuf_of(sent, sizeof(sent));
        struct sl_diag diag = { "" };
        assert_int_equal(feed(tls, sl_slice_of(hello, len), i % 2, &out, &diag), SL_ETLS);
        assert_string_equal(diag.text, cases[i].text);
        assert_fatal_alert(&out, ALERT_DECODE);
        sl_tls_destroy(tls);
    }
    sl_tls_ctx_unref(server);
}

/* supported_versions with TLS 1.3 alone, and what such a ClientHello must have */
#define TLS13 "\0\53\0\3\2\3\4\0\12\0\4\0\2\0\27\0\15\0\4\0\2\4\3\0\63\0\2\0\0"
/* supported_groups and signature_algorithms of TLS 1.2 */
#define TLS12   "\0\12\0\4\0\2\0\27\0\13\0\2\1\0\0\15\0\4\0\2\4\3"
#define NAME_EC "\0\0\0\16\0\14\0\0\11localhost"

static void a_strict_service_refuses_what_it_does_not_have(void **state)
{
    const struct fixture *f = *state;
    struct sl_policy policy = fixture_policy("intermediate");
    struct sl_tls_cert *named[] = { fixture_cert(&f->ca, "x", "DNS:localhost", PKI_EC) };
    const char *protocols[] = { "h2", "imap" };
    struct sl_tls_server_conf conf = { .service = "web",
                                       .policy = &policy,
                                       .certs = named,
                                       .certs_count = 1,
                                       .alpn = protocols,
                                       .alpn_count = 2,
                                       .is_alpn_strict = true,
                                       .is_sni_strict = true };
    struct sl_tls_ctx *strict = fixture_server(&conf);
    conf.is_alpn_strict = conf.is_sni_strict = false;
    struct sl_tls_ctx *lenient = fixture_server(&conf);
    const struct {
        struct sl_slice extensions;
        uint8_t alert; /* 0: none */
        enum sl_tls_refusal refusal;
        bool is_lenient_as_well;
    } cases[] = {
        { SL_SLICE(TLS12), ALERT_NAME, SL_TLS_REFUSED_NAME, false },
        { SL_SLICE(TLS13), ALERT_MISSING, SL_TLS_REFUSED_NAME, false },
        { SL_SLICE(TLS12 "\0\0\0\10\0\6\0\0\3a.b"), ALERT_NAME, SL_TLS_REFUSED_NAME, false },
        { SL_SLICE(TLS13 "\0\0\0\10\0\6\0\0\3a.b"), ALERT_NAME, SL_TLS_REFUSED_NAME, false },
        { SL_SLICE(TLS12 "\0\0\0\16\0\14\0\0\11"
                         "127.0.0.1"),
          ALERT_NAME, SL_TLS_REFUSED_NAME, false },
        { SL_SLICE(TLS12 "\0\0\0\7\0\5\0\0\2a\0"), ALERT_ILLEGAL, SL_TLS_REFUSED_NOTHING, true },
        { SL_SLICE(TLS12 NAME_EC), 0, SL_TLS_REFUSED_NOTHING, true },
        { SL_SLICE(TLS12 "\0\0\0\16\0\14\0\0\11LocalHost"), 0, SL_TLS_REFUSED_NOTHING, true },
        { SL_SLICE(TLS12 "\0\0\0\17\0\15\0\0\12localhost."), 0, SL_TLS_REFUSED_NOTHING, true },
        { SL_SLICE(TLS12 NAME_EC "\0\20\0\5\0\3\2h2"), 0, SL_TLS_REFUSED_NOTHING, true },
        { SL_SLICE(TLS12 NAME_EC "\0\20\0\5\0\3\2h3"), ALERT_ALPN, SL_TLS_REFUSED_ALPN, false },
        { SL_SLICE(TLS12 NAME_EC "\0\20\0\10\0\6\2h3\2h2"), 0, SL_TLS_REFUSED_NOTHING, true },
    };
    for (size_t i = 0; i < 2 * SL_COUNT(cases); i++) {
        const bool is_strict = i % 2 == 0;
        uint8_t hello[512], sent[4096], alert = cases[i / 2].alert;
        size_t len = hello_make(0x0303, cases[i / 2].extensions, hello, sizeof(hello));
        struct sl_tls *tls = NULL;
        assert_int_equal(sl_tls_accept_create(is_strict ? strict : lenient, &tls), SL_OK);
        struct sl_wbuf out = sl_wbuf_of(sent, sizeof(sent));
        struct sl_diag diag = { "" };
        enum sl_err rc = feed(tls, sl_slice_of(hello, len), i % 3, &out, &diag);
        if (alert != 0 && (is_strict || cases[i / 2].is_lenient_as_well)) {
            assert_int_equal(rc, SL_ETLS);
            assert_fatal_alert(&out, alert);
            assert_int_equal(sl_tls_refusal(tls), cases[i / 2].refusal);
        } else {
            assert_int_equal(sl_tls_refusal(tls), SL_TLS_REFUSED_NOTHING);
            assert_true(is_strict ? rc == SL_AGAIN : true);
        }
        sl_tls_destroy(tls);
    }
    sl_tls_ctx_unref(strict);
    sl_tls_ctx_unref(lenient);
    sl_tls_cert_unref(named[0]);
}

static void sslv3_is_refused_by_name(void **state)
{
    struct sl_tls_ctx *server = server_open(*state);
    uint8_t hello[512], sent[512];
    size_t len = hello_make(0x0300, SL_SLICE(""), hello, sizeof(hello));
    struct sl_tls *tls = NULL;
    assert_int_equal(sl_tls_accept_create(server, &tls), SL_OK);
    struct sl_wbuf out = sl_wbuf_of(sent, sizeof(sent));
    struct sl_diag diag = { "" };
    assert_int_equal(feed(tls, sl_slice_of(hello, len), 1, &out, &diag), SL_EPROTO);
    assert_string_equal(diag.text, "the client speaks SSLv3, not TLS");
    assert_fatal_alert(&out, ALERT_VERSION);
    sl_tls_destroy(tls);
    sl_tls_ctx_unref(server);
}

static void a_hello_of_64_kib_is_answered(void **state)
{
    struct sl_tls_ctx *server = server_open(*state);
    /* supported_groups, ec_point_formats, signature_algorithms, and a long padding */
    static uint8_t extensions[65000];
    struct sl_wbuf e = sl_wbuf_of(extensions, sizeof(extensions));
    assert_int_equal(sl_wbuf_put(&e, SL_SLICE("\0\12\0\4\0\2\0\27\0\13\0\2\1\0\0\15\0\4\0\2\4\3")),
                     SL_OK);
    uint16_t padding = (uint16_t)(sizeof(extensions) - e.len - 4);
    assert_int_equal(sl_wbuf_put_u16(&e, 21), SL_OK);
    assert_int_equal(sl_wbuf_put_u16(&e, padding), SL_OK);
    struct sl_slice all = sl_slice_of(extensions, sizeof(extensions));
    uint8_t *hello = malloc(70000), sent[8192];
    size_t len = hello_make(0x0303, all, hello, 70000);
    for (size_t cut = 0; cut < 2; cut++) {
        struct sl_tls *tls = NULL;
        assert_int_equal(sl_tls_accept_create(server, &tls), SL_OK);
        struct sl_wbuf out = sl_wbuf_of(sent, sizeof(sent));
        assert_int_equal(feed(tls, sl_slice_of(hello, len), cut, &out, NULL), SL_AGAIN);
        assert_true(out.len > 500); /* ServerHello to ServerHelloDone */
        assert_int_equal(out.ptr[0], 0x16);
        sl_tls_destroy(tls);
    }
    free(hello);
    sl_tls_ctx_unref(server);
}

static void garbage_inside_a_record_is_refused(void **state)
{
    struct sl_tls_ctx *server = server_open(*state);
    static uint8_t bytes[20000];
    for (unsigned seed = 1; seed < 200; seed++) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)((i * 2654435761u * seed) >> 13);
        }
        memcpy(bytes, "\x16\3\1\x10\0\1\0\x0f\xf0\3\3", 11);
        struct sl_tls *tls = NULL;
        uint8_t sent[1024];
        struct sl_wbuf out = sl_wbuf_of(sent, sizeof(sent));
        struct sl_diag diag = { "" };
        assert_int_equal(sl_tls_accept_create(server, &tls), SL_OK);
        enum sl_err rc = feed(tls, sl_slice_of(bytes, sizeof(bytes)), seed % 100, &out, &diag);
        assert_int_equal(rc, SL_ETLS);
        assert_true(diag.text[0] != '\0');
        assert_int_equal(out.ptr[0], 0x15);
        sl_tls_destroy(tls);
    }
    sl_tls_ctx_unref(server);
}

static void an_upstream_that_answers_with_an_alert_is_quoted(void **state)
{
    SL_UNUSED(state);
    struct sl_policy policy = fixture_policy("intermediate");
    struct sl_tls_ctx *client = fixture_client(&(struct sl_tls_client_conf){ .policy = &policy });
    for (size_t cut = 0; cut < 2; cut++) {
        struct sl_tls *tls = NULL;
        uint8_t sent[4096];
        struct sl_wbuf out = sl_wbuf_of(sent, sizeof(sent));
        struct sl_diag diag = { "" };
        struct sl_slice none = { NULL, 0 };
        assert_int_equal(sl_tls_connect_create(client, none, &tls), SL_OK);
        assert_int_equal(sl_tls_handshake(tls, &none, &out, &diag), SL_AGAIN);
        assert_int_equal(feed(tls, SL_SLICE("\x15\3\1\0\2\2\x28"), cut, &out, &diag), SL_ETLS);
        assert_string_equal(diag.text, "the peer sent alert: handshake failure");
        sl_tls_destroy(tls);
    }
    sl_tls_ctx_unref(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_tls_is_named_and_answered),
        cmocka_unit_test(malformed_extensions_get_decode_error),
        cmocka_unit_test(a_strict_service_refuses_what_it_does_not_have),
        cmocka_unit_test(sslv3_is_refused_by_name),
        cmocka_unit_test(a_hello_of_64_kib_is_answered),
        cmocka_unit_test(garbage_inside_a_record_is_refused),
        cmocka_unit_test(an_upstream_that_answers_with_an_alert_is_quoted),
    };
    return cmocka_run_group_tests_name("tls/hello", tests, make_fixture, drop_fixture);
}
