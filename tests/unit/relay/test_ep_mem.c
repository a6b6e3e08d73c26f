/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ep_mem.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { CHUNK_BYTES = 4 };

static void what_is_fed_is_read_in_steps_and_then_the_end(void **state)
{
    struct sl_ep_mem mem;
    sl_ep_mem_init(&mem);
    struct sl_slice bytes = { 0 };
    assert_int_equal(sl_ep_read(&mem.ep, *state, &bytes), SL_AGAIN);
    assert_int_equal(sl_ep_mem_feed(&mem, SL_SLICE("abcdefg")), SL_OK);
    mem.in_end = SL_ERESET;
    assert_int_equal(sl_ep_read(&mem.ep, *state, &bytes), SL_OK);
    assert_true(sl_slice_eq(bytes, SL_SLICE("abcd"))); /* a chunk */
    mem.in_step_bytes = 2;
    assert_int_equal(sl_ep_read(&mem.ep, *state, &bytes), SL_OK);
    assert_true(sl_slice_eq(bytes, SL_SLICE("ef")));
    assert_int_equal(sl_ep_read(&mem.ep, *state, &bytes), SL_OK);
    assert_true(sl_slice_eq(bytes, SL_SLICE("g")));
    assert_false(sl_ep_is_reset(&mem.ep));
    assert_int_equal(sl_ep_read(&mem.ep, *state, &bytes), SL_ERESET);
    assert_true(sl_ep_is_reset(&mem.ep));
    sl_ep_mem_fini(&mem);
}

static void what_is_not_taken_waits_in_order(void **state)
{
    struct sl_ep_mem mem;
    sl_ep_mem_init(&mem);
    mem.take_bytes = 2;
    assert_int_equal(sl_ep_write(&mem.ep, *state, SL_SLICE("abc")), SL_AGAIN);
    assert_int_equal(sl_ep_write(&mem.ep, *state, SL_SLICE("de")), SL_AGAIN);
    assert_int_equal(sl_ep_pending(&mem.ep), 3);
    assert_int_equal(sl_ep_shut(&mem.ep, *state), SL_AGAIN);
    assert_false(mem.is_shut);
    mem.take_bytes = 2;
    assert_int_equal(sl_ep_flush(&mem.ep), SL_AGAIN);
    mem.take_bytes = SIZE_MAX;
    assert_int_equal(sl_ep_shut(&mem.ep, *state), SL_OK);
    assert_true(mem.is_shut);
    assert_true(sl_slice_eq(sl_pending_slice(&mem.taken), SL_SLICE("abcde")));
    sl_ep_mem_fini(&mem);
}

static void a_reset_refuses_every_byte(void **state)
{
    struct sl_ep_mem mem;
    sl_ep_mem_init(&mem);
    mem.take_bytes = 0;
    assert_int_equal(sl_ep_write(&mem.ep, *state, SL_SLICE("abc")), SL_AGAIN);
    mem.is_reset = true;
    mem.take_bytes = SIZE_MAX;
    assert_int_equal(sl_ep_flush(&mem.ep), SL_ERESET);
    assert_int_equal(sl_ep_write(&mem.ep, *state, SL_SLICE("d")), SL_ERESET);
    assert_int_equal(sl_ep_shut(&mem.ep, *state), SL_ERESET);
    assert_int_equal(mem.taken.len, 0);
    sl_ep_mem_fini(&mem);
}

static int scratch_setup(void **state)
{
    static struct sl_scratch scratch;
    *state = &scratch;
    return sl_scratch_init(&scratch, CHUNK_BYTES) == SL_OK ? 0 : -1;
}

static int scratch_teardown(void **state)
{
    sl_scratch_fini(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_fed_is_read_in_steps_and_then_the_end),
        cmocka_unit_test(what_is_not_taken_waits_in_order),
        cmocka_unit_test(a_reset_refuses_every_byte),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
