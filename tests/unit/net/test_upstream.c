/* SPDX-License-Identifier: Apache-2.0 */
#include "net/upstream.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void addresses_without_a_port_get_the_one_of_the_url(void **state)
{
    SL_UNUSED(state);
    struct sl_addr addrs[SL_UPSTREAM_ADDRS_MAX];
    struct sl_addr_rank ranks[SL_UPSTREAM_ADDRS_MAX];
    struct sl_upstream upstream = { .text = "tcp://h.test:443", .addrs = addrs, .ranks = ranks };
    struct sl_addr_set set = { .count = 3, .ranks = { { 1, 2 } } };
    assert_int_equal(sl_addr_from_ip(SL_SLICE("192.0.2.1"), 0, &set.addrs[0]), SL_OK);
    assert_int_equal(sl_addr_from_ip(SL_SLICE("2001:db8::1"), 8443, &set.addrs[1]), SL_OK);
    assert_int_equal(sl_addr_from_path(SL_SLICE("/run/x"), &set.addrs[2]), SL_OK);
    sl_upstream_use(&upstream, &set);
    assert_int_equal(upstream.addrs_count, 3);
    assert_int_equal(sl_addr_port(&addrs[0]), 443);
    assert_int_equal(sl_addr_port(&addrs[1]), 8443);
    assert_memory_equal(&addrs[2].sa, &set.addrs[2].sa, set.addrs[2].len);
    assert_int_equal(ranks[0].weight, 2);
    set.count = 0;
    sl_upstream_use(&upstream, &set);
    assert_int_equal(upstream.addrs_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_without_a_port_get_the_one_of_the_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
