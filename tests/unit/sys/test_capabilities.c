/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"
#include "sys/capabilities.h"
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include <cmocka.h>

#define KEPT (SL_CAPABILITY(CAP_KILL) | SL_CAPABILITY(CAP_SETPCAP))

enum { ENTER_FAILED = 200 };

static void wants_root(void)
{
    if (geteuid() != 0) {
        skip();
    }
}

static int nothing(void)
{
    return 0;
}

static int keep_two(void)
{
    sl_capabilities_bound(KEPT);
    return sl_capabilities_keep(KEPT) == SL_OK ? 0 : ENTER_FAILED;
}

static int keep_none(void)
{
    return sl_capabilities_keep(0) == SL_OK ? 0 : ENTER_FAILED;
}

static int use_one(void)
{
    return sl_capabilities_use(SL_CAPABILITY(CAP_KILL)) == SL_OK ? 0 : ENTER_FAILED;
}

static int give_file_away(void)
{
    return child_errno(chown("/proc/self/fd/0", 4711, 4711));
}

static int drop_bound(void)
{
    return child_errno(prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0));
}

static int count_bound(void)
{
    int count = 0;
    for (unsigned i = 0; i < 64; i++) {
        count += prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1;
    }
    return count;
}

static int differs_from_kept(void)
{
    return sl_capabilities_permitted() == KEPT ? 0 : 1;
}

static int keep_all(void)
{
    return sl_capabilities_keep(~UINT64_C(0)) == SL_OK ? 0 : 1;
}

static int use_all_then_drop(void)
{
    return sl_capabilities_use(~UINT64_C(0)) == SL_OK ? drop_bound() : ENTER_FAILED;
}

static int is_any_left(void)
{
    return sl_capabilities_permitted() != 0;
}

static void what_is_kept_is_all_that_is_left(void **state)
{
    SL_UNUSED(state);
    wants_root();
    assert_int_equal(child_run(keep_two, differs_from_kept), 0);
    assert_int_equal(child_run(keep_two, count_bound), 2);
    assert_int_equal(child_run(keep_two, drop_bound), 0);
    assert_int_equal(child_run(keep_none, drop_bound), EPERM);
    assert_int_equal(child_run(keep_none, is_any_left), 0);
    assert_int_not_equal(child_run(nothing, give_file_away), EPERM);
    assert_int_equal(child_run(keep_two, give_file_away), EPERM);
}

static void what_was_given_up_does_not_come_back(void **state)
{
    SL_UNUSED(state);
    wants_root();
    assert_int_equal(child_run(keep_two, keep_all), 0);
    assert_int_equal(child_run(keep_none, use_all_then_drop), EPERM);
}

static void what_is_not_used_can_come_back(void **state)
{
    SL_UNUSED(state);
    wants_root();
    assert_int_equal(child_run(use_one, drop_bound), EPERM);
    assert_int_equal(child_run(use_one, use_all_then_drop), 0);
    assert_int_equal(child_run(use_one, is_any_left), 1);
}

static void anybody_may_give_up_what_he_has(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(child_run(keep_none, is_any_left), 0);
    assert_int_equal(child_run(keep_none, keep_none), 0);
}

static void sets_are_written_by_name_and_unknown_ones_by_number(void **state)
{
    char bytes[64];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    SL_UNUSED(state);
    assert_int_equal(sl_capabilities_put(0, &out), SL_OK);
    assert_int_equal(out.len, 0);
    const uint64_t set = KEPT | SL_CAPABILITY(CAP_SYS_ADMIN) | SL_CAPABILITY(63);
    assert_int_equal(sl_capabilities_put(set, &out), SL_OK);
    assert_true(sl_slice_eq(sl_wbuf_slice(&out), SL_SLICE("kill, setpcap, 21, 63")));
    out.len = sizeof(bytes) - 2;
    assert_int_equal(sl_capabilities_put(KEPT, &out), SL_ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_is_all_that_is_left),
        cmocka_unit_test(what_was_given_up_does_not_come_back),
        cmocka_unit_test(what_is_not_used_can_come_back),
        cmocka_unit_test(anybody_may_give_up_what_he_has),
        cmocka_unit_test(sets_are_written_by_name_and_unknown_ones_by_number),
    };
    return cmocka_run_group_tests_name("sys/capabilities", tests, NULL, NULL);
}
