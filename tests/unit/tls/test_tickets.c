/* SPDX-License-Identifier: Apache-2.0 */
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

/* One side of what decides whether a session resumes. */
struct place {
    const char *service, *policy;
    enum sl_tls_verify verify;
    struct sl_tls_store *clients;
    const struct sl_ticket_keys *tickets;
    bool is_tls12;
};

static struct sl_tls_ctx *place_open(const struct fixture *f, const struct place *place)
{
    struct sl_policy policy = fixture_policy(place->policy);
    policy.max_version = place->is_tls12 ? 0x0303 : 0x0304;
    struct sl_tls_cert *cert = f->cert_ec;
    return fixture_server(&(struct sl_tls_server_conf){
        .service = place->service,
        .policy = &policy,
        .certs = &cert,
        .certs_count = 1,
        .verify = place->verify,
        .clients = place->clients,
        .tickets = place->tickets,
    });
}

static struct sl_tls_ctx *client_open(const struct fixture *f)
{
    struct sl_policy policy = fixture_policy("intermediate");
    return fixture_client(
        &(struct sl_tls_client_conf){ .policy = &policy,
                                      .is_verified = true,
                                      .store = f->store,
                                      .owns = &(struct sl_tls_own){ f->cert_client, "own" },
                                      .owns_count = f->cert_client != NULL,
                                      .name = "site.example" });
}

/* A handshake and the ticket behind it; tells whether it was resumed. */
static bool connect_once(struct sl_tls_ctx *client, struct sl_tls_ctx *server)
{
    struct pair pair;
    pair_open(&pair, client, server);
    pair_handshake(&pair);
    assert_int_equal(pair.server.rc, SL_OK);
    assert_int_equal(pair.client.rc, SL_OK);
    pair_say(&pair, &pair.server, SL_SLICE("ticket and text"));
    struct sl_tls_info ours, theirs;
    sl_tls_info(pair.client.tls, &ours);
    sl_tls_info(pair.server.tls, &theirs);
    assert_int_equal(ours.is_resumed, theirs.is_resumed);
    assert_string_equal(ours.peer_subject, "CN=site.example"); /* also of a resumed session */
    pair_fini(&pair);
    return ours.is_resumed;
}

static void sessions_resume_again_and_again_within_a_service(void **state)
{
    const struct fixture *f = *state;
    struct sl_ticket_keys tickets = { 0 };
    assert_int_equal(sl_ticket_keys_rotate(&tickets), SL_OK);
    for (int is_tls12 = 0; is_tls12 < 2; is_tls12++) {
        struct place place = {
            .service = "web", .policy = "intermediate", .tickets = &tickets, .is_tls12 = is_tls12
        };
        /* another worker has the same keys */
        struct sl_tls_ctx *server = place_open(f, &place), *worker2 = place_open(f, &place);
        struct sl_tls_ctx *client = client_open(f);
        assert_false(connect_once(client, server));
        assert_true(connect_once(client, worker2));
        assert_true(connect_once(client, server));
        assert_true(connect_once(client, server));
        sl_tls_ctx_unref(client);
        sl_tls_ctx_unref(worker2);
        sl_tls_ctx_unref(server);
    }
}

static void sessions_never_cross_service_policy_or_authentication(void **state)
{
    const struct fixture *f = *state;
    struct sl_ticket_keys tickets = { 0 };
    assert_int_equal(sl_ticket_keys_rotate(&tickets), SL_OK);
    const struct place from = { "web",    "intermediate", SL_TLS_VERIFY_REQUEST,
                                f->store, &tickets,       false };
    struct place others[] = { from, from, from, from, from };
    others[0].service = "admin";
    others[1].policy = "modern";
    others[2].verify = SL_TLS_VERIFY_REQUIRE;
    others[3].verify = SL_TLS_VERIFY_OFF;
    others[3].clients = NULL;
    /* others[4]: the same, so that it resumes and the rest of the table is seen to matter */
    for (int is_tls12 = 0; is_tls12 < 2; is_tls12++) {
        for (size_t i = 0; i < SL_COUNT(others); i++) {
            if (is_tls12 && i == 1) {
                continue; /* that policy has no TLS 1.2 */
            }
            struct place first = from;
            first.is_tls12 = others[i].is_tls12 = is_tls12;
            struct sl_tls_ctx *server = place_open(f, &first);
            struct sl_tls_ctx *other = place_open(f, &others[i]), *client = client_open(f);
            assert_false(connect_once(client, server));
            assert_int_equal(connect_once(client, other), i == 4);
            sl_tls_ctx_unref(client);
            sl_tls_ctx_unref(other);
            sl_tls_ctx_unref(server);
        }
    }
}

