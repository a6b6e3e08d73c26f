/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/peer_rule.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char EMPTY_BASE64[] = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
static const char EMPTY_HEX[] = "E3B0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct sample {
    enum sl_peer_kind kind;
    const char *pattern, *value;
    bool fits;
};

static const struct sample SAMPLES[] = {
    { SL_PEER_DNS, "a.example.com", "A.Example.COM", true },
    { SL_PEER_DNS, "a.example.com.", "a.example.com", true },
    { SL_PEER_DNS, "a.example.com", "a.example.com.", true },
    { SL_PEER_DNS, "a.example.com", "b.example.com", false },
    { SL_PEER_DNS, "a.example.com", "a.example.com..", false },
    { SL_PEER_DNS, "*.example.com", "a.example.com", true },
    { SL_PEER_DNS, "*.example.com", "a.b.example.com", false },
    { SL_PEER_DNS, "*.example.com", "example.com", false },
    { SL_PEER_DNS, "*.example.com", "a.example.com.evil", false },
    { SL_PEER_DNS, "web-*.example.com", "web-1.example.com", true },
    { SL_PEER_DNS, "web-*.example.com", "web-.example.com", false },
    { SL_PEER_DNS, "w*b.*.com", "web.example.com", true },
    { SL_PEER_DNS, "w*b.com", "wb.com", false },
    { SL_PEER_EMAIL, "ops@example.com", "ops@EXAMPLE.com", true },
    { SL_PEER_EMAIL, "ops@example.com", "Ops@example.com", false },
    { SL_PEER_EMAIL, "*@example.com", "any.one@example.com", true },
    { SL_PEER_EMAIL, "*@example.com", "one@sub.example.com", false },
    { SL_PEER_EMAIL, "*@example.com", "one@example.com.evil", false },
    { SL_PEER_URI, "spiffe://example.org/ns/a", "SPIFFE://Example.ORG/ns/a", true },
    { SL_PEER_URI, "spiffe://example.org/ns/a", "spiffe://example.org/ns/A", false },
    { SL_PEER_URI, "spiffe://example.org/*", "spiffe://example.org/ns/a/sa/b", true },
    { SL_PEER_URI, "spiffe://example.org/*", "spiffe://example.org/", true },
    { SL_PEER_URI, "spiffe://example.org/*", "spiffe://example.org", false },
    { SL_PEER_URI, "spiffe://example.org/*", "spiffe://example.org.evil/", false },
    { SL_PEER_URI, "spiffe://example.org/a", "spiffe://example.org/a/b", false },
    { SL_PEER_URI, "urn:uuid:*", "URN:uuid:1", true },
    { SL_PEER_URI, "urn:uuid:*", "urn:UUID:1", false },
    { SL_PEER_IP, "10.1.2.3", "\x0a\x01\x02\x03", true },
    { SL_PEER_IP, "10.0.0.0/8", "\x0a\x01\x02\x03", true },
    { SL_PEER_IP, "10.0.0.0/8", "\x0b\x01\x02\x03", false },
    { SL_PEER_IP, "10.1.2.128/25", "\x0a\x01\x02\x7f", false },
    { SL_PEER_IP, "0.0.0.0/0", "\x0a\x01\x02\x03", true },
    { SL_PEER_IP, "::/0", "\x0a\x01\x02\x03", false },
    { SL_PEER_CN, "Client One", "client one", true },
    { SL_PEER_CN, "client", "client one", false },
    { SL_PEER_CN, "old-*", "old-", true },
    { SL_PEER_CN, "old-*", "OLD-x", true },
    { SL_PEER_CN, "old-*", "new-x", false },
    { SL_PEER_CN, "a*b*c", "aXbYbc", true },
    { SL_PEER_CN, "a*b*c", "abc", true },
    { SL_PEER_CN, "a*b*c", "ac", false },
    { SL_PEER_CN, "ab*ba", "aba", false },
    { SL_PEER_CN, "*", "anything", true },
    { SL_PEER_OU, "Ops", "ops", true },
    { SL_PEER_OU, "Ops", "Opsy", false },
};

static void patterns_fit_as_their_kind_says(void **state)
{
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(SAMPLES); i++) {
        const struct sample *s = &SAMPLES[i];
        const struct sl_slice pattern = sl_slice_cstr(s->pattern);
        const struct sl_slice value =
            s->kind == SL_PEER_IP ? sl_slice_of(s->value, 4) : sl_slice_cstr(s->value);
        assert_int_equal(sl_peer_pattern_check(s->kind, pattern, NULL), SL_OK);
        if (sl_peer_pattern_fits(s->kind, pattern, value) != s->fits) {
            fail_msg("%s: %s and %s", sl_peer_kind_name(s->kind), s->pattern, s->value);
        }
    }
}

