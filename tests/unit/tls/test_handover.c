/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include "records.h"
#include "tls/established.h"
#include "tls/handover.h"
#include <openssl/err.h>
#include <stdlib.h>

enum { TEXT_MAX = 48 * 1024, ROUNDS_COUNT = 24000 };

static const char *const SUITES[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                      "TLS_CHACHA20_POLY1305_SHA256" };

/* Whose records are ours; libssl has the other side's. */
enum ours { OURS_SERVER, OURS_CLIENT, OURS_BOTH, OURS_COUNT };

/* What a handshake is to be like. */
struct setup {
    const char *suites;
    const char *client_groups, *server_groups; /* NULL: the policy's */
    enum ours ours;
    size_t cut;
    bool has_tickets, has_resumption, has_client_cert;
};

struct world {
    struct fixture f;
    struct sl_ticket_keys tickets;
    struct sl_tls_ctx *client, *server;
};

static int world_make(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    fixture_init(&w->f);
    (void)records_begin();
    assert_int_equal(sl_ticket_keys_rotate(&w->tickets), SL_OK);
    *state = w;
    return 0;
}

static int world_drop(void **state)
{
    struct world *w = *state;
    fixture_fini(&w->f);
    free(w);
    return 0;
}

static void contexts_make(struct world *w, const struct setup *setup)
{
    struct sl_policy client = fixture_policy("modern"), server = client;
    client.suites = server.suites = setup->suites;
    client.groups = setup->client_groups != NULL ? setup->client_groups : client.groups;
    server.groups = setup->server_groups != NULL ? setup->server_groups : server.groups;
    w->server = fixture_server(&(struct sl_tls_server_conf){
        .service = "web",
        .policy = &server,
        .certs = &w->f.cert_ec,
        .certs_count = 1,
        .tickets = setup->has_tickets ? &w->tickets : NULL,
        .verify = setup->has_client_cert ? SL_TLS_VERIFY_REQUIRE : SL_TLS_VERIFY_OFF,
        .clients = w->f.store,
    });
    w->client = fixture_client(&(struct sl_tls_client_conf){
        .policy = &client,
        .is_verified = true,
        .store = w->f.store,
        .name = "site.example",
        .owns = &(struct sl_tls_own){ w->f.cert_client, "own" },
        .owns_count = setup->has_client_cert,
        .has_full_handshakes = !setup->has_resumption,
    });
}

static void contexts_drop(struct world *w)
{
    sl_tls_ctx_unref(w->client);
    sl_tls_ctx_unref(w->server);
}

static void pair_begin(struct world *w, const struct setup *setup, struct pair *pair)
{
    pair_open(pair, w->client, w->server);
    pair->cut = setup->cut;
    if (setup->ours == OURS_SERVER) {
        sl_tls_handover_end(pair->client.tls);
    } else if (setup->ours == OURS_CLIENT) {
        sl_tls_handover_end(pair->server.tls);
    }
    pair_handshake(pair);
    assert_string_equal(pair->client.diag.text, "");
    assert_int_equal(pair->client.rc, SL_OK);
    assert_int_equal(pair->server.rc, SL_OK);
}

/* Makes room on the wires; libssl may have answered a KeyUpdate at once. */
static void wires_clear(struct pair *pair)
{
    struct pair_side *sides[] = { &pair->client, &pair->server };
    for (size_t i = 0; i < SL_COUNT(sides); i++) {
        sides[i]->sent -= sides[i]->taken;
        memmove(sides[i]->wire, sides[i]->wire + sides[i]->taken, sides[i]->sent);
        sides[i]->taken = 0;
    }
}

static void assert_ours(const struct pair_side *side, bool is_ours)
{
    assert_int_equal(side->tls->established != NULL, is_ours);
    assert_int_equal(side->tls->ssl == NULL, is_ours);
    assert_null(side->tls->handover);
}

static void talk(struct pair *pair)
{
    for (int i = 0; i < 3; i++) {
        pair_say(pair, &pair->client, SL_SLICE("from the client"));
        pair_say(pair, &pair->server, SL_SLICE("and from the server"));
    }
}

