/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct item {
    int number;
    struct sl_list node;
};

static int shift_number(struct sl_list *head)
{
    struct sl_list *node = sl_list_shift(head);
    return node == NULL ? -1 : SL_CONTAINER_OF(node, struct item, node)->number;
}

static void items_come_out_as_they_went_in(void **state)
{
    SL_UNUSED(state);
    struct sl_list head;
    sl_list_init(&head);
    assert_true(sl_list_is_empty(&head));
    struct item items[] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
    for (size_t i = 0; i < SL_COUNT(items); i++) {
        sl_list_append(&head, &items[i].node);
    }
    assert_false(sl_list_is_empty(&head));
    assert_int_equal(shift_number(&head), 1);
    assert_int_equal(shift_number(&head), 2);
    assert_int_equal(shift_number(&head), 3);
    assert_int_equal(shift_number(&head), -1);
    assert_true(sl_list_is_empty(&head));
}

static void an_item_leaves_from_any_place(void **state)
{
    SL_UNUSED(state);
    for (int gone = 1; gone <= 3; gone++) {
        struct sl_list head;
        sl_list_init(&head);
        struct item items[] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
        for (size_t i = 0; i < SL_COUNT(items); i++) {
            sl_list_append(&head, &items[i].node);
        }
        sl_list_remove(&items[gone - 1].node);
        for (int number = 1; number <= 3; number++) {
            if (number != gone) {
                assert_int_equal(shift_number(&head), number);
            }
        }
        assert_true(sl_list_is_empty(&head));
    }
}

static void an_item_in_no_list_can_leave_again_and_come_back(void **state)
{
    SL_UNUSED(state);
    struct sl_list head, other;
    struct item item = { .number = 7 };
    sl_list_init(&head);
    sl_list_init(&other);
    sl_list_init(&item.node);
    sl_list_remove(&item.node);
    sl_list_append(&head, &item.node);
    sl_list_remove(&item.node);
    sl_list_remove(&item.node);
    assert_true(sl_list_is_empty(&head));
    sl_list_append(&other, &item.node);
    assert_int_equal(shift_number(&other), 7);
    sl_list_remove(&item.node); /* shifting left it in no list */
    assert_true(sl_list_is_empty(&item.node));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_as_they_went_in),
        cmocka_unit_test(an_item_leaves_from_any_place),
        cmocka_unit_test(an_item_in_no_list_can_leave_again_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
