/* SPDX-License-Identifier: Apache-2.0 */
#include "records.h"
#include "tls/bio.h"
#include "tls/established.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

enum { WIRE_MAX = 1024 * 1024, MESSAGE_MAX = 256 * 1024 };

/* Two established connections that talk through memory, under secrets that are made up. */
struct side {
    struct sl_established *own;
    struct sl_wbuf wire; /* what it has written and the other has not been given */
    struct sl_diag diag;
};

struct talk {
    struct side client, server;
    struct sl_wbuf text; /* what was read last */
};

static void side_open(struct side *side, bool is_client)
{
    const struct sl_fast_secrets secrets = { .client = records_secret(SL_RECORD_AES_128_GCM, 1),
                                             .server = records_secret(SL_RECORD_AES_128_GCM, 2) };
    const struct sl_established_state state = { .is_client = is_client,
                                                .suite = SL_RECORD_AES_128_GCM,
                                                .secrets = &secrets,
                                                .read_count = is_client ? 1 : 0,
                                                .written_count = is_client ? 0 : 1 };
    *side = (struct side){ .wire = sl_wbuf_of(malloc(WIRE_MAX), WIRE_MAX) };
    assert_non_null(side->wire.ptr);
    assert_int_equal(sl_established_create(sl_fast_find()->pool, &state, &side->own), SL_OK);
}

static void talk_open(struct talk *t)
{
    side_open(&t->client, true);
    side_open(&t->server, false);
    t->text = sl_wbuf_of(malloc(WIRE_MAX), WIRE_MAX);
    assert_non_null(t->text.ptr);
}

static void talk_close(struct talk *t)
{
    sl_established_destroy(t->client.own);
    sl_established_destroy(t->server.own);
    free(t->client.wire.ptr);
    free(t->server.wire.ptr);
    free(t->text.ptr);
    assert_int_equal(sl_fast_find()->pool->ways_count, 0);
    assert_int_equal(ERR_peek_error(), 0);
}

/* `to` reads all that `from` has written, `piece` bytes at a time. */
static enum sl_err hear(struct talk *t, struct side *from, struct side *to, size_t piece)
{
    enum sl_err rc = SL_AGAIN;
    struct sl_slice wire = sl_wbuf_slice(&from->wire);
    t->text.len = 0;
    to->diag.text[0] = '\0';
    while (rc == SL_AGAIN && wire.len > 0) {
        struct sl_slice in = sl_slice_cut(&wire, piece);
        rc = sl_established_decrypt(to->own, &in, &t->text, &to->wire, &to->diag);
    }
    from->wire.len = 0;
    return rc;
}

static void say(struct talk *t, struct side *from, const char *words, size_t piece)
{
    struct side *to = from == &t->client ? &t->server : &t->client;
    const struct sl_slice text = sl_slice_cstr(words);
    assert_int_equal(sl_established_encrypt(from->own, text, &from->wire, &from->diag), SL_OK);
    assert_int_equal(hear(t, from, to, piece), SL_AGAIN);
    assert_int_equal(t->text.len, text.len);
    assert_memory_equal(t->text.ptr, text.ptr, text.len);
}

static void send(struct side *from, unsigned type, struct sl_slice content)
{
    assert_int_equal(
        sl_record_seal(&from->own->write, (enum sl_record_type)type, content, &from->wire), SL_OK);
}

/* What `from` has sent is the end, and both are told why. */
static void assert_ends(struct talk *t, struct side *from, size_t piece, uint8_t alert,
                        const char *reason)
{
    struct side *to = from == &t->client ? &t->server : &t->client;
    char want[128];
    assert_int_equal(hear(t, from, to, piece), SL_ETLS);
    assert_string_equal(to->diag.text, reason);
    assert_int_equal(hear(t, to, from, SIZE_MAX), SL_ETLS);
    (void)snprintf(want, sizeof(want), "the peer sent alert: %s",
                   SSL_alert_desc_string_long(alert));
    assert_string_equal(from->diag.text, want);
}

