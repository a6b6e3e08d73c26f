/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/rules.h"
#include "expect.h"

#define CLIENTS OFFLOAD "    clients:\n      verify: require\n      ca: ca.pem\n"

static void rules_keep_their_order_and_names(void **state)
{
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    SL_UNUSED(state);
    assert_int_equal(conf_parse(CLIENTS "      rules:\n"
                                        "        - { allow: { uri: 'spiffe://example.org/*' } }\n"
                                        "        - { deny: { cn: 'old-*', ou: Ops } }\n"
                                        "        - allow: {}\n",
                                &arena, &findings, &conf),
                     SL_OK);
    const struct sl_conf_clients *clients = &conf->services[0].clients;
    assert_int_equal(clients->rules_count, 3);
    assert_int_equal(clients->rules_pos.line, 9);
    struct sl_peer_rule rule = sl_rules_peer_rule(&clients->rules[0]);
    assert_true(rule.is_allow);
    assert_string_equal(rule.patterns[SL_PEER_URI], "spiffe://example.org/*");
    assert_null(rule.patterns[SL_PEER_CN]);
    rule = sl_rules_peer_rule(&clients->rules[1]);
    assert_false(rule.is_allow);
    assert_string_equal(rule.patterns[SL_PEER_CN], "old-*");
    assert_string_equal(rule.patterns[SL_PEER_OU], "Ops");
    assert_null(rule.patterns[SL_PEER_URI]);
    rule = sl_rules_peer_rule(&clients->rules[2]);
    assert_true(rule.is_allow);
    for (size_t i = 0; i < SL_PEER_KINDS_COUNT; i++) {
        assert_null(rule.patterns[i]);
    }
    sl_arena_fini(&arena);
}

static void what_is_wrong_with_a_rule_is_said_at_its_place(void **state)
{
    SL_UNUSED(state);
    expect_findings(CLIENTS "      rules:\n"
                            "        - { allow: { uri: 'spiffe://example.org*' } }\n"
                            "        - { deny: { ip: 10.0.0.1/8 } }\n"
                            "        - { allow: {}, deny: {} }\n"
                            "        - {}\n"
                            "        - { permit: {} }\n",
                    "10:27: error: the '*' of a uri pattern stands behind the host and its '/', or "
                    "it would fit other hosts\n"
                    "11:25: error: the address has bits behind its prefix: all of them must be 0\n"
                    "12:24: error: a rule is either 'allow' or 'deny': write two\n"
                    "13:11: error: a rule is empty: it has 'allow' or 'deny'\n"
                    "14:13: error: unknown key 'permit' in a rule: the keys are allow, deny\n");
    expect_findings(CLIENTS "      rules: []\n",
                    "9:14: error: 'rules' is empty: a list of maps, each with allow or deny, 1 to "
                    "10000\n");
}

static void trust_is_set_only_where_it_is_verified(void **state)
{
    SL_UNUSED(state);
    expect_findings(OFFLOAD "    clients:\n      rules: [{ allow: {} }]\n"
                            "      crl: { files: a.crl }\n",
                    "7:7: error: 'rules' contradicts 'verify: off': leave one of the two out\n"
                    "8:7: error: 'crl' contradicts 'verify: off': leave one of the two out\n");
    expect_findings(ENCRYPT "    upstream:\n      verify: off\n      ca: system\n"
                            "      crl: { files: [a.crl] }\n      pins: [x]\n",
                    "6:15: warning: the upstream is not verified: anyone on the path can answer "
                    "for it\n"
                    "7:11: error: 'ca' contradicts 'verify: off': leave one of the two out\n"
                    "8:7: error: 'crl' contradicts 'verify: off': leave one of the two out\n"
                    "9:13: error: 'pins' contradicts 'verify: off': leave one of the two out\n"
                    "9:14: error: a pin is the SHA-256 of a SubjectPublicKeyInfo, in base64 or as "
                    "64 hexadecimal digits\n");
    expect_findings(PLAIN "    clients: { rules: [{ allow: {} }] }\n",
                    "5:16: error: 'clients' is for a tls:// listen URL: this service has none\n");
}

static void authorities_are_a_file_or_the_systems(void **state)
{
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    SL_UNUSED(state);
    assert_int_equal(conf_parse(ENCRYPT "    upstream:\n      ca: system\n"
                                        "      crl: { files: [a.crl, /b.crl], stale: warn }\n",
                                &arena, &findings, &conf),
                     SL_OK);
    const struct sl_conf_upstream *upstream = &conf->services[0].upstream;
    assert_null(upstream->ca.path);
    assert_int_equal(upstream->ca.pos.line, 6);
    assert_int_equal(upstream->depth, 8);
    assert_int_equal(upstream->crl.files_count, 2);
    assert_string_equal(upstream->crl.files[0].path, "/etc/sluice/a.crl");
    assert_string_equal(upstream->crl.files[1].path, "/b.crl");
    assert_int_equal(upstream->crl.stale, SL_STALE_WARN);
    sl_arena_fini(&arena);
    assert_int_equal(conf_parse(ENCRYPT "    upstream:\n      ca: ./system\n"
                                        "      crl: { files: a.crl }\n",
                                &arena, &findings, &conf),
                     SL_OK);
    assert_string_equal(conf->services[0].upstream.ca.path, "/etc/sluice/./system");
    assert_int_equal(conf->services[0].upstream.crl.files_count, 1);
    assert_int_equal(conf->services[0].upstream.crl.stale, SL_STALE_FAIL);
    sl_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_keep_their_order_and_names),
        cmocka_unit_test(what_is_wrong_with_a_rule_is_said_at_its_place),
        cmocka_unit_test(trust_is_set_only_where_it_is_verified),
        cmocka_unit_test(authorities_are_a_file_or_the_systems),
    };
    return cmocka_run_group_tests_name("conf/rules", tests, NULL, NULL);
}
