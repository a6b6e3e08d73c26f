/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The key and inputs of the paper's test vectors: bytes 00, 01, 02 … */
static const struct sl_siphash_key KEY = { { UINT64_C(0x0706050403020100),
                                             UINT64_C(0x0f0e0d0c0b0a0908) } };

static uint64_t hash_of(size_t len)
{
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    return sl_siphash(&KEY, sl_slice_of(bytes, len));
}

static void it_gives_what_the_paper_says(void **state)
{
    SL_UNUSED(state);
    assert_true(hash_of(0) == UINT64_C(0x726fdb47dd0e0e31));
    assert_true(hash_of(15) == UINT64_C(0xa129ca6149be45e5));
    assert_true(hash_of(63) == UINT64_C(0x958a324ceb064572));
}

static void the_key_changes_everything(void **state)
{
    SL_UNUSED(state);
    struct sl_siphash_key other = KEY;
    other.words[1] ^= 1;
    assert_true(sl_siphash(&other, SL_SLICE("x")) != sl_siphash(&KEY, SL_SLICE("x")));
    other = KEY;
    other.words[0] ^= 1;
    assert_true(sl_siphash(&other, SL_SLICE("x")) != sl_siphash(&KEY, SL_SLICE("x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_gives_what_the_paper_says),
        cmocka_unit_test(the_key_changes_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
