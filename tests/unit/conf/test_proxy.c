/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/proxy.h"
#include "expect.h"

#define PLAIN_V2   PLAIN "    upstream: { proxy_protocol: v2"
#define OFFLOAD_V2 OFFLOAD "    upstream: { proxy_protocol: v2"

static void headers_both_ways_are_right(void **state)
{
    SL_UNUSED(state);
    expect_findings(PLAIN "    upstream: { proxy_protocol: v1 }\n", "");
    expect_findings(PLAIN_V2 ", proxy_tlvs: [unique_id, crc32c] }\n", "");
    expect_findings(PLAIN_V2 ", proxy_tlvs: [none] }\n", "");
    expect_findings(OFFLOAD_V2 ", proxy_tlvs: [alpn, authority, crc32c, unique_id, ssl, "
                               "ssl_version, ssl_cn, ssl_cipher, ssl_sig_alg, ssl_key_alg, "
                               "ssl_group, ssl_sig_scheme, resumed] }\n",
                    "");
    expect_findings(PLAIN "    proxy_protocol: { from: 10.0.0.0/8 }\n", "");
    expect_findings(PLAIN_V2 " }\n    proxy_protocol: { from: [10.0.0.0/8, \"::1\"], "
                             "pass: [alpn, authority, unique_id, ssl, netns, 0xEA, 224] }\n",
                    "");
    expect_findings(SERVICE "    listen: unix:/a\n    connect: tcp://h:1\n"
                            "    proxy_protocol: { from: unix }\n",
                    "");
}

static void tlvs_need_a_header_that_has_some(void **state)
{
    SL_UNUSED(state);
    expect_findings(PLAIN "    upstream: { proxy_tlvs: [unique_id] }\n",
                    "5:29: error: 'proxy_tlvs' needs 'proxy_protocol: v2' beside it: no other "
                    "header has any\n");
    expect_findings(PLAIN "    upstream: { proxy_protocol: v1, proxy_tlvs: [unique_id] }\n",
                    "5:49: error: 'proxy_tlvs' needs 'proxy_protocol: v2' beside it: no other "
                    "header has any\n");
    expect_findings(PLAIN "    proxy_protocol: { from: 10.0.0.0/8, pass: [netns] }\n",
                    "5:47: error: 'pass' needs 'upstream.proxy_protocol: v2': there is no header "
                    "to pass them on in\n");
}

static void what_tells_of_tls_needs_clients_that_speak_it(void **state)
{
    static const char *const WORDS[] = { "alpn",           "authority",       "ssl",
                                         "ssl_version",    "ssl_cn",          "ssl_cipher",
                                         "ssl_sig_alg",    "ssl_key_alg",     "ssl_group",
                                         "ssl_sig_scheme", "ssl_client_cert", "resumed" };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(WORDS); i++) {
        char yaml[512], expected[256];
        (void)snprintf(yaml, sizeof(yaml), PLAIN_V2 ", proxy_tlvs: [unique_id, %s] }\n", WORDS[i]);
        (void)snprintf(expected, sizeof(expected),
                       "5:49: error: '%s' tells of TLS with the client: this service has no tls:// "
                       "listen URL\n",
                       WORDS[i]);
        expect_findings(yaml, expected);
    }
}

static void a_client_certificate_is_told_where_one_is_asked_for(void **state)
{
    SL_UNUSED(state);
    expect_findings(OFFLOAD_V2 ", proxy_tlvs: [ssl_client_cert] }\n",
                    "6:49: error: 'ssl_client_cert' needs 'clients.verify': clients are asked for "
                    "no certificate\n");
    expect_findings(OFFLOAD_V2 ", proxy_tlvs: [ssl_client_cert] }\n"
                               "    clients: { verify: request, ca: c.pem }\n",
                    "");
}

