/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ep_mem.h"
#include "relay/relay.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Every script of two sides that are cut, stalled and ended in every way below is run, and what
 * must always hold is checked after each turn. */
enum { CHUNK_BYTES = 4, PAYLOAD_MAX = 6, TURNS_COUNT = 24, LATE_TURN = 7 };

static const char *const TEXTS[] = { "abcdef", "ghijkl" };
static const size_t LENS[] = { 0, 1, PAYLOAD_MAX };
static const size_t STEPS[] = { 0, 1, 3 };
static const size_t TAKES[] = { 0, 1, SIZE_MAX };
static const enum sl_err ENDS[] = { SL_AGAIN, SL_EOF, SL_ERESET, SL_ETRUNC };

/* How one side behaves. */
struct script {
    struct sl_slice payload; /* what it sends */
    size_t step_bytes;       /* what one read of it gives */
    size_t take_bytes;       /* what it takes in one turn */
    enum sl_err end;         /* of what it sends */
    bool is_late;            /* the end is seen in turn LATE_TURN */
    bool is_dripping;        /* one byte comes every second turn */
    bool is_flagged;         /* a reset is seen before the bytes in front of it are read */
};

struct side {
    struct script script;
    struct sl_ep_mem mem;
    size_t fed_bytes;
};

struct world {
    struct side sides[2]; /* client, upstream */
    struct sl_relay relay;
    struct sl_scratch *scratch;
    size_t budget_bytes;
};

static const struct sl_flow *flow_from(const struct world *w, unsigned at)
{
    return at == 0 ? &w->relay.to_upstream : &w->relay.to_client;
}

/* What the network brings before turn `turn`. */
static void side_turn(struct side *side, unsigned turn)
{
    const struct script *s = &side->script;
    size_t want = s->is_dripping ? SL_MIN(s->payload.len, turn / 2) : s->payload.len;
    assert_int_equal(sl_ep_mem_feed(&side->mem, sl_slice_of(s->payload.ptr + side->fed_bytes,
                                                            want - side->fed_bytes)),
                     SL_OK);
    side->fed_bytes = want;
    bool is_ended = side->fed_bytes == s->payload.len && (!s->is_late || turn >= LATE_TURN);
    side->mem.in_end = is_ended ? s->end : SL_AGAIN;
    side->mem.is_reset = side->mem.is_reset || (is_ended && s->is_flagged);
    side->mem.take_bytes = s->take_bytes;
}

static void check_flow(const struct world *w, unsigned at)
{
    const struct side *from = &w->sides[at], *to = &w->sides[1 - at];
    const struct sl_flow *flow = flow_from(w, at);
    struct sl_slice taken = sl_pending_slice(&to->mem.taken);
    /* in order, nothing twice, nothing lost on the way */
    assert_true(sl_slice_starts(from->script.payload, taken));
    size_t read_bytes = from->fed_bytes - from->mem.in.len;
    assert_int_equal(flow->bytes_count, read_bytes);
    if (flow->state != SL_FLOW_DEAD) {
        assert_int_equal(taken.len + to->mem.out.len, read_bytes);
    }
    /* a sink that does not take is not read for */
    assert_true(to->mem.out.len <= CHUNK_BYTES);
    assert_true(to->mem.out.len > 0 || to->mem.out.ptr == NULL);
    if (to->script.take_bytes == 0) {
        assert_true(read_bytes <= CHUNK_BYTES);
    }
    /* a clean end only behind everything, and only for a clean end */
    assert_int_equal(to->mem.is_shut, flow->state == SL_FLOW_SHUT);
    if (to->mem.is_shut) {
        assert_int_equal(from->script.end, SL_EOF);
        assert_int_equal(taken.len, from->script.payload.len);
    }
}