static void both_directions_talk_however_the_bytes_are_cut(void **state)
{
    static const size_t PIECES[] = { SIZE_MAX, 1, 2, 5, 6, 22, 1000 };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(PIECES); i++) {
        struct talk t;
        talk_open(&t);
        for (int n = 0; n < 3; n++) {
            say(&t, &t.client, "from the client", PIECES[i]);
            say(&t, &t.server, "and from the server", PIECES[i]);
        }
        talk_close(&t);
    }
}

static void long_text_goes_out_in_full_records(void **state)
{
    enum { LEN = 3 * SL_RECORD_PLAIN_MAX + 5 };
    struct talk t;
    uint8_t *text = malloc(LEN);
    SL_UNUSED(state);
    assert_non_null(text);
    for (size_t i = 0; i < LEN; i++) {
        text[i] = (uint8_t)(i ^ i >> 9);
    }
    talk_open(&t);
    assert_int_equal(
        sl_established_encrypt(t.server.own, sl_slice_of(text, LEN), &t.server.wire, NULL), SL_OK);
    assert_int_equal(t.server.wire.len, LEN + 4 * 22);
    assert_int_equal(hear(&t, &t.server, &t.client, 100), SL_AGAIN);
    assert_int_equal(t.text.len, LEN);
    assert_memory_equal(t.text.ptr, text, LEN);
    assert_null(t.client.own->rest.ptr); /* an idle connection holds nothing */
    assert_null(t.client.own->left);
    free(text);
    talk_close(&t);
}

static void little_room_for_plaintext_loses_nothing(void **state)
{
    static const char WORDS[] = "more than there is room for at once, in two records";
    struct talk t;
    uint8_t got[sizeof(WORDS)];
    SL_UNUSED(state);
    for (size_t room = 1; room < 8; room++) {
        talk_open(&t);
        for (size_t i = 0; i < sizeof(WORDS); i += sizeof(WORDS) / 2) {
            send(&t.client, SL_RECORD_DATA, sl_slice_of(WORDS + i, sizeof(WORDS) / 2));
        }
        assert_int_equal(sl_established_close(t.client.own, &t.client.wire), SL_OK);
        struct sl_slice in = sl_wbuf_slice(&t.client.wire);
        size_t len = 0;
        enum sl_err rc = SL_ENOSPC;
        while (rc == SL_ENOSPC) {
            struct sl_wbuf small = sl_wbuf_of(got + len, SL_MIN(room, sizeof(got) - len));
            rc = sl_established_decrypt(t.server.own, &in, &small, &t.server.wire, NULL);
            len += small.len;
            assert_true(rc == SL_ENOSPC || in.len == 0);
            if (len == sizeof(WORDS) && rc == SL_ENOSPC) { /* the end needs room as well */
                struct sl_wbuf one = sl_wbuf_of(t.text.ptr, 1);
                rc = sl_established_decrypt(t.server.own, &in, &one, &t.server.wire, NULL);
            }
        }
        assert_int_equal(rc, SL_EOF);
        assert_int_equal(len, sizeof(WORDS) / 2 * 2);
        assert_memory_equal(got, WORDS, len);
        talk_close(&t);
    }
}

static void close_notify_ends_one_direction_and_the_other_goes_on(void **state)
{
    struct talk t;
    SL_UNUSED(state);
    talk_open(&t);
    assert_int_equal(sl_established_encrypt(t.client.own, SL_SLICE("last"), &t.client.wire, NULL),
                     SL_OK);
    assert_int_equal(sl_established_close(t.client.own, &t.client.wire), SL_OK);
    assert_int_equal(hear(&t, &t.client, &t.server, SIZE_MAX), SL_EOF);
    assert_int_equal(t.text.len, 4);
    say(&t, &t.server, "still here", SIZE_MAX);
    struct sl_slice none = { 0 };
    assert_int_equal(sl_established_decrypt(t.server.own, &none, &t.text, &t.server.wire, NULL),
                     SL_EOF);
    talk_close(&t);
}

