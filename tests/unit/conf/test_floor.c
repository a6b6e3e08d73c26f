/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/floor.h"
#include "expect.h"

static struct sl_policy copy_of(const char *name)
{
    const struct sl_policy *policy = sl_policy_find(sl_slice_cstr(name));
    assert_non_null(policy);
    return *policy;
}

static void expect_above(const char *floor, const struct sl_policy *policy, const char *wanted)
{
    const struct sl_policy limit = copy_of(floor);
    char text[160] = "";
    struct sl_wbuf out = sl_wbuf_of(text, sizeof(text) - 1);
    bool is_above = sl_floor_is_above(&limit, policy, &out);
    assert_string_equal(text, wanted);
    assert_int_equal(is_above, wanted[0] != '\0');
}

static void expect_weak(const struct sl_policy *policy, const char *wanted)
{
    char text[160] = "";
    struct sl_wbuf out = sl_wbuf_of(text, sizeof(text) - 1);
    bool is_weak = sl_floor_is_weak(policy, &out);
    assert_string_equal(text, wanted);
    assert_int_equal(is_weak, wanted[0] != '\0');
}

static void a_policy_stands_on_itself_and_on_what_is_wider(void **state)
{
    const char *const NAMES[] = { "modern", "intermediate", "old" };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(NAMES); i++) {
        for (size_t j = i; j < SL_COUNT(NAMES); j++) {
            const struct sl_policy policy = copy_of(NAMES[i]);
            expect_above(NAMES[j], &policy, "");
        }
    }
}

static void the_first_thing_that_the_floor_lacks_is_said(void **state)
{
    SL_UNUSED(state);
    struct sl_policy policy = copy_of("old");
    expect_above("intermediate", &policy, "offers TLS 1.0");
    policy.min_version = 0x0302;
    expect_above("intermediate", &policy, "offers TLS 1.1");
    policy.min_version = 0x0303;
    expect_above("intermediate", &policy, "has security level 0");
    policy.security_level = 2;
    expect_above("intermediate", &policy, "offers the cipher ECDHE-ECDSA-AES128-SHA256");
    policy.ciphers = copy_of("intermediate").ciphers;
    expect_above("intermediate", &policy, "offers the signature algorithm ECDSA+SHA1");
    policy.signatures = "ed25519";
    expect_above("intermediate", &policy, "");
    policy.groups = "X25519:secp521r1";
    expect_above("intermediate", &policy, "offers the group secp521r1");
    policy = copy_of("intermediate");
    policy.suites = "TLS_AES_128_CCM_SHA256";
    expect_above("intermediate", &policy, "offers the suite TLS_AES_128_CCM_SHA256");
    policy = copy_of("modern");
    policy.is_ecdsa_only = false;
    expect_above("modern", &policy, "allows certificates that are not ECDSA");
}

static void what_a_version_does_not_use_does_not_count(void **state)
{
    SL_UNUSED(state);
    struct sl_policy policy = copy_of("modern");
    policy.ciphers = "DES-CBC3-SHA"; /* of TLS 1.2, which it does not have */
    expect_above("modern", &policy, "");
    expect_weak(&policy, "");
    policy = copy_of("intermediate");
    policy.max_version = 0x0303;
    policy.suites = "TLS_AES_128_CCM_SHA256";
    expect_above("intermediate", &policy, "");
}

static void weakness_is_said_with_its_reason(void **state)
{
    static const struct {
        const char *ciphers, *wanted;
    } CASES[] = {
        { "ECDHE-ECDSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256", "" },
        { "AES128-GCM-SHA256", "offers AES128-GCM-SHA256, which has no forward secrecy" },
        { "ECDHE-PSK-CHACHA20-POLY1305:DHE-PSK-AES256-GCM-SHA384", "" },
        { "PSK-AES128-GCM-SHA256", "offers PSK-AES128-GCM-SHA256, which has no forward secrecy" },
        { "ECDHE-ECDSA-AES128-CCM8",
          "offers ECDHE-ECDSA-AES128-CCM8, which has a tag of 64 bits, which is short" },
        { "ECDHE-RSA-NULL-SHA", "offers ECDHE-RSA-NULL-SHA, which encrypts nothing" },
        { "ADH-AES128-SHA", "offers ADH-AES128-SHA, which authenticates nobody" },
        { "AECDH-AES128-SHA", "offers AECDH-AES128-SHA, which authenticates nobody" },
        { "ECDHE-RSA-RC4-SHA", "offers ECDHE-RSA-RC4-SHA, which is broken" },
        { "ECDHE-RSA-DES-CBC3-SHA",
          "offers ECDHE-RSA-DES-CBC3-SHA, which has blocks of 64 bits, which is too short "
          "(CVE-2016-2183)" },
    };
    SL_UNUSED(state);
    struct sl_policy policy = copy_of("intermediate");
    expect_weak(&policy, "");
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        policy.ciphers = CASES[i].ciphers;
        expect_weak(&policy, CASES[i].wanted);
    }
    policy = copy_of("old");
    expect_weak(&policy, "offers TLS 1.0, which RFC 8996 forbids");
    policy = copy_of("modern");
    expect_weak(&policy, "");
}

static void what_does_not_fit_is_cut(void **state)
{
    char text[9] = "";
    struct sl_wbuf out = sl_wbuf_of(text, sizeof(text) - 1);
    const struct sl_policy old = copy_of("old"), modern = copy_of("modern");
    SL_UNUSED(state);
    assert_true(sl_floor_is_above(&modern, &old, &out));
    assert_string_equal(text, "offers T");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_stands_on_itself_and_on_what_is_wider),
        cmocka_unit_test(the_first_thing_that_the_floor_lacks_is_said),
        cmocka_unit_test(what_a_version_does_not_use_does_not_count),
        cmocka_unit_test(weakness_is_said_with_its_reason),
        cmocka_unit_test(what_does_not_fit_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
