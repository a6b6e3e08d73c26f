/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"
#include "sys/stack.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WANTED_BYTES = 32 * 1024, MANY_COUNT = 4000 };

static int nothing(void)
{
    (void)signal(SIGSEGV, SIG_DFL); /* a sanitizer takes faults for its own */
    return 0;
}

static int write_at(ptrdiff_t offset)
{
    size_t bytes = WANTED_BYTES;
    volatile uint8_t *stack = sl_stack_map(&bytes);
    stack[offset] = 1;
    return 0;
}

static int write_lowest(void)
{
    return write_at(0);
}

static int write_below(void)
{
    return write_at(-1);
}

static int write_far_below(void)
{
    return write_at(-(ptrdiff_t)(64 * 1024)); /* a frame of that size is stepped over at once */
}

static void a_stack_is_as_large_as_wanted_and_says_how_large(void **state)
{
    size_t bytes = WANTED_BYTES;
    SL_UNUSED(state);
    uint8_t *stack = sl_stack_map(&bytes);
    assert_non_null(stack);
    assert_true(bytes >= WANTED_BYTES);
    memset(stack, 0xa5, bytes);
    sl_stack_unmap(stack);
    sl_stack_unmap(NULL);
    bytes = SIZE_MAX;
    assert_null(sl_stack_map(&bytes));
    assert_true(bytes == SIZE_MAX);
}

static void to_run_over_it_is_a_fault(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(child_run(nothing, write_lowest), 0);
    assert_int_equal(child_run(nothing, write_below), CHILD_KILLED + SIGSEGV);
    assert_int_equal(child_run(nothing, write_far_below), CHILD_KILLED + SIGSEGV);
}

/* proc(5): the first number of statm */
static long mapped_pages(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &pages), 1);
    (void)fclose(file);
    return pages;
}

static void what_is_given_back_is_given_back_whole(void **state)
{
    const long before = mapped_pages();
    SL_UNUSED(state);
    for (size_t i = 0; i < MANY_COUNT; i++) {
        size_t bytes = WANTED_BYTES;
        void *stack = sl_stack_map(&bytes);
        assert_non_null(stack);
        sl_stack_unmap(stack);
    }
    assert_true(mapped_pages() - before < MANY_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stack_is_as_large_as_wanted_and_says_how_large),
        cmocka_unit_test(to_run_over_it_is_a_fault),
        cmocka_unit_test(what_is_given_back_is_given_back_whole),
    };
    return cmocka_run_group_tests_name("sys/stack", tests, NULL, NULL);
}
