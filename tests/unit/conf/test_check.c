/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

static void the_three_patterns_and_the_relay_are_right(void **state)
{
    SL_UNUSED(state);
    expect_findings(PLAIN, "");
    expect_findings(OFFLOAD, "");
    expect_findings(ENCRYPT, "");
    expect_findings(SERVICE "    listen: tls://:1\n    connect: tls://h:1\n"
                            "    certificates: [{ chain: c.pem }]\n    alpn: [h2]\n"
                            "    upstream: { ca: a.pem, name: n, certificate: { chain: m.pem } }\n"
                            "    clients: { verify: require, ca: c.pem }\n",
                    "");
}

static void a_tls_listen_url_needs_certificates(void **state)
{
    SL_UNUSED(state);
    expect_findings(SERVICE "    listen: tls://:1\n    connect: tcp://h:1\n",
                    "3:13: error: a tls:// listen URL needs 'certificates': a chain and its key\n");
}

static void certificates_need_a_tls_listen_url(void **state)
{
    SL_UNUSED(state);
    expect_findings(
        PLAIN "    certificates: [{ chain: c.pem }]\n",
        "5:29: error: 'certificates' are for a tls:// listen URL: this service has none\n");
}

static void alpn_needs_tls_on_one_side(void **state)
{
    SL_UNUSED(state);
    expect_findings(ENCRYPT "    alpn: [h2]\n", "");
    expect_findings(OFFLOAD "    alpn: [h2]\n", "");
    expect_findings(PLAIN "    alpn: [h2]\n",
                    "5:12: error: 'alpn' needs a tls:// URL: this service has none, neither listen "
                    "nor connect\n");
}

static void clients_need_a_tls_listen_url(void **state)
{
    SL_UNUSED(state);
    expect_findings(ENCRYPT "    clients: { verify: require, ca: c.pem }\n",
                    "5:37: error: 'clients' is for a tls:// listen URL: this service has none\n");
    expect_findings(ENCRYPT "    clients: { verify: off }\n",
                    "5:24: error: 'clients' is for a tls:// listen URL: this service has none\n");
    expect_findings(OFFLOAD "    clients: { verify: off }\n", "");
}

static void records_of_our_own_need_the_keys(void **state)
{
    SL_UNUSED(state);
    expect_findings(OFFLOAD "record_layer: own\nfast_kdf: off\n",
                    "6:15: error: 'record_layer: own' contradicts 'fast_kdf: off', which leaves no "
                    "way to the keys of a connection: set it to library, or fast_kdf to on\n");
    expect_findings(OFFLOAD "record_layer: own\n", "");
    expect_findings(OFFLOAD "record_layer: library\nfast_kdf: off\n", "");
    expect_findings(OFFLOAD "fast_kdf: off\n", "");
}

static void clients_are_verified_by_a_ca_or_not_at_all(void **state)
{
    static const char *const MISSING =
        "6:24: error: clients cannot be verified without 'ca', the file of those who sign for "
        "them\n";
    SL_UNUSED(state);
    expect_findings(OFFLOAD "    clients: { verify: request }\n", MISSING);
    expect_findings(OFFLOAD "    clients: { verify: require }\n", MISSING);
    expect_findings(OFFLOAD "    clients: { verify: off, ca: c.pem }\n",
                    "6:33: error: 'ca' contradicts 'verify: off': set verify to request or "
                    "require, or leave ca out\n");
    expect_findings(OFFLOAD "    clients: { ca: c.pem }\n",
                    "6:20: error: 'ca' contradicts 'verify: off': set verify to request or "
                    "require, or leave ca out\n");
    expect_findings(OFFLOAD "    clients: { verify: request, ca: c.pem }\n", "");
}

static void what_is_for_a_tls_upstream_needs_one(void **state)
{
    SL_UNUSED(state);
    expect_findings(PLAIN "    upstream:\n      verify: on\n      ca: a.pem\n      name: n\n"
                          "      certificate: { chain: c.pem }\n      proxy_protocol: v2\n",
                    "6:15: error: 'verify' is for a tls:// connect URL: this service has none\n"
                    "7:11: error: 'ca' is for a tls:// connect URL: this service has none\n"
                    "8:13: error: 'name' is for a tls:// connect URL: this service has none\n"
                    "9:29: error: 'certificate' is for a tls:// connect URL: this service has "
                    "none\n");
}

static void an_upstream_that_is_not_verified_is_warned_of(void **state)
{
    static const char *const WARNING = "5:25: warning: the upstream is not verified: anyone on "
                                       "the path can answer for it\n";
    SL_UNUSED(state);
    expect_findings(ENCRYPT "    upstream: { verify: off }\n", WARNING);
    expect_findings(ENCRYPT "    upstream: { verify: off, name: n }\n", WARNING);
    expect_findings(ENCRYPT "    upstream: { verify: off, ca: a.pem }\n",
                    "5:25: warning: the upstream is not verified: anyone on the path can answer "
                    "for it\n"
                    "5:34: error: 'ca' contradicts 'verify: off': leave one of the two out\n");
}

