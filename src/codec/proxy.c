/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/proxy.h"
#include "codec/proxy_v1.h"
#include "codec/proxy_v2_wire.h"

static bool may_begin(struct sl_slice in, struct sl_slice begin)
{
    const size_t known = SL_MIN(in.len, begin.len);
    return sl_slice_eq(sl_slice_of(in.ptr, known), sl_slice_of(begin.ptr, known));
}

static enum sl_err v1_cut(struct sl_slice *in, struct sl_proxy_v2 *ret_header)
{
    struct sl_proxy_v2 header = { 0 };
    const enum sl_err rc = sl_proxy_v1_cut(in, &header.source, &header.destination);
    if (rc == SL_OK) {
        *ret_header = header;
    }
    return rc;
}

enum sl_err sl_proxy_cut(struct sl_slice *in, struct sl_proxy_v2 *ret_header)
{
    if (in->len == 0) {
        return SL_AGAIN;
    }
    if (may_begin(*in, SL_SLICE(SL_PROXY_V2_SIGNATURE))) {
        return sl_proxy_v2_cut(in, ret_header);
    }
    return may_begin(*in, SL_SLICE("PROXY ")) ? v1_cut(in, ret_header) : SL_ENOENT;
}

size_t sl_proxy_bound(struct sl_slice begin)
{
    if (begin.len > 0 && begin.ptr[0] == 'P') {
        return SL_PROXY_V1_MAX;
    }
    if (begin.len < SL_PROXY_V2_HEAD) {
        return SL_PROXY_V2_HEAD;
    }
    const size_t rest =
        (size_t)begin.ptr[SL_PROXY_V2_LENGTH_AT] << 8 | begin.ptr[SL_PROXY_V2_LENGTH_AT + 1];
    return SL_MIN(SL_PROXY_V2_HEAD + rest, (size_t)SL_PROXY_V2_MAX);
}

enum sl_err sl_proxy_emit_local(enum sl_proxy_version version, struct sl_wbuf *out)
{
    const struct sl_proxy_v2 local = { .is_local = true };
    switch (version) {
    case SL_PROXY_V1:
        return sl_proxy_v1_emit(&local.source, &local.destination, out);
    case SL_PROXY_V2:
        return sl_proxy_v2_emit(&local, out);
    default:
        return SL_OK;
    }
}
