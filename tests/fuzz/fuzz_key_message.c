/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/key_message.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Both readers; what is read is written again as it was, and no datagram is for both. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t readers_count = 0;
    for (int to = SL_KEY_TO_KEYS; to <= SL_KEY_TO_WORKER; to++) {
        struct sl_slice in = sl_slice_of(data, size);
        static uint8_t bytes[SL_KEY_DATAGRAM_MAX];
        size_t taken_count = 0;
        for (;;) {
            struct sl_slice before = in;
            struct sl_key_message message;
            enum sl_err rc = sl_key_message_next(&in, (enum sl_key_direction)to, &message);
            if (rc != SL_OK) {
                assert((rc == SL_EOF) == (before.len == 0) && (rc == SL_EOF || rc == SL_EPROTO));
                assert(in.ptr == before.ptr && in.len == before.len);
                break;
            }
            taken_count++;
            struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
            assert(sl_key_message_emit(&message, &out) == SL_OK);
            assert(out.len == before.len - in.len && memcmp(out.ptr, before.ptr, out.len) == 0);
        }
        readers_count += taken_count > 0 ? 1 : 0;
    }
    assert(readers_count <= 1);
    return 0;
}
