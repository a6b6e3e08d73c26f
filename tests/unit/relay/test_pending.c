/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/pending.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void bytes_come_out_as_they_went_in_and_memory_goes_with_the_last(void **state)
{
    SL_UNUSED(state);
    struct sl_pending pending = { 0 };
    assert_int_equal(sl_pending_put(&pending, SL_SLICE(""), 10), SL_OK);
    assert_null(pending.ptr);
    assert_int_equal(sl_pending_put(&pending, SL_SLICE("abc"), 10), SL_OK);
    sl_pending_cut(&pending, 1);
    assert_int_equal(sl_pending_put(&pending, SL_SLICE("defg"), 10), SL_OK);
    assert_true(sl_slice_eq(sl_pending_slice(&pending), SL_SLICE("bcdefg")));
    sl_pending_cut(&pending, 6);
    assert_null(pending.ptr);
    assert_int_equal(sl_pending_slice(&pending).len, 0);
    assert_int_equal(pending.cap, 0);
}

static void the_bound_counts_what_is_held_and_not_what_has_passed(void **state)
{
    SL_UNUSED(state);
    struct sl_pending pending = { 0 };
    assert_int_equal(sl_pending_put(&pending, SL_SLICE("12345"), 4), SL_ENOSPC);
    assert_null(pending.ptr);
    assert_int_equal(sl_pending_put(&pending, SL_SLICE("1234"), 4), SL_OK);
    assert_int_equal(sl_pending_put(&pending, SL_SLICE("5"), 4), SL_ENOSPC);
    assert_int_equal(sl_pending_put(&pending, SL_SLICE(""), 4), SL_OK);
    sl_pending_cut(&pending, 1);
    assert_int_equal(sl_pending_put(&pending, SL_SLICE("5"), 4), SL_OK);
    assert_int_equal(sl_pending_put(&pending, SL_SLICE("6"), 3), SL_ENOSPC); /* held: 4 */
    assert_true(sl_slice_eq(sl_pending_slice(&pending), SL_SLICE("2345")));
    sl_pending_fini(&pending);
    sl_pending_fini(&pending);
    assert_null(pending.ptr);
}

static void a_long_stream_in_pieces_of_any_size_stays_whole(void **state)
{
    SL_UNUSED(state);
    unsigned seed = 3;
    struct sl_pending pending = { 0 };
    uint8_t next_in = 0, next_out = 0;
    for (unsigned step = 0; step < 20000; step++) {
        uint8_t piece[64];
        size_t len = (unsigned)rand_r(&seed) % sizeof(piece);
        for (size_t i = 0; i < len; i++) {
            piece[i] = (uint8_t)(next_in + i);
        }
        enum sl_err rc = sl_pending_put(&pending, sl_slice_of(piece, len), 200);
        next_in = (uint8_t)(next_in + (rc == SL_OK ? len : 0));
        assert_true(pending.len <= 200 && pending.head + pending.len <= pending.cap);
        struct sl_slice held = sl_pending_slice(&pending);
        size_t cut = (unsigned)rand_r(&seed) % 64;
        cut = SL_MIN(held.len, cut);
        for (size_t i = 0; i < cut; i++) {
            assert_int_equal(held.ptr[i], next_out++);
        }
        if (cut > 0) {
            sl_pending_cut(&pending, cut);
        }
        assert_true(pending.len > 0 || pending.ptr == NULL);
    }
    sl_pending_fini(&pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_as_they_went_in_and_memory_goes_with_the_last),
        cmocka_unit_test(the_bound_counts_what_is_held_and_not_what_has_passed),
        cmocka_unit_test(a_long_stream_in_pieces_of_any_size_stays_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
