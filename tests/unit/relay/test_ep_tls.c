/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include "relay/ep_mem.h"
#include "relay/ep_tls.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHUNK_BYTES = 16 * 1024, ROUNDS_MAX = 20000, HELLO_MAX_BYTES = 16 * 1024 };

/* One end: TLS over memory. */
struct side {
    struct sl_ep_mem mem;
    struct sl_ep_tls tls;
    enum sl_err rc; /* of the handshake */
};

/* Both ends use one scratch, as the connections of a worker do: nothing may be kept in it. */
struct world {
    struct fixture fixture;
    struct sl_tls_ctx *client_ctx, *server_ctx;
    struct sl_scratch scratch;
    struct side client, server;
    size_t hello_max_bytes;
};

static int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    if (w == NULL || sl_scratch_init(&w->scratch, CHUNK_BYTES) != SL_OK) {
        return -1;
    }
    fixture_init(&w->fixture);
    static const char *const ALPN[] = { "h2", "http/1.1" };
    const struct sl_policy policy = fixture_policy("intermediate");
    w->server_ctx = fixture_server(&(struct sl_tls_server_conf){ .service = "test",
                                                                 .policy = &policy,
                                                                 .certs = &w->fixture.cert_ec,
                                                                 .certs_count = 1,
                                                                 .alpn = ALPN,
                                                                 .alpn_count = 2 });
    w->client_ctx = fixture_client(&(struct sl_tls_client_conf){ .policy = &policy,
                                                                 .is_verified = true,
                                                                 .store = w->fixture.store,
                                                                 .name = "site.example",
                                                                 .alpn = ALPN,
                                                                 .alpn_count = 2 });
    *state = w;
    return 0;
}

static int world_teardown(void **state)
{
    struct world *w = *state;
    sl_tls_ctx_unref(w->client_ctx);
    sl_tls_ctx_unref(w->server_ctx);
    fixture_fini(&w->fixture);
    sl_scratch_fini(&w->scratch);
    free(w);
    return 0;
}

static void open_ends(struct world *w)
{
    struct sl_tls *client = NULL, *server = NULL;
    assert_int_equal(sl_tls_connect_create(w->client_ctx, sl_slice_of(NULL, 0), &client), SL_OK);
    assert_int_equal(sl_tls_accept_create(w->server_ctx, &server), SL_OK);
    sl_ep_mem_init(&w->client.mem);
    sl_ep_mem_init(&w->server.mem);
    sl_ep_tls_init(&w->client.tls, &w->client.mem.ep, &client);
    sl_ep_tls_init(&w->server.tls, &w->server.mem.ep, &server);
    assert_null(client);
    w->client.rc = w->server.rc = SL_AGAIN;
    w->hello_max_bytes = HELLO_MAX_BYTES;
}

static void close_ends(struct world *w)
{
    sl_ep_tls_fini(&w->client.tls);
    sl_ep_tls_fini(&w->server.tls);
    sl_ep_mem_fini(&w->client.mem);
    sl_ep_mem_fini(&w->server.mem);
    sl_ep_tls_fini(&w->client.tls);
}

/* Carries what one side has written to the other, its FIN and its reset too. */
static void carry(struct side *from, struct side *to)
{
    assert_int_equal(sl_ep_mem_feed(&to->mem, sl_pending_slice(&from->mem.taken)), SL_OK);
    sl_pending_fini(&from->mem.taken);
    if (from->mem.is_shut) {
        to->mem.in_end = SL_EOF;
    }
}

static void step(struct world *w, struct side *side, size_t hello_max_bytes)
{
    if (side->rc == SL_AGAIN) {
        side->rc = sl_ep_tls_handshake(&side->tls, &w->scratch, hello_max_bytes);
    }
}

