/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ep_mem.h"
#include "relay/flow.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHUNK_BYTES = 64, BUDGET_BYTES = 256 };

struct world {
    struct sl_scratch scratch;
    struct sl_ep_mem from, to;
    struct sl_flow flow;
};

static int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    if (w == NULL || sl_scratch_init(&w->scratch, CHUNK_BYTES) != SL_OK) {
        return -1;
    }
    sl_ep_mem_init(&w->from);
    sl_ep_mem_init(&w->to);
    sl_flow_init(&w->flow, &w->from.ep, &w->to.ep);
    *state = w;
    return 0;
}

static int world_teardown(void **state)
{
    struct world *w = *state;
    sl_ep_mem_fini(&w->from);
    sl_ep_mem_fini(&w->to);
    sl_scratch_fini(&w->scratch);
    free(w);
    return 0;
}

static void feed(struct world *w, const char *text)
{
    assert_int_equal(sl_ep_mem_feed(&w->from, sl_slice_cstr(text)), SL_OK);
}

static void feed_many(struct world *w, size_t count)
{
    static const uint8_t ZEROS[4096];
    assert_int_equal(sl_ep_mem_feed(&w->from, sl_slice_of(ZEROS, count)), SL_OK);
}

static enum sl_err turn(struct world *w)
{
    return sl_flow_turn(&w->flow, &w->scratch, BUDGET_BYTES);
}

static void assert_taken(const struct world *w, const char *text)
{
    assert_true(sl_slice_eq(sl_pending_slice(&w->to.taken), sl_slice_cstr(text)));
}

static void bytes_go_on_and_an_idle_flow_owns_no_memory(void **state)
{
    struct world *w = *state;
    assert_int_equal(turn(w), SL_AGAIN);
    assert_false(w->flow.is_active);
    feed(w, "hello");
    assert_int_equal(turn(w), SL_AGAIN);
    assert_true(w->flow.is_active);
    assert_taken(w, "hello");
    assert_int_equal(w->flow.bytes_count, 5);
    assert_null(w->to.out.ptr);
    assert_null(w->from.in.ptr);
    assert_int_equal(turn(w), SL_AGAIN);
    assert_false(w->flow.is_active);
}

static void a_clean_end_comes_behind_the_last_byte(void **state)
{
    struct world *w = *state;
    feed(w, "hello");
    w->from.in_end = SL_EOF;
    w->to.take_bytes = 2;
    assert_int_equal(turn(w), SL_AGAIN);
    assert_false(w->to.is_shut);
    assert_taken(w, "he");
    w->to.take_bytes = 2;
    assert_int_equal(turn(w), SL_AGAIN);
    assert_true(w->flow.is_active); /* a flush counts: a slow reader is not an idle one */
    assert_false(w->to.is_shut);
    w->to.take_bytes = 1;
    assert_int_equal(turn(w), SL_EOF);
    assert_true(w->to.is_shut);
    assert_taken(w, "hello");
    assert_int_equal(w->flow.state, SL_FLOW_SHUT);
    assert_int_equal(turn(w), SL_EOF);
    assert_null(w->to.out.ptr);
}

static void a_sink_that_never_takes_stops_the_reading(void **state)
{
    struct world *w = *state;
    feed_many(w, 4096);
    w->to.take_bytes = 0;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(turn(w), SL_AGAIN);
    }
    assert_int_equal(w->from.in.len, 4096 - CHUNK_BYTES);
    assert_int_equal(w->to.out.len, CHUNK_BYTES);
    assert_true(w->to.out.len <= sl_scratch_pending_max(&w->scratch));
    assert_false(w->flow.is_active);
}

static void a_turn_moves_about_its_budget_and_says_so(void **state)
{
    struct world *w = *state;
    feed_many(w, 1000);
    assert_int_equal(turn(w), SL_OK);
    assert_int_equal(w->to.taken.len, BUDGET_BYTES);
    assert_int_equal(turn(w), SL_OK);
    assert_int_equal(turn(w), SL_OK);
    assert_int_equal(turn(w), SL_AGAIN);
    assert_int_equal(w->to.taken.len, 1000);
}

static void single_bytes_cost_more_than_a_byte(void **state)
{
    struct world *w = *state;
    feed_many(w, 1000);
    w->from.in_step_bytes = 1;
    assert_int_equal(turn(w), SL_OK);
    assert_in_range(w->to.taken.len, 1, BUDGET_BYTES / (CHUNK_BYTES / 8));
    unsigned turns_count = 1;
    while (turn(w) == SL_OK) {
        assert_true(turns_count++ < 1000);
    }
    assert_int_equal(w->to.taken.len, 1000);
}