static void the_urls_of_a_list_are_all_tls_or_none(void **state)
{
    SL_UNUSED(state);
    expect_findings(SERVICE "    listen: [tcp://:1, unix:/a]\n    connect: [tcp://h:1, unix:/b]\n",
                    "");
    expect_findings(SERVICE "    listen: [tls://:1, tcp://:2]\n    connect: [unix:/b, tls://h:1]\n"
                            "    certificates: [{ chain: c.pem }]\n",
                    "3:24: error: tls:// and other URLs cannot be mixed in one list: the first, on "
                    "line 3, is tls://\n"
                    "4:24: error: tls:// and other URLs cannot be mixed in one list: the first, on "
                    "line 4, is not\n");
}

/* Two services that listen on these. */
static void two_check(const char *first, const char *second, const char *wanted)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml),
                   "services:\n  a:\n    listen: %s\n    connect: tcp://h:1\n"
                   "  b:\n    listen: %s\n    connect: tcp://h:1\n",
                   first, second);
    expect_findings(yaml, wanted);
}

static void no_address_is_listened_on_twice(void **state)
{
    SL_UNUSED(state);
    two_check("tcp://127.0.0.1:1", "tcp://127.0.0.1:2", "");
    two_check("tcp://127.0.0.1:0", "tcp://127.0.0.1:0", "");
    two_check("tcp://127.0.0.1:1", "tcp://127.0.0.2:1", "");
    two_check("tcp://127.0.0.1:1", "tcp://127.0.0.1:1",
              "6:13: error: 127.0.0.1:1 is listened on twice: first on line 3\n");
    two_check("tcp://[::1]:1", "tcp://[0:0::1]:1",
              "6:13: error: [::1]:1 is listened on twice: first on line 3\n");
    two_check("unix:/a", "unix:/a", "6:13: error: unix:/a is listened on twice: first on line 3\n");
    two_check("unix:a", "unix:/etc/sluice/a",
              "6:13: error: unix:/etc/sluice/a is listened on twice: first on line 3\n");
    two_check("unix:/a", "unix:/b", "");
    two_check("[tcp://:1, tcp://:2, tcp://:1]", "tcp://:3",
              "3:34: error: [::]:1 is listened on twice: first on line 3\n");
}

static void a_listen_url_without_host_is_all_addresses(void **state)
{
    SL_UNUSED(state);
    two_check("tcp://[::]:1", "tcp://0.0.0.0:1", "");
    two_check("tcp://[::]:1", "tcp://:1",
              "6:13: error: [::]:1 is listened on twice: first on line 3\n");
    two_check("tcp://:1", "tcp://0.0.0.0:1",
              "6:13: error: 0.0.0.0:1 is listened on twice: first on line 3\n");
}

static void a_scheme_does_not_make_another_address(void **state)
{
    SL_UNUSED(state);
    expect_findings("services:\n  a:\n    listen: tls://:1\n    connect: tcp://h:1\n"
                    "    certificates: [{ chain: c.pem }]\n"
                    "  b:\n    listen: tcp://:1\n    connect: tcp://h:1\n",
                    "7:13: error: [::]:1 is listened on twice: first on line 3\n");
}

static void of_an_option_with_mistakes_nothing_is_concluded(void **state)
{
    SL_UNUSED(state);
    expect_findings(SERVICE "    listen: tsl://:1\n    connect: tsl://h:1\n"
                            "    certificates: [{ chain: c.pem }]\n    alpn: [h2]\n"
                            "    clients: { verify: require, ca: c.pem }\n"
                            "    upstream: { name: n }\n",
                    "3:13: error: unknown scheme 'tsl': tcp, tls or unix\n"
                    "4:14: error: unknown scheme 'tsl': tcp, tls or unix\n");
    expect_findings(SERVICE "    listen: tls://:1\n    connect: tcp://h:1\n    certificates: c\n"
                            "    clients: { verify: requir, ca: c.pem }\n",
                    "5:19: error: 'certificates' cannot be a single value: a list of maps, each "
                    "behind '- ', 1 to 1000000\n"
                    "6:24: error: 'verify' cannot be 'requir': one of off, request, require\n");
    expect_findings("workers: &n 1\n" SERVICE "    listen: tls://:1\n    connect: tcp://h:1\n"
                    "    certificates: *n\n",
                    "6:19: error: the alias *n is not allowed: write the value out\n");
    expect_findings(ENCRYPT "    upstream: { verify: of, ca: a.pem }\n",
                    "5:25: error: 'verify' cannot be 'of': a switch, on, off\n");
    expect_findings(SERVICE "    listen: tls://:1\n    connect: tcp://h:1\n"
                            "    certificats: [{ chain: c.pem }]\n",
                    "5:5: error: unknown key 'certificats' in a service: did you mean "
                    "'certificates'?\n");
}

