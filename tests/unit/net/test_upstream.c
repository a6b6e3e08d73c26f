/* SPDX-License-Identifier: Apache-2.0 */
#include "net/upstream.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* '4' and '6' for the families; the port is the place at first. */
static size_t addrs_of(const char *families, struct sl_addr *ret_addrs)
{
    size_t count = strlen(families);
    for (size_t i = 0; i < count; i++) {
        struct sl_slice host = families[i] == '4' ? SL_SLICE("192.0.2.1") : SL_SLICE("2001:db8::1");
        assert_int_equal(sl_addr_from_ip(host, (uint16_t)i, &ret_addrs[i]), SL_OK);
    }
    return count;
}

static void families_take_turns_and_keep_their_order(void **state)
{
    SL_UNUSED(state);
    static const struct {
        const char *families, *order;
    } CASES[] = {
        { "", "" },           { "4", "0" },         { "66", "01" },         { "64", "01" },
        { "6644", "0213" },   { "4466", "0213" },   { "666644", "041523" }, { "46666", "01234" },
        { "44644", "02134" }, { "64646", "01234" },
    };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct sl_addr addrs[SL_UPSTREAM_ADDRS_MAX];
        size_t count = addrs_of(CASES[i].families, addrs);
        sl_upstream_interleave(addrs, count);
        for (size_t j = 0; j < count; j++) {
            assert_int_equal('0' + sl_addr_port(&addrs[j]), CASES[i].order[j]);
        }
    }
}

static struct sl_slice emit(const struct sl_addr *addrs, size_t count, uint8_t *bytes, size_t cap)
{
    struct sl_wbuf out = sl_wbuf_of(bytes, cap);
    assert_int_equal(sl_upstream_addrs_emit(addrs, count, &out), SL_OK);
    return sl_wbuf_slice(&out);
}

static void addresses_come_back_as_they_went(void **state)
{
    SL_UNUSED(state);
    struct sl_addr addrs[SL_UPSTREAM_ADDRS_MAX], *back = NULL;
    for (size_t count = 1; count <= SL_UPSTREAM_ADDRS_MAX; count++) {
        (void)addrs_of("4664646464644666", addrs);
        assert_int_equal(sl_addr_from_path(SL_SLICE("/run/app.sock"), &addrs[0]), SL_OK);
        uint8_t bytes[4096];
        struct sl_slice text = emit(addrs, count, bytes, sizeof(bytes));
        SL_CLEANUP(sl_arena_fini) struct sl_arena arena = { 0 };
        size_t back_count = 0;
        assert_int_equal(sl_upstream_addrs_parse(text, &arena, &back, &back_count), SL_OK);
        assert_int_equal(back_count, count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(back[i].len, addrs[i].len);
            assert_memory_equal(&back[i].sa, &addrs[i].sa, addrs[i].len);
        }
    }
}

static void what_is_not_whole_is_refused(void **state)
{
    SL_UNUSED(state);
    struct sl_addr addrs[SL_UPSTREAM_ADDRS_MAX], *back = NULL;
    size_t back_count = 77;
    uint8_t bytes[4096];
    SL_CLEANUP(sl_arena_fini) struct sl_arena arena = { 0 };
    struct sl_slice text = emit(addrs, addrs_of("46", addrs), bytes, sizeof(bytes) - 1);
    for (size_t len = 0; len < text.len; len++) {
        assert_int_equal(
            sl_upstream_addrs_parse(sl_slice_of(bytes, len), &arena, &back, &back_count),
            SL_EINVAL);
    }
    bytes[text.len] = 0;
    assert_int_equal(
        sl_upstream_addrs_parse(sl_slice_of(bytes, text.len + 1), &arena, &back, &back_count),
        SL_EINVAL);
    struct sl_wbuf small = sl_wbuf_of(bytes, text.len - 1);
    assert_int_equal(sl_upstream_addrs_emit(addrs, 2, &small), SL_ENOSPC);
    assert_int_equal(back_count, 77);
    assert_null(back);
}

static void counts_and_lengths_out_of_bounds_are_refused(void **state)
{
    SL_UNUSED(state);
    const struct sl_slice CASES[] = {
        SL_SLICE_INIT("\0\0"),             /* none */
        SL_SLICE_INIT("\0\x11"),           /* more than SL_UPSTREAM_ADDRS_MAX */
        SL_SLICE_INIT("\xff\xff"),         /* */
        SL_SLICE_INIT("\0\x01\0\0"),       /* an empty address */
        SL_SLICE_INIT("\0\x01\0\x01\x02"), /* no room for its family */
    };
    struct sl_addr *back = NULL;
    size_t back_count = 77;
    SL_CLEANUP(sl_arena_fini) struct sl_arena arena = { 0 };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        assert_int_equal(sl_upstream_addrs_parse(CASES[i], &arena, &back, &back_count), SL_EINVAL);
    }
    uint8_t bytes[512] = { 0, 1, 0, sizeof(back->sa) + 1 };
    assert_int_equal(sl_upstream_addrs_parse(sl_slice_of(bytes, 4 + sizeof(back->sa) + 1), &arena,
                                             &back, &back_count),
                     SL_EINVAL);
    assert_int_equal(back_count, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_take_turns_and_keep_their_order),
        cmocka_unit_test(addresses_come_back_as_they_went),
        cmocka_unit_test(what_is_not_whole_is_refused),
        cmocka_unit_test(counts_and_lengths_out_of_bounds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