static void assert_closes(struct pair *pair, struct pair_side *from, struct pair_side *to)
{
    uint8_t text[16];
    struct sl_wbuf plain = sl_wbuf_of(text, sizeof(text));
    pair_close(from);
    assert_int_equal(pair_read(pair, from, to, &plain), SL_EOF);
    assert_int_equal(plain.len, 0);
}

static void run(struct world *w, const struct setup *setup)
{
    struct pair pair;
    contexts_make(w, setup);
    pair_begin(w, setup, &pair);
    talk(&pair);
    assert_ours(&pair.server, setup->ours != OURS_CLIENT);
    assert_ours(&pair.client, setup->ours != OURS_SERVER);
    assert_closes(&pair, &pair.client, &pair.server);
    pair_say(&pair, &pair.server, SL_SLICE("one direction is over"));
    assert_closes(&pair, &pair.server, &pair.client);
    pair_fini(&pair);
    contexts_drop(w);
    assert_int_equal(sl_fast_find()->pool->ways_count, 0);
    assert_null(sl_fast_find()->running);
}

static void every_suite_leaves_libssl_on_either_side_however_the_bytes_are_cut(void **state)
{
    static const size_t CUTS[] = { 0, 1, 2, 7, 100, 1460 };
    for (size_t i = 0; i < SL_COUNT(SUITES) * OURS_COUNT * SL_COUNT(CUTS); i++) {
        for (int has_tickets = 0; has_tickets < 2; has_tickets++) {
            run(*state, &(struct setup){
                            .suites = SUITES[i % SL_COUNT(SUITES)],
                            .ours = (enum ours)(i / SL_COUNT(SUITES) % OURS_COUNT),
                            .cut = CUTS[i / SL_COUNT(SUITES) / OURS_COUNT],
                            .has_tickets = has_tickets != 0,
                            .has_resumption = has_tickets != 0,
                        });
        }
    }
}

static void a_second_client_hello_changes_nothing(void **state)
{
    for (enum ours ours = 0; ours < OURS_COUNT; ours++) {
        run(*state, &(struct setup){ .suites = SUITES[0],
                                     .client_groups = "P-256:X25519",
                                     .server_groups = "X25519",
                                     .ours = ours,
                                     .has_tickets = true });
    }
}

static void nor_does_a_client_that_shows_a_certificate(void **state)
{
    for (enum ours ours = 0; ours < OURS_COUNT; ours++) {
        run(*state, &(struct setup){ .suites = SUITES[1],
                                     .ours = ours,
                                     .cut = 33,
                                     .has_tickets = true,
                                     .has_resumption = true,
                                     .has_client_cert = true });
    }
}

static void sessions_resume_again_and_again(void **state)
{
    struct world *w = *state;
    const struct setup setup = {
        .suites = SUITES[0], .ours = OURS_BOTH, .has_tickets = true, .has_resumption = true
    };
    contexts_make(w, &setup);
    for (int i = 0; i < 4; i++) {
        struct sl_tls_info info;
        struct pair pair;
        pair_begin(w, &setup, &pair);
        talk(&pair);
        sl_tls_info(pair.client.tls, &info);
        assert_int_equal(info.is_resumed, i > 0);
        assert_ours(&pair.server, true);
        assert_ours(&pair.client, true);
        pair_fini(&pair);
    }
    contexts_drop(w);
}

/* Tells libssl to send a KeyUpdate with the next data. */
static void update_ask(struct pair_side *side, bool is_answer_wanted)
{
    assert_non_null(side->tls->ssl);
    assert_int_equal(SSL_key_update(side->tls->ssl, is_answer_wanted
                                                        ? SSL_KEY_UPDATE_REQUESTED
                                                        : SSL_KEY_UPDATE_NOT_REQUESTED),
                     1);
}

