/* SPDX-License-Identifier: Apache-2.0 */
#include "ends.h"
#include "relay/ep_tcp.h"
#include "sys/socket.h"
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHUNK_BYTES = 64, PENDING_MAX_BYTES = 1 << 20 };

struct world {
    struct sl_loop loop;
    struct sl_scratch scratch;
    struct sl_ep_owner owner;
    unsigned events_count;
    struct sl_ep_tcp *tcp;
    int peer_fd;
    unsigned fds_count;
};

static void on_ready(struct sl_ep_owner *owner, struct sl_ep_tcp *tcp)
{
    struct world *w = SL_CONTAINER_OF(owner, struct world, owner);
    assert_ptr_equal(tcp, w->tcp);
    w->events_count++;
}

static void turn_until(struct world *w, const bool *condition)
{
    uint64_t deadline_ms = ends_deadline();
    while (!*condition) {
        ends_turn(&w->loop, deadline_ms);
    }
}

static int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    unsigned fds_count = ends_count_fds();
    if (w == NULL || sl_loop_init(&w->loop) != SL_OK ||
        sl_scratch_init(&w->scratch, CHUNK_BYTES) != SL_OK) {
        return -1;
    }
    int fds[2];
    ends_pair(fds);
    w->fds_count = fds_count;
    w->peer_fd = fds[1];
    w->owner.on_ready = on_ready;
    assert_int_equal(sl_ep_tcp_create(&w->loop, &fds[0], PENDING_MAX_BYTES, &w->owner, &w->tcp),
                     SL_OK);
    assert_int_equal(fds[0], -1);
    turn_until(w, &w->tcp->is_writable);
    *state = w;
    return 0;
}

static int world_teardown(void **state)
{
    struct world *w = *state;
    sl_ep_tcp_destroy(w->tcp);
    sl_socket_close(&w->peer_fd);
    sl_loop_fini(&w->loop);
    sl_scratch_fini(&w->scratch);
    int rc = ends_count_fds() == w->fds_count ? 0 : -1;
    free(w);
    return rc;
}

/* Reads what has come, turning the loop until there is something to say. */
static enum sl_err read_one(struct world *w, struct sl_slice *ret_bytes)
{
    uint64_t deadline_ms = ends_deadline();
    for (;;) {
        enum sl_err rc = sl_ep_read(&w->tcp->ep, &w->scratch, ret_bytes);
        if (rc != SL_AGAIN) {
            return rc;
        }
        ends_turn(&w->loop, deadline_ms);
    }
}

static void expect(struct world *w, const char *text)
{
    struct sl_slice want = sl_slice_cstr(text), bytes;
    while (want.len > 0) {
        assert_int_equal(read_one(w, &bytes), SL_OK);
        assert_true(sl_slice_starts(want, bytes));
        (void)sl_slice_cut(&want, bytes.len);
    }
}

static void bytes_and_the_end_are_read_whatever_their_size(void **state)
{
    struct world *w = *state;
    char text[3 * CHUNK_BYTES + 1];
    for (size_t len = CHUNK_BYTES - 1; len <= 3 * CHUNK_BYTES; len++) {
        memset(text, 'a' + (int)(len % 26), len);
        text[len] = '\0';
        ends_say(w->peer_fd, text);
        expect(w, text);
        struct sl_slice bytes;
        assert_int_equal(sl_ep_read(&w->tcp->ep, &w->scratch, &bytes), SL_AGAIN);
    }
    ends_say(w->peer_fd, "last");
    sl_socket_shut_write(w->peer_fd);
    expect(w, "last");
    struct sl_slice bytes;
    assert_int_equal(read_one(w, &bytes), SL_EOF);
    assert_false(sl_ep_is_reset(&w->tcp->ep));
}

