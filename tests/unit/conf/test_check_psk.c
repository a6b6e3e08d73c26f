/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#define ACCEPT SERVICE "    listen: tls://127.0.0.1:1\n    connect: tcp://127.0.0.1:2\n"

static void a_service_with_keys_needs_no_certificates(void **state)
{
    SL_UNUSED(state);
    expect_findings(ACCEPT "    clients: { psk: { identity: a, key_file: a.psk } }\n", "");
    expect_findings(ACCEPT "    clients:\n      psk:\n"
                           "        - { identity: a, key_file: a.psk }\n"
                           "        - { identity: b, key_file: b.psk }\n",
                    "");
    expect_findings(ENCRYPT "    upstream: { psk: { identity: a, key_file: a.psk } }\n", "");
}

static void an_identity_stands_once(void **state)
{
    SL_UNUSED(state);
    expect_findings(ACCEPT "    clients:\n      psk:\n"
                           "        - { identity: a, key_file: a.psk }\n"
                           "        - { identity: b, key_file: b.psk }\n"
                           "        - { identity: a, key_file: c.psk }\n",
                    "9:23: error: this identity stands in 'psk' twice: first on line 7\n");
}

static void clients_that_show_certificates_have_a_service_of_their_own(void **state)
{
    SL_UNUSED(state);
    expect_findings(ACCEPT "    clients:\n      verify: request\n      ca: c.pem\n"
                           "      psk: { identity: a, key_file: a.psk }\n",
                    "6:15: error: 'verify' contradicts 'psk': a client with a key shows no "
                    "certificate; give the two a service each\n");
}

static void certificates_of_the_upstream_side_contradict_a_key(void **state)
{
    SL_UNUSED(state);
    expect_findings(ENCRYPT "    upstream:\n      psk: { identity: a, key_file: a.psk }\n"
                            "      verify: off\n      ca: c.pem\n"
                            "      certificate: { chain: m.pem }\n",
                    "7:15: error: 'verify' contradicts 'psk', which is in place of certificates: "
                    "leave one of the two out\n"
                    "8:11: error: 'ca' contradicts 'psk', which is in place of certificates: "
                    "leave one of the two out\n"
                    "9:29: error: 'certificate' contradicts 'psk', which is in place of "
                    "certificates: leave one of the two out\n");
}

static void keys_need_a_tls_url(void **state)
{
    SL_UNUSED(state);
    expect_findings(PLAIN "    clients: { psk: { identity: a, key_file: a.psk } }\n"
                          "    upstream: { psk: { identity: a, key_file: a.psk } }\n",
                    "5:33: error: 'clients' is for a tls:// listen URL: this service has none\n"
                    "6:34: error: 'psk' is for a tls:// connect URL: this service has none\n");
}

#define PLAIN_PSK                                                                                  \
    "policies:\n  p: { max_version: 1.2, ciphers: [PSK-AES128-GCM-SHA256] }\npolicy: p\n"

static void ciphers_for_keys_are_for_services_with_keys(void **state)
{
    SL_UNUSED(state);
    expect_findings(PLAIN_PSK ACCEPT "    clients: { psk: { identity: a, key_file: a.psk } }\n",
                    "3:9: warning: policy p offers PSK-AES128-GCM-SHA256, which has no forward "
                    "secrecy\n");
    expect_findings(PLAIN_PSK ENCRYPT "    upstream: { verify: on }\n",
                    "3:9: error: policy p has no ciphers for TLS 1.2 but those for pre-shared "
                    "keys ('psk'), and here is none\n");
    expect_findings("policies:\n  p: { ciphers: [RSA-PSK-AES128-GCM-SHA256] }\n" PLAIN,
                    "2:18: error: 'RSA-PSK-AES128-GCM-SHA256' wants a certificate and a "
                    "pre-shared key at once, which no service has\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_with_keys_needs_no_certificates),
        cmocka_unit_test(an_identity_stands_once),
        cmocka_unit_test(clients_that_show_certificates_have_a_service_of_their_own),
        cmocka_unit_test(certificates_of_the_upstream_side_contradict_a_key),
        cmocka_unit_test(keys_need_a_tls_url),
        cmocka_unit_test(ciphers_for_keys_are_for_services_with_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
