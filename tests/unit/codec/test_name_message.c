/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/name_message.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 4096 };

static struct sl_addr_set set_of(const char *ip)
{
    struct sl_addr_set set = { 0 };
    struct sl_addr addr;
    assert_int_equal(sl_addr_from_ip(sl_slice_cstr(ip), 443, &addr), SL_OK);
    (void)sl_addr_set_add(&set, &addr, (struct sl_addr_rank){ 3, 4 });
    return set;
}

static void rules_come_back_as_they_went(void **state)
{
    SL_UNUSED(state);
    uint8_t bytes[ROOM];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    const struct sl_name_rules rules = { 1, 2, 3, 4, SL_SLICE("192.0.2.1:53") };
    struct sl_name_rules back;
    assert_int_equal(sl_name_rules_emit(&rules, &out), SL_OK);
    assert_int_equal(sl_name_rules_parse(sl_wbuf_slice(&out), &back), SL_OK);
    assert_int_equal(back.min_ttl_ms + back.max_ttl_ms * 10, 21);
    assert_int_equal(back.timeout_ms + back.retry_ms * 10, 43);
    assert_true(sl_slice_eq(back.servers, rules.servers));
    assert_int_equal(sl_name_rules_parse(sl_slice_of(bytes, 15), &back), SL_EPROTO);
}

static void addresses_of_a_name_come_back_as_they_went(void **state)
{
    SL_UNUSED(state);
    uint8_t bytes[ROOM];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    const struct sl_name_addrs addrs = { true, SL_SLICE("_x._tcp.test"), 77, set_of("192.0.2.1") };
    struct sl_name_addrs back;
    assert_int_equal(sl_name_addrs_emit(&addrs, &out), SL_OK);
    assert_int_equal(sl_name_addrs_parse(sl_wbuf_slice(&out), &back), SL_OK);
    assert_true(back.is_srv && sl_slice_eq(back.name, addrs.name));
    assert_int_equal(back.age_s, 77);
    assert_true(sl_addr_set_is(&back.set, &addrs.set));
    for (size_t len = 0; len < out.len; len++) {
        assert_int_equal(sl_name_addrs_parse(sl_slice_of(bytes, len), &back), SL_EPROTO);
    }
    bytes[4] = '\0'; /* within the name */
    assert_int_equal(sl_name_addrs_parse(sl_wbuf_slice(&out), &back), SL_EPROTO);
    bytes[4] = 'x';
    bytes[0] = 2;
    assert_int_equal(sl_name_addrs_parse(sl_wbuf_slice(&out), &back), SL_EPROTO);
    struct sl_name_addrs nameless = addrs;
    nameless.name.len = 0;
    assert_int_equal(sl_name_addrs_emit(&nameless, &out), SL_ENOSPC);
}

static void what_was_found_comes_back_as_it_went(void **state)
{
    SL_UNUSED(state);
    uint8_t bytes[ROOM];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    const struct sl_name_found found = { SL_NAME_FOUND, 1, 2, 3, set_of("2001:db8::1") };
    struct sl_name_found back;
    assert_int_equal(sl_name_found_emit(&found, &out), SL_OK);
    assert_int_equal(sl_name_found_parse(sl_wbuf_slice(&out), &back), SL_OK);
    assert_int_equal(back.result, SL_NAME_FOUND);
    assert_int_equal(back.unusable_count + 10 * back.surplus_count + 100 * back.age_s, 321);
    assert_true(sl_addr_set_is(&back.set, &found.set));
    for (size_t len = 0; len < out.len; len++) {
        assert_int_equal(sl_name_found_parse(sl_slice_of(bytes, len), &back), SL_EPROTO);
    }
}

static enum sl_err found_again(const struct sl_name_found *found)
{
    uint8_t bytes[ROOM];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_name_found back;
    assert_int_equal(sl_name_found_emit(found, &out), SL_OK);
    return sl_name_found_parse(sl_wbuf_slice(&out), &back);
}

static void what_cannot_have_been_found_is_refused(void **state)
{
    SL_UNUSED(state);
    struct sl_name_found found = { .result = SL_NAME_FOUND };
    assert_int_equal(found_again(&found), SL_EPROTO); /* without an address */
    found.result = SL_NAME_NONE;
    assert_int_equal(found_again(&found), SL_OK);
    found.set = set_of("192.0.2.1");
    assert_int_equal(found_again(&found), SL_EPROTO); /* with one */
    found.result = SL_NAME_RESULT_COUNT;
    assert_int_equal(found_again(&found), SL_EPROTO);
    found.result = SL_NAME_FOUND;
    found.set = set_of("0.0.0.0");
    assert_int_equal(found_again(&found), SL_EPROTO);
    found.set.count = 1;
    assert_int_equal(sl_addr_from_path(SL_SLICE("/run/x"), &found.set.addrs[0]), SL_OK);
    assert_int_equal(found_again(&found), SL_EPROTO); /* no name leads to a Unix socket */
}

static void every_result_has_words(void **state)
{
    SL_UNUSED(state);
    for (int result = 0; result < SL_NAME_RESULT_COUNT; result++) {
        assert_non_null(sl_name_result_text((enum sl_name_result)result));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_come_back_as_they_went),
        cmocka_unit_test(addresses_of_a_name_come_back_as_they_went),
        cmocka_unit_test(what_was_found_comes_back_as_it_went),
        cmocka_unit_test(what_cannot_have_been_found_is_refused),
        cmocka_unit_test(every_result_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
