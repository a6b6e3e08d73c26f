/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void the_text_is_what_was_set_last(void **state)
{
    SL_UNUSED(state);
    struct sl_diag diag = { 0 };
    assert_string_equal(diag.text, "");
    sl_diag_set(&diag, "%s is %d long", "the first text", 14);
    sl_diag_set(&diag, "%.*s!", SL_SLICE_FMT(SL_SLICE("short")));
    assert_string_equal(diag.text, "short!");
}

static void a_long_text_is_cut(void **state)
{
    SL_UNUSED(state);
    char text[SL_DIAG_MAX * 2];
    memset(text, 't', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct {
        struct sl_diag diag;
        char behind;
    } place = { .behind = 'b' };
    sl_diag_set(&place.diag, "%s", text);
    assert_int_equal(strlen(place.diag.text), SL_DIAG_MAX - 1);
    assert_int_equal(place.behind, 'b');
}

static void nobody_has_to_listen(void **state)
{
    SL_UNUSED(state);
    sl_diag_set(NULL, "%s", "said to nobody");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_what_was_set_last),
        cmocka_unit_test(a_long_text_is_cut),
        cmocka_unit_test(nobody_has_to_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
