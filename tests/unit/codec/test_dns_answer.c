/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/dns_answer.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { CNAME = 5, TXT = 16, FLAGS_GOOD = 0x8180, QUESTION_AT = 12 };

/* A response while it is written. */
struct response {
    uint8_t bytes[32768];
    struct sl_wbuf out;
};

static void put_u16(struct response *r, unsigned value)
{
    assert_int_equal(sl_wbuf_put_u16(&r->out, (uint16_t)value), SL_OK);
}

static void put_bytes(struct response *r, const void *bytes, size_t len)
{
    assert_int_equal(sl_wbuf_put(&r->out, sl_slice_of(bytes, len)), SL_OK);
}

/* "a.b" as labels; a '>' ends it with a pointer to the question. */
static void put_name(struct response *r, const char *text)
{
    while (*text != '\0' && *text != '>') {
        const size_t len = strcspn(text, ".>");
        assert_int_equal(sl_wbuf_put_u8(&r->out, (uint8_t)len), SL_OK);
        put_bytes(r, text, len);
        text += len + (text[len] == '.' ? 1 : 0);
    }
    if (*text == '>') {
        put_u16(r, 0xc000 | QUESTION_AT);
    } else {
        assert_int_equal(sl_wbuf_put_u8(&r->out, 0), SL_OK);
    }
}

static void begin(struct response *r, unsigned flags, const char *name, unsigned type)
{
    r->out = sl_wbuf_of(r->bytes, sizeof(r->bytes));
    put_u16(r, 0x1234);
    put_u16(r, flags);
    put_u16(r, 1);
    put_bytes(r, "\0\0\0\0\0\0", 6);
    put_name(r, name);
    put_u16(r, type);
    put_u16(r, 1);
}

static void put_record(struct response *r, const char *owner, unsigned type, uint32_t ttl_s,
                       const void *data, size_t len)
{
    r->bytes[7]++;
    r->bytes[6] = (uint8_t)(r->bytes[6] + (r->bytes[7] == 0 ? 1 : 0));
    put_name(r, owner);
    put_u16(r, type);
    put_u16(r, 1);
    put_u16(r, ttl_s >> 16);
    put_u16(r, ttl_s & 0xffff);
    put_u16(r, (unsigned)len);
    put_bytes(r, data, len);
}

static void put_a(struct response *r, const char *owner, uint32_t ttl_s, const char *ip)
{
    uint8_t data[4];
    assert_int_equal(inet_pton(AF_INET, ip, data), 1);
    put_record(r, owner, SL_DNS_A, ttl_s, data, sizeof(data));
}

static void put_aaaa(struct response *r, const char *owner, const char *ip)
{
    uint8_t data[16];
    assert_int_equal(inet_pton(AF_INET6, ip, data), 1);
    put_record(r, owner, SL_DNS_AAAA, 60, data, sizeof(data));
}

static void put_cname(struct response *r, const char *owner, uint32_t ttl_s, const char *target)
{
    struct response name = { .out = sl_wbuf_of(name.bytes, sizeof(name.bytes)) };
    put_name(&name, target);
    put_record(r, owner, CNAME, ttl_s, name.bytes, name.out.len);
}

static void put_srv(struct response *r, unsigned priority, unsigned weight, unsigned port,
                    const char *target)
{
    struct response data = { .out = sl_wbuf_of(data.bytes, sizeof(data.bytes)) };
    put_u16(&data, priority);
    put_u16(&data, weight);
    put_u16(&data, port);
    put_name(&data, target);
    put_record(r, ">", SL_DNS_SRV, 60, data.bytes, data.out.len);
}

static enum sl_err parse(const struct response *r, enum sl_dns_type type,
                         struct sl_dns_answer *ret_answer)
{
    return sl_dns_answer_parse(sl_wbuf_slice(&r->out), type, ret_answer);
}

static void expect_addr(const struct sl_dns_answer *answer, size_t at, const char *wanted)
{
    char text[SL_ADDR_TEXT_MAX];
    sl_addr_format(&answer->records[at].addr, text);
    assert_string_equal(text, wanted);
}

static void addresses_come_in_one_order_and_once(void **state)
{
    SL_UNUSED(state);
    static const char *const IPS[] = { "192.0.2.3", "192.0.2.1", "192.0.2.2", "192.0.2.1" };
    for (size_t first = 0; first < SL_COUNT(IPS); first++) {
        struct response r;
        struct sl_dns_answer answer;
        begin(&r, FLAGS_GOOD, "WWW.example.com", SL_DNS_A);
        for (size_t i = 0; i < SL_COUNT(IPS); i++) {
            put_a(&r, "www.EXAMPLE.com", (uint32_t)(60 - i), IPS[(first + i) % SL_COUNT(IPS)]);
        }
        assert_int_equal(parse(&r, SL_DNS_A, &answer), SL_OK);
        assert_int_equal(answer.records_count, 3);
        assert_int_equal(answer.ttl_s, 57);
        expect_addr(&answer, 0, "192.0.2.1:0");
        expect_addr(&answer, 1, "192.0.2.2:0");
        expect_addr(&answer, 2, "192.0.2.3:0");
    }
}