static void check_turn(struct world *w, enum sl_err rc)
{
    check_flow(w, 0);
    check_flow(w, 1);
    bool is_both = w->sides[0].mem.is_shut && w->sides[1].mem.is_shut;
    assert_int_equal(rc == SL_EOF, is_both);
    if (rc == SL_AGAIN) { /* it waits: nothing moves without the network */
        assert_int_equal(sl_relay_turn(&w->relay, w->scratch, w->budget_bytes), SL_AGAIN);
        assert_false(sl_relay_is_active(&w->relay));
    }
    if (rc == SL_OK) {
        assert_true(sl_relay_is_active(&w->relay));
    }
    if (rc == SL_OK || rc == SL_AGAIN || rc == SL_EOF) {
        assert_int_equal(w->relay.ended_by, SL_SIDE_NONE);
        return;
    }
    /* the error is that of the side which is said to have ended it */
    assert_true(w->relay.ended_by == SL_SIDE_CLIENT || w->relay.ended_by == SL_SIDE_UPSTREAM);
    unsigned at = w->relay.ended_by == SL_SIDE_CLIENT ? 0 : 1;
    const struct side *by = &w->sides[at], *other = &w->sides[1 - at];
    assert_int_equal(by->script.end, rc);
    /* what it had sent has been passed on to one who takes it */
    if (other->script.take_bytes == SIZE_MAX && other->script.end != SL_ERESET) {
        assert_int_equal(other->mem.taken.len, by->script.payload.len);
    }
}

static bool is_hard(enum sl_err end)
{
    return end == SL_ERESET || end == SL_ETRUNC;
}

/* What must have come of it when nothing more comes from the network. */
static void check_outcome(const struct world *w, enum sl_err rc)
{
    const struct script *c = &w->sides[0].script, *u = &w->sides[1].script;
    bool is_c_heard = u->take_bytes > 0 || c->payload.len == 0;
    bool is_u_heard = c->take_bytes > 0 || u->payload.len == 0;
    bool is_hard_end =
        (is_hard(c->end) && (is_c_heard || (c->end == SL_ERESET && c->is_flagged))) ||
        (is_hard(u->end) && (is_u_heard || (u->end == SL_ERESET && u->is_flagged)));
    if (is_hard_end) {
        assert_true(is_hard(rc));
        return;
    }
    if (is_hard(rc)) {
        fail_msg("ended by %d for nothing", (int)w->relay.ended_by);
    }
    bool is_clean = c->end == SL_EOF && u->end == SL_EOF && is_c_heard && is_u_heard;
    assert_int_equal(rc, is_clean ? SL_EOF : SL_AGAIN);
    /* half-close: one direction is over and the other went on to the last byte */
    if (is_c_heard) {
        assert_int_equal(w->sides[1].mem.taken.len, c->payload.len);
        assert_int_equal(w->sides[1].mem.is_shut, c->end == SL_EOF);
    }
    if (is_u_heard) {
        assert_int_equal(w->sides[0].mem.taken.len, u->payload.len);
        assert_int_equal(w->sides[0].mem.is_shut, u->end == SL_EOF);
    }
}

static void run(const struct script *client, const struct script *upstream, size_t budget_bytes,
                struct sl_scratch *scratch)
{
    struct world w = { .scratch = scratch, .budget_bytes = budget_bytes };
    w.sides[0].script = *client;
    w.sides[1].script = *upstream;
    for (unsigned at = 0; at < 2; at++) {
        sl_ep_mem_init(&w.sides[at].mem);
        w.sides[at].mem.in_step_bytes = w.sides[at].script.step_bytes;
    }
    sl_relay_init(&w.relay, &w.sides[0].mem.ep, &w.sides[1].mem.ep);
    enum sl_err rc = SL_OK;
    for (unsigned turn = 0; turn < TURNS_COUNT && (rc == SL_OK || rc == SL_AGAIN); turn++) {
        side_turn(&w.sides[0], turn);
        side_turn(&w.sides[1], turn);
        uint64_t before = w.relay.to_upstream.bytes_count;
        rc = sl_relay_turn(&w.relay, scratch, budget_bytes);
        if (budget_bytes == 1 && rc == SL_OK) { /* one chunk, and one for a reset */
            assert_true(w.relay.to_upstream.bytes_count - before <= 2 * CHUNK_BYTES);
        }
        check_turn(&w, rc);
    }
    check_outcome(&w, rc);
    sl_ep_mem_fini(&w.sides[0].mem);
    sl_ep_mem_fini(&w.sides[1].mem);
}

