/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void every_code_has_a_name_of_its_own(void **state)
{
    SL_UNUSED(state);
    for (int a = 0; a < SL_ERR_COUNT; a++) {
        const char *name = sl_err_name((enum sl_err)a);
        assert_int_equal(strncmp(name, "SL_", 3), 0);
        assert_string_not_equal(name, "SL_?");
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(name, sl_err_name((enum sl_err)b));
        }
    }
    assert_string_equal(sl_err_name(SL_OK), "SL_OK");
    assert_string_equal(sl_err_name(SL_EPROTO), "SL_EPROTO");
    assert_string_equal(sl_err_name(SL_ESYS), "SL_ESYS");
}

static void a_number_that_is_no_code_has_a_name_too(void **state)
{
    SL_UNUSED(state);
    assert_string_equal(sl_err_name(SL_ERR_COUNT), "SL_?");
    assert_string_equal(sl_err_name((enum sl_err)(SL_ERR_COUNT + 1)), "SL_?");
}

static void a_stolen_pointer_is_gone(void **state)
{
    SL_UNUSED(state);
    int value = 1;
    int *owner = &value;
    int *taken = SL_STEAL(owner);
    assert_ptr_equal(taken, &value);
    assert_null(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_name_of_its_own),
        cmocka_unit_test(a_number_that_is_no_code_has_a_name_too),
        cmocka_unit_test(a_stolen_pointer_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
