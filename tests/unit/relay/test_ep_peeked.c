/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ep_mem.h"
#include "relay/ep_peeked.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { CHUNK_BYTES = 4 };

static void what_was_peeked_comes_in_chunks_before_the_rest(void **state)
{
    struct sl_ep_mem mem;
    struct sl_ep_peeked peeked;
    struct sl_pending bytes = { 0 };
    struct sl_slice got;
    sl_ep_mem_init(&mem);
    assert_int_equal(sl_ep_mem_feed(&mem, SL_SLICE("xyz")), SL_OK);
    mem.in_end = SL_EOF;
    assert_int_equal(sl_pending_put(&bytes, SL_SLICE("abcdef"), 100), SL_OK);
    sl_ep_peeked_init(&peeked, &mem.ep, &bytes);
    assert_null(bytes.ptr);
    assert_int_equal(sl_ep_read(&peeked.ep, *state, &got), SL_OK);
    assert_true(sl_slice_eq(got, SL_SLICE("abcd")));
    assert_int_equal(sl_ep_read(&peeked.ep, *state, &got), SL_OK);
    assert_true(sl_slice_eq(got, SL_SLICE("ef")));
    assert_int_equal(sl_ep_read(&peeked.ep, *state, &got), SL_OK);
    assert_true(sl_slice_eq(got, SL_SLICE("xyz")));
    assert_null(peeked.bytes.ptr); /* what is relayed holds no memory */
    assert_int_equal(sl_ep_read(&peeked.ep, *state, &got), SL_EOF);
    sl_ep_peeked_fini(&peeked);
    sl_ep_mem_fini(&mem);
}

static void all_else_is_that_of_the_endpoint_below(void **state)
{
    struct sl_ep_mem mem;
    struct sl_ep_peeked peeked;
    struct sl_pending bytes = { 0 };
    sl_ep_mem_init(&mem);
    assert_int_equal(sl_pending_put(&bytes, SL_SLICE("abc"), 100), SL_OK);
    sl_ep_peeked_init(&peeked, &mem.ep, &bytes);
    mem.take_bytes = 1;
    assert_int_equal(sl_ep_write(&peeked.ep, *state, SL_SLICE("123")), SL_AGAIN);
    assert_int_equal(sl_ep_pending(&peeked.ep), 2);
    assert_int_equal(sl_ep_shut(&peeked.ep, *state), SL_AGAIN);
    mem.take_bytes = SIZE_MAX;
    assert_int_equal(sl_ep_flush(&peeked.ep), SL_OK);
    assert_int_equal(sl_ep_shut(&peeked.ep, *state), SL_OK);
    assert_true(mem.is_shut);
    assert_true(sl_slice_eq(sl_pending_slice(&mem.taken), SL_SLICE("123")));
    assert_false(sl_ep_is_reset(&peeked.ep));
    mem.is_reset = true;
    assert_true(sl_ep_is_reset(&peeked.ep));
    sl_ep_peeked_fini(&peeked); /* with bytes that nobody read */
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
        cmocka_unit_test(what_was_peeked_comes_in_chunks_before_the_rest),
        cmocka_unit_test(all_else_is_that_of_the_endpoint_below),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
