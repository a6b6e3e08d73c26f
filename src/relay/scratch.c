/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/scratch.h"
#include "tls/session.h"
#include <stdlib.h>

enum { CONTROL_BYTES_MAX = 16 * 1024 }; /* alerts and KeyUpdates that wait behind a full sink */

enum sl_err sl_scratch_init(struct sl_scratch *scratch, size_t chunk_bytes)
{
    size_t plain_bytes = chunk_bytes + SL_SCRATCH_PLAIN_EXTRA;
    size_t records_count = plain_bytes / SL_TLS_RECORD_MAX + 2;
    size_t seal_bytes = plain_bytes + records_count * SL_TLS_RECORD_OVERHEAD;
    seal_bytes = SL_MAX(seal_bytes, (size_t)SL_TLS_FLIGHT_MAX);
    *scratch = (struct sl_scratch){ .chunk_bytes = chunk_bytes };
    scratch->recv = malloc(chunk_bytes);
    scratch->plain = sl_wbuf_of(malloc(plain_bytes), plain_bytes);
    scratch->seal = sl_wbuf_of(malloc(seal_bytes), seal_bytes);
    if (scratch->recv == NULL || scratch->plain.ptr == NULL || scratch->seal.ptr == NULL) {
        sl_scratch_fini(scratch);
        return SL_ENOMEM;
    }
    return SL_OK;
}

void sl_scratch_fini(struct sl_scratch *scratch)
{
    free(scratch->recv);
    free(scratch->plain.ptr);
    free(scratch->seal.ptr);
    *scratch = (struct sl_scratch){ 0 };
}

bool sl_scratch_is_over(const struct sl_scratch *scratch)
{
    return scratch->held_max_bytes != 0 && scratch->held_bytes >= scratch->held_max_bytes;
}

size_t sl_scratch_recv_max(const struct sl_scratch *scratch)
{
    return sl_scratch_is_over(scratch)
               ? SL_MIN(scratch->chunk_bytes, (size_t)SL_SCRATCH_SPARING_BYTES)
               : scratch->chunk_bytes;
}

size_t sl_scratch_pending_max(const struct sl_scratch *scratch)
{
    return scratch->seal.cap + CONTROL_BYTES_MAX;
}
