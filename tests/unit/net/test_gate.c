/* SPDX-License-Identifier: Apache-2.0 */
#include "net/gate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct sl_siphash_key KEY = { { 1, 2 } };
static const struct sl_portion ALONE = { 0 };

struct world {
    struct sl_prefix allow[4], deny[4];
    struct sl_conf_service services[2];
    struct sl_conf conf;
    struct sl_rate *rate;
};

static void world_init(struct world *w)
{
    *w = (struct world){ 0 };
    w->conf.services = w->services;
    w->conf.services_count = SL_COUNT(w->services);
    w->services[0].name = "first";
    w->services[1].name = "second";
    w->conf.limits.rate_ipv4_bits_count = 32;
    w->conf.limits.rate_ipv6_bits_count = 64;
    assert_int_equal(sl_rate_create(1024, &KEY, &w->rate), SL_OK);
}

static void list_add(struct sl_prefix *list, size_t *count, const char *text)
{
    assert_int_equal(sl_prefix_parse(sl_slice_cstr(text), &list[(*count)++]), SL_OK);
    *count = sl_prefixes_sort(list, *count);
}

static enum sl_reason admit(struct world *w, uint32_t service, const char *client, uint64_t now_ms)
{
    struct sl_addr addr;
    const struct sl_gate gate = sl_gate_of(&w->conf, service, &ALONE);
    enum sl_err rc = client[0] == '/' ? sl_addr_from_path(sl_slice_cstr(client), &addr)
                                      : sl_addr_from_ip(sl_slice_cstr(client), 1, &addr);
    assert_int_equal(rc, SL_OK);
    return sl_gate_admit(&gate, w->rate, &addr, now_ms);
}

static void parts_make_up_the_whole(void **state)
{
    SL_UNUSED(state);
    for (uint64_t total = 0; total < 40; total++) {
        for (uint32_t count = 1; count < 9; count++) {
            uint64_t sum = 0;
            for (uint32_t i = 0; i < count; i++) {
                const struct sl_portion portion = { .index = i, .count = count };
                const uint64_t part = sl_portion_of(&portion, total);
                assert_true(total == 0 || part >= 1);
                sum += part;
            }
            assert_int_equal(sum, total == 0 ? 0 : SL_MAX(total, (uint64_t)count));
        }
    }
    assert_int_equal(sl_portion_of(&ALONE, 77), 77);
}

static void without_lists_everybody_is_let_in(void **state)
{
    struct world w;
    SL_UNUSED(state);
    world_init(&w);
    assert_int_equal(admit(&w, 0, "192.0.2.1", 0), SL_REASON_DONE);
    assert_int_equal(admit(&w, 0, "::1", 0), SL_REASON_DONE);
    assert_int_equal(admit(&w, 0, "/run/x", 0), SL_REASON_DONE);
    sl_rate_destroy(w.rate);
}

static void who_is_not_allowed_is_denied(void **state)
{
    struct world w;
    SL_UNUSED(state);
    world_init(&w);
    w.services[0].from.allow = w.allow;
    list_add(w.allow, &w.services[0].from.allow_count, "10.0.0.0/8");
    assert_int_equal(admit(&w, 0, "10.1.2.3", 0), SL_REASON_DONE);
    assert_int_equal(admit(&w, 0, "11.1.2.3", 0), SL_REASON_ADDRESS_DENIED);
    assert_int_equal(admit(&w, 0, "/run/x", 0), SL_REASON_ADDRESS_DENIED);
    assert_int_equal(admit(&w, 1, "11.1.2.3", 0), SL_REASON_DONE); /* another service */
    sl_rate_destroy(w.rate);
}

static void deny_goes_before_allow(void **state)
{
    struct world w;
    SL_UNUSED(state);
    world_init(&w);
    w.services[0].from.allow = w.allow;
    w.services[0].from.deny = w.deny;
    list_add(w.allow, &w.services[0].from.allow_count, "10.0.0.0/8");
    list_add(w.deny, &w.services[0].from.deny_count, "10.9.0.0/16");
    assert_int_equal(admit(&w, 0, "10.8.0.1", 0), SL_REASON_DONE);
    assert_int_equal(admit(&w, 0, "10.9.0.1", 0), SL_REASON_ADDRESS_DENIED);
    sl_rate_destroy(w.rate);
}

