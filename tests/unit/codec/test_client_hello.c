/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/client_hello.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void first_bytes_are_named_as_soon_as_they_can_be(void **state)
{
    SL_UNUSED(state);
    static const struct {
        struct sl_slice bytes;
        size_t known_at; /* bytes after which the answer stands; before it is MORE */
        enum sl_first_bytes what;
    } CASES[] = {
        { SL_SLICE_INIT("\x16\x03\x01\x02\x00\x01"), 2, SL_FIRST_TLS },
        { SL_SLICE_INIT("\x16\x03\x00"), 2, SL_FIRST_TLS },
        { SL_SLICE_INIT("\x16\x02\x00"), 2, SL_FIRST_OTHER },
        { SL_SLICE_INIT("\x15\x03\x01"), 1, SL_FIRST_OTHER },
        { SL_SLICE_INIT("\x80\x2e\x01\x00\x02\x00"), 5, SL_FIRST_SSLV2 },
        { SL_SLICE_INIT("\x80\x2e\x01\x03\x01\x00"), 5, SL_FIRST_SSLV2 },
        { SL_SLICE_INIT("\x80\x2e\x01\x00\x03\x00"), 5, SL_FIRST_OTHER },
        { SL_SLICE_INIT("\x80\x2e\x02\x03\x01\x00"), 3, SL_FIRST_OTHER },
        { SL_SLICE_INIT("\x80\x2e\x01\x04\x01\x00"), 4, SL_FIRST_OTHER },
        { SL_SLICE_INIT("GET / HTTP/1.1\r\n"), 4, SL_FIRST_HTTP },
        { SL_SLICE_INIT("POST / HTTP/1.1"), 5, SL_FIRST_HTTP },
        { SL_SLICE_INIT("PUT / HTTP/1.1"), 4, SL_FIRST_HTTP },
        { SL_SLICE_INIT("PATCH /x HTTP/1.1"), 6, SL_FIRST_HTTP },
        { SL_SLICE_INIT("PRI * HTTP/2.0"), 12, SL_FIRST_HTTP },
        { SL_SLICE_INIT("CONNECT a:1 HTTP"), 8, SL_FIRST_HTTP },
        { SL_SLICE_INIT("HTTP/1.0 200"), 5, SL_FIRST_HTTP },
        { SL_SLICE_INIT("SSH-2.0-x"), 4, SL_FIRST_SSH },
        { SL_SLICE_INIT("PROXY TCP4 "), 6, SL_FIRST_PROXY },
        { SL_SLICE_INIT("\r\n\r\n\0\r\nQUIT\n"), 12, SL_FIRST_PROXY },
        { SL_SLICE_INIT("\r\n\r\n\1"), 5, SL_FIRST_OTHER },
        { SL_SLICE_INIT("PROPFIND /"), 4, SL_FIRST_OTHER },
        { SL_SLICE_INIT("\0\0\0"), 1, SL_FIRST_OTHER },
        { SL_SLICE_INIT("get / "), 1, SL_FIRST_OTHER },
    };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        for (size_t len = 0; len <= CASES[i].bytes.len; len++) {
            enum sl_first_bytes what =
                sl_first_bytes_classify(sl_slice_of(CASES[i].bytes.ptr, len));
            assert_int_equal(what, len < CASES[i].known_at ? SL_FIRST_MORE : CASES[i].what);
        }
    }
}

static void every_answer_has_a_name(void **state)
{
    SL_UNUSED(state);
    assert_string_equal(sl_first_bytes_name(SL_FIRST_TLS), "TLS");
    assert_string_equal(sl_first_bytes_name(SL_FIRST_SSLV2), "SSLv2");
    assert_string_equal(sl_first_bytes_name(SL_FIRST_HTTP), "HTTP");
    assert_string_equal(sl_first_bytes_name(SL_FIRST_SSH), "SSH");
    assert_string_equal(sl_first_bytes_name(SL_FIRST_PROXY), "a PROXY header");
    assert_string_equal(sl_first_bytes_name(SL_FIRST_OTHER),
                        "neither TLS nor another known protocol");
}

static void server_names_are_read(void **state)
{
    SL_UNUSED(state);
    const struct {
        struct sl_slice body, name;
    } cases[] = {
        { SL_SLICE("\0\6\0\0\3a.b"), SL_SLICE("a.b") },
        { SL_SLICE("\0\7\0\0\4a.b."), SL_SLICE("a.b") },
        { SL_SLICE("\0\12\1\0\1x\0\0\3A.b"), SL_SLICE("A.b") }, /* another type before it */
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_slice name;
        assert_int_equal(sl_hello_server_name(cases[i].body, &name), SL_OK);
        assert_true(sl_slice_eq(name, cases[i].name));
    }
    struct sl_slice name = SL_SLICE("untouched");
    assert_int_equal(sl_hello_server_name(SL_SLICE("\0\4\1\0\1x"), &name), SL_ENOENT);
    assert_true(sl_slice_eq(name, SL_SLICE("untouched")));
}

