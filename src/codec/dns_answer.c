/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/dns_answer.h"
#include "base/reader.h"
#include <string.h>

enum {
    NAME_BYTES_MAX = 255, /* on the wire (RFC 1035 3.1) */
    LABEL_BYTES_MAX = 63,
    RECORDS_SEEN_MAX = 512, /* of one section; a message of 64 KiB could bring more */
    ALIASES_MAX = 8,        /* that are followed */
    CLASS_IN = 1,
    TYPE_CNAME = 5,
    FLAG_RESPONSE = 0x8000,
    FLAG_CUT = 0x0200,
    RCODE_MASK = 0x000f,
    RCODE_NO_NAME = 3,
    POINTER = 0xc0, /* the two high bits of a length (RFC 1035 4.1.4) */
};

/* A name as labels with their lengths, the root's left out; letters are small. */
struct name {
    uint8_t bytes[NAME_BYTES_MAX];
    size_t len;
};

/* One record of the section, whose name has been read. */
struct raw {
    uint16_t type, class;
    uint32_t ttl_s;
    struct sl_slice data;
};

static uint8_t small_of(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool label_put(struct name *name, struct sl_slice label)
{
    if (name->len + 1 + label.len + 1 > NAME_BYTES_MAX) {
        return false;
    }
    name->bytes[name->len++] = (uint8_t)label.len;
    for (size_t i = 0; i < label.len; i++) {
        name->bytes[name->len++] = small_of(label.ptr[i]);
    }
    return true;
}

/* Reads a name off the front of `r`. Each pointer must lead further to the front of the message
 * than the one before, so there is an end. */
static bool name_read(struct sl_slice message, struct sl_reader *r, struct name *ret_name)
{
    struct sl_reader at = *r;
    size_t before = message.len - r->in.len; /* where the piece that is read begins */
    bool has_jumped = false;
    ret_name->len = 0;
    for (;;) {
        const uint8_t len = sl_reader_u8(&at);
        if (at.failed) {
            return false;
        }
        if (len == 0) {
            break;
        }
        if (len <= LABEL_BYTES_MAX) {
            struct sl_slice label = sl_reader_bytes(&at, len);
            if (at.failed || !label_put(ret_name, label)) {
                return false;
            }
            continue;
        }
        const size_t to = (size_t)(len & ~POINTER & 0xff) << 8 | sl_reader_u8(&at);
        if (at.failed || (len & POINTER) != POINTER || to >= before) {
            return false;
        }
        if (!has_jumped) {
            *r = at;
            has_jumped = true;
        }
        before = to;
        at = sl_reader_of(sl_slice_of(message.ptr + to, message.len - to));
    }
    if (!has_jumped) {
        *r = at;
    }
    return true;
}

static bool name_is(const struct name *a, const struct name *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool raw_read(struct sl_slice message, struct sl_reader *r, struct name *ret_owner,
                     struct raw *ret_raw)
{
    if (!name_read(message, r, ret_owner)) {
        return false;
    }
    ret_raw->type = sl_reader_u16(r);
    ret_raw->class = sl_reader_u16(r);
    ret_raw->ttl_s = sl_reader_u32(r);
    ret_raw->data = sl_reader_vec16(r);
    if (ret_raw->ttl_s > INT32_MAX) {
        ret_raw->ttl_s = 0; /* RFC 2181 8 */
    }
    return !r->failed;
}

bool sl_dns_is_usable(const struct sl_addr *addr)
{
    if (addr->sa.any.sa_family == AF_INET) {
        const uint32_t ip = ntohl(addr->sa.in.sin_addr.s_addr);
        return ip >> 24 != 0 && ip < UINT32_C(0xe0000000); /* "this" network, multicast, reserved */
    }
    if (addr->sa.any.sa_family == AF_INET6) {
        const struct in6_addr *ip = &addr->sa.in6.sin6_addr;
        return !IN6_IS_ADDR_UNSPECIFIED(ip) && !IN6_IS_ADDR_MULTICAST(ip) &&
               !IN6_IS_ADDR_V4MAPPED(ip) && !IN6_IS_ADDR_LINKLOCAL(ip) &&
               (IN6_IS_ADDR_LOOPBACK(ip) || !IN6_IS_ADDR_V4COMPAT(ip));
    }
    return false;
}

/* SL_EDENIED: it is one that nothing can be connected to. */
static enum sl_err address_read(struct sl_slice data, enum sl_dns_type type,
                                struct sl_dns_record *record)
{
    const bool is_4 = type == SL_DNS_A;
    if (data.len != (is_4 ? sizeof(struct in_addr) : sizeof(struct in6_addr))) {
        return SL_EPROTO;
    }
    if (is_4) {
        record->addr.sa.in.sin_family = AF_INET;
        memcpy(&record->addr.sa.in.sin_addr, data.ptr, data.len);
        record->addr.len = sizeof(record->addr.sa.in);
    } else {
        record->addr.sa.in6.sin6_family = AF_INET6;
        memcpy(&record->addr.sa.in6.sin6_addr, data.ptr, data.len);
        record->addr.len = sizeof(record->addr.sa.in6);
    }
    return sl_dns_is_usable(&record->addr) ? SL_OK : SL_EDENIED;
}

/* As a URL would have it (RFC 1123 2.1; underscores are allowed). */
static bool is_host_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* The root alone says that there is no such service (RFC 2782). */
static bool host_put(const struct name *name, char ret_text[static SL_DNS_HOST_MAX + 1])
{
    size_t len = 0;
    for (size_t at = 0; at < name->len;) {
        const size_t end = at + 1 + name->bytes[at];
        if (len > 0) {
            ret_text[len++] = '.';
        }
        for (at++; at < end; at++) {
            if (!is_host_byte(name->bytes[at]) || len >= SL_DNS_HOST_MAX) {
                return false;
            }
            ret_text[len++] = (char)name->bytes[at];
        }
    }
    ret_text[len] = '\0';
    return len > 0;
}

static enum sl_err service_read(struct sl_slice message, struct sl_slice data,
                                struct sl_dns_record *record)
{
    /* the name may point to what stands before it in the message */
    const size_t at = (size_t)(data.ptr - message.ptr);
    const struct sl_slice upto = sl_slice_of(message.ptr, at + data.len);
    struct sl_reader r = sl_reader_of(data);
    struct name target;
    record->priority = sl_reader_u16(&r);
    record->weight = sl_reader_u16(&r);
    record->port = sl_reader_u16(&r);
    if (r.failed || !name_read(upto, &r, &target) || !sl_reader_is_done(&r)) {
        return SL_EPROTO;
    }
    return record->port != 0 && host_put(&target, record->target) ? SL_OK : SL_EDENIED;
}

/* Below 0 when `a` comes before `b`; 0: the same. */
static int order_of(const struct sl_dns_record *a, const struct sl_dns_record *b)
{
    if (a->priority != b->priority) {
        return a->priority < b->priority ? -1 : 1;
    }
    if (a->port != b->port) {
        return a->port < b->port ? -1 : 1;
    }
    const int by_addr = memcmp(&a->addr.sa, &b->addr.sa, sizeof(a->addr.sa));
    return by_addr != 0 ? by_addr : strcmp(a->target, b->target);
}

static void record_keep(struct sl_dns_answer *answer, const struct sl_dns_record *record)
{
    size_t at = 0;
    int order = 1;
    while (at < answer->records_count && (order = order_of(record, &answer->records[at])) > 0) {
        at++;
    }
    if (at < answer->records_count && order == 0) {
        return;
    }
    if (answer->records_count == SL_DNS_RECORDS_MAX) {
        answer->surplus_count++;
    }
    const size_t kept_count = SL_MIN(answer->records_count, (size_t)SL_DNS_RECORDS_MAX - 1);
    if (at < SL_DNS_RECORDS_MAX) {
        memmove(&answer->records[at + 1], &answer->records[at],
                (SL_MAX(kept_count, at) - at) * sizeof(*record));
        answer->records[at] = *record;
        answer->records_count = kept_count + 1;
    }
}

static enum sl_err record_take(struct sl_slice message, const struct raw *raw,
                               enum sl_dns_type type, struct sl_dns_answer *answer)
{
    struct sl_dns_record record = { 0 };
    enum sl_err rc = type == SL_DNS_SRV ? service_read(message, raw->data, &record)
                                        : address_read(raw->data, type, &record);
    if (rc == SL_EDENIED) {
        answer->unusable_count++;
        return SL_OK;
    }
    if (rc == SL_OK) {
        record_keep(answer, &record);
        answer->ttl_s = SL_MIN(answer->ttl_s, raw->ttl_s);
    }
    return rc;
}

/* Takes the records of `name`; `ret_alias` is what it is an alias of, when it has none. */
static enum sl_err name_look_up(struct sl_slice message, struct sl_reader answers, size_t count,
                                const struct name *name, enum sl_dns_type type,
                                struct sl_dns_answer *answer, struct name *ret_alias)
{
    bool has_alias = false;
    for (size_t i = 0; i < count; i++) {
        struct name owner;
        struct raw raw;
        if (!raw_read(message, &answers, &owner, &raw)) {
            return SL_EPROTO;
        }
        if (raw.class != CLASS_IN || !name_is(&owner, name)) {
            continue;
        }
        if (raw.type == type) {
            enum sl_err rc = record_take(message, &raw, type, answer);
            if (rc != SL_OK) {
                return rc;
            }
        } else if (raw.type == TYPE_CNAME && !has_alias) {
            struct sl_reader r = sl_reader_of(raw.data);
            const size_t end = (size_t)(raw.data.ptr - message.ptr) + raw.data.len;
            if (!name_read(sl_slice_of(message.ptr, end), &r, ret_alias)) {
                return SL_EPROTO;
            }
            has_alias = true;
            answer->ttl_s = SL_MIN(answer->ttl_s, raw.ttl_s);
        }
    }
    if (answer->records_count > 0) {
        return SL_OK;
    }
    return has_alias ? SL_AGAIN : answer->unusable_count > 0 ? SL_EDENIED : SL_ENOENT;
}

/* The counts of the header; SL_OK when it is a response that says something. */
static enum sl_err head_read(struct sl_reader *r, size_t *ret_answers_count)
{
    (void)sl_reader_u16(r); /* the id: who received it has compared it */
    const uint16_t flags = sl_reader_u16(r);
    const uint16_t questions_count = sl_reader_u16(r);
    const uint16_t answers_count = sl_reader_u16(r);
    (void)sl_reader_u32(r);
    if (r->failed || (flags & FLAG_RESPONSE) == 0 || (flags & FLAG_CUT) != 0 ||
        questions_count != 1 || answers_count > RECORDS_SEEN_MAX) {
        return SL_EPROTO;
    }
    const int rcode = flags & RCODE_MASK;
    *ret_answers_count = answers_count;
    return rcode == 0 ? SL_OK : rcode == RCODE_NO_NAME ? SL_ENOENT : SL_EREFUSED;
}

enum sl_err sl_dns_answer_parse(struct sl_slice message, enum sl_dns_type type,
                                struct sl_dns_answer *ret_answer)
{
    struct sl_reader r = sl_reader_of(message);
    struct sl_dns_answer answer = { .ttl_s = INT32_MAX };
    struct name name, alias;
    size_t count = 0;
    enum sl_err rc = head_read(&r, &count);
    if (rc != SL_OK) {
        return rc;
    }
    if (!name_read(message, &r, &name) || sl_reader_u16(&r) != type ||
        sl_reader_u16(&r) != CLASS_IN || r.failed) {
        return SL_EPROTO;
    }
    for (size_t i = 0; i <= ALIASES_MAX; i++) {
        rc = name_look_up(message, r, count, &name, type, &answer, &alias);
        if (rc != SL_AGAIN) {
            break;
        }
        name = alias;
    }
    if (rc == SL_OK || rc == SL_EDENIED) {
        *ret_answer = answer;
    }
    return rc == SL_AGAIN ? SL_EPROTO : rc;
}