static void user_canceled_is_passed_over(void **state)
{
    static const uint8_t CANCELED[] = { 1, SSL_AD_USER_CANCELLED };
    struct talk t;
    SL_UNUSED(state);
    talk_open(&t);
    send(&t.client, SL_RECORD_ALERT, sl_slice_of(CANCELED, sizeof(CANCELED)));
    assert_int_equal(hear(&t, &t.client, &t.server, SIZE_MAX), SL_AGAIN);
    say(&t, &t.client, "after all", SIZE_MAX);
    talk_close(&t);
}

static void any_other_alert_is_the_end_whatever_its_level(void **state)
{
    SL_UNUSED(state);
    for (unsigned level = 0; level < 4; level++) {
        const uint8_t alert[] = { (uint8_t)level, SSL_AD_INTERNAL_ERROR };
        struct talk t;
        talk_open(&t);
        send(&t.client, SL_RECORD_ALERT, sl_slice_of(alert, sizeof(alert)));
        assert_int_equal(hear(&t, &t.client, &t.server, SIZE_MAX), SL_ETLS);
        assert_string_equal(t.server.diag.text, "the peer sent alert: internal error");
        assert_int_equal(t.server.wire.len, 0); /* an alert is not answered by one */
        talk_close(&t);
    }
}

/* What comes in one record, and how it ends. */
static const struct hostile {
    const char *name;
    bool is_to_client;
    uint8_t type;
    struct sl_slice content;
    uint8_t alert;
    const char *reason;
} HOSTILE[] = {
    { "empty handshake", false, SL_RECORD_HANDSHAKE, SL_SLICE_INIT(""), SSL_AD_UNEXPECTED_MESSAGE,
      "an empty record of a handshake" },
    { "empty alert", false, SL_RECORD_ALERT, SL_SLICE_INIT(""), SSL_AD_UNEXPECTED_MESSAGE,
      "an empty alert" },
    { "half an alert", false, SL_RECORD_ALERT, SL_SLICE_INIT("\x01"), SSL_AD_DECODE_ERROR,
      "bad alert" },
    { "two alerts", true, SL_RECORD_ALERT, SL_SLICE_INIT("\x01\x5a\x01\x00"), SSL_AD_DECODE_ERROR,
      "bad alert" },
    { "change_cipher_spec inside", false, SL_RECORD_CHANGE_CIPHER_SPEC, SL_SLICE_INIT("\x01"),
      SSL_AD_UNEXPECTED_MESSAGE, "a record of a type that does not belong here" },
    { "a type that there is not", true, 24, SL_SLICE_INIT("x"), SSL_AD_UNEXPECTED_MESSAGE,
      "a record of a type that does not belong here" },
    { "a long KeyUpdate", false, SL_RECORD_HANDSHAKE, SL_SLICE_INIT("\x18\0\0\x02\0\0"),
      SSL_AD_DECODE_ERROR, "bad KeyUpdate" },
    { "an empty KeyUpdate", false, SL_RECORD_HANDSHAKE, SL_SLICE_INIT("\x18\0\0\0"),
      SSL_AD_DECODE_ERROR, "bad KeyUpdate" },
    { "a KeyUpdate that asks for what there is not", true, SL_RECORD_HANDSHAKE,
      SL_SLICE_INIT("\x18\0\0\x01\x02"), SSL_AD_ILLEGAL_PARAMETER, "bad KeyUpdate" },
    { "two KeyUpdates in a record", true, SL_RECORD_HANDSHAKE,
      SL_SLICE_INIT("\x18\0\0\x01\0\x18\0\0\x01\0"), SSL_AD_UNEXPECTED_MESSAGE,
      "a message behind a KeyUpdate" },
    { "a ticket from a client", false, SL_RECORD_HANDSHAKE, SL_SLICE_INIT("\x04\0\0\x20"),
      SSL_AD_UNEXPECTED_MESSAGE, "a message that does not belong here" },
    { "a ticket too short", true, SL_RECORD_HANDSHAKE, SL_SLICE_INIT("\x04\0\0\x0d"),
      SSL_AD_DECODE_ERROR, "bad NewSessionTicket" },
    { "a ticket too long", true, SL_RECORD_HANDSHAKE, SL_SLICE_INIT("\x04\x02\x01\x0b"),
      SSL_AD_DECODE_ERROR, "bad NewSessionTicket" },
    { "CertificateRequest, which was not offered", true, SL_RECORD_HANDSHAKE,
      SL_SLICE_INIT("\x0d\0\0\x03"), SSL_AD_UNEXPECTED_MESSAGE,
      "a message that does not belong here" },
    { "ClientHello", false, SL_RECORD_HANDSHAKE, SL_SLICE_INIT("\x01\0\0\x40"),
      SSL_AD_UNEXPECTED_MESSAGE, "a message that does not belong here" },
    { "HelloRequest of TLS 1.2", true, SL_RECORD_HANDSHAKE, SL_SLICE_INIT("\0\0\0\0"),
      SSL_AD_UNEXPECTED_MESSAGE, "a message that does not belong here" },
    { "Finished", false, SL_RECORD_HANDSHAKE, SL_SLICE_INIT("\x14\0\0\x20"),
      SSL_AD_UNEXPECTED_MESSAGE, "a message that does not belong here" },
};