/* Both handshakes, as far as they go; each side's network takes `take_bytes` a round. */
static void handshake(struct world *w, size_t take_bytes)
{
    for (unsigned i = 0; i < ROUNDS_MAX; i++) {
        w->client.mem.take_bytes = w->server.mem.take_bytes = take_bytes;
        step(w, &w->client, 0);
        carry(&w->client, &w->server);
        step(w, &w->server, w->hello_max_bytes);
        carry(&w->server, &w->client);
        if (w->client.rc != SL_AGAIN && w->server.rc != SL_AGAIN &&
            sl_ep_pending(&w->client.tls.ep) + sl_ep_pending(&w->server.tls.ep) == 0) {
            break;
        }
        if (w->client.rc == SL_OK || w->server.rc == SL_OK) { /* it may have words left to send */
            (void)!sl_ep_flush(&w->client.tls.ep);
            (void)!sl_ep_flush(&w->server.tls.ep);
        }
    }
    w->client.mem.take_bytes = w->server.mem.take_bytes = SIZE_MAX;
}

static void open_done(struct world *w)
{
    open_ends(w);
    handshake(w, SIZE_MAX);
    assert_int_equal(w->client.rc, SL_OK);
    assert_int_equal(w->server.rc, SL_OK);
}

static void write_all(struct world *w, struct side *side, struct sl_slice bytes)
{
    while (bytes.len > 0) {
        struct sl_slice part = sl_slice_cut(&bytes, CHUNK_BYTES);
        enum sl_err rc = sl_ep_write(&side->tls.ep, &w->scratch, part);
        assert_int_equal(rc, SL_OK);
    }
}

/* Reads until something other than bytes comes, and compares the bytes. */
static enum sl_err read_all(struct world *w, struct side *side, struct sl_slice want)
{
    for (;;) {
        struct sl_slice bytes = { 0 };
        enum sl_err rc = sl_ep_read(&side->tls.ep, &w->scratch, &bytes);
        if (rc != SL_OK) {
            assert_int_equal(want.len, 0);
            return rc;
        }
        assert_true(sl_slice_starts(want, bytes));
        (void)sl_slice_cut(&want, bytes.len);
    }
}

static void say(struct world *w, struct side *from, struct side *to, struct sl_slice bytes)
{
    write_all(w, from, bytes);
    carry(from, to);
    assert_int_equal(read_all(w, to, bytes), SL_AGAIN);
}

static void a_handshake_does_not_depend_on_where_tcp_cuts(void **state)
{
    struct world *w = *state;
    const size_t CUTS[] = { 1, 2, 3, 5, 7, 64, 1000, 0 };
    for (size_t i = 0; i < SL_COUNT(CUTS); i++) {
        open_ends(w);
        w->client.mem.in_step_bytes = w->server.mem.in_step_bytes = CUTS[i];
        handshake(w, SIZE_MAX);
        assert_int_equal(w->client.rc, SL_OK);
        assert_int_equal(w->server.rc, SL_OK);
        say(w, &w->client, &w->server, SL_SLICE("a question"));
        say(w, &w->server, &w->client, SL_SLICE("an answer"));
        assert_null(w->client.tls.rest.ptr);
        assert_null(w->server.tls.rest.ptr);
        close_ends(w);
    }
}

static void a_handshake_goes_on_where_the_network_stalls(void **state)
{
    struct world *w = *state;
    const size_t TAKES[] = { 1, 10, 300 };
    for (size_t i = 0; i < SL_COUNT(TAKES); i++) {
        open_ends(w);
        handshake(w, TAKES[i]);
        assert_int_equal(w->client.rc, SL_OK);
        assert_int_equal(w->server.rc, SL_OK);
        carry(&w->client, &w->server);
        carry(&w->server, &w->client);
        say(w, &w->client, &w->server, SL_SLICE("a question"));
        say(w, &w->server, &w->client, SL_SLICE("an answer"));
        close_ends(w);
    }
}

static void much_data_goes_both_ways_in_any_pieces(void **state)
{
    struct world *w = *state;
    enum { MUCH_BYTES = 300 * 1000 };
    uint8_t *bytes = malloc(MUCH_BYTES);
    assert_non_null(bytes);
    for (size_t i = 0; i < MUCH_BYTES; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    }
    const size_t CUTS[] = { 13, 1460, 0 };
    for (size_t i = 0; i < SL_COUNT(CUTS); i++) {
        open_done(w);
        w->client.mem.in_step_bytes = w->server.mem.in_step_bytes = CUTS[i];
        say(w, &w->client, &w->server, sl_slice_of(bytes, MUCH_BYTES));
        say(w, &w->server, &w->client, sl_slice_of(bytes, MUCH_BYTES));
        close_ends(w);
    }
    free(bytes);
}