static void malformed_server_names_are_refused(void **state)
{
    SL_UNUSED(state);
    const struct {
        struct sl_slice body;
        enum sl_err rc;
    } cases[] = {
        { SL_SLICE(""), SL_EPROTO },
        { SL_SLICE("\0\0"), SL_EPROTO },                /* an empty list */
        { SL_SLICE("\0\3\0\0\0"), SL_EPROTO },          /* an empty name */
        { SL_SLICE("\0\6\0\0\4a.b"), SL_EPROTO },       /* cut off */
        { SL_SLICE("\0\5\0\0\3a.b"), SL_EPROTO },       /* the list is shorter than the name */
        { SL_SLICE("\0\6\0\0\3a.bc"), SL_EPROTO },      /* bytes behind the list */
        { SL_SLICE("\0\7\0\0\3a.b\0"), SL_EPROTO },     /* a type without its name */
        { SL_SLICE("\0\4\0\0\1."), SL_EINVAL },         /* nothing but the root */
        { SL_SLICE("\0\5\0\0\2a\0"), SL_EINVAL },       /* a NUL */
        { SL_SLICE("\0\5\0\0\2a "), SL_EINVAL },        /* a blank */
        { SL_SLICE("\0\5\0\0\2\xc3\xa4"), SL_EINVAL },  /* UTF-8 */
        { SL_SLICE("\0\4\0\0\1\x7f"), SL_EINVAL },      /* a control character */
        { SL_SLICE("\0\10\0\0\1a\0\0\1b"), SL_EINVAL }, /* two host names */
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_slice name = { NULL, 0 };
        assert_int_equal(sl_hello_server_name(cases[i].body, &name), cases[i].rc);
        assert_null(name.ptr);
    }
    uint8_t body[5 + 256] = { 0 };
    for (size_t len = 255; len <= 256; len++) {
        struct sl_wbuf b = sl_wbuf_of(body, sizeof(body));
        assert_int_equal(sl_wbuf_put_u16(&b, (uint16_t)(len + 3)), SL_OK);
        assert_int_equal(sl_wbuf_put_u8(&b, 0), SL_OK);
        assert_int_equal(sl_wbuf_put_u16(&b, (uint16_t)len), SL_OK);
        memset(body + 5, 'a', len);
        struct sl_slice name;
        assert_int_equal(sl_hello_server_name(sl_slice_of(body, 5 + len), &name),
                         len == 255 ? SL_OK : SL_EINVAL);
    }
}

static void only_names_that_a_certificate_can_have_are_dns_names(void **state)
{
    SL_UNUSED(state);
    const struct sl_slice good[] = { SL_SLICE("a"),
                                     SL_SLICE("a.b"),
                                     SL_SLICE("xn--bcher-kva.example"),
                                     SL_SLICE("_sip.example"),
                                     SL_SLICE("1.2.3.4.example"),
                                     SL_SLICE("1.2.3") };
    const struct sl_slice bad[] = {
        SL_SLICE(""),     SL_SLICE("."),           SL_SLICE("a."),    SL_SLICE(".a"),
        SL_SLICE("a..b"), SL_SLICE("*.a"),         SL_SLICE("a*.b"),  SL_SLICE("1.2.3.4"),
        SL_SLICE("::1"),  SL_SLICE("2001:db8::1"), SL_SLICE("[::1]"), SL_SLICE("a:443")
    };
    for (size_t i = 0; i < SL_COUNT(good); i++) {
        assert_true(sl_hello_is_dns_name(good[i]));
    }
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        assert_false(sl_hello_is_dns_name(bad[i]));
    }
    uint8_t name[254];
    memset(name, 'a', sizeof(name));
    assert_true(sl_hello_is_dns_name(sl_slice_of(name, 63)));
    assert_false(sl_hello_is_dns_name(sl_slice_of(name, 64)));
    for (size_t i = 1; i < sizeof(name); i += 2) {
        name[i] = '.';
    }
    assert_true(sl_hello_is_dns_name(sl_slice_of(name, 253)));
    name[252] = name[253] = 'b';
    assert_false(sl_hello_is_dns_name(sl_slice_of(name, 254)));
}

static void identities_of_keys_are_checked_and_walked(void **state)
{
    static const struct sl_slice BAD[] = {
        SL_SLICE_INIT(""),
        SL_SLICE_INIT("\0\0\0\2\1y"),               /* no identity */
        SL_SLICE_INIT("\0\6\0\0\0\0\0\0\0\2\1y"),   /* an empty one */
        SL_SLICE_INIT("\0\6\0\1a\0\0\0\0\2\1y"),    /* without all of its age */
        SL_SLICE_INIT("\0\7\0\1a\0\0\0\0"),         /* no binders */
        SL_SLICE_INIT("\0\7\0\1a\0\0\0\0\0\2\1yz"), /* more behind them */
    };
    struct sl_slice identities, one;
    SL_UNUSED(state);
    assert_int_equal(
        sl_hello_psks(SL_SLICE("\0\17\0\1a\0\0\0\0\0\2bc\0\0\0\7\0\2\1y"), &identities), SL_OK);
    assert_int_equal(sl_psk_next(&identities, &one), SL_OK);
    assert_true(sl_slice_eq(one, SL_SLICE("a")));
    assert_int_equal(sl_psk_next(&identities, &one), SL_OK);
    assert_true(sl_slice_eq(one, SL_SLICE("bc")));
    assert_int_equal(sl_psk_next(&identities, &one), SL_EOF);
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        assert_int_equal(sl_hello_psks(BAD[i], &identities), SL_EPROTO);
    }
}

