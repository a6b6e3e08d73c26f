/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/message.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every combination of reader, phase and descriptors; one message has exactly one encoding. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_slice datagram = sl_slice_of(data, size);
    size_t readers_count = 0;
    for (int to = SL_MESSAGE_TO_WORKER; to <= SL_MESSAGE_FROM_AGENT; to++) {
        size_t taken_count = 0;
        for (int phase = SL_PHASE_CONFIGURING; phase <= SL_PHASE_DRAINING; phase++) {
            for (size_t fds_count = 0; fds_count <= SL_MESSAGE_FDS_MAX + 1; fds_count++) {
                struct sl_message message;
                enum sl_err rc =
                    sl_message_parse(datagram, fds_count, (enum sl_message_direction)to,
                                     (enum sl_message_phase)phase, &message);
                assert(rc == SL_OK || rc == SL_EPROTO);
                if (rc != SL_OK) {
                    continue;
                }
                taken_count++;
                assert(size <= SL_MESSAGE_MAX);
                assert(fds_count == sl_message_fds_count(message.type));
                uint8_t bytes[SL_MESSAGE_MAX];
                struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
                rc = sl_message_emit(&message, &out);
                assert(rc == SL_OK && sl_slice_eq(sl_wbuf_slice(&out), datagram));
            }
        }
        readers_count += taken_count > 0 ? 1 : 0;
    }
    assert(readers_count <= 1);
    return 0;
}
