/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/policies.h"
#include "expect.h"

#define POLICIES "policies:\n"

/* The policy of the service in `yaml`, which must be right. It lives in the arena. */
static const struct sl_policy *policy_of(const char *yaml, struct sl_arena *arena)
{
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    char text[4096];
    enum sl_err rc = conf_parse(yaml, arena, &findings, &conf);
    findings_text(&findings, text, sizeof(text));
    assert_string_equal(text, "");
    assert_int_equal(rc, SL_OK);
    return conf->services[0].policy;
}

static void what_is_left_out_is_that_of_the_one_extended(void **state)
{
    struct sl_arena arena;
    SL_UNUSED(state);
    const struct sl_policy *policy =
        policy_of(OFFLOAD "    policy: ours\n" POLICIES "  ours: { tickets: off }\n", &arena);
    const struct sl_policy *parent = sl_policy_find(SL_SLICE("intermediate"));
    assert_string_equal(policy->name, "ours");
    assert_false(policy->has_tickets);
    assert_int_equal(policy->min_version, parent->min_version);
    assert_int_equal(policy->max_version, parent->max_version);
    assert_string_equal(policy->suites, parent->suites);
    assert_string_equal(policy->ciphers, parent->ciphers);
    assert_string_equal(policy->groups, parent->groups);
    assert_string_equal(policy->signatures, parent->signatures);
    assert_int_equal(policy->security_level, parent->security_level);
    assert_int_equal(policy->is_server_order, parent->is_server_order);
    assert_int_equal(policy->session_s, parent->session_s);
    sl_arena_fini(&arena);
}

static void every_option_of_a_policy_counts(void **state)
{
    struct sl_arena arena;
    SL_UNUSED(state);
    const struct sl_policy *policy =
        policy_of(OFFLOAD POLICIES "  ours:\n"
                                   "    extends: mozilla-modern-6.0\n"
                                   "    min_version: 1.2\n"
                                   "    max_version: 1.3\n"
                                   "    suites: [TLS_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256]\n"
                                   "    ciphers: [ECDHE-ECDSA-AES256-GCM-SHA384]\n"
                                   "    groups: [secp384r1, X25519]\n"
                                   "    signatures: [ecdsa_secp384r1_sha384]\n"
                                   "    order: client\n"
                                   "    session: 90m\n"
                                   "    security_level: 3\n"
                                   "policy: ours\n",
                  &arena);
    assert_int_equal(policy->min_version, 0x0303);
    assert_int_equal(policy->max_version, 0x0304);
    assert_string_equal(policy->suites, "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256");
    assert_string_equal(policy->ciphers, "ECDHE-ECDSA-AES256-GCM-SHA384");
    assert_string_equal(policy->groups, "secp384r1:X25519");
    assert_string_equal(policy->signatures, "ecdsa_secp384r1_sha384");
    assert_false(policy->is_server_order);
    assert_true(policy->has_tickets);
    assert_int_equal(policy->session_s, 5400);
    assert_int_equal(policy->security_level, 3);
    assert_true(policy->is_ecdsa_only); /* of modern */
    sl_arena_fini(&arena);
}

static void policies_extend_each_other_in_any_order(void **state)
{
    struct sl_arena arena;
    SL_UNUSED(state);
    const struct sl_policy *policy =
        policy_of(OFFLOAD "    policy: c\n" POLICIES "  c: { extends: b, security_level: 0 }\n"
                          "  b: { extends: a, order: client }\n"
                          "  a: { order: server, session: 5m }\n",
                  &arena);
    assert_string_equal(policy->name, "c");
    assert_false(policy->is_server_order);
    assert_int_equal(policy->session_s, 300);
    assert_int_equal(policy->security_level, 0);
    sl_arena_fini(&arena);
}

static void an_upstream_has_the_policy_of_the_service_or_its_own(void **state)
{
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    SL_UNUSED(state);
    assert_int_equal(conf_parse(ENCRYPT "    policy: modern\n", &arena, &findings, &conf), SL_OK);
    assert_ptr_equal(conf->services[0].upstream.policy, conf->services[0].policy);
    assert_ptr_equal(conf->services[0].policy, sl_policy_find(SL_SLICE("modern")));
    sl_arena_fini(&arena);
    assert_int_equal(conf_parse(ENCRYPT "    policy: modern\n    upstream: { policy: old }\n",
                                &arena, &findings, &conf),
                     SL_OK);
    assert_ptr_equal(conf->services[0].upstream.policy, sl_policy_find(SL_SLICE("old")));
    assert_ptr_equal(conf->services[0].policy, sl_policy_find(SL_SLICE("modern")));
    sl_arena_fini(&arena);
    expect_findings(OFFLOAD "    upstream: { policy: old }\n",
                    "6:25: error: 'policy' is for a tls:// connect URL: this service has none\n");
}

