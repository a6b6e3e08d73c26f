/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/scratch.h"
#include "tls/session.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void the_buffers_hold_what_one_chunk_can_become(void **state)
{
    SL_UNUSED(state);
    const size_t CHUNKS[] = { 1, 4096, 65536, 262144, 4 * 1024 * 1024 };
    for (size_t i = 0; i < SL_COUNT(CHUNKS); i++) {
        struct sl_scratch scratch;
        assert_int_equal(sl_scratch_init(&scratch, CHUNKS[i]), SL_OK);
        assert_int_equal(scratch.chunk_bytes, CHUNKS[i]);
        memset(scratch.recv, 1, CHUNKS[i]);
        memset(scratch.plain.ptr, 2, scratch.plain.cap);
        memset(scratch.seal.ptr, 3, scratch.seal.cap);
        /* a chunk may complete a record that had come in part, which is one record at most */
        assert_true(scratch.plain.cap >= CHUNKS[i] + SL_TLS_RECORD_MAX);
        size_t records_count = (scratch.plain.cap + SL_TLS_RECORD_MAX - 1) / SL_TLS_RECORD_MAX;
        assert_true(scratch.seal.cap >= scratch.plain.cap + records_count * SL_TLS_RECORD_OVERHEAD);
        assert_true(scratch.seal.cap >= SL_TLS_FLIGHT_MAX);
        /* all of one write can be refused, with an alert behind it */
        assert_true(sl_scratch_pending_max(&scratch) > scratch.seal.cap);
        sl_scratch_fini(&scratch);
        assert_null(scratch.recv);
        sl_scratch_fini(&scratch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(
        the_buffers_hold_what_one_chunk_can_become) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
