/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/client_hello.h"
#include "pair.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int make_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    fixture_init(f);
    *state = f;
    return 0;
}

static int drop_fixture(void **state)
{
    fixture_fini(*state);
    free(*state);
    return 0;
}

static struct sl_tls_ctx *server_open(const struct fixture *f, const char *const *alpn,
                                      size_t count)
{
    struct sl_policy policy = fixture_policy("intermediate");
    struct sl_tls_cert *cert = f->cert_ec;
    return fixture_server(&(struct sl_tls_server_conf){ .service = "web",
                                                        .policy = &policy,
                                                        .certs = &cert,
                                                        .certs_count = 1,
                                                        .alpn = alpn,
                                                        .alpn_count = count });
}

static struct sl_tls_ctx *client_open(const char *const *alpn, size_t count)
{
    struct sl_policy policy = fixture_policy("intermediate");
    return fixture_client(&(struct sl_tls_client_conf){
        .policy = &policy, .name = "site.example", .alpn = alpn, .alpn_count = count });
}

static void assert_alpn(struct pair *pair, struct sl_slice expected)
{
    struct sl_tls_info info;
    assert_int_equal(pair->client.rc, SL_OK);
    assert_int_equal(pair->server.rc, SL_OK);
    sl_tls_info(pair->server.tls, &info);
    assert_true(sl_slice_eq(info.alpn, expected));
    sl_tls_info(pair->client.tls, &info);
    assert_true(sl_slice_eq(info.alpn, expected));
}

static const char *const CLIENTS[] = { "http/1.1", "h2", "foo" };
static const char *const OURS[] = { "h2", "http/1.1" };
static const char *const OTHERS[] = { "imap" };

static void our_order_decides(void **state)
{
    struct sl_tls_ctx *client = client_open(CLIENTS, 3), *server = server_open(*state, OURS, 2);
    struct pair pair;
    pair_open(&pair, client, server);
    pair_handshake(&pair);
    assert_alpn(&pair, SL_SLICE("h2"));
    pair_fini(&pair);
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
}

static void nothing_in_common_is_no_alpn_at_all(void **state)
{
    struct sl_tls_ctx *client = client_open(CLIENTS, 3);
    struct sl_tls_ctx *servers[] = { server_open(*state, OTHERS, 1), server_open(*state, NULL, 0) };
    for (size_t i = 0; i < SL_COUNT(servers); i++) {
        struct pair pair;
        pair_open(&pair, client, servers[i]);
        pair_handshake(&pair);
        assert_alpn(&pair, SL_SLICE(""));
        pair_fini(&pair);
        sl_tls_ctx_unref(servers[i]);
    }
    sl_tls_ctx_unref(client);
}

/* A held handshake up to its pause. */
static void open_held(struct pair *pair, struct sl_tls_ctx *client, struct sl_tls_ctx *server,
                      size_t cut)
{
    pair_open(pair, client, server);
    pair->cut = cut;
    sl_tls_hold_alpn(pair->server.tls);
    assert_int_equal(sl_tls_held_alpn(pair->server.tls).len, 0);
    pair_handshake(pair);
}