static void keys_are_updated_by_either_side_at_any_time(void **state)
{
    static const size_t CUTS[] = { 0, 1, 26, 27, 28 };
    struct world *w = *state;
    for (size_t i = 0; i < SL_COUNT(SUITES) * 2 * SL_COUNT(CUTS); i++) {
        struct setup setup = { .suites = SUITES[i % SL_COUNT(SUITES)],
                               .ours = i / SL_COUNT(SUITES) % 2 == 0 ? OURS_SERVER : OURS_CLIENT };
        struct pair pair;
        contexts_make(w, &setup);
        pair_begin(w, &setup, &pair);
        pair.cut = CUTS[i / SL_COUNT(SUITES) / 2];
        struct pair_side *ours = setup.ours == OURS_SERVER ? &pair.server : &pair.client;
        struct pair_side *theirs = setup.ours == OURS_SERVER ? &pair.client : &pair.server;
        assert_ours(ours, true);
        ours->tls->established->records_max = 3;
        update_ask(theirs, true); /* before anything else */
        for (int n = 0; n < 10; n++) {
            pair_say(&pair, theirs, SL_SLICE("under which key?"));
            pair_say(&pair, ours, SL_SLICE("under the next"));
            pair_say(&pair, ours, SL_SLICE("and so on"));
            update_ask(theirs, n % 2 == 0);
        }
        pair_fini(&pair);
        contexts_drop(w);
    }
}

static void an_update_before_the_ticket_keeps_libssl(void **state)
{
    struct world *w = *state;
    const struct setup setup = { .suites = SUITES[0], .ours = OURS_CLIENT, .has_resumption = true };
    struct pair pair;
    contexts_make(w, &setup);
    for (int is_asked = 0; is_asked < 2; is_asked++) {
        pair_begin(w, &setup, &pair);
        pair.cut = 11;
        assert_non_null(pair.client.tls->handover);
        update_ask(&pair.server, is_asked != 0);
        pair_say(&pair, &pair.server, SL_SLICE("under the next key"));
        talk(&pair);
        assert_ours(&pair.client, false);
        pair_fini(&pair);
    }
    contexts_drop(w);
}

static void an_upstream_without_tickets_is_not_waited_for_for_ever(void **state)
{
    enum { SAID_BYTES = 16 * 1024, TURNS_COUNT = 5 };
    struct world *w = *state;
    const struct setup setup = {
        .suites = SUITES[2], .ours = OURS_BOTH, .cut = 5000, .has_resumption = true
    };
    uint8_t *text = calloc(1, SAID_BYTES);
    struct pair pair;
    assert_non_null(text);
    contexts_make(w, &setup);
    pair_begin(w, &setup, &pair);
    for (int i = 0; i < TURNS_COUNT; i++) {
        assert_int_equal(pair.client.tls->established != NULL, i * (SAID_BYTES + 22) >= 64 * 1024);
        pair_say(&pair, &pair.client, SL_SLICE("more"));
        pair_say(&pair, &pair.server, sl_slice_of(text, SAID_BYTES));
    }
    assert_ours(&pair.client, true);
    talk(&pair);
    free(text);
    pair_fini(&pair);
    contexts_drop(w);
}

/* libssl's server sends one more ticket. */
static void ticket_send(struct pair_side *server)
{
    struct sl_wbuf out = pair_wbuf(server);
    assert_int_equal(SSL_new_session_ticket(server->tls->ssl), 1);
    server->tls->io.out = &out;
    assert_int_equal(SSL_do_handshake(server->tls->ssl), 1);
    server->tls->io.out = NULL;
    pair_wrote(server, &out);
    assert_true(out.len > 100);
}

