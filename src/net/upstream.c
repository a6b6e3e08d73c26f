/* SPDX-License-Identifier: Apache-2.0 */
#include "net/upstream.h"
#include "base/reader.h"
#include <string.h>

void sl_upstream_tune(const struct sl_conf_keepalive *keepalive, uint32_t user_timeout_ms,
                      struct sl_socket_tuning *tuning)
{
    tuning->user_timeout_ms = user_timeout_ms;
    if (keepalive->pos.line != 0) {
        tuning->keepalive_idle_s = (uint32_t)(keepalive->idle_ms / SL_MS_PER_S);
        tuning->keepalive_interval_s = (uint32_t)(keepalive->interval_ms / SL_MS_PER_S);
        tuning->keepalive_count = keepalive->count;
    }
}

void sl_upstream_interleave(struct sl_addr *addrs, size_t addrs_count)
{
    for (size_t i = 1; i < addrs_count; i++) {
        int want_not = addrs[i - 1].sa.any.sa_family;
        size_t at = i;
        while (at < addrs_count && addrs[at].sa.any.sa_family == want_not) {
            at++;
        }
        if (at == addrs_count) {
            return; /* only one family is left */
        }
        struct sl_addr next = addrs[at];
        memmove(&addrs[i + 1], &addrs[i], (at - i) * sizeof(*addrs));
        addrs[i] = next;
    }
}

enum sl_err sl_upstream_addrs_emit(const struct sl_addr *addrs, size_t addrs_count,
                                   struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_put_u16(out, (uint16_t)addrs_count);
    for (size_t i = 0; rc == SL_OK && i < addrs_count; i++) {
        rc = sl_wbuf_put_u16(out, (uint16_t)addrs[i].len);
        if (rc == SL_OK) {
            rc = sl_wbuf_put(out, sl_slice_of(&addrs[i].sa, addrs[i].len));
        }
    }
    return rc;
}

enum sl_err sl_upstream_addrs_parse(struct sl_slice bytes, struct sl_arena *arena,
                                    struct sl_addr **ret_addrs, size_t *ret_count)
{
    struct sl_reader r = sl_reader_of(bytes);
    size_t count = sl_reader_u16(&r);
    if (r.failed || count == 0 || count > SL_UPSTREAM_ADDRS_MAX) {
        return SL_EINVAL;
    }
    struct sl_addr *addrs = sl_arena_calloc(arena, count, sizeof(*addrs));
    if (addrs == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        struct sl_slice raw = sl_reader_vec16(&r);
        if (raw.len < sizeof(sa_family_t) || raw.len > sizeof(addrs[i].sa)) {
            return SL_EINVAL;
        }
        memcpy(&addrs[i].sa, raw.ptr, raw.len);
        addrs[i].len = (socklen_t)raw.len;
    }
    if (!sl_reader_is_done(&r)) {
        return SL_EINVAL;
    }
    *ret_addrs = addrs;
    *ret_count = count;
    return SL_OK;
}
