/* SPDX-License-Identifier: Apache-2.0 */
#include "net/health.h"
#include "sys/file.h"
#include "sys/socket.h"
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { INTERVAL_MS = 1000, WORKERS = 2, INTERVALS = 2000 };

static const struct sl_conf_health RULE = { .interval_ms = INTERVAL_MS,
                                            .rise_count = 2,
                                            .fall_count = 3 };

static struct sl_health_slot *slots_make(void)
{
    int fd = -1;
    void *slots = NULL;
    assert_int_equal(sl_shared_create("test", SL_HEALTH_BYTES, &fd, &slots), SL_OK);
    sl_socket_close(&fd);
    return slots;
}

static void a_key_finds_its_slot_again(void **state)
{
    struct sl_health_slot *slots = slots_make();
    SL_UNUSED(state);
    struct sl_health_slot *one = sl_health_find(slots, 5);
    struct sl_health_slot *two = sl_health_find(slots, 5 + SL_HEALTH_SLOTS); /* the same place */
    assert_ptr_equal(sl_health_find(slots, 5), one);
    assert_ptr_equal(sl_health_find(slots, 5 + SL_HEALTH_SLOTS), two);
    assert_ptr_not_equal(one, two);
    assert_non_null(sl_health_find(slots, 0));
    sl_shared_unmap(slots, SL_HEALTH_BYTES);
}

static void there_are_so_many_slots_and_no_more(void **state)
{
    struct sl_health_slot *slots = slots_make();
    SL_UNUSED(state);
    for (uint64_t key = 1; key <= SL_HEALTH_SLOTS; key++) {
        assert_non_null(sl_health_find(slots, key * 7));
    }
    assert_null(sl_health_find(slots, 3));
    assert_non_null(sl_health_find(slots, 7));
    sl_shared_unmap(slots, SL_HEALTH_BYTES);
}

static void one_check_is_due_in_an_interval(void **state)
{
    struct sl_health_slot slot = { 0 };
    uint64_t in_ms = 0;
    SL_UNUSED(state);
    assert_true(sl_health_is_due(&slot, 5000, INTERVAL_MS, &in_ms));
    assert_int_equal(in_ms, INTERVAL_MS);
    assert_false(sl_health_is_due(&slot, 5001, INTERVAL_MS, &in_ms));
    assert_int_equal(in_ms, INTERVAL_MS - 1);
    assert_true(sl_health_is_due(&slot, 6000, INTERVAL_MS, &in_ms));
    assert_true(sl_health_is_due(&slot, 9999, INTERVAL_MS, &in_ms)); /* who was to is gone */
}

static void rubbish_in_a_slot_does_not_stop_the_clock(void **state)
{
    struct sl_health_slot slot = { .next_ms = UINT64_MAX };
    uint64_t in_ms = 0;
    SL_UNUSED(state);
    assert_false(sl_health_is_due(&slot, 5000, INTERVAL_MS, &in_ms));
    assert_in_range(in_ms, 1, 2 * INTERVAL_MS);
}

/* Asks in each interval, at the same time as the others, and adds up what it wins. */
static void win(struct sl_health_slot *slot, struct sl_health_slot *tally)
{
    for (uint64_t i = 1; i <= INTERVALS; i++) {
        uint64_t in_ms;
        atomic_fetch_add(&tally->next_ms, 1);
        while (atomic_load(&tally->next_ms) < i * WORKERS) {
            (void)sched_yield();
        }
        if (sl_health_is_due(slot, i * INTERVAL_MS, INTERVAL_MS, &in_ms)) {
            atomic_fetch_add(&tally->up_ms, 1);
        }
    }
}

static void of_many_processes_one_checks(void **state)
{
    struct sl_health_slot *slots = slots_make();
    SL_UNUSED(state);
    for (unsigned i = 0; i < WORKERS; i++) {
        if (fork() == 0) {
            win(&slots[0], &slots[1]);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_true(wait(NULL) > 0);
    }
    assert_int_equal(atomic_load(&slots[1].up_ms), INTERVALS);
    sl_shared_unmap(slots, SL_HEALTH_BYTES);
}

static void so_many_in_a_row_make_it_fall_and_rise(void **state)
{
    struct sl_health_slot slot = { 0 };
    SL_UNUSED(state);
    assert_false(sl_health_note(&slot, &RULE, false, 10));
    assert_false(sl_health_note(&slot, &RULE, false, 20));
    assert_false(sl_health_note(&slot, &RULE, true, 30)); /* not in a row */
    assert_false(sl_health_note(&slot, &RULE, false, 40));
    assert_false(sl_health_note(&slot, &RULE, false, 50));
    assert_false(sl_health_is_down(&slot));
    assert_true(sl_health_note(&slot, &RULE, false, 60));
    assert_true(sl_health_is_down(&slot));
    assert_false(sl_health_note(&slot, &RULE, false, 70));
    assert_false(sl_health_note(&slot, &RULE, true, 80));
    assert_false(sl_health_note(&slot, &RULE, false, 90));
    assert_false(sl_health_note(&slot, &RULE, true, 100));
    assert_int_equal(sl_health_up_ms(&slot), 0);
    assert_true(sl_health_note(&slot, &RULE, true, 110));
    assert_false(sl_health_is_down(&slot));
    assert_int_equal(sl_health_up_ms(&slot), 110);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_finds_its_slot_again),
        cmocka_unit_test(there_are_so_many_slots_and_no_more),
        cmocka_unit_test(one_check_is_due_in_an_interval),
        cmocka_unit_test(rubbish_in_a_slot_does_not_stop_the_clock),
        cmocka_unit_test(of_many_processes_one_checks),
        cmocka_unit_test(so_many_in_a_row_make_it_fall_and_rise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