static void tickets_that_come_together_are_kept_and_later_ones_passed_over(void **state)
{
    struct world *w = *state;
    const struct setup setup = {
        .suites = SUITES[0], .ours = OURS_CLIENT, .has_tickets = true, .has_resumption = true
    };
    struct pair pair;
    contexts_make(w, &setup);
    pair_begin(w, &setup, &pair);
    ticket_send(&pair.server);
    ticket_send(&pair.server);
    talk(&pair);
    assert_ours(&pair.client, true);
    assert_int_equal(w->client->resume.puts_count, 3);
    for (int i = 0; i < 5; i++) {
        pair.cut = i * 30;
        ticket_send(&pair.server);
        talk(&pair);
    }
    assert_int_equal(w->client->resume.puts_count, 3);
    pair_fini(&pair);
    contexts_drop(w);
}

/* Half of a second ticket may have been read when the first is whole: libssl has to read its rest.
 */
static void nothing_is_taken_over_in_the_middle_of_a_ticket(void **state)
{
    enum { CUT_MIN = 400, CUT_MAX = 6000, CUT_STEP = 97, RECORD_MAX = 512 };
    struct world *w = *state;
    const struct setup setup = { .suites = SUITES[0],
                                 .ours = OURS_CLIENT,
                                 .has_tickets = true,
                                 .has_resumption = true,
                                 .has_client_cert = true };
    for (size_t cut = CUT_MIN; cut < CUT_MAX; cut += CUT_STEP) {
        struct pair pair;
        contexts_make(w, &setup);
        pair_begin(w, &setup, &pair);
        assert_int_equal(SSL_set_max_send_fragment(pair.server.tls->ssl, RECORD_MAX), 1);
        for (int i = 0; i < 3; i++) {
            ticket_send(&pair.server);
        }
        assert_true(pair.server.sent - pair.server.taken > 4 * RECORD_MAX);
        pair.cut = cut;
        talk(&pair);
        assert_ours(&pair.client, true);
        pair_fini(&pair);
        contexts_drop(w);
    }
}

/* Appends a ticket, of no use to anybody. */
static void ticket_put(struct sl_wbuf *out)
{
    static const uint8_t TICKET[] = {
        SSL3_MT_NEWSESSION_TICKET, 0, 0, 16, 0, 0, 1, 0, 0, 0, 0, 1, 1, 7, 0, 2, 'a', 'b', 0, 0
    };
    assert_int_equal(sl_wbuf_put(out, sl_slice_of(TICKET, sizeof(TICKET))), SL_OK);
}

/* Records may end anywhere in a message, even in its head, of which libssl tells nobody. */
static void nor_in_the_head_of_one(void **state)
{
    enum { HEAD_LEN = 4, PADDING_LEN = 9, ROUNDS = 2 * HEAD_LEN };
    struct world *w = *state;
    const struct setup setup = { .suites = SUITES[0], .ours = OURS_BOTH, .has_resumption = true };
    for (size_t i = 0; i < ROUNDS; i++) {
        uint8_t messages[64], inner[64] = { 0 }, text[16];
        struct sl_wbuf all = sl_wbuf_of(messages, sizeof(messages));
        struct sl_wbuf plain = sl_wbuf_of(text, sizeof(text));
        const size_t padding_len = i < HEAD_LEN ? 0 : PADDING_LEN;
        struct pair pair;
        contexts_make(w, &setup);
        pair_begin(w, &setup, &pair);
        ticket_put(&all);
        const size_t cut = all.len + i % HEAD_LEN;
        ticket_put(&all);
        memcpy(inner, messages, cut);
        inner[cut] = SL_RECORD_HANDSHAKE;
        struct sl_wbuf out = pair_wbuf(&pair.server);
        records_seal_raw(&pair.server.tls->established->write,
                         sl_slice_of(inner, cut + 1 + padding_len), &out);
        pair_wrote(&pair.server, &out);
        assert_int_equal(pair_read(&pair, &pair.server, &pair.client, &plain), SL_AGAIN);
        assert_int_equal(w->client->resume.puts_count, 1);
        out = pair_wbuf(&pair.server);
        assert_int_equal(sl_record_seal(&pair.server.tls->established->write, SL_RECORD_HANDSHAKE,
                                        sl_slice_of(messages + cut, all.len - cut), &out),
                         SL_OK);
        pair_wrote(&pair.server, &out);
        assert_int_equal(pair_read(&pair, &pair.server, &pair.client, &plain), SL_AGAIN);
        assert_string_equal(pair.client.diag.text, "");
        talk(&pair);
        assert_ours(&pair.client, true);
        pair_fini(&pair);
        contexts_drop(w);
    }
}

