/* SPDX-License-Identifier: Apache-2.0 */
#include "app/key_pool.h"
#include "sys/channel.h"
#include "sys/socket.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FIRST_KEY = 10, KEYS_COUNT = 3, QUEUE_MAX = 2, ANSWERS_MAX = 8 };

/* `keys` with one pool, and who asks it. */
struct office {
    struct sl_loop loop;
    struct sl_key_pools pools;
    struct sl_key_asker asker;
    struct {
        uint32_t id;
        enum sl_key_result result;
        char text[16];
    } answers[ANSWERS_MAX];
    size_t answers_count;
    size_t to_end_count; /* processes that are to be ended */
};

static void on_answered(struct sl_key_asker *asker, const struct sl_key_message *late)
{
    struct office *o = SL_CONTAINER_OF(asker, struct office, asker);
    assert_int_equal(late->type, SL_KEY_LATE);
    assert_true(o->answers_count < ANSWERS_MAX && late->bytes.len < sizeof(o->answers[0].text));
    o->answers[o->answers_count].id = late->id;
    o->answers[o->answers_count].result = late->result;
    if (late->bytes.len > 0) {
        memcpy(o->answers[o->answers_count].text, late->bytes.ptr, late->bytes.len);
    }
    o->answers_count++;
}

static void on_stuck(struct sl_key_pools *pools, uint16_t process_index)
{
    struct office *o = SL_CONTAINER_OF(pools, struct office, pools);
    assert_int_equal(process_index, 0);
    o->to_end_count++;
}

static int office_open(void **state)
{
    struct office *o = calloc(1, sizeof(*o));
    assert_int_equal(sl_loop_init(&o->loop), SL_OK);
    o->pools = (struct sl_key_pools){ .loop = &o->loop, .on_stuck = on_stuck };
    o->asker.answered = on_answered;
    sl_key_asker_init(&o->asker);
    assert_int_equal(sl_key_pools_add(&o->pools, FIRST_KEY, KEYS_COUNT, QUEUE_MAX), SL_OK);
    *state = o;
    return 0;
}

static int office_close(void **state)
{
    struct office *o = *state;
    sl_key_asker_fini(&o->asker);
    sl_key_pools_fini(&o->pools);
    sl_loop_fini(&o->loop);
    free(o);
    return 0;
}

/* A process of the pool; gives its end. */
static int process_join(struct office *o)
{
    int ends[2];
    assert_int_equal(sl_channel_pair(ends), SL_OK);
    assert_int_equal(sl_key_pools_attach(&o->pools, 0, 0, ends[0]), SL_OK);
    return ends[1];
}

static enum sl_err ask(struct office *o, uint32_t id, uint32_t key_index)
{
    const struct sl_key_message request = { .type = SL_KEY_SIGN,
                                            .id = id,
                                            .key_index = key_index,
                                            .scheme = 0x0403,
                                            .bytes = SL_SLICE("digest") };
    return sl_key_pools_ask(&o->pools, &o->asker, &request);
}

/* What a process is asked for now; 0 for nothing. */
static uint32_t asked(int fd, struct sl_key_message *message)
{
    static uint8_t bytes[SL_KEY_DATAGRAM_MAX];
    struct sl_wbuf in = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_channel_fds fds = { 0 };
    if (sl_channel_recv(fd, &in, &fds) != SL_OK) {
        return 0;
    }
    struct sl_slice rest = sl_wbuf_slice(&in);
    assert_int_equal(sl_key_message_next(&rest, SL_KEY_TO_KEYS, message), SL_OK);
    assert_int_equal(rest.len, 0);
    return message->id;
}

static void turn(struct office *o)
{
    for (int i = 0; i < 4; i++) {
        assert_int_equal(sl_loop_turn(&o->loop, 0), SL_OK);
    }
}

static void answer(struct office *o, int fd, uint32_t id, const char *text)
{
    uint8_t bytes[64];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    const struct sl_key_message message = { .type = SL_KEY_SIGNED,
                                            .id = id,
                                            .bytes = sl_slice_cstr(text) };
    assert_int_equal(sl_key_message_emit(&message, &out), SL_OK);
    assert_int_equal(sl_channel_send(fd, sl_wbuf_slice(&out), NULL, 0), SL_OK);
    turn(o);
}

static void a_process_signs_one_after_the_other(void **state)
{
    struct office *o = *state;
    struct sl_key_message message;
    int fd = process_join(o);
    assert_int_equal(ask(o, 71, FIRST_KEY), SL_OK);
    assert_int_equal(ask(o, 72, FIRST_KEY + 2), SL_OK);
    uint32_t id = asked(fd, &message);
    assert_true(id != 0);
    assert_int_equal(message.key_index, FIRST_KEY);
    assert_true(sl_slice_eq(message.bytes, SL_SLICE("digest")));
    assert_int_equal(asked(fd, &message), 0); /* the other one waits */
    answer(o, fd, id, "one");
    id = asked(fd, &message);
    assert_int_equal(message.key_index, FIRST_KEY + 2);
    answer(o, fd, id, "two");
    assert_int_equal(o->answers_count, 2);
    assert_int_equal(o->answers[0].id, 71);
    assert_string_equal(o->answers[0].text, "one");
    assert_int_equal(o->answers[1].id, 72);
    assert_string_equal(o->answers[1].text, "two");
    sl_socket_close(&fd);
}

