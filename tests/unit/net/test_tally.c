/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tally.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct sl_tally *take(struct sl_tallies *tallies, const char *service)
{
    struct sl_tally *tally = NULL;
    assert_int_equal(sl_tallies_take(tallies, service, &tally), SL_OK);
    return tally;
}

static void a_service_has_one_for_as_long_as_somebody_holds_it(void **state)
{
    static struct sl_tallies tallies;
    SL_UNUSED(state);
    sl_tallies_init(&tallies);
    struct sl_tally *before = take(&tallies, "web");
    before->conns_count = 7;
    struct sl_tally *now = take(&tallies, "web");
    assert_ptr_equal(now, before);
    sl_tally_unref(before);
    assert_int_equal(now->conns_count, 7);
    sl_tally_unref(now);
    now = take(&tallies, "web");
    assert_int_equal(now->conns_count, 0);
    sl_tally_unref(now);
    sl_tally_unref(NULL);
}

static void services_have_one_each(void **state)
{
    enum { COUNT = 3 * SL_TALLIES_BUCKETS };
    static struct sl_tallies tallies;
    static struct sl_tally *taken[COUNT];
    SL_UNUSED(state);
    sl_tallies_init(&tallies);
    for (size_t i = 0; i < COUNT; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "service-%zu", i);
        taken[i] = take(&tallies, name);
        assert_int_equal(taken[i]->conns_count, 0);
        taken[i]->conns_count = i + 1;
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(taken[i]->conns_count, i + 1);
        sl_tally_unref(taken[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_has_one_for_as_long_as_somebody_holds_it),
        cmocka_unit_test(services_have_one_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