static void close_notify_ends_one_direction_and_the_other_goes_on(void **state)
{
    struct world *w = *state;
    open_done(w);
    write_all(w, &w->client, SL_SLICE("all of it"));
    assert_int_equal(sl_ep_shut(&w->client.tls.ep, &w->scratch), SL_OK);
    assert_true(w->client.mem.is_shut);
    carry(&w->client, &w->server);
    assert_int_equal(read_all(w, &w->server, SL_SLICE("all of it")), SL_EOF);
    assert_int_equal(read_all(w, &w->server, SL_SLICE("")), SL_EOF);
    say(w, &w->server, &w->client, SL_SLICE("still talking"));
    assert_int_equal(sl_ep_shut(&w->server.tls.ep, &w->scratch), SL_OK);
    carry(&w->server, &w->client);
    assert_int_equal(read_all(w, &w->client, SL_SLICE("")), SL_EOF);
    close_ends(w);
}

static void close_notify_is_said_once_though_the_network_stalls(void **state)
{
    struct world *w = *state;
    open_done(w);
    w->client.mem.take_bytes = 0;
    assert_int_equal(sl_ep_shut(&w->client.tls.ep, &w->scratch), SL_AGAIN);
    size_t pending = sl_ep_pending(&w->client.tls.ep);
    assert_true(pending > 0);
    assert_int_equal(sl_ep_shut(&w->client.tls.ep, &w->scratch), SL_AGAIN);
    assert_int_equal(sl_ep_pending(&w->client.tls.ep), pending);
    assert_false(w->client.mem.is_shut);
    w->client.mem.take_bytes = SIZE_MAX;
    assert_int_equal(sl_ep_shut(&w->client.tls.ep, &w->scratch), SL_OK);
    assert_true(w->client.mem.is_shut);
    assert_int_equal(w->client.mem.taken.len, pending);
    close_ends(w);
}

static void a_fin_without_close_notify_is_a_truncation(void **state)
{
    struct world *w = *state;
    open_done(w);
    write_all(w, &w->client, SL_SLICE("not all of it"));
    carry(&w->client, &w->server);
    w->server.mem.in_end = SL_EOF;
    assert_int_equal(read_all(w, &w->server, SL_SLICE("not all of it")), SL_ETRUNC);
    assert_int_equal(read_all(w, &w->server, SL_SLICE("")), SL_ETRUNC);
    close_ends(w);
    open_done(w);
    w->server.mem.in_end = SL_ERESET;
    assert_int_equal(read_all(w, &w->server, SL_SLICE("")), SL_ERESET);
    assert_true(sl_ep_is_reset(&w->server.tls.ep));
    close_ends(w);
}

static void a_fin_within_a_record_is_a_truncation(void **state)
{
    struct world *w = *state;
    open_done(w);
    write_all(w, &w->client, SL_SLICE("a record"));
    struct sl_slice sealed = sl_pending_slice(&w->client.mem.taken);
    assert_int_equal(sl_ep_mem_feed(&w->server.mem, sl_slice_of(sealed.ptr, sealed.len - 1)),
                     SL_OK);
    w->server.mem.in_end = SL_EOF;
    assert_int_equal(read_all(w, &w->server, SL_SLICE("")), SL_ETRUNC);
    close_ends(w);
}

static void a_record_that_was_changed_gets_an_alert(void **state)
{
    struct world *w = *state;
    open_done(w);
    write_all(w, &w->client, SL_SLICE("good"));
    size_t good = w->client.mem.taken.len;
    write_all(w, &w->client, SL_SLICE("bad"));
    carry(&w->client, &w->server);
    w->server.mem.in.ptr[w->server.mem.in.head + good + 7] ^= 1;
    assert_int_equal(read_all(w, &w->server, SL_SLICE("good")), SL_ETLS);
    assert_true(w->scratch.diag.text[0] != '\0');
    assert_int_equal(read_all(w, &w->server, SL_SLICE("")), SL_ETLS);
    assert_true(w->server.mem.taken.len > 0);
    carry(&w->server, &w->client);
    assert_int_equal(read_all(w, &w->client, SL_SLICE("")), SL_ETLS);
    assert_non_null(strstr(w->scratch.diag.text, "alert"));
    close_ends(w);
}

