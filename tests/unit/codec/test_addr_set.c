/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/addr_set.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 256 };

static struct sl_addr addr_of(char family, unsigned number)
{
    char text[64];
    struct sl_addr addr;
    (void)snprintf(text, sizeof(text), family == '4' ? "192.0.2.%u" : "2001:db8::%u", number);
    assert_int_equal(sl_addr_from_ip(sl_slice_cstr(text), 0, &addr), SL_OK);
    return addr;
}

static bool add(struct sl_addr_set *set, char family, unsigned number, uint16_t priority,
                uint16_t weight)
{
    const struct sl_addr addr = addr_of(family, number);
    return sl_addr_set_add(set, &addr, (struct sl_addr_rank){ priority, weight });
}

/* The order as "6.1 4.2 …": the family, then the last byte. */
static void order_text(const struct sl_addr_set *set, uint64_t dice, char *ret_text)
{
    uint8_t order[SL_UPSTREAM_ADDRS_MAX];
    sl_addr_set_order(set->addrs, set->ranks, set->count, dice, order);
    size_t len = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < set->count; i++) {
        const struct sl_addr *addr = &set->addrs[order[i]];
        const bool is_4 = addr->sa.any.sa_family == AF_INET;
        const unsigned number =
            is_4 ? ntohl(addr->sa.in.sin_addr.s_addr) & 0xff : addr->sa.in6.sin6_addr.s6_addr[15];
        len += (size_t)snprintf(ret_text + len, TEXT_MAX - len, "%c.%u ", is_4 ? '4' : '6', number);
    }
}

static void a_set_has_one_order_and_nothing_twice(void **state)
{
    SL_UNUSED(state);
    struct sl_addr_set a = { 0 }, b = { 0 };
    char text[TEXT_MAX];
    assert_true(add(&a, '4', 2, 0, 0) && add(&a, '6', 1, 0, 0) && add(&a, '4', 1, 0, 0));
    assert_true(add(&b, '4', 1, 0, 0) && add(&b, '4', 2, 0, 0) && add(&b, '6', 1, 0, 0));
    assert_true(add(&b, '4', 2, 0, 0));
    assert_int_equal(b.count, 3);
    assert_true(sl_addr_set_is(&a, &b));
    order_text(&a, 0, text);
    assert_string_equal(text, "6.1 4.1 4.2 ");
    assert_true(add(&b, '4', 3, 0, 0));
    assert_false(sl_addr_set_is(&a, &b));
}

static void the_last_ones_lose_their_places(void **state)
{
    SL_UNUSED(state);
    struct sl_addr_set set = { 0 };
    for (unsigned i = 0; i < SL_UPSTREAM_ADDRS_MAX; i++) {
        assert_true(add(&set, '4', 100 + i, 5, 0));
    }
    assert_false(add(&set, '4', 200, 5, 0)); /* it is the last itself */
    assert_false(add(&set, '4', 1, 5, 0));
    assert_false(add(&set, '4', 250, 1, 0));
    assert_int_equal(set.count, SL_UPSTREAM_ADDRS_MAX);
    const struct sl_addr first = addr_of('4', 250), last = addr_of('4', 113);
    assert_memory_equal(&set.addrs[0].sa, &first.sa, first.len);
    assert_memory_equal(&set.addrs[SL_UPSTREAM_ADDRS_MAX - 1].sa, &last.sa, last.len);
}

static void sets_come_back_as_they_went(void **state)
{
    SL_UNUSED(state);
    struct sl_addr_set set = { 0 }, back;
    uint8_t bytes[SL_ADDR_SET_BYTES_MAX];
    for (size_t count = 0; count <= SL_UPSTREAM_ADDRS_MAX; count++) {
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        assert_int_equal(sl_addr_set_emit(&set, &out), SL_OK);
        assert_int_equal(sl_addr_set_parse(sl_wbuf_slice(&out), &back), SL_OK);
        assert_true(sl_addr_set_is(&set, &back));
        for (size_t len = 0; len < out.len; len++) {
            assert_int_equal(sl_addr_set_parse(sl_slice_of(bytes, len), &back), SL_EINVAL);
        }
        (void)add(&set, count % 2 == 0 ? '4' : '6', (unsigned)count, (uint16_t)count, 7);
    }
    struct sl_addr_set unix_set = { .count = 1 };
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_addr_from_path(SL_SLICE("/run/app.sock"), &unix_set.addrs[0]), SL_OK);
    assert_int_equal(sl_addr_set_emit(&unix_set, &out), SL_OK);
    assert_int_equal(sl_addr_set_parse(sl_wbuf_slice(&out), &back), SL_OK);
    assert_true(sl_addr_set_is(&unix_set, &back));
}

