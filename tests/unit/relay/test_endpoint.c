/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/endpoint.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* An endpoint that counts what is asked of it. */
struct counting {
    struct sl_ep ep;
    unsigned reads, writes, flushes, shuts;
};

static enum sl_err count_read(struct sl_ep *ep, struct sl_scratch *scratch,
                              struct sl_slice *ret_bytes)
{
    SL_UNUSED(scratch);
    SL_CONTAINER_OF(ep, struct counting, ep)->reads++;
    *ret_bytes = SL_SLICE("read");
    return SL_OK;
}

static enum sl_err count_write(struct sl_ep *ep, struct sl_scratch *scratch, struct sl_slice bytes)
{
    SL_UNUSED(scratch);
    SL_CONTAINER_OF(ep, struct counting, ep)->writes++;
    return bytes.len == 3 ? SL_AGAIN : SL_OK;
}

static enum sl_err count_flush(struct sl_ep *ep)
{
    SL_CONTAINER_OF(ep, struct counting, ep)->flushes++;
    return SL_ERESET;
}

static enum sl_err count_shut(struct sl_ep *ep, struct sl_scratch *scratch)
{
    SL_UNUSED(scratch);
    SL_CONTAINER_OF(ep, struct counting, ep)->shuts++;
    return SL_ENOMEM;
}

static size_t count_pending(const struct sl_ep *ep)
{
    SL_UNUSED(ep);
    return 42;
}

static bool count_is_reset(const struct sl_ep *ep)
{
    SL_UNUSED(ep);
    return true;
}

static const struct sl_ep_ops COUNTING_OPS = { .read = count_read,
                                               .write = count_write,
                                               .flush = count_flush,
                                               .shut = count_shut,
                                               .pending = count_pending,
                                               .is_reset = count_is_reset };

static void each_call_reaches_its_operation_and_brings_its_result(void **state)
{
    SL_UNUSED(state);
    struct counting c = { .ep.ops = &COUNTING_OPS };
    struct sl_slice bytes = { 0 };
    assert_int_equal(sl_ep_read(&c.ep, NULL, &bytes), SL_OK);
    assert_true(sl_slice_eq(bytes, SL_SLICE("read")));
    assert_int_equal(sl_ep_write(&c.ep, NULL, SL_SLICE("abc")), SL_AGAIN);
    assert_int_equal(sl_ep_flush(&c.ep), SL_ERESET);
    assert_int_equal(sl_ep_shut(&c.ep, NULL), SL_ENOMEM);
    assert_int_equal(sl_ep_pending(&c.ep), 42);
    assert_true(sl_ep_is_reset(&c.ep));
    assert_int_equal(c.reads, 1);
    assert_int_equal(c.writes, 1);
    assert_int_equal(c.flushes, 1);
    assert_int_equal(c.shuts, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(
        each_call_reaches_its_operation_and_brings_its_result) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