static void what_contradicts_itself_is_an_error(void **state)
{
    static const struct {
        const char *policy, *wanted;
    } CASES[] = {
        { "{ extends: nobody }", "6:17: error: there is no policy 'nobody' to extend\n" },
        { "{ extends: p }", "6:17: error: policy 'p' extends itself, by way of 'p'\n" },
        { "{ min_version: 1.3, max_version: 1.2 }",
          "6:3: error: policy 'p' has a min_version above its max_version\n" },
        { "{ max_version: 1.2, suites: [TLS_AES_128_GCM_SHA256] }",
          "6:35: error: 'suites' are of TLS 1.3, which policy 'p' does not have\n" },
        { "{ min_version: 1.3, ciphers: [AES128-SHA] }",
          "6:36: error: 'ciphers' are of TLS 1.2 and below, which policy 'p' does not have\n" },
        { "{ extends: modern, min_version: 1.2 }",
          "6:3: error: policy 'p' has versions below TLS 1.3 and no 'ciphers' for them\n" },
        { "{ tickets: off, session: 1h }",
          "6:3: error: policy 'p' has a 'session' and no tickets\n" },
        { "{ ciphers: ['!aNULL'] }", "6:18: error: '!aNULL' is no name of an algorithm\n" },
        { "{ groups: ['X25519:P-256'] }",
          "6:17: error: 'X25519:P-256' is no name of an algorithm\n" },
        { "{ groups: ['*X25519'] }", "6:17: error: '*X25519' is no name of an algorithm\n" },
        { "{ min_version: 1.4 }",
          "6:21: error: 'min_version' cannot be '1.4': one of 1.0, 1.1, 1.2, 1.3\n" },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        char yaml[512];
        (void)snprintf(yaml, sizeof(yaml), PLAIN POLICIES "  p: %s\n", CASES[i].policy);
        expect_findings(yaml, CASES[i].wanted);
    }
    expect_findings(PLAIN POLICIES "  a: { extends: b }\n  b: { extends: a }\n",
                    "7:17: error: policy 'a' extends itself, by way of 'b'\n");
    expect_findings(PLAIN POLICIES "  old: { tickets: off }\n",
                    "6:3: error: 'old' is the name of a built-in policy\n");
    expect_findings(PLAIN POLICIES "  'a b': { tickets: off }\n",
                    "6:3: error: a policy cannot be named 'a b': letters, digits, '_', '.' and "
                    "'-', 1 to 64 of them\n");
    expect_findings(PLAIN POLICIES "  p: 3\n",
                    "6:3: error: a map of options is wanted in a policy\n");
}

static void nothing_is_offered_below_the_floor(void **state)
{
    SL_UNUSED(state);
    expect_findings(OFFLOAD "    policy: old\nfloor: intermediate\n",
                    "6:13: error: policy mozilla-old-5.8 offers TLS 1.0, which is below the floor, "
                    "mozilla-intermediate-6.0\n");
    expect_findings(ENCRYPT "    upstream: { policy: old }\nfloor: intermediate\n",
                    "5:25: error: policy mozilla-old-5.8 offers TLS 1.0, which is below the floor, "
                    "mozilla-intermediate-6.0\n");
    expect_findings(OFFLOAD "floor: modern\npolicy: intermediate\n",
                    "7:9: error: policy mozilla-intermediate-6.0 offers TLS 1.2, which is below "
                    "the floor, mozilla-modern-6.0\n");
    expect_findings(OFFLOAD "floor: modern\n",
                    "2:3: error: policy mozilla-intermediate-6.0 offers TLS 1.2, which is below "
                    "the floor, mozilla-modern-6.0\n");
    expect_findings(PLAIN "floor: modern\npolicy: old\n", ""); /* nothing of it is used */
    expect_findings(OFFLOAD "floor: ours\npolicy: ours\n" POLICIES "  ours: { extends: modern }\n",
                    "");
}

static void a_weak_policy_is_a_warning(void **state)
{
    SL_UNUSED(state);
    expect_findings(OFFLOAD "    policy: old\n",
                    "6:13: warning: policy mozilla-old-5.8 offers TLS 1.0, which RFC 8996 "
                    "forbids\n");
    expect_findings(ENCRYPT "    policy: ours\n" POLICIES "  ours: { ciphers: [AES128-SHA] }\n",
                    "5:13: warning: policy ours offers AES128-SHA, which has no forward "
                    "secrecy\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_out_is_that_of_the_one_extended),
        cmocka_unit_test(every_option_of_a_policy_counts),
        cmocka_unit_test(policies_extend_each_other_in_any_order),
        cmocka_unit_test(an_upstream_has_the_policy_of_the_service_or_its_own),
        cmocka_unit_test(what_contradicts_itself_is_an_error),
        cmocka_unit_test(nothing_is_offered_below_the_floor),
        cmocka_unit_test(a_weak_policy_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