static void what_is_no_tls_gets_an_answer_at_once(void **state)
{
    struct world *w = *state;
    const struct sl_slice WORDS[] = { SL_SLICE_INIT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
                                      SL_SLICE_INIT("SSH-2.0-OpenSSH_9.2\r\n"),
                                      SL_SLICE_INIT("\0\0\0\0\0\0\0\0") };
    for (size_t i = 0; i < SL_COUNT(WORDS); i++) {
        for (size_t cut = 0; cut < 2; cut++) {
            open_ends(w);
            w->scratch.diag.text[0] = '\0';
            w->server.mem.in_step_bytes = cut;
            assert_int_equal(sl_ep_mem_feed(&w->server.mem, WORDS[i]), SL_OK);
            step(w, &w->server, HELLO_MAX_BYTES);
            assert_int_equal(w->server.rc, SL_EPROTO);
            assert_true(w->scratch.diag.text[0] != '\0');
            assert_true(w->server.mem.taken.len >= 7);
            const uint8_t first = sl_pending_slice(&w->server.mem.taken).ptr[0];
            assert_int_equal(first, WORDS[i].ptr[0] == 'G' ? 'H' : 0x15);
            close_ends(w);
        }
    }
}

static void a_client_that_goes_away_is_no_error_of_tls(void **state)
{
    struct world *w = *state;
    const enum sl_err ENDS[] = { SL_EOF, SL_ERESET };
    for (size_t i = 0; i < SL_COUNT(ENDS); i++) {
        open_ends(w);
        assert_int_equal(sl_ep_mem_feed(&w->server.mem, SL_SLICE("\x16\x03\x01")), SL_OK);
        w->server.mem.in_end = ENDS[i];
        step(w, &w->server, HELLO_MAX_BYTES);
        assert_int_equal(w->server.rc, ENDS[i]);
        close_ends(w);
    }
}

static void a_client_hello_over_the_bound_is_refused_at_the_bound(void **state)
{
    struct world *w = *state;
    open_ends(w);
    step(w, &w->client, 0);
    size_t hello_bytes = w->client.mem.taken.len;
    close_ends(w);
    for (size_t cut = 0; cut < 3; cut++) {
        for (size_t bound = hello_bytes - 1; bound <= hello_bytes + 1; bound++) {
            open_ends(w);
            w->server.mem.in_step_bytes = cut;
            step(w, &w->client, 0);
            assert_int_equal(w->client.mem.taken.len, hello_bytes);
            carry(&w->client, &w->server);
            step(w, &w->server, bound);
            assert_int_equal(w->server.tls.hello_bytes, SL_MIN(bound, hello_bytes));
            if (bound >= hello_bytes) {
                assert_int_equal(w->server.rc, SL_AGAIN);
            } else {
                assert_int_equal(w->server.rc, SL_ERANGE);
                assert_non_null(strstr(w->scratch.diag.text, "ClientHello"));
                carry(&w->server, &w->client);
                step(w, &w->client, 0);
                assert_int_equal(w->client.rc, SL_ETLS);
                assert_non_null(strstr(w->scratch.diag.text, "illegal parameter"));
            }
            close_ends(w);
        }
    }
}

static void what_comes_behind_the_handshake_is_kept_and_read(void **state)
{
    struct world *w = *state;
    open_ends(w);
    step(w, &w->client, 0);
    carry(&w->client, &w->server);
    step(w, &w->server, HELLO_MAX_BYTES);
    carry(&w->server, &w->client);
    step(w, &w->client, 0);
    assert_int_equal(w->client.rc, SL_OK);
    /* in one segment with the last words of the handshake */
    write_all(w, &w->client, SL_SLICE("early words"));
    assert_int_equal(sl_ep_shut(&w->client.tls.ep, &w->scratch), SL_OK);
    carry(&w->client, &w->server);
    step(w, &w->server, HELLO_MAX_BYTES);
    assert_int_equal(w->server.rc, SL_OK);
    assert_true(w->server.tls.rest.len > 0);
    assert_int_equal(w->server.mem.in.len, 0);
    memset(w->scratch.recv, 0, CHUNK_BYTES); /* another connection's turn */
    assert_int_equal(read_all(w, &w->server, SL_SLICE("early words")), SL_EOF);
    assert_null(w->server.tls.rest.ptr);
    close_ends(w);
}