static void of_too_many_the_same_sixteen_are_kept(void **state)
{
    SL_UNUSED(state);
    for (unsigned first = 0; first < 300; first += 37) {
        struct response r;
        struct sl_dns_answer answer;
        begin(&r, FLAGS_GOOD, "h", SL_DNS_A);
        for (unsigned i = 0; i < 300; i++) {
            const uint8_t data[] = { 10, 1, (uint8_t)((first + i) % 300 >> 8),
                                     (uint8_t)((first + i) % 300) };
            put_record(&r, ">", SL_DNS_A, 5, data, sizeof(data));
        }
        assert_int_equal(parse(&r, SL_DNS_A, &answer), SL_OK);
        assert_int_equal(answer.records_count, SL_DNS_RECORDS_MAX);
        assert_int_equal(answer.surplus_count, 300 - SL_DNS_RECORDS_MAX);
        expect_addr(&answer, 0, "10.1.0.0:0");
        expect_addr(&answer, 15, "10.1.0.15:0");
    }
}

static void only_records_of_the_name_and_its_aliases_count(void **state)
{
    SL_UNUSED(state);
    struct response r;
    struct sl_dns_answer answer;
    begin(&r, FLAGS_GOOD, "a.test", SL_DNS_A);
    put_a(&r, "c.test", 30, "192.0.2.30"); /* before the alias that leads here */
    put_a(&r, "evil.test", 1, "192.0.2.66");
    put_cname(&r, "b.test", 20, "c.test");
    put_record(&r, ">", TXT, 1, "\3abc", 4);
    put_cname(&r, ">", 40, "b.test");
    assert_int_equal(parse(&r, SL_DNS_A, &answer), SL_OK);
    assert_int_equal(answer.records_count, 1);
    assert_int_equal(answer.ttl_s, 20);
    expect_addr(&answer, 0, "192.0.2.30:0");
    begin(&r, FLAGS_GOOD, "a.test", SL_DNS_A);
    put_a(&r, "evil.test", 1, "192.0.2.66");
    assert_int_equal(parse(&r, SL_DNS_A, &answer), SL_ENOENT);
}

static void aliases_in_a_circle_lead_nowhere(void **state)
{
    SL_UNUSED(state);
    struct response r;
    struct sl_dns_answer answer;
    begin(&r, FLAGS_GOOD, "a.test", SL_DNS_A);
    put_cname(&r, ">", 40, "b.test");
    put_cname(&r, "b.test", 40, "a.test");
    assert_int_equal(parse(&r, SL_DNS_A, &answer), SL_EPROTO);
    begin(&r, FLAGS_GOOD, "a.test", SL_DNS_A);
    put_cname(&r, ">", 40, "a.test");
    assert_int_equal(parse(&r, SL_DNS_A, &answer), SL_EPROTO);
    begin(&r, FLAGS_GOOD, "a.test", SL_DNS_A);
    put_cname(&r, ">", 40, "b.test"); /* to where there is nothing */
    assert_int_equal(parse(&r, SL_DNS_A, &answer), SL_ENOENT);
}

static void addresses_that_nothing_can_be_connected_to_are_refused(void **state)
{
    SL_UNUSED(state);
    static const char *const BAD4[] = { "0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1",
                                        "255.255.255.255" };
    static const char *const BAD6[] = { "::", "ff02::1", "::ffff:192.0.2.1", "fe80::1",
                                        "::192.0.2.1" };
    struct response r;
    struct sl_dns_answer answer = { 0 };
    begin(&r, FLAGS_GOOD, "h", SL_DNS_A);
    for (size_t i = 0; i < SL_COUNT(BAD4); i++) {
        put_a(&r, ">", 60, BAD4[i]);
    }
    assert_int_equal(parse(&r, SL_DNS_A, &answer), SL_EDENIED);
    assert_int_equal(answer.unusable_count, SL_COUNT(BAD4));
    put_a(&r, ">", 60, "127.0.0.1");
    assert_int_equal(parse(&r, SL_DNS_A, &answer), SL_OK);
    assert_int_equal(answer.records_count, 1);
    begin(&r, FLAGS_GOOD, "h", SL_DNS_AAAA);
    for (size_t i = 0; i < SL_COUNT(BAD6); i++) {
        put_aaaa(&r, ">", BAD6[i]);
    }
    assert_int_equal(parse(&r, SL_DNS_AAAA, &answer), SL_EDENIED);
    put_aaaa(&r, ">", "::1");
    put_aaaa(&r, ">", "2001:db8::1");
    assert_int_equal(parse(&r, SL_DNS_AAAA, &answer), SL_OK);
    assert_int_equal(answer.unusable_count, SL_COUNT(BAD6));
    assert_int_equal(answer.records_count, 2);
}

