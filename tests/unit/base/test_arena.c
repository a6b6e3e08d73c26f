/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    SL_UNUSED(state);
    struct sl_arena arena;
    sl_arena_init(&arena, 0);
    uint8_t *pieces[2000];
    size_t sizes[2000];
    for (size_t i = 0; i < SL_COUNT(pieces); i++) {
        sizes[i] = i % 500 + (i % 100 == 0 ? 9000 : 0); /* some larger than a block */
        pieces[i] = sl_arena_alloc(&arena, sizes[i]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < sizes[i]; k++) {
            assert_int_equal(pieces[i][k], 0);
        }
        memset(pieces[i], (int)(i % 255) + 1, sizes[i]);
    }
    for (size_t i = 0; i < SL_COUNT(pieces); i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            assert_int_equal(pieces[i][k], i % 255 + 1);
        }
    }
    sl_arena_fini(&arena);
}

static void a_limit_is_reached_to_the_byte_and_not_passed(void **state)
{
    SL_UNUSED(state);
    enum { LIMIT = 10240, PIECE = 1024 };
    struct sl_arena arena;
    sl_arena_init(&arena, LIMIT);
    assert_null(sl_arena_alloc(&arena, LIMIT + 1));
    assert_int_equal(arena.used_bytes, 0);
    for (size_t i = 0; i < LIMIT / PIECE; i++) {
        assert_non_null(sl_arena_alloc(&arena, PIECE));
    }
    assert_int_equal(arena.used_bytes, LIMIT);
    assert_null(sl_arena_alloc(&arena, 1));
    assert_null(sl_arena_strdup(&arena, SL_SLICE("")));
    assert_int_equal(arena.used_bytes, LIMIT);

    /* what was given back can be taken again, up to the same limit */
    sl_arena_fini(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(sl_arena_alloc(&arena, LIMIT));
    assert_null(sl_arena_alloc(&arena, 1));
    sl_arena_fini(&arena);
}

static void sizes_that_overflow_are_refused(void **state)
{
    SL_UNUSED(state);
    struct sl_arena arena;
    sl_arena_init(&arena, 0);
    assert_null(sl_arena_alloc(&arena, SIZE_MAX));
    assert_null(sl_arena_alloc(&arena, SIZE_MAX - 15));
    assert_null(sl_arena_alloc(&arena, SIZE_MAX / 2 + 1));
    assert_null(sl_arena_calloc(&arena, SIZE_MAX / 2, 4));
    assert_null(sl_arena_calloc(&arena, (SIZE_MAX >> 4) + 2, 16));
    assert_int_equal(arena.used_bytes, 0);
    uint64_t *numbers = sl_arena_calloc(&arena, 100, sizeof(*numbers));
    assert_non_null(numbers);
    assert_true(numbers[0] == 0 && numbers[99] == 0);
    sl_arena_fini(&arena);
}

static void copies_end_with_a_nul(void **state)
{
    SL_UNUSED(state);
    struct sl_arena arena;
    sl_arena_init(&arena, 0);
    char *copy = sl_arena_strdup(&arena, sl_slice_of("abcdef", 3));
    assert_string_equal(copy, "abc");
    copy = sl_arena_strdup(&arena, sl_slice_of(NULL, 0));
    assert_string_equal(copy, "");
    char whole[16]; /* a full unit of alignment: the NUL needs one more */
    memset(whole, 'w', sizeof(whole));
    copy = sl_arena_strdup(&arena, sl_slice_of(whole, sizeof(whole)));
    char *next = sl_arena_strdup(&arena, SL_SLICE("next"));
    assert_memory_equal(copy, whole, sizeof(whole));
    assert_int_equal(copy[sizeof(whole)], '\0');
    assert_string_equal(next, "next");
    sl_arena_fini(&arena);
}

static void an_empty_arena_can_be_freed_twice(void **state)
{
    SL_UNUSED(state);
    struct sl_arena zeroed = { 0 };
    sl_arena_fini(&zeroed);
    assert_non_null(sl_arena_alloc(&zeroed, 1));
    sl_arena_fini(&zeroed);
    sl_arena_fini(&zeroed);
    sl_arena_fini(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_limit_is_reached_to_the_byte_and_not_passed),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(copies_end_with_a_nul),
        cmocka_unit_test(an_empty_arena_can_be_freed_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