static void ipv6_prefixes_fit_ipv6(void **state)
{
    static const uint8_t ADDRESS[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
    const struct sl_slice value = sl_slice_of(ADDRESS, sizeof(ADDRESS));
    SL_UNUSED(state);
    assert_true(sl_peer_pattern_fits(SL_PEER_IP, SL_SLICE("2001:db8::/32"), value));
    assert_true(sl_peer_pattern_fits(SL_PEER_IP, SL_SLICE("2001:db8::1"), value));
    assert_false(sl_peer_pattern_fits(SL_PEER_IP, SL_SLICE("2001:db9::/32"), value));
    assert_false(sl_peer_pattern_fits(SL_PEER_IP, SL_SLICE("0.0.0.0/0"), value));
}

static void what_is_no_pattern_is_refused(void **state)
{
    static const struct {
        enum sl_peer_kind kind;
        const char *pattern;
    } BAD[] = {
        { SL_PEER_DNS, "" },
        { SL_PEER_DNS, "." },
        { SL_PEER_DNS, "a..b" },
        { SL_PEER_DNS, ".example.com" },
        { SL_PEER_DNS, "**.example.com" },
        { SL_PEER_DNS, "a*b*.example.com" },
        { SL_PEER_DNS, "ex ample.com" },
        { SL_PEER_DNS, "b\xc3\xbc"
                       "cher.example" },
        { SL_PEER_EMAIL, "example.com" },
        { SL_PEER_EMAIL, "@example.com" },
        { SL_PEER_EMAIL, "o*@example.com" },
        { SL_PEER_EMAIL, "*@*.example.com" },
        { SL_PEER_EMAIL, "**@example.com" },
        { SL_PEER_URI, "" },
        { SL_PEER_URI, "example.org" },
        { SL_PEER_URI, "*" },
        { SL_PEER_URI, "spiffe:*//x" },
        { SL_PEER_URI, "spiffe://*/x" },
        { SL_PEER_URI, "spiffe://example.org*" },
        { SL_PEER_URI, "spiffe://*" },
        { SL_PEER_URI, "spiffe://example.org/*/a" },
        { SL_PEER_IP, "10.0.0" },
        { SL_PEER_IP, "10.0.0.0/33" },
        { SL_PEER_IP, "10.0.0.1/8" },
        { SL_PEER_IP, "10.0.0.0/" },
        { SL_PEER_IP, "10.0.0.0/8/8" },
        { SL_PEER_IP, "example.com" },
        { SL_PEER_CN, "" },
        { SL_PEER_SPKI, "47DEQpj8HBSa" },
        { SL_PEER_SPKI, "sha1//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        struct sl_diag diag = { 0 };
        if (sl_peer_pattern_check(BAD[i].kind, sl_slice_cstr(BAD[i].pattern), &diag) != SL_EINVAL ||
            diag.text[0] == '\0') {
            fail_msg("%s: %s", sl_peer_kind_name(BAD[i].kind), BAD[i].pattern);
        }
    }
}

static void pins_are_base64_or_hexadecimal(void **state)
{
    uint8_t a[SL_PIN_LEN], b[SL_PIN_LEN], c[SL_PIN_LEN];
    SL_UNUSED(state);
    assert_int_equal(sl_pin_parse(sl_slice_cstr(EMPTY_BASE64), a), SL_OK);
    assert_int_equal(sl_pin_parse(sl_slice_cstr(EMPTY_HEX), b), SL_OK);
    assert_int_equal(
        sl_pin_parse(SL_SLICE("sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), c), SL_OK);
    assert_memory_equal(a, b, sizeof(a));
    assert_memory_equal(a, c, sizeof(a));
    assert_int_equal(sl_pin_parse(sl_slice_of(EMPTY_HEX, 63), a), SL_EINVAL);
    assert_int_equal(sl_pin_parse(SL_SLICE("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA"), a),
                     SL_EINVAL);
    assert_int_equal(sl_pin_parse(SL_SLICE("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= "), a),
                     SL_EINVAL);
    assert_true(
        sl_peer_pattern_fits(SL_PEER_SPKI, sl_slice_cstr(EMPTY_HEX), sl_slice_of(b, sizeof(b))));
    b[0] ^= 1;
    assert_false(
        sl_peer_pattern_fits(SL_PEER_SPKI, sl_slice_cstr(EMPTY_HEX), sl_slice_of(b, sizeof(b))));
}

static void names_that_can_be_read_in_two_ways_are_not_sound(void **state)
{
    static const struct {
        enum sl_peer_kind kind;
        struct sl_slice value;
        bool is_sound;
    } NAMES[] = {
        { SL_PEER_DNS, SL_SLICE_INIT("a.example.com"), true },
        { SL_PEER_DNS, SL_SLICE_INIT("*.example.com"), true },
        { SL_PEER_DNS, SL_SLICE_INIT("a.example.com\0.evil"), false },
        { SL_PEER_DNS, SL_SLICE_INIT("a b.example.com"), false },
        { SL_PEER_DNS, SL_SLICE_INIT(""), false },
        { SL_PEER_EMAIL, SL_SLICE_INIT("a@example.com"), true },
        { SL_PEER_EMAIL, SL_SLICE_INIT("a@example.com\0"), false },
        { SL_PEER_EMAIL, SL_SLICE_INIT("example.com"), false },
        { SL_PEER_URI, SL_SLICE_INIT("spiffe://example.org/a..b/.c"), true },
        { SL_PEER_URI, SL_SLICE_INIT("spiffe://example.org/a?x=/../"), true },
        { SL_PEER_URI, SL_SLICE_INIT("spiffe://example.org/a/../b"), false },
        { SL_PEER_URI, SL_SLICE_INIT("spiffe://example.org/a/%2E."), false },
        { SL_PEER_URI, SL_SLICE_INIT("spiffe://example.org/./b"), false },
        { SL_PEER_URI, SL_SLICE_INIT("spiffe://example.org/\0"), false },
        { SL_PEER_URI, SL_SLICE_INIT("no scheme"), false },
        { SL_PEER_IP, SL_SLICE_INIT("1234"), true },
        { SL_PEER_IP, SL_SLICE_INIT("12345"), false },
        { SL_PEER_CN, SL_SLICE_INIT("any text"), true },
        { SL_PEER_CN, SL_SLICE_INIT("old\0"), false },
        { SL_PEER_SPKI, SL_SLICE_INIT("short"), false },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(NAMES); i++) {
        const struct sl_peer_name name = { NAMES[i].kind, NAMES[i].value };
        if (sl_peer_name_is_sound(&name) != NAMES[i].is_sound) {
            fail_msg("%s: %.*s", sl_peer_kind_name(name.kind), SL_SLICE_FMT(name.value));
        }
    }
}

static void the_first_rule_that_fits_decides(void **state)
{
    static const struct sl_peer_rule RULES[] = {
        { true, { [SL_PEER_URI] = "spiffe://example.org/*" } },
        { false, { [SL_PEER_CN] = "old-*" } },
        { true, { [SL_PEER_DNS] = "*.clients.example.com", [SL_PEER_OU] = "Ops" } },
    };
    const struct sl_peer_name dns = { SL_PEER_DNS, SL_SLICE_INIT("a.clients.example.com") };
    const struct sl_peer_name ou = { SL_PEER_OU, SL_SLICE_INIT("Ops") };
    const struct sl_peer_name other_ou = { SL_PEER_OU, SL_SLICE_INIT("Dev") };
    const struct sl_peer_name cn = { SL_PEER_CN, SL_SLICE_INIT("old-1") };
    const struct sl_peer_name uri = { SL_PEER_URI, SL_SLICE_INIT("spiffe://example.org/a") };
    const struct sl_peer_name all[] = { dns, other_ou, ou, cn, uri };
    const struct sl_peer_name one_side[] = { dns, other_ou };
    SL_UNUSED(state);
    assert_int_equal(sl_peer_rules_find(RULES, 3, all, 5), 0);
    assert_int_equal(sl_peer_rules_find(RULES, 3, all, 4), 1);
    assert_int_equal(sl_peer_rules_find(RULES, 3, all, 3), 2);
    assert_int_equal(sl_peer_rules_find(RULES, 3, one_side, 2), 3); /* both must fit */
    assert_int_equal(sl_peer_rules_find(RULES, 3, NULL, 0), 3);
    const struct sl_peer_rule any = { .is_allow = true };
    assert_int_equal(sl_peer_rules_find(&any, 1, NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_fit_as_their_kind_says),
        cmocka_unit_test(ipv6_prefixes_fit_ipv6),
        cmocka_unit_test(what_is_no_pattern_is_refused),
        cmocka_unit_test(pins_are_base64_or_hexadecimal),
        cmocka_unit_test(names_that_can_be_read_in_two_ways_are_not_sound),
        cmocka_unit_test(the_first_rule_that_fits_decides),
    };
    return cmocka_run_group_tests_name("codec/peer_rule", tests, NULL, NULL);
}