/* The edges of the bytes and of the FIN may come as one: a short read must not hide the FIN. */
static void an_end_that_came_with_the_bytes_is_not_missed(void **state)
{
    struct world *w = *state;
    ends_say(w->peer_fd, "last");
    sl_socket_shut_write(w->peer_fd);
    turn_until(w, &w->tcp->has_fin);
    expect(w, "last");
    struct sl_slice bytes;
    assert_int_equal(sl_ep_read(&w->tcp->ep, &w->scratch, &bytes), SL_EOF);
}

static void a_reset_is_read_behind_the_bytes_before_it(void **state)
{
    struct world *w = *state;
    ends_say(w->peer_fd, "last");
    sl_socket_reset(&w->peer_fd);
    turn_until(w, &w->tcp->is_reset);
    expect(w, "last");
    struct sl_slice bytes;
    assert_int_equal(read_one(w, &bytes), SL_ERESET);
    assert_int_equal(read_one(w, &bytes), SL_ERESET);
    assert_true(sl_ep_is_reset(&w->tcp->ep));
}

static void a_reset_found_by_writing_is_none_the_less_read_as_one(void **state)
{
    struct world *w = *state;
    ends_say(w->peer_fd, "last");
    sl_socket_reset(&w->peer_fd);
    /* no turn of the loop: it is not known of yet */
    enum sl_err rc = SL_OK;
    for (unsigned i = 0; i < 3 && rc == SL_OK; i++) {
        rc = sl_ep_write(&w->tcp->ep, &w->scratch, SL_SLICE("x"));
    }
    assert_int_equal(rc, SL_ERESET);
    struct sl_slice bytes;
    assert_int_equal(sl_ep_read(&w->tcp->ep, &w->scratch, &bytes), SL_OK); /* at once */
    assert_true(sl_slice_eq(bytes, SL_SLICE("last")));
    assert_int_equal(read_one(w, &bytes), SL_ERESET);
}

/* recv stops at urgent data though more lies behind it (tcp(7)): a short read that has not emptied
 * the socket, and brings no new edge. */
static void bytes_behind_urgent_data_are_not_left_lying(void **state)
{
    struct world *w = *state;
    assert_int_equal(send(w->peer_fd, "abU", 3, MSG_OOB), 3);
    ends_say(w->peer_fd, "cd");
    struct sl_slice bytes;
    expect(w, "ab");
    uint64_t deadline_ms = ends_deadline() - ENDS_WAIT_MS + 1000;
    enum sl_err rc;
    while ((rc = sl_ep_read(&w->tcp->ep, &w->scratch, &bytes)) == SL_AGAIN) {
        ends_turn(&w->loop, deadline_ms);
    }
    assert_int_equal(rc, SL_OK);
}

static void what_the_network_refuses_is_kept_and_goes_out_in_order(void **state)
{
    struct world *w = *state;
    static uint8_t bytes[4096], got[4096];
    size_t written = 0, taken = 0;
    enum sl_err rc = SL_OK;
    while (rc == SL_OK) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)((written + i) % 251);
        }
        rc = sl_ep_write(&w->tcp->ep, &w->scratch, sl_slice_of(bytes, sizeof(bytes)));
        written += sizeof(bytes);
        assert_true(written < 1U << 28);
    }
    assert_int_equal(rc, SL_AGAIN);
    assert_in_range(sl_ep_pending(&w->tcp->ep), 1, sizeof(bytes));
    assert_int_equal(sl_ep_shut(&w->tcp->ep, &w->scratch), SL_AGAIN);
    assert_false(w->tcp->is_shut);
    uint64_t deadline_ms = ends_deadline();
    for (;;) {
        size_t len = 0;
        rc = sl_socket_recv(w->peer_fd, got, sizeof(got), &len);
        if (rc == SL_EOF) {
            break;
        }
        for (size_t i = 0; rc == SL_OK && i < len; i++) {
            assert_int_equal(got[i], (taken + i) % 251);
        }
        taken += rc == SL_OK ? len : 0;
        if (rc == SL_AGAIN) {
            ends_turn(&w->loop, deadline_ms);
        }
        rc = sl_ep_shut(&w->tcp->ep, &w->scratch);
        assert_true(rc == SL_OK || rc == SL_AGAIN);
    }
    assert_int_equal(taken, written);
    assert_null(w->tcp->out.ptr);
}