static void what_does_not_belong_there_is_answered_with_its_alert(void **state)
{
    static const size_t PIECES[] = { SIZE_MAX, 1 };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(HOSTILE) * SL_COUNT(PIECES); i++) {
        const struct hostile *hostile = &HOSTILE[i / SL_COUNT(PIECES)];
        struct talk t;
        talk_open(&t);
        struct side *from = hostile->is_to_client ? &t.server : &t.client;
        send(from, hostile->type, hostile->content);
        assert_ends(&t, from, PIECES[i % SL_COUNT(PIECES)], hostile->alert, hostile->reason);
        talk_close(&t);
    }
}

static void records_in_the_clear_are_refused(void **state)
{
    static const struct sl_slice RECORDS[] = {
        SL_SLICE_INIT("\x14\x03\x03\0\x01\x01"),     /* change_cipher_spec */
        SL_SLICE_INIT("\x15\x03\x03\0\x02\x01\x00"), /* close_notify */
        SL_SLICE_INIT("\x16\x03\x03\0\x04\0\0\0\0"), /* HelloRequest */
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(RECORDS); i++) {
        struct talk t;
        talk_open(&t);
        assert_int_equal(sl_wbuf_put(&t.client.wire, RECORDS[i]), SL_OK);
        assert_ends(&t, &t.client, SIZE_MAX, SSL_AD_UNEXPECTED_MESSAGE,
                    "a record of a type that does not belong here");
        talk_close(&t);
    }
}

static void data_in_the_middle_of_a_message_is_refused(void **state)
{
    static const struct {
        struct sl_slice begin;
        bool is_to_client;
    } CASES[] = {
        { SL_SLICE_INIT("\x18"), false },
        { SL_SLICE_INIT("\x18\0\0\x01"), false },
        { SL_SLICE_INIT("\x04\0\0\x20zzzz"), true },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct talk t;
        talk_open(&t);
        struct side *from = CASES[i].is_to_client ? &t.server : &t.client;
        send(from, SL_RECORD_HANDSHAKE, CASES[i].begin);
        send(from, SL_RECORD_DATA, SL_SLICE("x"));
        assert_ends(&t, from, SIZE_MAX, SSL_AD_UNEXPECTED_MESSAGE,
                    "data in the middle of a message");
        talk_close(&t);
    }
}

