/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/policy.h"
#include "expect.h"

static const struct sl_policy *found(const char *name)
{
    const struct sl_policy *policy = sl_policy_find(sl_slice_cstr(name));
    assert_non_null(policy);
    assert_string_equal(sl_policy_short_name(policy), name);
    assert_ptr_equal(sl_policy_find(sl_slice_cstr(policy->name)), policy);
    return policy;
}

static void modern_is_tls_1_3_alone(void **state)
{
    const struct sl_policy *policy = found("modern");
    SL_UNUSED(state);
    assert_int_equal(policy->min_version, 0x0304);
    assert_int_equal(policy->max_version, 0x0304);
    assert_string_equal(
        policy->suites,
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    assert_string_equal(policy->ciphers, "");
    assert_string_equal(policy->groups, "X25519MLKEM768:X25519:prime256v1:secp384r1");
    assert_true(policy->is_ecdsa_only);
    assert_true(policy->is_server_order);
}

static void intermediate_adds_tls_1_2_with_forward_secrecy(void **state)
{
    const struct sl_policy *policy = found("intermediate");
    SL_UNUSED(state);
    assert_int_equal(policy->min_version, 0x0303);
    assert_int_equal(policy->max_version, 0x0304);
    assert_string_equal(policy->ciphers,
                        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                        "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305");
    assert_null(strstr(policy->signatures, "SHA1"));
    assert_false(policy->is_ecdsa_only);
    assert_true(policy->is_server_order);
}

static void old_begins_with_intermediate_and_goes_down_to_tls_1_0(void **state)
{
    const struct sl_policy *old = found("old"), *intermediate = found("intermediate");
    SL_UNUSED(state);
    assert_int_equal(old->min_version, 0x0301);
    assert_int_equal(old->max_version, 0x0304);
    assert_int_equal(old->security_level, 0);
    assert_true(old->is_server_order);
    assert_true(sl_slice_starts(sl_slice_cstr(old->ciphers), sl_slice_cstr(intermediate->ciphers)));
    assert_string_equal(old->ciphers + strlen(intermediate->ciphers),
                        ":ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256"
                        ":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
                        ":ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384"
                        ":ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA"
                        ":AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256"
                        ":AES128-SHA:AES256-SHA:DES-CBC3-SHA");
    assert_non_null(strstr(old->signatures, "SHA1"));
}

static void a_name_with_its_version_never_means_another(void **state)
{
    SL_UNUSED(state);
    assert_string_equal(found("modern")->name, "mozilla-modern-6.0");
    assert_string_equal(found("intermediate")->name, "mozilla-intermediate-6.0");
    assert_string_equal(found("old")->name, "mozilla-old-5.8");
    assert_null(sl_policy_short_name(&(struct sl_policy){ .name = "modern" }));
}

static void there_is_no_policy_of_another_name(void **state)
{
    SL_UNUSED(state);
    assert_null(sl_policy_find(SL_SLICE("")));
    assert_null(sl_policy_find(SL_SLICE("Modern")));
    assert_null(sl_policy_find(SL_SLICE("modernx")));
}

static void a_policy_says_which_keys_it_has_a_signature_for(void **state)
{
    const struct {
        const char *signatures;
        uint16_t min_version;
        enum sl_key_kind kind;
        bool signs;
    } cases[] = {
        { "ecdsa_secp256r1_sha256", 0x0304, SL_KIND_ECDSA_P256, true },
        { "ecdsa_secp256r1_sha256", 0x0304, SL_KIND_ECDSA_P384, false },
        { "ecdsa_secp256r1_sha256", 0x0303, SL_KIND_ECDSA_P384, true },
        { "ecdsa_secp256r1_sha256", 0x0303, SL_KIND_RSA, false },
        { "ed25519:ecdsa_secp521r1_sha512", 0x0304, SL_KIND_ECDSA_P521, true },
        { "ed25519:ecdsa_secp521r1_sha512", 0x0304, SL_KIND_EDDSA, true },
        { "rsa_pss_rsae_sha256", 0x0304, SL_KIND_RSA, true },
        { "rsa_pss_rsae_sha256", 0x0303, SL_KIND_ECDSA_P256, false },
        { "RSA+SHA1:ECDSA+SHA1", 0x0301, SL_KIND_RSA, true },
        { "RSA+SHA1:ECDSA+SHA1", 0x0301, SL_KIND_ECDSA_P521, true },
        { "RSA+SHA1:ECDSA+SHA1", 0x0304, SL_KIND_ECDSA_P521, false },
        { "RSA+SHA1", 0x0301, SL_KIND_EDDSA, false },
        { "RSA+SHA1", 0x0301, SL_KIND_OTHER, true },
        { "", 0x0301, SL_KIND_EDDSA, true },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        const struct sl_policy policy = { .signatures = cases[i].signatures,
                                          .min_version = cases[i].min_version };
        assert_int_equal(sl_policy_signs(&policy, cases[i].kind), cases[i].signs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modern_is_tls_1_3_alone),
        cmocka_unit_test(intermediate_adds_tls_1_2_with_forward_secrecy),
        cmocka_unit_test(old_begins_with_intermediate_and_goes_down_to_tls_1_0),
        cmocka_unit_test(a_name_with_its_version_never_means_another),
        cmocka_unit_test(there_is_no_policy_of_another_name),
        cmocka_unit_test(a_policy_says_which_keys_it_has_a_signature_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