/* Script number `number` of one side, false when there is none. */
static bool script_of(unsigned number, unsigned at, struct script *ret_script)
{
    struct script s = { .payload = sl_slice_of(TEXTS[at], LENS[number % SL_COUNT(LENS)]) };
    number /= SL_COUNT(LENS);
    s.step_bytes = STEPS[number % SL_COUNT(STEPS)];
    number /= SL_COUNT(STEPS);
    s.take_bytes = TAKES[number % SL_COUNT(TAKES)];
    number /= SL_COUNT(TAKES);
    s.end = ENDS[number % SL_COUNT(ENDS)];
    number /= SL_COUNT(ENDS);
    s.is_late = number % 2 != 0;
    s.is_dripping = number / 2 % 2 != 0;
    s.is_flagged = s.end == SL_ERESET && number / 4 % 2 != 0;
    *ret_script = s;
    return number < 8;
}

static void every_cut_stall_and_order_of_ends_keeps_the_promises(void **state)
{
    struct sl_scratch *scratch = *state;
    struct script client, upstream;
    for (unsigned c = 0; script_of(c, 0, &client); c++) {
        if (client.is_dripping && client.payload.len == 0) {
            continue;
        }
        for (unsigned u = 0; script_of(u, 1, &upstream); u++) {
            if ((upstream.is_dripping && (upstream.payload.len == 0 || client.is_dripping)) ||
                (upstream.step_bytes == 3 && client.step_bytes == 3)) {
                continue;
            }
            run(&client, &upstream, (c + u) % 2 == 0 ? 1 : 1000, scratch);
        }
    }
}

/* A server that answers and closes while it is still being sent to. */
static void a_reset_does_not_overtake_the_answer(void **state)
{
    for (unsigned at = 0; at < 2; at++) {
        struct script sender = { .payload = sl_slice_cstr(TEXTS[0]),
                                 .take_bytes = SIZE_MAX,
                                 .end = SL_AGAIN };
        struct script answerer = { .payload = sl_slice_cstr(TEXTS[1]),
                                   .step_bytes = 1,
                                   .take_bytes = SIZE_MAX,
                                   .end = SL_ERESET,
                                   .is_flagged = true };
        run(at == 0 ? &sender : &answerer, at == 0 ? &answerer : &sender, 1, *state);
        run(at == 0 ? &sender : &answerer, at == 0 ? &answerer : &sender, 1000, *state);
    }
}

/* A client whose reset is found by writing to it, between the two directions of one turn. */
static enum sl_err write_into_a_reset(struct sl_ep *ep, struct sl_scratch *scratch,
                                      struct sl_slice bytes)
{
    struct sl_ep_mem *mem = SL_CONTAINER_OF(ep, struct sl_ep_mem, ep);
    SL_UNUSED(scratch);
    SL_UNUSED(bytes);
    assert_int_equal(sl_ep_mem_feed(mem, SL_SLICE("last")), SL_OK);
    mem->in_end = SL_ERESET;
    mem->is_reset = true;
    return SL_ERESET;
}

static void a_reset_found_by_writing_needs_no_further_event(void **state)
{
    struct sl_ep_mem client, upstream;
    struct sl_relay relay;
    sl_ep_mem_init(&client);
    sl_ep_mem_init(&upstream);
    struct sl_ep_ops ops = *client.ep.ops;
    ops.write = write_into_a_reset;
    client.ep.ops = &ops;
    sl_relay_init(&relay, &client.ep, &upstream.ep);
    assert_int_equal(sl_ep_mem_feed(&upstream, SL_SLICE("answer")), SL_OK);
    assert_int_equal(sl_relay_turn(&relay, *state, 1000), SL_ERESET);
    assert_int_equal(relay.ended_by, SL_SIDE_CLIENT);
    assert_true(sl_slice_eq(sl_pending_slice(&upstream.taken), SL_SLICE("last")));
    sl_ep_mem_fini(&client);
    sl_ep_mem_fini(&upstream);
}

static void sides_have_names(void **state)
{
    SL_UNUSED(state);
    assert_string_equal(sl_side_name(SL_SIDE_CLIENT), "client");
    assert_string_equal(sl_side_name(SL_SIDE_UPSTREAM), "upstream");
    assert_null(sl_side_name(SL_SIDE_NONE));
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
        cmocka_unit_test(every_cut_stall_and_order_of_ends_keeps_the_promises),
        cmocka_unit_test(a_reset_does_not_overtake_the_answer),
        cmocka_unit_test(a_reset_found_by_writing_needs_no_further_event),
        cmocka_unit_test(sides_have_names),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
