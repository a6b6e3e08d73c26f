/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/pending.h"
#include <stdlib.h>
#include <string.h>

enum sl_err sl_pending_put(struct sl_pending *pending, struct sl_slice bytes, size_t max_bytes)
{
    if (bytes.len == 0) {
        return SL_OK;
    }
    if (bytes.len > max_bytes || pending->len > max_bytes - bytes.len) {
        return SL_ENOSPC;
    }
    if (bytes.len > pending->cap - pending->head - pending->len) {
        /* what comes in many small pieces is not copied for each of them */
        size_t doubled = pending->len > 0 ? SL_MIN(2 * pending->cap, max_bytes) : 0;
        size_t cap = SL_MAX(pending->len + bytes.len, doubled);
        uint8_t *grown = malloc(cap);
        if (grown == NULL) {
            return SL_ENOMEM;
        }
        if (pending->len > 0) {
            memcpy(grown, pending->ptr + pending->head, pending->len);
        }
        free(pending->ptr);
        pending->ptr = grown;
        pending->head = 0;
        pending->cap = cap;
    }
    memcpy(pending->ptr + pending->head + pending->len, bytes.ptr, bytes.len);
    pending->len += bytes.len;
    return SL_OK;
}

struct sl_slice sl_pending_slice(const struct sl_pending *pending)
{
    return sl_slice_of(pending->len > 0 ? pending->ptr + pending->head : NULL, pending->len);
}

void sl_pending_cut(struct sl_pending *pending, size_t count)
{
    pending->head += count;
    pending->len -= count;
    if (pending->len == 0) {
        sl_pending_fini(pending);
    }
}

void sl_pending_fini(struct sl_pending *pending)
{
    free(pending->ptr);
    *pending = (struct sl_pending){ 0 };
}