static void more_than_the_bound_is_refused(void **state)
{
    struct world *w = *state;
    uint8_t *bytes = calloc(1, 64U << 20);
    assert_non_null(bytes);
    enum sl_err rc = sl_ep_write(&w->tcp->ep, &w->scratch, sl_slice_of(bytes, 64U << 20));
    assert_int_equal(rc, SL_ENOSPC);
    assert_true(sl_ep_pending(&w->tcp->ep) <= PENDING_MAX_BYTES);
    free(bytes);
}

static void a_half_close_lets_the_other_direction_go_on(void **state)
{
    struct world *w = *state;
    assert_int_equal(sl_ep_shut(&w->tcp->ep, &w->scratch), SL_OK);
    assert_int_equal(sl_ep_shut(&w->tcp->ep, &w->scratch), SL_OK);
    ends_expect_end(&w->loop, w->peer_fd, SL_EOF);
    ends_say(w->peer_fd, "still here");
    expect(w, "still here");
}

static void a_closed_endpoint_hears_nothing_more(void **state)
{
    struct world *w = *state;
    ends_say(w->peer_fd, "words");
    unsigned before = w->events_count;
    sl_ep_tcp_destroy(SL_STEAL(w->tcp));
    assert_int_equal(sl_loop_turn(&w->loop, 0), SL_OK);
    assert_int_equal(w->events_count, before);
    sl_ep_tcp_destroy(NULL);
    sl_ep_tcp_reset(NULL);
}

static bool has_nodelay(const struct sl_ep_tcp *tcp)
{
    int value = 0;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(tcp->watch.fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
    return value != 0;
}

static void the_second_send_does_not_wait_for_an_acknowledgement(void **state)
{
    struct world *w = *state;
    w->tcp->has_nagle = true;
    assert_false(has_nodelay(w->tcp));
    assert_int_equal(sl_ep_write(&w->tcp->ep, &w->scratch, SL_SLICE("first")), SL_OK);
    assert_int_equal(sl_ep_write(&w->tcp->ep, &w->scratch, SL_SLICE("second")), SL_OK);
    assert_true(has_nodelay(w->tcp));
}

static void a_reset_reaches_the_peer(void **state)
{
    struct world *w = *state;
    sl_ep_tcp_reset(SL_STEAL(w->tcp));
    ends_expect_end(&w->loop, w->peer_fd, SL_ERESET);
}

static void what_cannot_be_watched_stays_the_callers(void **state)
{
    struct world *w = *state;
    int fd = 1 << 20; /* not open */
    struct sl_ep_tcp *tcp = NULL;
    assert_int_equal(sl_ep_tcp_create(&w->loop, &fd, 1, &w->owner, &tcp), SL_ESYS);
    assert_int_equal(fd, 1 << 20);
    assert_null(tcp);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(bytes_and_the_end_are_read_whatever_their_size),
        WITH_WORLD(an_end_that_came_with_the_bytes_is_not_missed),
        WITH_WORLD(a_reset_is_read_behind_the_bytes_before_it),
        WITH_WORLD(a_reset_found_by_writing_is_none_the_less_read_as_one),
        WITH_WORLD(bytes_behind_urgent_data_are_not_left_lying),
        WITH_WORLD(what_the_network_refuses_is_kept_and_goes_out_in_order),
        WITH_WORLD(more_than_the_bound_is_refused),
        WITH_WORLD(a_half_close_lets_the_other_direction_go_on),
        WITH_WORLD(a_closed_endpoint_hears_nothing_more),
        WITH_WORLD(the_second_send_does_not_wait_for_an_acknowledgement),
        WITH_WORLD(a_reset_reaches_the_peer),
        WITH_WORLD(what_cannot_be_watched_stays_the_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
