/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void both_versions_are_named(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(sl_tls_library_init(), SL_OK);
    assert_int_equal(sl_tls_library_init(), SL_OK);
    assert_int_equal(strncmp(sl_tls_library_built(), "OpenSSL ", 8), 0);
    assert_int_equal(strncmp(sl_tls_library_running(), "OpenSSL ", 8), 0);
}

static void what_the_library_lacks_is_found_by_trying(void **state)
{
    SL_UNUSED(state);
    uint8_t text[256];
    struct sl_wbuf out = sl_wbuf_of(text, sizeof(text));
    assert_int_equal(sl_tls_library_lacks(&out), SL_OK);
    bool is_before_35 = strncmp(sl_tls_library_running(), "OpenSSL 3.", 10) == 0 &&
                        sl_tls_library_running()[10] < '5';
    assert_true(sl_slice_eq(sl_wbuf_slice(&out),
                            sl_slice_cstr(is_before_35 ? "X25519MLKEM768,guarded-stacks" : "")));
    if (is_before_35) {
        struct sl_wbuf small = sl_wbuf_of(text, 3);
        assert_int_equal(sl_tls_library_lacks(&small), SL_ENOSPC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_versions_are_named),
        cmocka_unit_test(what_the_library_lacks_is_found_by_trying),
    };
    return cmocka_run_group_tests_name("tls/library", tests, NULL, NULL);
}
