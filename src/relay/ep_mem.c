/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ep_mem.h"
#include <string.h>

static struct sl_ep_mem *mem_of(struct sl_ep *ep)
{
    return SL_CONTAINER_OF(ep, struct sl_ep_mem, ep);
}

static enum sl_err mem_read(struct sl_ep *ep, struct sl_scratch *scratch,
                            struct sl_slice *ret_bytes)
{
    struct sl_ep_mem *mem = mem_of(ep);
    struct sl_slice bytes = sl_pending_slice(&mem->in);
    if (bytes.len == 0) {
        mem->is_reset = mem->is_reset || mem->in_end == SL_ERESET;
        return mem->in_end;
    }
    size_t len = SL_MIN(bytes.len, scratch->chunk_bytes);
    if (mem->in_step_bytes > 0) {
        len = SL_MIN(len, mem->in_step_bytes);
    }
    memcpy(scratch->recv, bytes.ptr, len);
    sl_pending_cut(&mem->in, len);
    scratch->recv_bytes = len;
    *ret_bytes = sl_slice_of(scratch->recv, len);
    return SL_OK;
}

static enum sl_err take(struct sl_ep_mem *mem, struct sl_slice *bytes)
{
    if (mem->is_reset) {
        return SL_ERESET;
    }
    struct sl_slice front = sl_slice_cut(bytes, mem->take_bytes);
    if (mem->take_bytes != SIZE_MAX) {
        mem->take_bytes -= front.len;
    }
    enum sl_err rc = sl_pending_put(&mem->taken, front, SIZE_MAX);
    return rc != SL_OK ? rc : bytes->len > 0 ? SL_AGAIN : SL_OK;
}

static enum sl_err mem_flush(struct sl_ep *ep)
{
    struct sl_ep_mem *mem = mem_of(ep);
    struct sl_slice bytes = sl_pending_slice(&mem->out);
    size_t before = bytes.len;
    if (before == 0) {
        return SL_OK;
    }
    enum sl_err rc = take(mem, &bytes);
    sl_pending_cut(&mem->out, before - bytes.len);
    return rc;
}

static enum sl_err mem_write(struct sl_ep *ep, struct sl_scratch *scratch, struct sl_slice bytes)
{
    struct sl_ep_mem *mem = mem_of(ep);
    enum sl_err rc = mem_flush(ep);
    if (rc == SL_OK) {
        rc = take(mem, &bytes);
    }
    if (rc != SL_AGAIN) {
        return rc;
    }
    rc = sl_pending_put(&mem->out, bytes, sl_scratch_pending_max(scratch));
    return rc == SL_OK ? SL_AGAIN : rc;
}

static enum sl_err mem_shut(struct sl_ep *ep, struct sl_scratch *scratch)
{
    struct sl_ep_mem *mem = mem_of(ep);
    SL_UNUSED(scratch);
    enum sl_err rc = mem_flush(ep);
    if (rc == SL_OK) {
        mem->is_shut = true;
    }
    return rc;
}

static const struct sl_ep_mem *const_mem_of(const struct sl_ep *ep)
{
    return SL_CONST_CONTAINER_OF(ep, struct sl_ep_mem, ep);
}

static size_t mem_pending(const struct sl_ep *ep)
{
    return const_mem_of(ep)->out.len;
}

static bool mem_is_reset(const struct sl_ep *ep)
{
    return const_mem_of(ep)->is_reset;
}

static const struct sl_ep_ops MEM_OPS = {
    .read = mem_read,
    .write = mem_write,
    .flush = mem_flush,
    .shut = mem_shut,
    .pending = mem_pending,
    .is_reset = mem_is_reset,
};

void sl_ep_mem_init(struct sl_ep_mem *mem)
{
    *mem = (struct sl_ep_mem){ .ep.ops = &MEM_OPS, .in_end = SL_AGAIN, .take_bytes = SIZE_MAX };
}

void sl_ep_mem_fini(struct sl_ep_mem *mem)
{
    sl_pending_fini(&mem->in);
    sl_pending_fini(&mem->taken);
    sl_pending_fini(&mem->out);
}

enum sl_err sl_ep_mem_feed(struct sl_ep_mem *mem, struct sl_slice bytes)
{
    return sl_pending_put(&mem->in, bytes, SIZE_MAX);
}
