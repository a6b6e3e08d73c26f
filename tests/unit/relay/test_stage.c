/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void each_stage_has_a_name_of_its_own(void **state)
{
    SL_UNUSED(state);
    for (unsigned i = 0; i < SL_STAGE_COUNT; i++) {
        const char *name = sl_stage_name((enum sl_stage)i);
        assert_non_null(name);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(name, sl_stage_name((enum sl_stage)j));
        }
    }
    assert_string_equal(sl_stage_name(SL_STAGE_RELAY), "relay");
    assert_string_equal(sl_stage_name(SL_STAGE_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_stage_has_a_name_of_its_own) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
