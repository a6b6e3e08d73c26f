/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/proxy_tlv.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void one_after_the_other_is_taken_off(void **state)
{
    struct sl_slice tlvs = SL_SLICE("\x01\x00\x02h2\x04\x00\x00\xff\x00\x01z");
    uint8_t type = 0;
    struct sl_slice value = { 0 };
    SL_UNUSED(state);
    assert_int_equal(sl_proxy_tlv_next(&tlvs, &type, &value), SL_OK);
    assert_int_equal(type, SL_PROXY_TLV_ALPN);
    assert_true(sl_slice_eq(value, SL_SLICE("h2")));
    assert_int_equal(sl_proxy_tlv_next(&tlvs, &type, &value), SL_OK);
    assert_int_equal(type, SL_PROXY_TLV_NOOP);
    assert_int_equal(value.len, 0);
    assert_int_equal(sl_proxy_tlv_next(&tlvs, &type, &value), SL_OK);
    assert_int_equal(type, 0xff);
    assert_int_equal(sl_proxy_tlv_next(&tlvs, &type, &value), SL_EOF);
    assert_int_equal(type, 0xff);
}

static void what_is_cut_is_refused_and_left(void **state)
{
    const struct sl_slice whole = SL_SLICE("\x01\x01\x00h2");
    SL_UNUSED(state);
    for (size_t len = 1; len <= whole.len; len++) {
        struct sl_slice tlvs = sl_slice_of(whole.ptr, len), value;
        struct sl_proxy_types types;
        uint8_t type;
        assert_int_equal(sl_proxy_tlv_next(&tlvs, &type, &value), SL_EPROTO);
        assert_int_equal(tlvs.len, len);
        assert_int_equal(sl_proxy_tlvs_check(tlvs, &types), SL_EPROTO);
    }
}

static void no_type_but_noop_comes_twice(void **state)
{
    SL_UNUSED(state);
    for (unsigned type = 0; type < SL_PROXY_TLV_COUNT; type++) {
        const uint8_t tlvs[] = { (uint8_t)type, 0, 0, 0xe5, 0, 1, 'z', (uint8_t)type, 0, 0 };
        const bool is_once = type != SL_PROXY_TLV_NOOP;
        struct sl_proxy_types types = { 0 };
        assert_int_equal(sl_proxy_tlvs_check(sl_slice_of(tlvs, sizeof(tlvs)), &types),
                         is_once ? SL_EPROTO : SL_OK);
        assert_int_equal(sl_proxy_tlvs_check(sl_slice_of(tlvs, 3), &types), SL_OK);
        for (unsigned other = 0; other < SL_PROXY_TLV_COUNT; other++) {
            assert_int_equal(sl_proxy_types_have(&types, (uint8_t)other), other == type);
        }
    }
}

static void what_is_written_comes_back_or_nothing_is(void **state)
{
    uint8_t bytes[16];
    static uint8_t large[70000];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    SL_UNUSED(state);
    assert_int_equal(sl_proxy_tlv_put(&out, 0x30, SL_SLICE("name")), SL_OK);
    assert_int_equal(sl_proxy_tlv_put(&out, 0x31, SL_SLICE("another")), SL_ENOSPC);
    assert_int_equal(out.len, 7);
    assert_int_equal(sl_proxy_tlv_put(&out, 0x32, SL_SLICE("another")), SL_ENOSPC);
    assert_int_equal(sl_proxy_tlv_put(&out, 0x32, SL_SLICE("others")), SL_OK);
    assert_memory_equal(bytes, "\x30\x00\x04name\x32\x00\x06others", 16);
    assert_true(sl_slice_eq(sl_proxy_tlvs_find(sl_wbuf_slice(&out), 0x32), SL_SLICE("others")));
    assert_null(sl_proxy_tlvs_find(sl_wbuf_slice(&out), 0x31).ptr);
    struct sl_wbuf wide = sl_wbuf_of(malloc(80000), 80000);
    assert_non_null(wide.ptr);
    assert_int_equal(sl_proxy_tlv_put(&wide, 1, sl_slice_of(large, 65536)), SL_ENOSPC);
    assert_int_equal(wide.len, 0);
    assert_int_equal(sl_proxy_tlv_put(&wide, 1, sl_slice_of(large, 65535)), SL_OK);
    free(wide.ptr);
}

static void only_what_is_named_is_copied(void **state)
{
    const struct sl_slice tlvs = SL_SLICE("\x01\x00\x02h2\xea\x00\x01v\x02\x00\x01"
                                          "a");
    struct sl_proxy_types types = { 0 };
    uint8_t bytes[32];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    SL_UNUSED(state);
    assert_int_equal(sl_proxy_tlvs_copy(tlvs, &types, &out), SL_OK);
    assert_int_equal(out.len, 0);
    sl_proxy_types_add(&types, 0xea);
    sl_proxy_types_add(&types, 0x02);
    sl_proxy_types_add(&types, 0x30);
    assert_int_equal(sl_proxy_tlvs_copy(tlvs, &types, &out), SL_OK);
    assert_int_equal(out.len, 8);
    assert_memory_equal(bytes,
                        "\xea\x00\x01v\x02\x00\x01"
                        "a",
                        8);
    out = sl_wbuf_of(bytes, 7);
    assert_int_equal(sl_proxy_tlvs_copy(tlvs, &types, &out), SL_ENOSPC);
}

static void types_have_names_and_numbers(void **state)
{
    static const struct {
        const char *text;
        enum sl_err rc;
        uint8_t type;
    } CASES[] = {
        { "alpn", SL_OK, 0x01 },    { "authority", SL_OK, 0x02 },    { "unique_id", SL_OK, 0x05 },
        { "ssl", SL_OK, 0x20 },     { "netns", SL_OK, 0x30 },        { "0xEA", SL_OK, 0xea },
        { "0xee", SL_OK, 0xee },    { "234", SL_OK, 0xea },          { "0x1", SL_OK, 0x01 },
        { "255", SL_OK, 0xff },     { "0", SL_EINVAL, 0 },           { "0x", SL_EINVAL, 0 },
        { "0x00", SL_EINVAL, 0 },   { "256", SL_EINVAL, 0 },         { "0x100", SL_EINVAL, 0 },
        { "0xzz", SL_EINVAL, 0 },   { "crc32c", SL_EINVAL, 0 },      { "", SL_EINVAL, 0 },
        { "ssl_cn", SL_EINVAL, 0 }, { "3", SL_EDENIED, 0 },          { "0x04", SL_EDENIED, 0 },
        { "0x21", SL_EDENIED, 0 },  { "0x28", SL_EDENIED, 0 },       { "0x29", SL_OK, 0x29 },
        { "-1", SL_EINVAL, 0 },     { "99999999999", SL_EINVAL, 0 },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        uint8_t type = 0;
        assert_int_equal(sl_proxy_tlv_from_text(sl_slice_cstr(CASES[i].text), &type), CASES[i].rc);
        assert_int_equal(type, CASES[i].type);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_after_the_other_is_taken_off),
        cmocka_unit_test(what_is_cut_is_refused_and_left),
        cmocka_unit_test(no_type_but_noop_comes_twice),
        cmocka_unit_test(what_is_written_comes_back_or_nothing_is),
        cmocka_unit_test(only_what_is_named_is_copied),
        cmocka_unit_test(types_have_names_and_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