static void a_held_choice_is_the_callers(void **state)
{
    static const struct {
        const char *const *ours;
        size_t ours_count;
        const char *held, *chosen, *result;
    } CASES[] = {
        { NULL, 0, "\10http/1.1\2h2\3foo", "foo", "foo" }, /* all that the client offered */
        { NULL, 0, "\10http/1.1\2h2\3foo", "", "" },
        { NULL, 0, "\10http/1.1\2h2\3foo", "bar", "" },         /* not the client's: never sent */
        { OURS, 2, "\2h2\10http/1.1", "http/1.1", "http/1.1" }, /* ours, in our order */
        { OTHERS, 1, "", "", "" },
    };
    static const size_t CUTS[] = { 0, 1, 7 };
    struct sl_tls_ctx *client = client_open(CLIENTS, 3);
    for (size_t i = 0; i < SL_COUNT(CASES) * SL_COUNT(CUTS); i++) {
        size_t k = i / SL_COUNT(CUTS);
        struct sl_tls_ctx *server = server_open(*state, CASES[k].ours, CASES[k].ours_count);
        struct pair pair;
        open_held(&pair, client, server, CUTS[i % SL_COUNT(CUTS)]);
        assert_int_equal(pair.server.rc, SL_EPAUSED);
        assert_true(sl_tls_has_hello(pair.server.tls));
        struct sl_slice held = sl_tls_held_alpn(pair.server.tls);
        assert_true(sl_slice_eq(held, sl_slice_cstr(CASES[k].held)));
        assert_int_equal(pair.server.sent, 0);
        pair_handshake(&pair); /* asked again: still paused */
        assert_int_equal(pair.server.rc, SL_EPAUSED);
        sl_tls_choose_alpn(pair.server.tls, sl_slice_cstr(CASES[k].chosen));
        assert_int_equal(sl_tls_held_alpn(pair.server.tls).len, 0);
        pair_handshake(&pair);
        assert_alpn(&pair, sl_slice_cstr(CASES[k].result));
        pair_say(&pair, &pair.client, SL_SLICE("text"));
        pair_fini(&pair);
        sl_tls_ctx_unref(server);
    }
    sl_tls_ctx_unref(client);
}

static void a_part_of_the_held_list_may_be_chosen(void **state)
{
    struct sl_tls_ctx *client = client_open(CLIENTS, 3), *server = server_open(*state, NULL, 0);
    struct pair pair;
    open_held(&pair, client, server, 0);
    struct sl_slice held = sl_tls_held_alpn(pair.server.tls), first;
    assert_int_equal(sl_alpn_next(&held, &first), SL_OK);
    sl_tls_choose_alpn(pair.server.tls, first);
    pair_handshake(&pair);
    assert_alpn(&pair, SL_SLICE("http/1.1"));
    pair_fini(&pair);
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
}

static void a_client_without_alpn_is_not_held(void **state)
{
    struct sl_tls_ctx *client = client_open(NULL, 0), *server = server_open(*state, OURS, 2);
    struct pair pair;
    open_held(&pair, client, server, 0);
    assert_alpn(&pair, SL_SLICE(""));
    pair_fini(&pair);
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
}

static void a_paused_session_can_be_dropped(void **state)
{
    struct sl_tls_ctx *client = client_open(CLIENTS, 3), *server = server_open(*state, NULL, 0);
    struct pair pair;
    open_held(&pair, client, server, 0);
    assert_int_equal(pair.server.rc, SL_EPAUSED);
    pair_fini(&pair);
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
}

static void a_session_may_offer_another_list_than_its_context(void **state)
{
    struct sl_tls_ctx *client = client_open(CLIENTS, 3), *server = server_open(*state, OURS, 2);
    const struct {
        struct sl_slice offer, result;
    } cases[] = {
        { SL_SLICE("\10http/1.1"), SL_SLICE("http/1.1") },
        { SL_SLICE(""), SL_SLICE("") }, /* not NULL: none is offered */
        { { NULL, 0 }, SL_SLICE("h2") },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_tls *c = NULL, *s = NULL;
        assert_int_equal(sl_tls_connect_create(client, cases[i].offer, &c), SL_OK);
        assert_int_equal(sl_tls_accept_create(server, &s), SL_OK);
        struct pair pair;
        pair_init(&pair, c, s);
        pair_handshake(&pair);
        assert_alpn(&pair, cases[i].result);
        pair_fini(&pair);
    }
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_order_decides),
        cmocka_unit_test(nothing_in_common_is_no_alpn_at_all),
        cmocka_unit_test(a_held_choice_is_the_callers),
        cmocka_unit_test(a_part_of_the_held_list_may_be_chosen),
        cmocka_unit_test(a_client_without_alpn_is_not_held),
        cmocka_unit_test(a_paused_session_can_be_dropped),
        cmocka_unit_test(a_session_may_offer_another_list_than_its_context),
    };
    return cmocka_run_group_tests_name("tls/alpn", tests, make_fixture, drop_fixture);
}