/* Sends a handshake message, `piece` bytes of it in each record. */
static void send_message(struct side *from, struct sl_slice message, size_t piece)
{
    while (message.len > 0) {
        send(from, SL_RECORD_HANDSHAKE, sl_slice_cut(&message, piece));
    }
}

static void a_key_update_may_span_records(void **state)
{
    static const uint8_t UPDATE[] = { SSL3_MT_KEY_UPDATE, 0, 0, 1, 0 };
    SL_UNUSED(state);
    for (size_t piece = 1; piece <= sizeof(UPDATE); piece++) {
        struct talk t;
        talk_open(&t);
        send_message(&t.client, sl_slice_of(UPDATE, sizeof(UPDATE)), piece);
        assert_int_equal(sl_record_way_update(&t.client.own->write), SL_OK);
        say(&t, &t.client, "under the next key", 7);
        say(&t, &t.server, "under the first", 7);
        assert_int_equal(t.server.own->write.records_count, 2); /* no answer was asked for */
        talk_close(&t);
    }
}

static void many_requests_for_an_update_are_answered_once(void **state)
{
    static const uint8_t UPDATE[] = { SSL3_MT_KEY_UPDATE, 0, 0, 1, 1 };
    struct talk t;
    SL_UNUSED(state);
    talk_open(&t);
    for (int i = 0; i < 5; i++) {
        send(&t.client, SL_RECORD_HANDSHAKE, sl_slice_of(UPDATE, sizeof(UPDATE)));
        assert_int_equal(sl_record_way_update(&t.client.own->write), SL_OK);
    }
    assert_int_equal(hear(&t, &t.client, &t.server, SIZE_MAX), SL_AGAIN);
    assert_int_equal(t.server.wire.len, 0);
    assert_int_equal(sl_established_encrypt(t.server.own, SL_SLICE("12345"), &t.server.wire, NULL),
                     SL_OK);
    assert_int_equal(t.server.wire.len, 27 + 27); /* KeyUpdate, and the text */
    assert_int_equal(hear(&t, &t.server, &t.client, SIZE_MAX), SL_AGAIN);
    assert_int_equal(t.text.len, 5);
    say(&t, &t.server, "once", SIZE_MAX);
    assert_int_equal(t.server.own->write.records_count, 2);
    say(&t, &t.client, "and that was all", SIZE_MAX);
    talk_close(&t);
}

static void no_update_is_sent_behind_close_notify(void **state)
{
    static const uint8_t UPDATE[] = { SSL3_MT_KEY_UPDATE, 0, 0, 1, 1 };
    struct talk t;
    SL_UNUSED(state);
    talk_open(&t);
    assert_int_equal(sl_established_close(t.server.own, &t.server.wire), SL_OK);
    assert_int_equal(hear(&t, &t.server, &t.client, SIZE_MAX), SL_EOF);
    send(&t.client, SL_RECORD_HANDSHAKE, sl_slice_of(UPDATE, sizeof(UPDATE)));
    assert_int_equal(sl_record_way_update(&t.client.own->write), SL_OK);
    say(&t, &t.client, "goes on", SIZE_MAX);
    send(&t.client, SL_RECORD_HANDSHAKE, SL_SLICE(""));
    assert_int_equal(hear(&t, &t.client, &t.server, SIZE_MAX), SL_ETLS);
    assert_int_equal(t.server.wire.len, 0); /* nor an alert */
    talk_close(&t);
}

static void a_key_is_updated_before_it_has_sealed_too_much(void **state)
{
    enum { RECORDS_MAX = 5, TURNS_COUNT = 23 };
    struct talk t;
    SL_UNUSED(state);
    talk_open(&t);
    assert_int_equal(t.server.own->records_max, UINT64_C(1) << 24);
    t.server.own->records_max = RECORDS_MAX;
    for (int i = 0; i < TURNS_COUNT; i++) {
        say(&t, &t.server, "how many of these", 100);
        assert_true(t.server.own->write.records_count <= RECORDS_MAX);
        assert_int_equal(t.server.own->write.records_count, t.client.own->read.records_count);
    }
    say(&t, &t.client, "not asked to", 100);
    talk_close(&t);
}

