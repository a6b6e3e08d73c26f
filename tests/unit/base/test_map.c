/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS_COUNT = 5000, KEY_BYTES = 16 };

static void an_empty_map_has_nothing(void **state)
{
    struct sl_map map = { 0 };
    uint32_t value = 7;
    SL_UNUSED(state);
    assert_int_equal(sl_map_find(&map, SL_SLICE("a"), &value), SL_ENOENT);
    assert_int_equal(value, 7);
    sl_map_fini(&map);
    sl_map_fini(&map);
}

static void every_key_is_found_and_no_other(void **state)
{
    static char keys[KEYS_COUNT][KEY_BYTES];
    struct sl_map map = { 0 };
    uint32_t value = 0;
    SL_UNUSED(state);
    for (uint32_t i = 0; i < KEYS_COUNT; i++) {
        (void)snprintf(keys[i], KEY_BYTES, "key %u", i);
        assert_int_equal(sl_map_find(&map, sl_slice_cstr(keys[i]), &value), SL_ENOENT);
        assert_int_equal(sl_map_add(&map, sl_slice_cstr(keys[i]), i), SL_OK);
    }
    assert_int_equal(map.count, KEYS_COUNT);
    for (uint32_t i = 0; i < KEYS_COUNT; i++) {
        assert_int_equal(sl_map_find(&map, sl_slice_cstr(keys[i]), &value), SL_OK);
        assert_int_equal(value, i);
    }
    assert_int_equal(sl_map_find(&map, SL_SLICE("key"), &value), SL_ENOENT);
    assert_int_equal(sl_map_find(&map, SL_SLICE("key 5000"), &value), SL_ENOENT);
    sl_map_fini(&map);
}

static void the_empty_key_is_a_key(void **state)
{
    struct sl_map map = { 0 };
    uint32_t value = 0;
    SL_UNUSED(state);
    assert_int_equal(sl_map_add(&map, SL_SLICE(""), 3), SL_OK);
    assert_int_equal(sl_map_find(&map, SL_SLICE(""), &value), SL_OK);
    assert_int_equal(value, 3);
    sl_map_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(every_key_is_found_and_no_other),
        cmocka_unit_test(the_empty_key_is_a_key),
    };
    return cmocka_run_group_tests_name("base/map", tests, NULL, NULL);
}