static void a_handshake_waits_for_the_choice_of_alpn(void **state)
{
    struct world *w = *state;
    for (size_t cut = 0; cut < 2; cut++) {
        open_ends(w);
        w->server.mem.in_step_bytes = cut;
        sl_tls_hold_alpn(w->server.tls.tls);
        handshake(w, SIZE_MAX);
        assert_int_equal(w->server.rc, SL_EPAUSED);
        assert_int_equal(w->client.rc, SL_AGAIN);
        struct sl_slice held = sl_tls_held_alpn(w->server.tls.tls);
        assert_true(sl_slice_eq(held, SL_SLICE("\x02h2\x08http/1.1")));
        sl_tls_choose_alpn(w->server.tls.tls, SL_SLICE("http/1.1"));
        w->server.rc = SL_AGAIN;
        handshake(w, SIZE_MAX);
        assert_int_equal(w->server.rc, SL_OK);
        assert_int_equal(w->client.rc, SL_OK);
        struct sl_tls_info info;
        sl_tls_info(w->client.tls.tls, &info);
        assert_true(sl_slice_eq(info.alpn, SL_SLICE("http/1.1")));
        say(w, &w->client, &w->server, SL_SLICE("a question"));
        close_ends(w);
    }
}

static void what_comes_during_that_wait_is_kept(void **state)
{
    struct world *w = *state;
    /* what a client may send behind its ClientHello (RFC 8446 D.4) */
    const struct sl_slice ccs = SL_SLICE_INIT("\x14\x03\x03\0\x01\x01");
    open_ends(w);
    sl_tls_hold_alpn(w->server.tls.tls);
    step(w, &w->client, 0);
    carry(&w->client, &w->server);
    assert_int_equal(sl_ep_mem_feed(&w->server.mem, ccs), SL_OK);
    for (unsigned i = 0; i < 3; i++) { /* and however often it is asked meanwhile */
        w->server.rc = SL_AGAIN;
        step(w, &w->server, HELLO_MAX_BYTES);
        assert_int_equal(w->server.rc, SL_EPAUSED);
        assert_true(sl_slice_eq(sl_pending_slice(&w->server.tls.rest), ccs));
    }
    sl_tls_choose_alpn(w->server.tls.tls, SL_SLICE("h2"));
    w->server.rc = SL_AGAIN;
    handshake(w, SIZE_MAX);
    assert_int_equal(w->server.rc, SL_OK);
    assert_int_equal(w->client.rc, SL_OK);
    assert_null(w->server.tls.rest.ptr);
    close_ends(w);
}

static void an_end_that_never_began_can_be_freed(void **state)
{
    SL_UNUSED(state);
    struct sl_ep_tls tls = { .ep.ops = NULL };
    sl_ep_tls_fini(&tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_does_not_depend_on_where_tcp_cuts),
        cmocka_unit_test(a_handshake_goes_on_where_the_network_stalls),
        cmocka_unit_test(much_data_goes_both_ways_in_any_pieces),
        cmocka_unit_test(close_notify_ends_one_direction_and_the_other_goes_on),
        cmocka_unit_test(close_notify_is_said_once_though_the_network_stalls),
        cmocka_unit_test(a_fin_without_close_notify_is_a_truncation),
        cmocka_unit_test(a_fin_within_a_record_is_a_truncation),
        cmocka_unit_test(a_record_that_was_changed_gets_an_alert),
        cmocka_unit_test(what_is_no_tls_gets_an_answer_at_once),
        cmocka_unit_test(a_client_that_goes_away_is_no_error_of_tls),
        cmocka_unit_test(a_client_hello_over_the_bound_is_refused_at_the_bound),
        cmocka_unit_test(what_comes_behind_the_handshake_is_kept_and_read),
        cmocka_unit_test(a_handshake_waits_for_the_choice_of_alpn),
        cmocka_unit_test(what_comes_during_that_wait_is_kept),
        cmocka_unit_test(an_end_that_never_began_can_be_freed),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