static void a_ttl_with_the_high_bit_is_none(void **state)
{
    SL_UNUSED(state);
    struct response r;
    struct sl_dns_answer answer;
    begin(&r, FLAGS_GOOD, "h", SL_DNS_A);
    put_a(&r, ">", UINT32_C(0x80000000), "192.0.2.1");
    assert_int_equal(parse(&r, SL_DNS_A, &answer), SL_OK);
    assert_int_equal(answer.ttl_s, 0);
    begin(&r, FLAGS_GOOD, "h", SL_DNS_A);
    put_a(&r, ">", INT32_MAX, "192.0.2.1");
    assert_int_equal(parse(&r, SL_DNS_A, &answer), SL_OK);
    assert_int_equal(answer.ttl_s, INT32_MAX);
}

static void services_have_priority_weight_port_and_target(void **state)
{
    SL_UNUSED(state);
    struct response r;
    struct sl_dns_answer answer;
    begin(&r, FLAGS_GOOD, "_x._tcp.test", SL_DNS_SRV);
    put_srv(&r, 20, 0, 443, "Backup.>");
    put_srv(&r, 10, 5, 8443, "b.test");
    put_srv(&r, 10, 7, 8443, "a.test");
    put_srv(&r, 1, 1, 443, "");         /* there is no such service (RFC 2782) */
    put_srv(&r, 1, 1, 0, "c.test");     /* no port */
    put_srv(&r, 1, 1, 443, "c d.test"); /* no host name */
    assert_int_equal(parse(&r, SL_DNS_SRV, &answer), SL_OK);
    assert_int_equal(answer.records_count, 3);
    assert_int_equal(answer.unusable_count, 3);
    assert_string_equal(answer.records[0].target, "a.test");
    assert_int_equal(answer.records[0].weight, 7);
    assert_string_equal(answer.records[1].target, "b.test");
    assert_int_equal(answer.records[1].port, 8443);
    assert_string_equal(answer.records[2].target, "backup._x._tcp.test");
    assert_int_equal(answer.records[2].priority, 20);
}

static void what_a_server_says_of_itself_is_told_apart(void **state)
{
    SL_UNUSED(state);
    static const struct {
        unsigned flags;
        enum sl_err wanted;
    } CASES[] = {
        { FLAGS_GOOD, SL_ENOENT },
        { FLAGS_GOOD | 3, SL_ENOENT },     /* NXDOMAIN */
        { FLAGS_GOOD | 2, SL_EREFUSED },   /* SERVFAIL */
        { FLAGS_GOOD | 5, SL_EREFUSED },   /* REFUSED */
        { 0x0100, SL_EPROTO },             /* a question */
        { FLAGS_GOOD | 0x0200, SL_EPROTO } /* cut short */
    };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct response r;
        struct sl_dns_answer answer;
        begin(&r, CASES[i].flags, "h", SL_DNS_A);
        assert_int_equal(parse(&r, SL_DNS_A, &answer), CASES[i].wanted);
    }
}

static void what_is_malformed_is_refused_and_changes_nothing(void **state)
{
    SL_UNUSED(state);
    struct response r;
    struct sl_dns_answer answer = { .records_count = 77 };
    begin(&r, FLAGS_GOOD, "h", SL_DNS_A);
    put_a(&r, ">", 60, "192.0.2.1");
    for (size_t len = 0; len < r.out.len; len++) {
        assert_int_equal(sl_dns_answer_parse(sl_slice_of(r.bytes, len), SL_DNS_A, &answer),
                         SL_EPROTO);
    }
    assert_int_equal(parse(&r, SL_DNS_AAAA, &answer), SL_EPROTO); /* not what was asked */
    begin(&r, FLAGS_GOOD, "h", SL_DNS_A);
    put_record(&r, ">", SL_DNS_A, 60, "\1\2\3", 3);
    assert_int_equal(parse(&r, SL_DNS_A, &answer), SL_EPROTO);
    begin(&r, FLAGS_GOOD, "h", SL_DNS_A);
    r.bytes[7] = 1;
    put_u16(&r, 0xc000 | (unsigned)r.out.len); /* a name that points at itself */
    put_bytes(&r, "\0\1\0\1\0\0\0\1\0\4\1\2\3\4", 14);
    assert_int_equal(parse(&r, SL_DNS_A, &answer), SL_EPROTO);
    begin(&r, FLAGS_GOOD, "h", SL_DNS_A);
    r.bytes[7] = 1;
    put_u16(&r, 0x8000); /* neither a length nor a pointer */
    put_bytes(&r, "\0\1\0\1\0\0\0\1\0\4\1\2\3\4", 14);
    assert_int_equal(parse(&r, SL_DNS_A, &answer), SL_EPROTO);
    assert_int_equal(answer.records_count, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_come_in_one_order_and_once),
        cmocka_unit_test(of_too_many_the_same_sixteen_are_kept),
        cmocka_unit_test(only_records_of_the_name_and_its_aliases_count),
        cmocka_unit_test(aliases_in_a_circle_lead_nowhere),
        cmocka_unit_test(addresses_that_nothing_can_be_connected_to_are_refused),
        cmocka_unit_test(a_ttl_with_the_high_bit_is_none),
        cmocka_unit_test(services_have_priority_weight_port_and_target),
        cmocka_unit_test(what_a_server_says_of_itself_is_told_apart),
        cmocka_unit_test(what_is_malformed_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
