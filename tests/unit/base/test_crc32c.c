/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The examples of RFC 3720 B.4, and the check value of the catalogues. */
static void it_is_that_of_the_rfc(void **state)
{
    uint8_t bytes[32];
    SL_UNUSED(state);
    assert_int_equal(sl_crc32c(0, SL_SLICE("")), 0);
    assert_int_equal(sl_crc32c(0, SL_SLICE("123456789")), 0xe3069283);
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = 0;
    }
    assert_int_equal(sl_crc32c(0, sl_slice_of(bytes, sizeof(bytes))), 0x8a9136aa);
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = 0xff;
    }
    assert_int_equal(sl_crc32c(0, sl_slice_of(bytes, sizeof(bytes))), 0x62a8ab43);
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    assert_int_equal(sl_crc32c(0, sl_slice_of(bytes, sizeof(bytes))), 0x46dd794e);
}

static void parts_give_what_the_whole_gives(void **state)
{
    const struct sl_slice whole = SL_SLICE("123456789");
    SL_UNUSED(state);
    for (size_t i = 0; i <= whole.len; i++) {
        struct sl_slice rest = whole;
        const struct sl_slice first = sl_slice_cut(&rest, i);
        assert_int_equal(sl_crc32c(sl_crc32c(0, first), rest), 0xe3069283);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_that_of_the_rfc),
        cmocka_unit_test(parts_give_what_the_whole_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
