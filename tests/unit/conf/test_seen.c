/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/seen.h"
#include "expect.h"

enum { TEXTS_COUNT = 1000 };

static void every_second_sight_is_told_with_the_place_of_the_first(void **state)
{
    static char texts[TEXTS_COUNT][8];
    struct sl_arena arena;
    struct sl_seen seen;
    struct sl_conf_pos first = { 0 };
    SL_UNUSED(state);
    sl_arena_init(&arena, 0);
    assert_int_equal(sl_seen_init(&seen, &arena, TEXTS_COUNT), SL_OK);
    for (uint32_t i = 0; i < TEXTS_COUNT; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "%u", i);
        struct sl_conf_pos pos = { .line = i + 1, .column = 1 };
        assert_true(sl_seen_add(&seen, sl_slice_cstr(texts[i]), pos, &first));
        assert_int_equal(first.line, 0);
    }
    for (uint32_t i = 0; i < TEXTS_COUNT; i++) {
        struct sl_conf_pos pos = { .line = 9999, .column = 1 };
        assert_false(sl_seen_add(&seen, sl_slice_cstr(texts[i]), pos, &first));
        assert_int_equal(first.line, i + 1);
    }
    sl_arena_fini(&arena);
}

static void the_empty_text_is_a_text(void **state)
{
    struct sl_arena arena;
    struct sl_seen seen;
    struct sl_conf_pos pos = { .line = 4 }, first = { 0 };
    SL_UNUSED(state);
    sl_arena_init(&arena, 0);
    assert_int_equal(sl_seen_init(&seen, &arena, 1), SL_OK);
    assert_true(sl_seen_add(&seen, SL_SLICE(""), pos, &first));
    assert_false(sl_seen_add(&seen, SL_SLICE(""), pos, &first));
    assert_int_equal(first.line, 4);
    sl_arena_fini(&arena);
}

static void no_memory_is_told(void **state)
{
    struct sl_arena arena;
    struct sl_seen seen;
    SL_UNUSED(state);
    sl_arena_init(&arena, 64);
    assert_int_equal(sl_seen_init(&seen, &arena, 1000), SL_ENOMEM);
    assert_int_equal(sl_seen_init(&seen, &arena, SIZE_MAX), SL_ENOMEM);
    sl_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_second_sight_is_told_with_the_place_of_the_first),
        cmocka_unit_test(the_empty_text_is_a_text),
        cmocka_unit_test(no_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