/* A NewSessionTicket of `len` bytes behind its head. */
static struct sl_slice ticket_of(uint8_t *message, size_t len)
{
    memset(message, 0x5a, MESSAGE_MAX);
    message[0] = SSL3_MT_NEWSESSION_TICKET;
    message[1] = (uint8_t)(len >> 16);
    message[2] = (uint8_t)(len >> 8);
    message[3] = (uint8_t)len;
    return sl_slice_of(message, 4 + len);
}

static void late_tickets_are_passed_over_whole(void **state)
{
    static const size_t LENGTHS[] = { 14, 200, 70000, 4 + 4 + 256 + 2 + 65535 + 65536 };
    static const size_t PIECES[] = { 1000, SL_RECORD_PLAIN_MAX };
    uint8_t *message = malloc(MESSAGE_MAX);
    SL_UNUSED(state);
    assert_non_null(message);
    for (size_t i = 0; i < SL_COUNT(LENGTHS); i++) {
        for (size_t j = 0; j < SL_COUNT(PIECES); j++) {
            struct talk t;
            talk_open(&t);
            for (int n = 0; n < 3; n++) {
                send_message(&t.server, ticket_of(message, LENGTHS[i]), PIECES[j]);
            }
            assert_int_equal(hear(&t, &t.server, &t.client, 4096), SL_AGAIN);
            assert_int_equal(t.text.len, 0);
            say(&t, &t.server, "here we are", 4096);
            talk_close(&t);
        }
    }
    struct talk t;
    talk_open(&t);
    uint8_t both[64]; /* two in one record, and a KeyUpdate at its end */
    struct sl_slice ticket = ticket_of(message, 20);
    memcpy(both, ticket.ptr, ticket.len);
    memcpy(both + ticket.len, ticket.ptr, ticket.len);
    memcpy(both + 2 * ticket.len, "\x18\0\0\x01\0", 5);
    send(&t.server, SL_RECORD_HANDSHAKE, sl_slice_of(both, 2 * ticket.len + 5));
    assert_int_equal(sl_record_way_update(&t.server.own->write), SL_OK);
    say(&t, &t.server, "under the next key", 3);
    free(message);
    talk_close(&t);
}

static void floods_of_what_is_no_data_are_an_end(void **state)
{
    static const uint8_t UPDATE[] = { SSL3_MT_KEY_UPDATE, 0, 0, 1, 0 };
    static const uint8_t CANCELED[] = { 1, SSL_AD_USER_CANCELLED };
    SL_UNUSED(state);
    for (unsigned extra = 0; extra < 2; extra++) {
        for (unsigned kind = 0; kind < 2; kind++) {
            struct talk t;
            talk_open(&t);
            for (unsigned i = 0; i < SL_TLS_ASIDES_MAX + extra; i++) {
                if (kind == 0) {
                    send(&t.client, SL_RECORD_HANDSHAKE, sl_slice_of(UPDATE, sizeof(UPDATE)));
                    assert_int_equal(sl_record_way_update(&t.client.own->write), SL_OK);
                } else {
                    send(&t.client, SL_RECORD_ALERT, sl_slice_of(CANCELED, sizeof(CANCELED)));
                }
            }
            if (extra == 0) {
                say(&t, &t.client, "enough", SIZE_MAX);
            } else {
                assert_ends(&t, &t.client, SIZE_MAX, SSL_AD_UNEXPECTED_MESSAGE,
                            "too many KeyUpdates or tickets at once");
            }
            talk_close(&t);
        }
    }
}