static void keys_of_no_token_are_unknown(void **state)
{
    struct office *o = *state;
    assert_int_equal(ask(o, 1, FIRST_KEY - 1), SL_ENOENT);
    assert_int_equal(ask(o, 1, FIRST_KEY + KEYS_COUNT), SL_ENOENT);
    int fd = -1;
    assert_int_equal(sl_key_pools_attach(&o->pools, 1, 0, fd), SL_EPROTO);
}

static void the_queue_has_an_end(void **state)
{
    struct office *o = *state;
    struct sl_key_message message;
    assert_int_equal(ask(o, 1, FIRST_KEY), SL_OK); /* nobody is there yet */
    assert_int_equal(ask(o, 2, FIRST_KEY), SL_OK);
    assert_int_equal(ask(o, 3, FIRST_KEY), SL_EBUSY);
    int fd = process_join(o);
    assert_true(asked(fd, &message) != 0);
    assert_int_equal(ask(o, 4, FIRST_KEY), SL_OK);
    assert_int_equal(ask(o, 5, FIRST_KEY), SL_EBUSY);
    /* whoever has gone makes room */
    sl_key_asker_fini(&o->asker);
    assert_int_equal(ask(o, 6, FIRST_KEY), SL_OK);
    sl_socket_close(&fd);
}

static void nobody_is_answered_who_has_gone(void **state)
{
    struct office *o = *state;
    struct sl_key_message message;
    int fd = process_join(o);
    assert_int_equal(ask(o, 1, FIRST_KEY), SL_OK);
    assert_int_equal(ask(o, 2, FIRST_KEY), SL_OK);
    uint32_t id = asked(fd, &message);
    sl_key_asker_fini(&o->asker);
    answer(o, fd, id, "late");
    assert_int_equal(o->answers_count, 0);
    assert_int_equal(asked(fd, &message), 0); /* and what had not begun is not begun */
    sl_socket_close(&fd);
}

static void what_a_dead_process_had_is_asked_of_another(void **state)
{
    struct office *o = *state;
    struct sl_key_message message;
    int first = process_join(o), second;
    assert_int_equal(ask(o, 1, FIRST_KEY + 1), SL_OK);
    assert_int_equal(ask(o, 2, FIRST_KEY), SL_OK);
    assert_true(asked(first, &message) != 0);
    sl_socket_close(&first);
    turn(o);
    second = process_join(o);
    uint32_t id = asked(second, &message);
    assert_int_equal(message.key_index, FIRST_KEY + 1); /* it is still the oldest */
    answer(o, second, id, "again");
    assert_int_equal(o->answers_count, 1);
    assert_int_equal(o->answers[0].id, 1);
    assert_string_equal(o->answers[0].text, "again");
    sl_socket_close(&second);
}

static void a_request_that_ends_every_process_is_refused(void **state)
{
    struct office *o = *state;
    struct sl_key_message message;
    assert_int_equal(ask(o, 1, FIRST_KEY), SL_OK);
    int tries = 0;
    for (; o->answers_count == 0 && tries < 10; tries++) {
        int fd = process_join(o);
        assert_true(asked(fd, &message) != 0);
        sl_socket_close(&fd);
        turn(o);
    }
    assert_int_equal(tries, 4);
    assert_int_equal(o->to_end_count, 0); /* they have ended */
    assert_int_equal(o->answers[0].result, SL_KEY_REFUSED);
}

static void an_answer_to_no_question_ends_the_channel(void **state)
{
    struct office *o = *state;
    struct sl_key_message message;
    int fd = process_join(o);
    answer(o, fd, 1, "unasked");
    assert_int_equal(o->answers_count, 0);
    assert_int_equal(o->to_end_count, 1); /* or nobody would start another in its place */
    assert_int_equal(ask(o, 1, FIRST_KEY), SL_OK);
    assert_int_equal(asked(fd, &message), 0);
    sl_socket_close(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_process_signs_one_after_the_other, office_open,
                                        office_close),
        cmocka_unit_test_setup_teardown(keys_of_no_token_are_unknown, office_open, office_close),
        cmocka_unit_test_setup_teardown(the_queue_has_an_end, office_open, office_close),
        cmocka_unit_test_setup_teardown(nobody_is_answered_who_has_gone, office_open, office_close),
        cmocka_unit_test_setup_teardown(what_a_dead_process_had_is_asked_of_another, office_open,
                                        office_close),
        cmocka_unit_test_setup_teardown(a_request_that_ends_every_process_is_refused, office_open,
                                        office_close),
        cmocka_unit_test_setup_teardown(an_answer_to_no_question_ends_the_channel, office_open,
                                        office_close),
    };
    return cmocka_run_group_tests_name("app/key_pool", tests, NULL, NULL);
}