static void other_signers_of_clients_are_another_boundary(void **state)
{
    const struct fixture *f = *state;
    struct sl_ticket_keys tickets = { 0 };
    assert_int_equal(sl_ticket_keys_rotate(&tickets), SL_OK);
    struct place place = {
        "web", "intermediate", SL_TLS_VERIFY_REQUEST, f->store, &tickets, false
    };
    struct sl_tls_ctx *server = place_open(f, &place), *client = client_open(f);
    place.clients = f->other_store;
    struct sl_tls_ctx *other = place_open(f, &place);
    assert_false(connect_once(client, server));
    struct pair pair;
    pair_open(&pair, client, other);
    pair_handshake(&pair);
    assert_int_equal(pair.server.rc,
                     SL_EVERIFY); /* a full handshake, so the client was looked at */
    pair_fini(&pair);
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(other);
    sl_tls_ctx_unref(server);
}

static void tickets_outlive_one_rotation_and_not_two(void **state)
{
    const struct fixture *f = *state;
    for (int is_tls12 = 0; is_tls12 < 2; is_tls12++) {
        for (unsigned rotations = 0; rotations <= 2; rotations++) {
            struct sl_ticket_keys tickets = { 0 };
            assert_int_equal(sl_ticket_keys_rotate(&tickets), SL_OK);
            struct place place = { .service = "web",
                                   .policy = "intermediate",
                                   .tickets = &tickets,
                                   .is_tls12 = is_tls12 };
            struct sl_tls_ctx *server = place_open(f, &place), *client = client_open(f);
            assert_false(connect_once(client, server));
            for (unsigned i = 0; i < rotations; i++) {
                assert_int_equal(sl_ticket_keys_rotate(&tickets), SL_OK);
            }
            assert_int_equal(connect_once(client, server), rotations < 2);
            /* what was opened with an old key has been sealed anew with the first */
            struct sl_ticket_key first = tickets.slots[0];
            sl_ticket_keys_wipe(&tickets);
            tickets.slots[0] = first;
            assert_true(connect_once(client, server));
            sl_tls_ctx_unref(client);
            sl_tls_ctx_unref(server);
        }
    }
}

static void without_keys_there_are_no_tickets(void **state)
{
    const struct fixture *f = *state;
    struct sl_ticket_keys none = { 0 };
    for (int i = 0; i < 4; i++) {
        struct place place = { .service = "web",
                               .policy = "intermediate",
                               .tickets = i < 2 ? &none : NULL,
                               .is_tls12 = i % 2 == 1 };
        struct sl_tls_ctx *server = place_open(f, &place), *client = client_open(f);
        assert_false(connect_once(client, server));
        assert_false(connect_once(client, server));
        sl_tls_ctx_unref(client);
        sl_tls_ctx_unref(server);
    }
}

static void rotation_shifts_and_a_wipe_leaves_nothing(void **state)
{
    SL_UNUSED(state);
    struct sl_ticket_keys keys = { 0 }, zero = { 0 };
    assert_int_equal(sl_ticket_keys_rotate(&keys), SL_OK);
    struct sl_ticket_key first = keys.slots[0];
    assert_memory_equal(&keys.slots[1], &zero.slots[1], sizeof(first));
    assert_memory_not_equal(&first, &zero.slots[0], sizeof(first));
    assert_memory_not_equal(first.aes, first.hmac, sizeof(first.aes));
    assert_int_equal(sl_ticket_keys_rotate(&keys), SL_OK);
    assert_memory_equal(&keys.slots[1], &first, sizeof(first));
    assert_memory_not_equal(&keys.slots[0], &first, sizeof(first));
    assert_int_equal(sl_ticket_keys_rotate(&keys), SL_OK);
    assert_int_equal(sl_ticket_keys_rotate(&keys), SL_OK);
    for (size_t i = 0; i < SL_TICKET_KEYS_COUNT; i++) {
        assert_memory_not_equal(&keys.slots[i], &first, sizeof(first));
    }
    sl_ticket_keys_wipe(&keys);
    assert_memory_equal(&keys, &zero, sizeof(keys));
    sl_ticket_keys_wipe(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_resume_again_and_again_within_a_service),
        cmocka_unit_test(sessions_never_cross_service_policy_or_authentication),
        cmocka_unit_test(other_signers_of_clients_are_another_boundary),
        cmocka_unit_test(tickets_outlive_one_rotation_and_not_two),
        cmocka_unit_test(without_keys_there_are_no_tickets),
        cmocka_unit_test(rotation_shifts_and_a_wipe_leaves_nothing),
    };
    return cmocka_run_group_tests_name("tls/tickets", tests, make_fixture, drop_fixture);
}