static void alpn_lists_are_checked_and_walked(void **state)
{
    SL_UNUSED(state);
    struct sl_slice list, one;
    assert_int_equal(sl_hello_alpn(SL_SLICE("\0\14\2h2\10http/1.1"), &list), SL_OK);
    assert_true(sl_slice_eq(list, SL_SLICE("\2h2\10http/1.1")));
    assert_int_equal(sl_alpn_next(&list, &one), SL_OK);
    assert_true(sl_slice_eq(one, SL_SLICE("h2")));
    assert_int_equal(sl_alpn_next(&list, &one), SL_OK);
    assert_true(sl_slice_eq(one, SL_SLICE("http/1.1")));
    assert_int_equal(sl_alpn_next(&list, &one), SL_EOF);
    const struct sl_slice bad[] = {
        SL_SLICE(""),         SL_SLICE("\0\0"),      SL_SLICE("\0\1\0"),     SL_SLICE("\0\4\2h"),
        SL_SLICE("\0\3\3h2"), SL_SLICE("\0\3\2h2x"), SL_SLICE("\0\4\2h2\0"),
    };
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        assert_int_equal(sl_hello_alpn(bad[i], &list), SL_EPROTO);
    }
    struct sl_slice broken = SL_SLICE("\5ab");
    assert_int_equal(sl_alpn_next(&broken, &one), SL_EOF);
}

static void signatures_say_what_certificates_are_allowed(void **state)
{
    SL_UNUSED(state);
    const struct {
        struct sl_slice body;
        bool has_ecdsa, has_rsa, has_eddsa;
        unsigned curves;
    } cases[] = {
        { SL_SLICE("\0\2\4\3"), true, false, false, 1 << SL_EC_P256 },
        { SL_SLICE("\0\2\5\3"), true, false, false, 1 << SL_EC_P384 },
        { SL_SLICE("\0\2\6\3"), true, false, false, 1 << SL_EC_P521 },
        { SL_SLICE("\0\2\3\3"), true, false, false, 0 },
        { SL_SLICE("\0\2\2\3"), true, false, false },
        { SL_SLICE("\0\2\4\1"), false, true, false },
        { SL_SLICE("\0\2\10\4"), false, true, false },
        { SL_SLICE("\0\2\10\7"), false, false, true },
        { SL_SLICE("\0\2\10\11"), false, false, false }, /* rsa_pss_pss: another kind of key */
        { SL_SLICE("\0\2\4\2"), false, false, false },   /* DSA */
        { SL_SLICE("\0\4\x09\3\x7a\3"), false, false, false }, /* not known */
        { SL_SLICE("\0\6\4\3\10\4\10\10"), true, true, true, 1 << SL_EC_P256 },
        { SL_SLICE("\0\6\4\3\5\3\6\3"), true, false, false, SL_HELLO_CURVES_ALL },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_hello_signatures kinds;
        assert_int_equal(sl_hello_signatures(cases[i].body, &kinds), SL_OK);
        assert_int_equal(kinds.has_ecdsa, cases[i].has_ecdsa);
        assert_int_equal(kinds.has_rsa, cases[i].has_rsa);
        assert_int_equal(kinds.has_eddsa, cases[i].has_eddsa);
        assert_int_equal(kinds.ecdsa_curves, cases[i].curves);
    }
    const struct sl_slice bad[] = { SL_SLICE(""), SL_SLICE("\0\0"), SL_SLICE("\0\1\4"),
                                    SL_SLICE("\0\4\4\3"), SL_SLICE("\0\2\4\3\4") };
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        struct sl_hello_signatures kinds;
        assert_int_equal(sl_hello_signatures(bad[i], &kinds), SL_EPROTO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_bytes_are_named_as_soon_as_they_can_be),
        cmocka_unit_test(every_answer_has_a_name),
        cmocka_unit_test(server_names_are_read),
        cmocka_unit_test(malformed_server_names_are_refused),
        cmocka_unit_test(only_names_that_a_certificate_can_have_are_dns_names),
        cmocka_unit_test(identities_of_keys_are_checked_and_walked),
        cmocka_unit_test(alpn_lists_are_checked_and_walked),
        cmocka_unit_test(signatures_say_what_certificates_are_allowed),
    };
    return cmocka_run_group_tests_name("codec/client_hello", tests, NULL, NULL);
}