static void empty_records_are_borne_but_not_many_in_a_row(void **state)
{
    struct talk t;
    SL_UNUSED(state);
    talk_open(&t);
    for (int n = 0; n < 4; n++) {
        for (unsigned i = 0; i < SL_ESTABLISHED_EMPTIES_MAX; i++) {
            send(&t.client, SL_RECORD_DATA, SL_SLICE(""));
        }
        say(&t, &t.client, "a word", SIZE_MAX);
    }
    for (unsigned i = 0; i <= SL_ESTABLISHED_EMPTIES_MAX; i++) {
        send(&t.client, SL_RECORD_DATA, SL_SLICE(""));
    }
    assert_ends(&t, &t.client, 10, SSL_AD_UNEXPECTED_MESSAGE, "too many empty records");
    talk_close(&t);
}

static void what_stood_before_a_bad_record_is_given(void **state)
{
    struct talk t;
    SL_UNUSED(state);
    talk_open(&t);
    send(&t.client, SL_RECORD_DATA, SL_SLICE("good"));
    send(&t.client, SL_RECORD_DATA, SL_SLICE("bad"));
    t.client.wire.ptr[t.client.wire.len - 1] ^= 1;
    assert_int_equal(hear(&t, &t.client, &t.server, SIZE_MAX), SL_ETLS);
    assert_int_equal(t.text.len, 4);
    assert_memory_equal(t.text.ptr, "good", 4);
    assert_int_equal(hear(&t, &t.server, &t.client, SIZE_MAX), SL_ETLS);
    assert_string_equal(t.client.diag.text, "the peer sent alert: bad record mac");
    talk_close(&t);
}

static void an_alert_for_which_there_is_no_room_changes_nothing_else(void **state)
{
    struct talk t;
    SL_UNUSED(state);
    talk_open(&t);
    send(&t.client, 99, SL_SLICE("x"));
    t.server.wire.cap = 10;
    assert_int_equal(hear(&t, &t.client, &t.server, SIZE_MAX), SL_ETLS);
    assert_int_equal(t.server.wire.len, 0);
    assert_int_equal(
        sl_established_encrypt(t.server.own, SL_SLICE("x"), &t.server.wire, &t.server.diag),
        SL_ENOSPC);
    assert_string_equal(t.server.diag.text, "no room for what has to be sent");
    assert_int_equal(sl_established_close(t.server.own, &t.server.wire), SL_ENOSPC);
    talk_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_talk_however_the_bytes_are_cut),
        cmocka_unit_test(long_text_goes_out_in_full_records),
        cmocka_unit_test(little_room_for_plaintext_loses_nothing),
        cmocka_unit_test(close_notify_ends_one_direction_and_the_other_goes_on),
        cmocka_unit_test(user_canceled_is_passed_over),
        cmocka_unit_test(any_other_alert_is_the_end_whatever_its_level),
        cmocka_unit_test(what_does_not_belong_there_is_answered_with_its_alert),
        cmocka_unit_test(records_in_the_clear_are_refused),
        cmocka_unit_test(data_in_the_middle_of_a_message_is_refused),
        cmocka_unit_test(a_key_update_may_span_records),
        cmocka_unit_test(many_requests_for_an_update_are_answered_once),
        cmocka_unit_test(no_update_is_sent_behind_close_notify),
        cmocka_unit_test(a_key_is_updated_before_it_has_sealed_too_much),
        cmocka_unit_test(late_tickets_are_passed_over_whole),
        cmocka_unit_test(floods_of_what_is_no_data_are_an_end),
        cmocka_unit_test(empty_records_are_borne_but_not_many_in_a_row),
        cmocka_unit_test(what_stood_before_a_bad_record_is_given),
        cmocka_unit_test(an_alert_for_which_there_is_no_room_changes_nothing_else),
    };
    records_begin();
    return cmocka_run_group_tests_name("tls/established", tests, NULL, NULL);
}
