/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/name_message.h"
#include "base/reader.h"

static const char *const TEXTS[] = {
    [SL_NAME_FOUND] = "there are addresses",
    [SL_NAME_NONE] = "DNS knows no such name, or no address for it",
    [SL_NAME_UNUSABLE] = "DNS has only addresses for it that nothing can be connected to",
    [SL_NAME_SILENT] = "no name server answers in time",
    [SL_NAME_REFUSED] = "no name server can be asked, or each refuses or fails",
    [SL_NAME_NONSENSE] = "the name server's answer makes no sense",
    [SL_NAME_FAILED] = "there is no memory to look it up",
};
_Static_assert(SL_COUNT(TEXTS) == SL_NAME_RESULT_COUNT, "every result has a text");

const char *sl_name_result_text(enum sl_name_result result)
{
    return TEXTS[result];
}

enum sl_err sl_name_rules_emit(const struct sl_name_rules *rules, struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_put_u32(out, rules->min_ttl_ms);
    rc = rc == SL_OK ? sl_wbuf_put_u32(out, rules->max_ttl_ms) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u32(out, rules->timeout_ms) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u32(out, rules->retry_ms) : rc;
    return rc == SL_OK ? sl_wbuf_put(out, rules->servers) : rc;
}

enum sl_err sl_name_rules_parse(struct sl_slice bytes, struct sl_name_rules *ret_rules)
{
    struct sl_reader r = sl_reader_of(bytes);
    struct sl_name_rules rules = { 0 };
    rules.min_ttl_ms = sl_reader_u32(&r);
    rules.max_ttl_ms = sl_reader_u32(&r);
    rules.timeout_ms = sl_reader_u32(&r);
    rules.retry_ms = sl_reader_u32(&r);
    rules.servers = sl_reader_bytes(&r, r.in.len);
    if (!sl_reader_is_done(&r)) {
        return SL_EPROTO;
    }
    *ret_rules = rules;
    return SL_OK;
}

enum sl_err sl_name_addrs_emit(const struct sl_name_addrs *addrs, struct sl_wbuf *out)
{
    enum sl_err rc = addrs->name.len == 0 || addrs->name.len > SL_DNS_HOST_MAX ? SL_ENOSPC : SL_OK;
    rc = rc == SL_OK ? sl_wbuf_put_u8(out, addrs->is_srv ? 1 : 0) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u8(out, (uint8_t)addrs->name.len) : rc;
    rc = rc == SL_OK ? sl_wbuf_put(out, addrs->name) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u32(out, addrs->age_s) : rc;
    return rc == SL_OK ? sl_addr_set_emit(&addrs->set, out) : rc;
}

enum sl_err sl_name_addrs_parse(struct sl_slice bytes, struct sl_name_addrs *ret_addrs)
{
    struct sl_reader r = sl_reader_of(bytes);
    struct sl_name_addrs addrs = { 0 };
    const uint8_t is_srv = sl_reader_u8(&r);
    addrs.is_srv = is_srv == 1;
    addrs.name = sl_reader_vec8(&r);
    addrs.age_s = sl_reader_u32(&r);
    if (r.failed || is_srv > 1 || addrs.name.len == 0 || addrs.name.len > SL_DNS_HOST_MAX ||
        sl_slice_find(addrs.name, 0) < addrs.name.len ||
        sl_addr_set_parse(r.in, &addrs.set) != SL_OK) {
        return SL_EPROTO;
    }
    *ret_addrs = addrs;
    return SL_OK;
}

enum sl_err sl_name_found_emit(const struct sl_name_found *found, struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_put_u8(out, (uint8_t)found->result);
    rc = rc == SL_OK ? sl_wbuf_put_u16(out, found->unusable_count) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u16(out, found->surplus_count) : rc;
    rc = rc == SL_OK ? sl_wbuf_put_u32(out, found->age_s) : rc;
    return rc == SL_OK ? sl_addr_set_emit(&found->set, out) : rc;
}

enum sl_err sl_name_found_parse(struct sl_slice bytes, struct sl_name_found *ret_found)
{
    struct sl_reader r = sl_reader_of(bytes);
    struct sl_name_found found = { 0 };
    const uint8_t result = sl_reader_u8(&r);
    found.unusable_count = sl_reader_u16(&r);
    found.surplus_count = sl_reader_u16(&r);
    found.age_s = sl_reader_u32(&r);
    if (r.failed || result >= SL_NAME_RESULT_COUNT ||
        sl_addr_set_parse(r.in, &found.set) != SL_OK ||
        (found.set.count > 0) != (result == SL_NAME_FOUND)) {
        return SL_EPROTO;
    }
    for (size_t i = 0; i < found.set.count; i++) {
        if (!sl_dns_is_usable(&found.set.addrs[i])) {
            return SL_EPROTO;
        }
    }
    found.result = (enum sl_name_result)result;
    *ret_found = found;
    return SL_OK;
}