static void a_passphrase_is_for_a_file_and_a_pin_for_a_token(void **state)
{
#define CERTIFICATE(map) ENCRYPT "    upstream:\n      certificate: { chain: c.pem, " map " }\n"
    SL_UNUSED(state);
    expect_findings(CERTIFICATE("key: k.pem, passphrase_file: p"), "");
    expect_findings(CERTIFICATE("key: 'pkcs11:object=k', pin_file: p"), "");
    expect_findings(CERTIFICATE("key: 'pkcs11:object=k', passphrase_file: p"),
                    "6:77: error: 'passphrase_file' is for a key in a file: this one is on a token "
                    "('pin_file')\n");
    expect_findings(CERTIFICATE("key: k.pem, pin_file: p"),
                    "6:58: error: 'pin_file' is for what is on a token (pkcs11:): here is none\n");
    expect_findings(CERTIFICATE("key: 'pkcs11:object=k?pin-source=/p', pin_file: p"),
                    "6:84: error: 'pin_file' contradicts the pin-source of the URI: leave one of "
                    "the two out\n");
#undef CERTIFICATE
}

static void what_is_strict_is_so_toward_clients(void **state)
{
    SL_UNUSED(state);
    expect_findings(OFFLOAD "    sni: strict\n    alpn: [h2]\n    alpn_strict: on\n", "");
    expect_findings(OFFLOAD "    alpn_strict: on\n",
                    "6:18: error: 'alpn_strict' needs 'alpn', the protocols that are spoken\n");
    expect_findings(ENCRYPT "    sni: strict\n",
                    "5:10: error: 'sni' is for a tls:// listen URL: this service has none\n");
    expect_findings(ENCRYPT "    alpn: [h2]\n    alpn_strict: on\n",
                    "6:18: error: 'alpn_strict' is for a tls:// listen URL: this service has "
                    "none\n");
    expect_findings(OFFLOAD "    sni: exact\n",
                    "6:10: error: 'sni' cannot be 'exact': one of default, strict\n");
}

static void the_log_goes_to_stderr_or_an_absolute_path(void **state)
{
    SL_UNUSED(state);
    expect_findings("log: { to: /var/log/x.log }\n" SERVICE
                    "    listen: tcp://127.0.0.1:1\n    connect: tcp://h:2\n",
                    "");
    expect_findings("log: { to: \"syslog:/x\" }\n" SERVICE
                    "    listen: tcp://127.0.0.1:1\n    connect: tcp://h:2\n",
                    "");
    expect_findings("log: { to: journald, format: json }\n" SERVICE
                    "    listen: tcp://127.0.0.1:1\n    connect: tcp://h:2\n",
                    "1:12: error: 'journald' contradicts 'format: json': it gets every field as "
                    "one of its own\n");
    expect_findings("log: { to: stderr }\n" SERVICE
                    "    listen: tcp://127.0.0.1:1\n    connect: tcp://h:2\n",
                    "");
    expect_findings("log: { to: x.log }\n" SERVICE
                    "    listen: tcp://127.0.0.1:1\n    connect: tcp://h:2\n",
                    "1:12: error: 'x.log' is neither stderr, syslog or journald nor an "
                    "absolute path\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_patterns_and_the_relay_are_right),
        cmocka_unit_test(the_log_goes_to_stderr_or_an_absolute_path),
        cmocka_unit_test(a_tls_listen_url_needs_certificates),
        cmocka_unit_test(certificates_need_a_tls_listen_url),
        cmocka_unit_test(alpn_needs_tls_on_one_side),
        cmocka_unit_test(what_is_strict_is_so_toward_clients),
        cmocka_unit_test(clients_need_a_tls_listen_url),
        cmocka_unit_test(records_of_our_own_need_the_keys),
        cmocka_unit_test(clients_are_verified_by_a_ca_or_not_at_all),
        cmocka_unit_test(what_is_for_a_tls_upstream_needs_one),
        cmocka_unit_test(an_upstream_that_is_not_verified_is_warned_of),
        cmocka_unit_test(the_urls_of_a_list_are_all_tls_or_none),
        cmocka_unit_test(no_address_is_listened_on_twice),
        cmocka_unit_test(a_listen_url_without_host_is_all_addresses),
        cmocka_unit_test(a_scheme_does_not_make_another_address),
        cmocka_unit_test(of_an_option_with_mistakes_nothing_is_concluded),
        cmocka_unit_test(a_passphrase_is_for_a_file_and_a_pin_for_a_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
