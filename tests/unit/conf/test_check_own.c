/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#define OWN ENCRYPT "    upstream:\n      certificate:\n"

static void one_or_several_certificates_are_for_an_upstream(void **state)
{
    SL_UNUSED(state);
    expect_findings(ENCRYPT "    upstream: { certificate: { chain: m.pem } }\n", "");
    expect_findings(OWN "        - { chain: m.pem }\n        - { chain: n.pem, key: n.key }\n", "");
    expect_findings(PLAIN "    upstream: { certificate: [{ chain: m.pem }, { chain: n.pem }] }\n",
                    "5:40: error: 'certificate' is for a tls:// connect URL: this service has "
                    "none\n");
}

static void a_chain_stands_once(void **state)
{
    SL_UNUSED(state);
    expect_findings(OWN "        - { chain: m.pem }\n        - { chain: n.pem }\n"
                        "        - { chain: m.pem, key: n.key }\n",
                    "9:20: error: this chain stands in 'certificate' twice: first on line 7\n");
}

static void each_of_them_is_looked_at(void **state)
{
    SL_UNUSED(state);
    expect_findings(OWN "        - { chain: m.pem }\n        - { chain: n.pem, ocsp: n.ocsp }\n"
                        "        - { chain: o.pem, pin_file: pin }\n",
                    "8:33: error: 'ocsp' is for certificates that clients are shown: an upstream "
                    "is sent no response\n"
                    "9:37: error: 'pin_file' is for what is on a token (pkcs11:): here is none\n");
    expect_findings(
        OWN "        - { key: m.key }\n",
        "7:11: error: 'chain' is missing in a certificate: PEM file with the "
        "certificates, leaf first, and maybe the key; or the pkcs11: URI of the leaf on a "
        "token\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_or_several_certificates_are_for_an_upstream),
        cmocka_unit_test(a_chain_stands_once),
        cmocka_unit_test(each_of_them_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
