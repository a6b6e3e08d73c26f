/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/certificate_entry.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct held {
    uint8_t bytes[1024];
    struct sl_bundle bundle;
};

static void hold(struct held *held, uint8_t kind, struct sl_slice name, struct sl_slice bytes)
{
    struct sl_bundle_entry entry = { .kind = kind, .name = name, .bytes = bytes };
    struct sl_wbuf out = sl_wbuf_of(held->bytes, sizeof(held->bytes));
    size_t size = 0;
    assert_int_equal(sl_bundle_prepare(&entry, 1, &size), SL_OK);
    assert_int_equal(sl_bundle_emit(&entry, 1, &out), SL_OK);
    assert_int_equal(sl_bundle_open(sl_wbuf_slice(&out), &held->bundle), SL_OK);
}

static void hold_number(struct held *held, uint8_t kind, uint32_t number, struct sl_slice bytes)
{
    const struct sl_number_name name = sl_number_name_of(number);
    hold(held, kind, sl_slice_of(name.bytes, sizeof(name.bytes)), bytes);
}

static void a_certificate_is_found_as_it_was_put(void **state)
{
    struct sl_certificate_entry entry = { .key_index = 70000, .kind = SL_KIND_RSA }, found;
    uint8_t bytes[SL_CERTIFICATE_ENTRY_MAX];
    struct held held;
    SL_UNUSED(state);
    for (size_t count = 1; count <= SL_CHAIN_DERS_MAX; count++) {
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        entry.ders[count - 1] = (uint32_t)(count * 0x01020304);
        entry.ders_count = count;
        assert_int_equal(sl_certificate_entry_emit(&entry, &out), SL_OK);
        hold_number(&held, SL_BUNDLE_CERTIFICATE, 1000000, sl_wbuf_slice(&out));
        assert_int_equal(sl_certificate_entry_find(&held.bundle, 1000000, &found), SL_OK);
        assert_memory_equal(&found, &entry, sizeof(entry));
        assert_int_equal(sl_certificate_entry_find(&held.bundle, 1000001, &found), SL_ENOENT);
    }
    struct sl_wbuf small = sl_wbuf_of(bytes, SL_CERTIFICATE_ENTRY_MAX - 1);
    assert_int_equal(sl_certificate_entry_emit(&entry, &small), SL_ENOSPC);
}

static void a_certificate_that_is_not_whole_is_refused(void **state)
{
    static const struct sl_slice BAD[] = {
        SL_SLICE_INIT(""), SL_SLICE_INIT("\0\0\0\1\0"), SL_SLICE_INIT("\0\0\0\1\0\0\0\0"),
        SL_SLICE_INIT("\0\0\0\1\6\0\0\0\0"), /* no such kind */
    };
    struct sl_certificate_entry found;
    struct held held;
    uint8_t many[SL_CERTIFICATE_ENTRY_MAX + 4] = { 0 };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        hold_number(&held, SL_BUNDLE_CERTIFICATE, 1, BAD[i]);
        assert_int_equal(sl_certificate_entry_find(&held.bundle, 1, &found), SL_EINVAL);
    }
    hold_number(&held, SL_BUNDLE_CERTIFICATE, 1, sl_slice_of(many, sizeof(many)));
    assert_int_equal(sl_certificate_entry_find(&held.bundle, 1, &found), SL_EINVAL);
}

static void a_staple_is_found_as_it_was_put(void **state)
{
    const struct sl_staple_entry entry = { .until_s = 0x123456789abc, .der = SL_SLICE("0abc") };
    struct sl_staple_entry found;
    uint8_t bytes[32];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct held held;
    SL_UNUSED(state);
    assert_int_equal(sl_staple_entry_emit(&entry, &out), SL_OK);
    hold_number(&held, SL_BUNDLE_STAPLE, 7, sl_wbuf_slice(&out));
    assert_int_equal(sl_staple_entry_find(&held.bundle, 7, &found), SL_OK);
    assert_int_equal(found.until_s, entry.until_s);
    assert_true(sl_slice_eq(found.der, entry.der));
    assert_int_equal(sl_staple_entry_find(&held.bundle, 8, &found), SL_ENOENT);
    for (size_t len = 0; len <= 8; len++) { /* no whole time, or nothing behind it */
        hold_number(&held, SL_BUNDLE_STAPLE, 7, sl_slice_of(bytes, len));
        assert_int_equal(sl_staple_entry_find(&held.bundle, 7, &found), SL_EINVAL);
    }
    struct sl_wbuf small = sl_wbuf_of(bytes, out.len - 1);
    assert_int_equal(sl_staple_entry_emit(&entry, &small), SL_ENOSPC);
}