static void counts_and_lengths_out_of_bounds_are_refused(void **state)
{
    SL_UNUSED(state);
    const struct sl_slice CASES[] = {
        SL_SLICE_INIT("\0\x11"),                           /* too many */
        SL_SLICE_INIT("\0\x01\0\0\0\0\0\0"),               /* an empty address */
        SL_SLICE_INIT("\0\x01\0\x01\x02\0\0\0\0"),         /* no room for its family */
        SL_SLICE_INIT("\0\x01\0\x04\x02\0\0\x50\0\0\0\0"), /* IPv4, cut short */
        SL_SLICE_INIT("\0\x01\0\x04\x11\0\0\x50\0\0\0\0"), /* another family */
        SL_SLICE_INIT("\0\0\0"),                           /* something behind it */
    };
    struct sl_addr_set back = { .count = 77 };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        assert_int_equal(sl_addr_set_parse(CASES[i], &back), SL_EINVAL);
    }
    uint8_t bytes[512] = { 0, 1, 0, sizeof(back.addrs[0].sa) + 1 };
    assert_int_equal(sl_addr_set_parse(sl_slice_of(bytes, 8 + sizeof(back.addrs[0].sa) + 1), &back),
                     SL_EINVAL);
    assert_int_equal(back.count, 77);
}

/* '4' and '6' for the families, in this order in the set; the order wanted by place. */
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
        struct sl_addr_set set = { .count = strlen(CASES[i].families) };
        uint8_t order[SL_UPSTREAM_ADDRS_MAX];
        for (size_t j = 0; j < set.count; j++) {
            set.addrs[j] = addr_of(CASES[i].families[j], (unsigned)j);
        }
        sl_addr_set_order(set.addrs, set.ranks, set.count, i, order);
        for (size_t j = 0; j < set.count; j++) {
            assert_int_equal('0' + order[j], CASES[i].order[j]);
        }
    }
}

static void weights_draw_lots_within_their_priority(void **state)
{
    SL_UNUSED(state);
    enum { DRAWS_COUNT = 10000 };
    struct sl_addr_set set = { 0 };
    size_t first_count[4] = { 0 };
    assert_true(add(&set, '4', 0, 1, 3) && add(&set, '4', 1, 1, 1) && add(&set, '4', 2, 1, 0));
    assert_true(add(&set, '4', 3, 2, 60000));
    for (uint64_t dice = 0; dice < DRAWS_COUNT; dice++) {
        uint8_t order[SL_UPSTREAM_ADDRS_MAX];
        sl_addr_set_order(set.addrs, set.ranks, set.count, dice, order);
        first_count[order[0]]++;
        assert_int_equal(order[3], 3);
        assert_int_equal(order[0] + order[1] + order[2], 3);
    }
    assert_in_range(first_count[0], DRAWS_COUNT * 72 / 100, DRAWS_COUNT * 78 / 100);
    assert_in_range(first_count[1], DRAWS_COUNT * 22 / 100, DRAWS_COUNT * 28 / 100);
    assert_in_range(first_count[2], 0, DRAWS_COUNT * 1 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_has_one_order_and_nothing_twice),
        cmocka_unit_test(the_last_ones_lose_their_places),
        cmocka_unit_test(sets_come_back_as_they_went),
        cmocka_unit_test(counts_and_lengths_out_of_bounds_are_refused),
        cmocka_unit_test(families_take_turns_and_keep_their_order),
        cmocka_unit_test(weights_draw_lots_within_their_priority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