static void sources_are_prefixes_and_services_apart(void **state)
{
    struct world w;
    SL_UNUSED(state);
    world_init(&w);
    for (size_t i = 0; i < SL_COUNT(w.services); i++) {
        w.services[i].limits.rate_count = 2;
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(admit(&w, 0, "192.0.2.1", 0), SL_REASON_DONE);
        assert_int_equal(admit(&w, 0, i == 0 ? "2001:db8::1" : "2001:db8::2", 0), SL_REASON_DONE);
    }
    assert_int_equal(admit(&w, 0, "192.0.2.1", 0), SL_REASON_RATE_LIMIT);
    assert_int_equal(admit(&w, 0, "192.0.2.2", 0), SL_REASON_DONE);
    assert_int_equal(admit(&w, 0, "2001:db8::3", 0), SL_REASON_RATE_LIMIT); /* one /64 */
    assert_int_equal(admit(&w, 0, "2001:db8:0:1::1", 0), SL_REASON_DONE);
    assert_int_equal(admit(&w, 1, "192.0.2.1", 0), SL_REASON_DONE);
    assert_int_equal(admit(&w, 0, "192.0.2.1", 500), SL_REASON_DONE); /* one each half second */
    assert_int_equal(admit(&w, 0, "192.0.2.1", 500), SL_REASON_RATE_LIMIT);
    sl_rate_destroy(w.rate);
}

static void who_is_denied_uses_up_nothing(void **state)
{
    struct world w;
    SL_UNUSED(state);
    world_init(&w);
    w.services[0].limits.rate_count = 1;
    w.services[0].from.deny = w.deny;
    list_add(w.deny, &w.services[0].from.deny_count, "192.0.2.1");
    w.conf.limits.rate_ipv4_bits_count = 24;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(admit(&w, 0, "192.0.2.1", 0), SL_REASON_ADDRESS_DENIED);
    }
    assert_int_equal(admit(&w, 0, "192.0.2.2", 0), SL_REASON_DONE);
    assert_int_equal(admit(&w, 0, "192.0.2.3", 0), SL_REASON_RATE_LIMIT);
    sl_rate_destroy(w.rate);
}

static void a_worker_has_its_part_of_a_rate(void **state)
{
    struct world w;
    SL_UNUSED(state);
    world_init(&w);
    w.services[0].limits.rate_count = 10;
    w.services[0].limits.burst_count = 6;
    const struct sl_gate gate = sl_gate_of(&w.conf, 0, &(const struct sl_portion){ 0, 4 });
    assert_int_equal(gate.rate.interval_ns, 400000000);
    assert_int_equal(gate.rate.burst_count, 1);
    const struct sl_gate alone = sl_gate_of(&w.conf, 0, &ALONE);
    assert_int_equal(alone.rate.interval_ns, 100000000);
    assert_int_equal(alone.rate.burst_count, 6);
    sl_rate_destroy(w.rate);
}

static void a_service_keeps_its_rates_at_another_place(void **state)
{
    struct world w;
    SL_UNUSED(state);
    world_init(&w);
    w.services[0].limits.rate_count = w.services[1].limits.rate_count = 1;
    assert_int_equal(admit(&w, 0, "192.0.2.1", 1000), SL_REASON_DONE);
    assert_int_equal(admit(&w, 0, "192.0.2.1", 1000), SL_REASON_RATE_LIMIT);
    w.services[1].name = w.services[0].name;
    w.services[0].name = "new";
    assert_int_equal(admit(&w, 1, "192.0.2.1", 1000), SL_REASON_RATE_LIMIT);
    assert_int_equal(admit(&w, 0, "192.0.2.1", 1000), SL_REASON_DONE);
    sl_rate_destroy(w.rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_make_up_the_whole),
        cmocka_unit_test(without_lists_everybody_is_let_in),
        cmocka_unit_test(who_is_not_allowed_is_denied),
        cmocka_unit_test(deny_goes_before_allow),
        cmocka_unit_test(sources_are_prefixes_and_services_apart),
        cmocka_unit_test(who_is_denied_uses_up_nothing),
        cmocka_unit_test(a_worker_has_its_part_of_a_rate),
        cmocka_unit_test(a_service_keeps_its_rates_at_another_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