static void a_shelf_is_found_by_service_and_side(void **state)
{
    const struct sl_shelf_entry entry = { 3, 9, SL_SLICE("a.example") };
    struct sl_shelf_entry found;
    uint8_t name[8], bytes[SL_SHELF_ENTRY_MAX];
    struct sl_wbuf name_out = sl_wbuf_of(name, sizeof(name));
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct held held;
    SL_UNUSED(state);
    assert_int_equal(sl_shelf_name_emit(5, SL_SHELF_UPSTREAMS, &name_out), SL_OK);
    assert_int_equal(sl_shelf_entry_emit(&entry, &out), SL_OK);
    hold(&held, SL_BUNDLE_SHELF, sl_wbuf_slice(&name_out), sl_wbuf_slice(&out));
    assert_int_equal(sl_shelf_entry_find(&held.bundle, 5, SL_SHELF_UPSTREAMS, &found), SL_OK);
    assert_int_equal(found.count, 3);
    assert_int_equal(found.first, 9);
    assert_true(sl_slice_eq(found.name, SL_SLICE("a.example")));
    assert_int_equal(sl_shelf_entry_find(&held.bundle, 5, SL_SHELF_CLIENTS, &found), SL_ENOENT);
    assert_int_equal(sl_shelf_entry_find(&held.bundle, 4, SL_SHELF_UPSTREAMS, &found), SL_ENOENT);
    hold(&held, SL_BUNDLE_SHELF, sl_wbuf_slice(&name_out), SL_SLICE("\0\0\0\0\0\0\0\0"));
    assert_int_equal(sl_shelf_entry_find(&held.bundle, 5, SL_SHELF_UPSTREAMS, &found), SL_EINVAL);
}

static void names_are_found_without_case_and_trailing_dot(void **state)
{
    uint8_t name[SL_SERVER_NAME_KEY_MAX], bytes[16];
    struct sl_wbuf name_out = sl_wbuf_of(name, sizeof(name));
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_slice candidates;
    uint32_t number = 0;
    enum sl_key_kind kind = SL_KIND_OTHER;
    struct held held;
    SL_UNUSED(state);
    assert_int_equal(sl_server_name_emit(2, SL_SLICE("*.A.Example."), &name_out), SL_OK);
    assert_int_equal(sl_candidate_emit(7, SL_KIND_RSA, &out), SL_OK);
    assert_int_equal(sl_candidate_emit(8, SL_KIND_ECDSA_P256, &out), SL_OK);
    hold(&held, SL_BUNDLE_SERVER_NAME, sl_wbuf_slice(&name_out), sl_wbuf_slice(&out));
    assert_int_equal(sl_server_name_find(&held.bundle, 2, SL_SLICE("*.a.exAmple"), &candidates),
                     SL_OK);
    assert_int_equal(sl_candidate_next(&candidates, &number, &kind), SL_OK);
    assert_int_equal(number, 7);
    assert_int_equal(kind, SL_KIND_RSA);
    assert_int_equal(sl_candidate_next(&candidates, &number, &kind), SL_OK);
    assert_int_equal(number, 8);
    assert_int_equal(sl_candidate_next(&candidates, &number, &kind), SL_EOF);
    assert_int_equal(sl_server_name_find(&held.bundle, 1, SL_SLICE("*.a.example"), &candidates),
                     SL_ENOENT);
    assert_int_equal(sl_server_name_find(&held.bundle, 2, SL_SLICE("a.example"), &candidates),
                     SL_ENOENT);
    assert_int_equal(sl_server_name_find(&held.bundle, 2, SL_SLICE(""), &candidates), SL_ENOENT);
}

static void what_no_client_can_ask_for_is_no_name(void **state)
{
    uint8_t longest[SL_SERVER_NAME_MAX + 1], bytes[SL_SERVER_NAME_KEY_MAX];
    static const struct sl_slice BAD[] = { SL_SLICE_INIT(""), SL_SLICE_INIT("."),
                                           SL_SLICE_INIT("a b"), SL_SLICE_INIT("a\0b"),
                                           SL_SLICE_INIT("\xc3\xa4.example") };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        assert_int_equal(sl_server_name_emit(0, BAD[i], &out), SL_EINVAL);
        assert_int_equal(out.len, 0);
    }
    memset(longest, 'a', sizeof(longest));
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_server_name_emit(0, sl_slice_of(longest, SL_SERVER_NAME_MAX), &out), SL_OK);
    out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_server_name_emit(0, sl_slice_of(longest, SL_SERVER_NAME_MAX + 1), &out),
                     SL_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_found_as_it_was_put),
        cmocka_unit_test(a_certificate_that_is_not_whole_is_refused),
        cmocka_unit_test(a_staple_is_found_as_it_was_put),
        cmocka_unit_test(a_shelf_is_found_by_service_and_side),
        cmocka_unit_test(names_are_found_without_case_and_trailing_dot),
        cmocka_unit_test(what_no_client_can_ask_for_is_no_name),
    };
    return cmocka_run_group_tests_name("codec/certificate_entry", tests, NULL, NULL);
}