static void assert_stays(struct world *w, const struct sl_policy *policy, uint8_t fragment)
{
    struct pair pair;
    w->server = fixture_server(&(struct sl_tls_server_conf){
        .service = "web", .policy = policy, .certs = &w->f.cert_ec, .certs_count = 1 });
    w->client = fixture_client(&(struct sl_tls_client_conf){ .policy = policy,
                                                             .is_verified = true,
                                                             .store = w->f.store,
                                                             .name = "site.example",
                                                             .has_full_handshakes = true });
    pair_open(&pair, w->client, w->server);
    assert_int_equal(SSL_set_tlsext_max_fragment_length(pair.client.tls->ssl, fragment), 1);
    pair_handshake(&pair);
    assert_int_equal(pair.server.rc, SL_OK);
    assert_ours(&pair.server, false);
    assert_ours(&pair.client, false);
    talk(&pair);
    pair_fini(&pair);
    contexts_drop(w);
}

static void what_we_do_not_do_stays_with_libssl(void **state)
{
    struct sl_policy policy = fixture_policy("intermediate");
    policy.max_version = TLS1_2_VERSION;
    assert_stays(*state, &policy, TLSEXT_max_fragment_length_DISABLED);
    policy = fixture_policy("modern");
    policy.suites = "TLS_AES_128_CCM_SHA256";
    assert_stays(*state, &policy, TLSEXT_max_fragment_length_DISABLED);
    policy.suites = SUITES[0]; /* records of another size */
    assert_stays(*state, &policy, TLSEXT_max_fragment_length_1024);
    assert_int_equal(sl_tls_fast_records(false), SL_OK);
    assert_stays(*state, &policy, TLSEXT_max_fragment_length_DISABLED);
    assert_int_equal(sl_tls_fast_records(true), SL_OK);
    assert_int_equal(sl_tls_fast_use(false, NULL), SL_OK); /* nothing tells the secrets */
    assert_stays(*state, &policy, TLSEXT_max_fragment_length_DISABLED);
    assert_int_equal(sl_tls_fast_use(true, NULL), SL_OK);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13; /* xorshift64: the same on every machine */
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static size_t random_len(uint64_t *seed)
{
    static const size_t MOSTS[] = { 2, 40, 40, 300, 300, 1500, 1500, 17000, TEXT_MAX };
    return 1 + next_random(seed) % (MOSTS[next_random(seed) % SL_COUNT(MOSTS)] - 1);
}

/* Ours against libssl's: whatever either says, and wherever it is cut, the other reads that. */
static void random_talks_with_libssl_agree(void **state)
{
    struct world *w = *state;
    uint64_t seed = 0x5eed5eed5eed5eedU;
    uint8_t *text = malloc(TEXT_MAX);
    assert_non_null(text);
    for (size_t i = 0; i < TEXT_MAX; i++) {
        text[i] = (uint8_t)next_random(&seed);
    }
    for (size_t run_number = 0; run_number < 2 * SL_COUNT(SUITES); run_number++) {
        struct setup setup = { .suites = SUITES[run_number % SL_COUNT(SUITES)],
                               .ours = run_number < SL_COUNT(SUITES) ? OURS_SERVER : OURS_CLIENT,
                               .has_tickets = run_number % 2 == 0,
                               .has_resumption = run_number % 2 == 0 };
        struct pair pair;
        contexts_make(w, &setup);
        pair_begin(w, &setup, &pair);
        talk(&pair);
        struct pair_side *ours = setup.ours == OURS_SERVER ? &pair.server : &pair.client;
        struct pair_side *theirs = setup.ours == OURS_SERVER ? &pair.client : &pair.server;
        ours->tls->established->records_max = 50;
        for (size_t i = 0; i < ROUNDS_COUNT / (2 * SL_COUNT(SUITES)); i++) {
            const size_t len = random_len(&seed), at = next_random(&seed) % (TEXT_MAX - len + 1);
            pair.cut = len < 2000 && next_random(&seed) % 2 == 0 ? 1 + next_random(&seed) % 64
                       : next_random(&seed) % 2 == 0             ? 1000 + next_random(&seed) % 20000
                                                                 : 0;
            if (next_random(&seed) % 16 == 0) {
                update_ask(theirs, next_random(&seed) % 2 == 0);
            }
            pair_say(&pair, next_random(&seed) % 2 == 0 ? ours : theirs,
                     sl_slice_of(text + at, len));
            wires_clear(&pair);
        }
        assert_closes(&pair, ours, theirs);
        assert_closes(&pair, theirs, ours);
        pair_fini(&pair);
        contexts_drop(w);
    }
    free(text);
}

static void secrets_are_noted_for_the_handshake_that_runs_alone(void **state)
{
    struct world *w = *state;
    const struct setup setup = { .suites = SUITES[0], .ours = OURS_BOTH };
    enum { PAIRS_COUNT = 4, STEPS_COUNT = 2000 };
    struct pair pairs[PAIRS_COUNT];
    contexts_make(w, &setup);
    for (size_t i = 0; i < PAIRS_COUNT; i++) {
        pair_open(&pairs[i], w->client, w->server);
    }
    for (size_t n = 0; n < PAIRS_COUNT * STEPS_COUNT; n++) { /* bits of each, in turns */
        struct pair *pair = &pairs[n % PAIRS_COUNT];
        struct pair_side *side = n / PAIRS_COUNT % 2 == 0 ? &pair->client : &pair->server;
        struct pair_side *peer = side == &pair->client ? &pair->server : &pair->client;
        struct sl_slice in =
            sl_slice_of(peer->wire + peer->taken, SL_MIN(peer->sent - peer->taken, (size_t)9));
        const size_t given = in.len;
        struct sl_wbuf out = pair_wbuf(side);
        if (side->rc == SL_AGAIN) {
            side->rc = sl_tls_handshake(side->tls, &in, &out, &side->diag);
            peer->taken += given - in.len;
            pair_wrote(side, &out);
        }
        assert_null(sl_fast_find()->running);
    }
    for (size_t i = 0; i < PAIRS_COUNT; i++) {
        assert_int_equal(pairs[i].client.rc, SL_OK);
        assert_int_equal(pairs[i].server.rc, SL_OK);
        talk(&pairs[i]);
        assert_ours(&pairs[i].server, true);
        assert_ours(&pairs[i].client, true);
    }
    for (size_t i = 0; i < PAIRS_COUNT; i++) {
        pair_fini(&pairs[i]);
    }
    contexts_drop(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suite_leaves_libssl_on_either_side_however_the_bytes_are_cut),
        cmocka_unit_test(a_second_client_hello_changes_nothing),
        cmocka_unit_test(nor_does_a_client_that_shows_a_certificate),
        cmocka_unit_test(sessions_resume_again_and_again),
        cmocka_unit_test(keys_are_updated_by_either_side_at_any_time),
        cmocka_unit_test(an_update_before_the_ticket_keeps_libssl),
        cmocka_unit_test(an_upstream_without_tickets_is_not_waited_for_for_ever),
        cmocka_unit_test(tickets_that_come_together_are_kept_and_later_ones_passed_over),
        cmocka_unit_test(nothing_is_taken_over_in_the_middle_of_a_ticket),
        cmocka_unit_test(nor_in_the_head_of_one),
        cmocka_unit_test(what_we_do_not_do_stays_with_libssl),
        cmocka_unit_test(random_talks_with_libssl_agree),
        cmocka_unit_test(secrets_are_noted_for_the_handshake_that_runs_alone),
    };
    return cmocka_run_group_tests_name("tls/handover", tests, world_make, world_drop);
}