/* What a peer that sends empty records looks like. */
static enum sl_err read_nothing(struct sl_ep *ep, struct sl_scratch *scratch,
                                struct sl_slice *ret_bytes)
{
    SL_UNUSED(ep);
    SL_UNUSED(scratch);
    *ret_bytes = sl_slice_of(NULL, 0);
    return SL_OK;
}

static void reads_that_bring_nothing_use_up_the_budget_too(void **state)
{
    struct world *w = *state;
    struct sl_ep_ops ops = *w->from.ep.ops;
    ops.read = read_nothing;
    w->from.ep.ops = &ops;
    assert_int_equal(turn(w), SL_OK); /* or the test would never end */
    assert_int_equal(w->to.taken.len, 0);
    assert_int_equal(w->flow.bytes_count, 0);
}

static void a_source_that_breaks_off_kills_the_flow_without_a_clean_end(void **state)
{
    const enum sl_err ENDS[] = { SL_ERESET, SL_ETRUNC, SL_ETLS, SL_ENOMEM };
    for (size_t i = 0; i < SL_COUNT(ENDS); i++) {
        struct world *w = *state;
        sl_ep_mem_fini(&w->to);
        sl_ep_mem_init(&w->from);
        sl_ep_mem_init(&w->to);
        sl_flow_init(&w->flow, &w->from.ep, &w->to.ep);
        feed(w, "hello");
        w->from.in_end = ENDS[i];
        assert_int_equal(turn(w), ENDS[i]);
        assert_int_equal(w->flow.state, SL_FLOW_DEAD);
        assert_int_equal(w->flow.error, ENDS[i]);
        assert_false(w->flow.is_sink_error);
        assert_false(w->to.is_shut);
        assert_taken(w, "hello");
        assert_int_equal(turn(w), ENDS[i]);
    }
}

static void a_sink_that_breaks_off_is_found_by_write_flush_and_shut(void **state)
{
    for (unsigned how = 0; how < 3; how++) {
        struct world *w = *state;
        sl_ep_mem_fini(&w->from);
        sl_ep_mem_fini(&w->to);
        sl_ep_mem_init(&w->from);
        sl_ep_mem_init(&w->to);
        sl_flow_init(&w->flow, &w->from.ep, &w->to.ep);
        feed(w, "hello");
        w->from.in_end = SL_EOF;
        w->to.take_bytes = how == 0 ? SIZE_MAX : 0;
        if (how > 0) {
            assert_int_equal(turn(w), SL_AGAIN);
        }
        if (how == 2) { /* what is pending goes out together with the end */
            w->flow.state = SL_FLOW_EOF_SEEN;
        }
        w->to.is_reset = true;
        assert_int_equal(turn(w), SL_ERESET);
        assert_int_equal(w->flow.state, SL_FLOW_DEAD);
        assert_true(w->flow.is_sink_error);
        assert_false(w->to.is_shut);
    }
}

static void a_sink_that_is_over_its_bound_is_an_error_and_not_a_loss(void **state)
{
    struct world *w = *state;
    w->to.take_bytes = 0;
    uint8_t *bytes = calloc(1, sl_scratch_pending_max(&w->scratch) + 1);
    assert_non_null(bytes);
    assert_int_equal(sl_ep_write(&w->to.ep, &w->scratch,
                                 sl_slice_of(bytes, sl_scratch_pending_max(&w->scratch) + 1)),
                     SL_ENOSPC);
    assert_int_equal(sl_ep_write(&w->to.ep, &w->scratch,
                                 sl_slice_of(bytes, sl_scratch_pending_max(&w->scratch))),
                     SL_AGAIN);
    assert_int_equal(sl_ep_write(&w->to.ep, &w->scratch, sl_slice_of(bytes, 1)), SL_ENOSPC);
    assert_int_equal(sl_ep_pending(&w->to.ep), sl_scratch_pending_max(&w->scratch));
    free(bytes);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(bytes_go_on_and_an_idle_flow_owns_no_memory),
        WITH_WORLD(a_clean_end_comes_behind_the_last_byte),
        WITH_WORLD(a_sink_that_never_takes_stops_the_reading),
        WITH_WORLD(a_turn_moves_about_its_budget_and_says_so),
        WITH_WORLD(single_bytes_cost_more_than_a_byte),
        WITH_WORLD(reads_that_bring_nothing_use_up_the_budget_too),
        WITH_WORLD(a_source_that_breaks_off_kills_the_flow_without_a_clean_end),
        WITH_WORLD(a_sink_that_breaks_off_is_found_by_write_flush_and_shut),
        WITH_WORLD(a_sink_that_is_over_its_bound_is_an_error_and_not_a_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