static void senders_must_be_named_and_there(void **state)
{
    SL_UNUSED(state);
    expect_findings(PLAIN_V2 " }\n    proxy_protocol: { pass: [netns] }\n",
                    "6:5: error: 'from' is missing in 'proxy_protocol': who must begin with a "
                    "header: prefixes, addresses, and unix for unix: listen URLs\n");
    expect_findings(PLAIN "    proxy_protocol: { from: [10.0.0.0/8, unix] }\n",
                    "5:29: error: 'unix' is for a unix: listen URL: this service has none\n");
    static const char *const ALL[] = { "0.0.0.0/0", "\"::/0\"", "[10.0.0.1, \"::/0\"]" };
    for (size_t i = 0; i < SL_COUNT(ALL); i++) {
        char yaml[512];
        (void)snprintf(yaml, sizeof(yaml), PLAIN "    proxy_protocol: { from: %s }\n", ALL[i]);
        expect_findings(yaml,
                        "5:29: warning: PROXY headers are believed from anywhere: whoever can "
                        "connect may say any client address\n");
    }
}

static void words_that_are_none_are_refused(void **state)
{
    SL_UNUSED(state);
    expect_findings(PLAIN_V2 ", proxy_tlvs: [unique_id, uniqe_id] }\n",
                    "5:61: error: 'proxy_tlvs' cannot be 'uniqe_id': a list of alpn, authority, "
                    "crc32c, unique_id, ssl, ssl_version, ssl_cn, ssl_cipher, ssl_sig_alg, "
                    "ssl_key_alg, ssl_group, ssl_sig_scheme, ssl_client_cert, resumed, none\n");
    expect_findings(PLAIN_V2 ", proxy_tlvs: [unique_id, unique_id] }\n",
                    "5:61: error: 'unique_id' stands in 'proxy_tlvs' twice\n");
    expect_findings(PLAIN_V2 ", proxy_tlvs: [unique_id, none] }\n",
                    "5:61: error: 'none' in 'proxy_tlvs' leaves no room for others\n");
    expect_findings(PLAIN_V2 " }\n    proxy_protocol: { from: 10.0.0.1, pass: [0x300] }\n",
                    "6:46: error: 'pass' cannot be '0x300': a list of 1 to 32: alpn, authority, "
                    "unique_id, ssl, netns, or 0x01 to 0xFF\n");
    expect_findings(PLAIN_V2 " }\n    proxy_protocol: { from: 10.0.0.1, pass: [0x03] }\n",
                    "6:46: error: 'pass' cannot be '0x03': it belongs to one header alone\n");
    expect_findings(PLAIN_V2 " }\n    proxy_protocol: { from: 10.0.0.1, pass: [netns, 0x30] }\n",
                    "6:53: error: '0x30' stands in 'pass' twice\n");
}

static void the_default_tells_what_costs_nothing(void **state)
{
    struct sl_conf_upstream upstream = { 0 };
    SL_UNUSED(state);
    struct sl_proxy_types told = sl_proxy_told(&upstream);
    assert_true(sl_proxy_types_have(&told, SL_PROXY_TLV_UNIQUE_ID));
    assert_true(sl_proxy_types_have(&told, SL_PROXY_TLV_SSL_CN));
    assert_false(sl_proxy_types_have(&told, SL_PROXY_TLV_SSL_CLIENT_CERT));
    assert_false(sl_proxy_types_have(&told, SL_PROXY_TLV_SSL_SIG_ALG));
    assert_false(sl_proxy_types_have(&told, SL_PROXY_TLV_CRC32C));
    upstream.proxy_tlvs_pos.line = 1;
    sl_proxy_types_add(&upstream.proxy_tlvs, SL_PROXY_TLV_CRC32C);
    told = sl_proxy_told(&upstream);
    assert_true(sl_proxy_types_have(&told, SL_PROXY_TLV_CRC32C));
    assert_false(sl_proxy_types_have(&told, SL_PROXY_TLV_UNIQUE_ID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_both_ways_are_right),
        cmocka_unit_test(tlvs_need_a_header_that_has_some),
        cmocka_unit_test(what_tells_of_tls_needs_clients_that_speak_it),
        cmocka_unit_test(a_client_certificate_is_told_where_one_is_asked_for),
        cmocka_unit_test(senders_must_be_named_and_there),
        cmocka_unit_test(words_that_are_none_are_refused),
        cmocka_unit_test(the_default_tells_what_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
